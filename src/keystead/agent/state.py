"""What does the agent keep on its host?  Four things, in a directory of its own user.

    agent.key        the seed of its key (RFC 8032), made here; it never leaves the host
    enrolment.json   the server and the instance
    held.json        the last answer of the server, with credentials: a restart costs nothing
    workloads/NAME   the hash of a workload's token (`containers`)

Every file has mode 0600, and replaces the one before at once or not at all.
"""

import re
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

import msgspec
from nacl.signing import SigningKey

from keystead.custody.files import (
    SealError,
    create_private,
    exists,
    make_directory,
    read_private,
    remove,
    replace_private,
)
from keystead.failures import Failure
from keystead.wire.models import keystead_instances as api

_KEY, _ENROLMENT, _HELD, _WORKLOADS = "agent.key", "enrolment.json", "held.json", "workloads"
_DRAFT = "enrolling.key"  # of an enrolment without an answer
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SEED = re.compile(r"[0-9a-f]{64}")
MOST_WORKLOADS = 1000
_SETTLED_NS = 1_000_000_000


class Enrolment(msgspec.Struct, frozen=True):
    """For which instance, and at which server, this host is enrolled."""

    url: str
    account: str
    instance_id: str
    region: str
    ca_file: str = ""


class State:
    """The directory of one agent; raises Failure where a file cannot be used."""

    __slots__ = ("directory",)

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            make_directory(directory)
        except SealError as error:
            raise Failure(str(error), error.hint) from None

    def begin_enrolling(self, token_hash: str) -> SigningKey:
        """The key for an enrolment by this token: that of an earlier attempt with it, or new.

        The agent's own key is untouched until the server has answered.
        """
        draft = self._read(_DRAFT)
        if draft is not None:
            named, _, seed = draft.decode("ascii", "replace").partition(" ")
            if named == token_hash and _SEED.fullmatch(seed):
                return SigningKey(bytes.fromhex(seed))
        key = SigningKey.generate()
        self._write(_DRAFT, f"{token_hash} {bytes(key).hex()}".encode())
        return key

    def enrolled(self, enrolment: Enrolment, key: SigningKey) -> None:
        """Remember an enrolment and its key. What was held for another one is forgotten."""
        self._forget(_HELD)
        self._write(_KEY, bytes(key))
        self._write(_ENROLMENT, msgspec.json.encode(enrolment))
        self._forget(_DRAFT)

    def key(self) -> SigningKey:
        seed = self._read(_KEY)
        if seed is None or len(seed) != 32:
            raise _not_enrolled(self.directory)
        return SigningKey(seed)

    def enrolment(self) -> Enrolment:
        text = self._read(_ENROLMENT)
        if text is None:
            raise _not_enrolled(self.directory)
        try:
            return msgspec.json.decode(text, type=Enrolment)
        except msgspec.MsgspecError:
            raise Failure(
                f"`{self.directory / _ENROLMENT}` is damaged", "enrol the agent again"
            ) from None

    def held(self) -> api.GetInstanceCredentialsResponse | None:
        """The last answer of the server, if it can be read."""
        text = self._read(_HELD)
        if text is None:
            return None
        try:
            return msgspec.json.decode(text, type=api.GetInstanceCredentialsResponse)
        except msgspec.MsgspecError:
            return None  # the server is asked at once

    def hold(self, answer: api.GetInstanceCredentialsResponse) -> None:
        """Keep an answer; the next start of the agent begins with it."""
        self._write(_HELD, msgspec.json.encode(answer))

    def forget(self) -> None:
        """Keep no credentials."""
        self._forget(_HELD)

    def _forget(self, name: str) -> None:
        try:
            remove(self.directory / name)
        except SealError as error:
            raise Failure(str(error), error.hint) from None

    # workloads

    def add_workload(self, name: str) -> str:
        """The token of a new workload: shown once, and kept as a hash; raises Failure."""
        directory = self._workloads()
        if not _NAME.fullmatch(name):
            raise Failure(
                f"`{name}` is no name of a workload", "write letters, digits, `_`, `.` and `-`"
            )
        if exists(directory / name):
            raise Failure(f"there is a workload `{name}`", "remove it first: its token ends")
        if sum(1 for _ in directory.iterdir()) >= MOST_WORKLOADS:
            raise Failure(f"there are {MOST_WORKLOADS} workloads", "remove those that are gone")
        token = token_urlsafe(32)
        try:
            create_private(directory / name, _hash(token).encode())
        except SealError as error:
            raise Failure(str(error), error.hint) from None
        return token

    def remove_workload(self, name: str) -> None:
        """End the token of a workload; raises Failure if there is none."""
        path = self._workloads() / name
        if not _NAME.fullmatch(name) or not exists(path):
            raise Failure(f"there is no workload `{name}`", "`workload list` tells the names")
        path.unlink()

    def workloads(self) -> Mapping[str, str]:
        """The names of the workloads, by the hashes of their tokens."""
        directory = self._workloads()
        named = {}
        for path in sorted(directory.iterdir())[:MOST_WORKLOADS]:
            if _NAME.fullmatch(path.name):
                try:
                    named[read_private(path).decode("ascii").strip()] = path.name
                except (SealError, UnicodeDecodeError):
                    continue  # removed at this moment, or not ours
        return named

    def workloads_version(self) -> int:
        """A number that moves when a workload comes or goes; -1 while it may not have moved yet.

        File systems tell times in steps of milliseconds: two changes in one step look like one.
        """
        changed = self._workloads().stat().st_mtime_ns
        return changed if time.time_ns() - changed > _SETTLED_NS else -1

    def _workloads(self) -> Path:
        directory = self.directory / _WORKLOADS
        try:
            make_directory(directory)
        except SealError as error:
            raise Failure(str(error), error.hint) from None
        return directory

    def _read(self, name: str) -> bytes | None:
        path = self.directory / name
        if not exists(path):
            return None
        try:
            return read_private(path)
        except SealError as error:
            raise Failure(str(error), error.hint) from None

    def _write(self, name: str, content: bytes) -> None:
        try:
            replace_private(self.directory / name, content)
        except SealError as error:
            raise Failure(str(error), error.hint) from None


def hash_of(token: str) -> str:
    """The form in which the token of a workload is kept."""
    return _hash(token)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _not_enrolled(directory: Path) -> Failure:
    return Failure(f"`{directory}` holds no enrolled agent", "run `keystead metadata enrol`")
