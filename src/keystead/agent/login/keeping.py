"""What is kept of a sign-in between two runs?  One file of its owner alone for each profile.

    ~/.keystead/logins/PROFILE.json    mode 0600; KEYSTEAD_HOME names another place than ~/.keystead

Whoever has the file acts as the person until the session ends, so it is worth as much as one.
"""

import os
import re
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from keystead.agent.people import Patience, held
from keystead.custody.files import (
    SealError,
    exists,
    make_directory,
    read_private,
    remove,
    replace_private,
)
from keystead.failures import Failure

_VERSION = 1
_PROFILE = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_HELD_SECONDS = 30


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One session, and its last credentials."""

    version: int = _VERSION
    endpoint_url: str
    ca_bundle: str
    client_id: str
    key: dict[str, str]
    refresh_token: str
    arn: str
    access_key_id: str
    secret: str
    token: str
    expires: float  # seconds since the epoch

    def __repr__(self) -> str:
        return f"Stored(arn={self.arn!r}, …)"


class NotSignedIn(Failure):
    """Nobody has signed in for a profile."""


class Store:
    """The file of one profile; raises Failure where it cannot be used."""

    def __init__(self, profile: str) -> None:
        if not _PROFILE.fullmatch(profile) or profile.startswith("."):
            raise Failure(
                f"`{profile}` cannot name a profile", "use 1 to 64 of A-Z a-z 0-9 _ . @ -"
            )
        home = os.environ.get("KEYSTEAD_HOME") or str(Path.home() / ".keystead")
        self._folder = Path(home) / "logins"
        self._path = self._folder / f"{profile}.json"
        self.profile = profile

    def held(self) -> AbstractContextManager[None]:
        """No other run uses the file meanwhile."""
        self._make()
        return held(self._path, Patience.of(_HELD_SECONDS))

    def read(self) -> Stored:
        """The session of the last sign-in; raises Failure."""
        again = f"run `keystead login --profile {self.profile}`"
        try:
            text = read_private(self._path) if exists(self._path) else b""
        except SealError as error:
            raise Failure(str(error), error.hint) from None
        if not text:
            raise NotSignedIn(f"nobody has signed in for `{self.profile}`", again, status=1)
        try:
            stored = msgspec.json.decode(text, type=Stored)
        except msgspec.MsgspecError:
            stored = None
        if stored is None or stored.version != _VERSION:
            raise Failure(f"`{self._path}` is no sign-in of this version", again)
        return stored

    def write(self, stored: Stored) -> None:
        """Keep this session, and no other."""
        self._make()
        try:
            replace_private(self._path, msgspec.json.encode(stored))
        except SealError as error:
            raise Failure(str(error), error.hint) from None

    def forget(self) -> None:
        """Keep none."""
        try:
            remove(self._path)
        except SealError as error:
            raise Failure(str(error), error.hint) from None

    def _make(self) -> None:
        try:
            make_directory(self._folder.parent)
            make_directory(self._folder)
        except SealError as error:
            raise Failure(str(error), error.hint) from None
