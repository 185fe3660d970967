"""What is signed about a key that was destroyed?  (threat-model KM-7)

    keystead-tombstone/1
    the id of the installation
    the ARN of the key
    when the key was created
    when it was destroyed
    the ids of its materials, the oldest first, with a space between two

Each line ends with a line feed. The text is signed with the audit log's key (Ed25519), so that one
public key verifies everything that an installation says of itself. Its first line tells it from a
checkpoint.

A tombstone proves that the holder of this key said so: the key had these materials, and their rows
were removed then. It does not prove that nobody has a copy of the database from before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

VERSION = "keystead-tombstone/1"
_LINES = 6

Verifier = Callable[[bytes, bytes], bool]
"""Is this the signature of these bytes?  `custody.signing.verification` makes it."""


class BadTombstone(Exception):
    """The text is not a tombstone, or not signed by the key. The message tells which."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One signed statement."""

    statement: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a statement says."""

    installation: str
    arn: str
    created: datetime
    destroyed: datetime
    materials: tuple[str, ...]


class Signer(Protocol):
    """Signs for the audit log."""

    def sign(self, message: bytes, /) -> bytes: ...


def sign(told: Told, signer: Signer) -> Tombstone:
    """The statement about a key, signed."""
    times = (moment.astimezone(UTC).isoformat() for moment in (told.created, told.destroyed))
    lines = (VERSION, told.installation, told.arn, *times, " ".join(told.materials))
    statement = "".join(f"{line}\n" for line in lines)
    return Tombstone(statement, signer.sign(statement.encode()))


def read(tombstone: Tombstone, is_signature: Verifier) -> Told:
    """What a tombstone says; raises BadTombstone unless the key signed exactly this."""
    if not is_signature(tombstone.signature, tombstone.statement.encode()):
        raise BadTombstone("it is not signed with the key of this audit log")
    lines = tombstone.statement.split("\n")
    if len(lines) != _LINES + 1 or lines[-1] or lines[0] != VERSION:
        raise BadTombstone("its statement is not of a version that is known here")
    _, installation, arn, created, destroyed, materials, _ = lines
    return Told(
        installation,
        arn,
        datetime.fromisoformat(created),
        datetime.fromisoformat(destroyed),
        tuple(materials.split()),
    )
