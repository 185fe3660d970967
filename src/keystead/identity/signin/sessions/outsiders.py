"""Who is somebody from outside, who has proved it, and which roles may be chosen?  (sign-in.md 4.8)

INVARIANT: an Outsider holds verified facts, and stays on the server. The browser has a cookie that
names it, for five minutes.

Each way to sign in from outside has one row in WAYS. Its function decides about one choice, by the
same decision as the operation of STS, and gives a session without credentials.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from keystead.identity.call import SigninCall
from keystead.identity.sessions import Session

MOST_CHOICES = 1_000
LONGEST_EVIDENCE = 64 * 1024  # bytes


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """A role that somebody may ask for, and the provider that names it."""

    role: str  # ARN
    provider: str  # ARN; of a directory the same for all


class Outsider(msgspec.Struct, frozen=True, array_like=True):
    """Somebody whom a provider knows, as it was proved."""

    way: str  # a key of WAYS
    name: str  # as people read it
    subject: str  # the person's own id at the provider, which stays the same
    provider: str  # ARN
    account: str  # of the provider
    evidence: bytes = b""  # msgpack of the way's own struct
    choices: tuple[Choice, ...] = ()

    def __repr__(self) -> str:
        return f"Outsider(way={self.way!r}, provider={self.provider!r}, …)"

    @property
    def person(self) -> str:
        """A hash that tells persons apart."""
        facts = (self.way, self.provider, self.subject)
        return sha256(msgspec.msgpack.encode(facts)).hexdigest()


Decide = Callable[[SigninCall, Outsider, Choice], Session]
"""The session of a choice; raises AwsError if it is refused. The call bears nobody before."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to sign in from outside."""

    event: str  # the operation of STS whose decision it makes, for the record
    decide: Decide


WAYS: dict[str, Way] = {}
"""By the name that an Outsider has. A test may add a way of its own."""


_decode = msgspec.msgpack.Decoder(Outsider).decode


def stored(outsider: Outsider) -> bytes:
    """The row's form of an outsider."""
    return msgspec.msgpack.encode(outsider)


def of_row(text: bytes) -> Outsider:
    """The outsider of a row."""
    return _decode(text)
