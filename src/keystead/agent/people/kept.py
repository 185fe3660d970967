"""Where is a refresh token kept between two runs?  In a file of its owner alone (mode 0600).

The file is held while a run uses it: a token that two runs hand in at once looks stolen to the
provider, which then ends all of them.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from keystead.agent.people.patience import Patience
from keystead.custody.files import SealError, exists, read_private, replace_private
from keystead.failures import Failure

_VERSION = 1
_LOOK_SECONDS = 0.1


class _Written(msgspec.Struct, frozen=True):
    version: int
    issuer: str
    client_id: str
    refresh_token: str


class Kept:
    """The file of one client of one provider; raises Failure where it cannot be used."""

    def __init__(self, path: Path, issuer: str, client_id: str) -> None:
        self._path = path
        self._whose = (issuer, client_id)

    def read(self) -> str:
        """The refresh token; "" if there is none yet."""
        try:
            text = read_private(self._path) if exists(self._path) else b""
        except SealError as error:
            raise Failure(f"the kept sign-in: {error}", error.hint) from None
        if not text:
            return ""
        try:
            written = msgspec.json.decode(text, type=_Written)
        except msgspec.MsgspecError:
            written = None
        if written is None or written.version != _VERSION:
            raise Failure(
                f"`{self._path}` holds no kept sign-in", "name another file, or remove it"
            )
        if (written.issuer, written.client_id) != self._whose:
            raise Failure(
                f"`{self._path}` is of another provider or client", "name another file with --keep"
            )
        return written.refresh_token

    def write(self, refresh_token: str) -> None:
        """Keep this token, and no other; "": keep none."""
        if not refresh_token:
            self._path.unlink(missing_ok=True)
            return
        content = msgspec.json.encode(_Written(_VERSION, *self._whose, refresh_token))
        try:
            replace_private(self._path, content)
        except SealError as error:
            raise Failure(str(error), error.hint) from None

    def held(self, patience: Patience) -> AbstractContextManager[None]:
        """No other run uses the file meanwhile; raises Failure if one does for too long."""
        return held(self._path, patience)


@contextmanager
def held(path: Path, patience: Patience) -> Iterator[None]:
    """No other run uses a file meanwhile; raises Failure if one does for too long."""
    name = path.with_name(f"{path.name}.lock")
    try:
        handle = os.open(name, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failure(
            f"`{name}` cannot be made: {str(error.strerror).lower()}", "name another place"
        ) from None
    try:
        while not _locked(handle):
            if not patience.left:
                raise Failure(f"another run uses `{path}`", "finish its sign-in first")
            patience.wait(_LOOK_SECONDS)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
