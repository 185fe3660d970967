"""Which work must be done before an operation can answer?  The slow lane's values (decision 0021).

Work of more than about 150 µs must not stop the loop. An operation that needs it returns `Work`
instead of its output. The pipeline has the work done elsewhere. In a later turn it runs the
operation again, from its first line, with the result of the work:

    made_with = MadeWith(key.key_id, material_id, version, digest(message))
    work = Work(PROCESSOR, 0.002, made_with, sign, (handle, message))
    done = call.done(work)
    if done is None:
        return work
    return api.SignResponse(signature=done.value)

So the second run finds, asks and requires like the first. Only the second run answers or writes. A
result is not used if the second run finds another key, material, row or input.

Long documents are read in this lane, too (`read`). That is Python and holds the interpreter's lock,
but gives it up a fraction of a millisecond after the loop asks for it (decision 0024).

INVARIANT: work is a function of a module, and values. It holds no request, call, exception or
frame. So a thread keeps nothing of a request, and touches nothing that belongs to the loop.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType
from typing import Any, Generic, Protocol, TypeVar

import msgspec

PROCESSOR = "processor"  # computation that releases the interpreter's lock, as OpenSSL does
HSM = "hsm"
PASSWORDS = "passwords"  # hashes that are slow on purpose
DOCUMENTS = "documents"  # reading policies: Python, which the loop interrupts
_OUTSIDE = "outside "

AT_ONCE = 4096
"""Characters of documents that the loop reads itself: some two milliseconds, on the machine of the
benchmarks. To hand them over and to run twice would take a tenth of that."""
_A_CHARACTER = 4e-7  # seconds

R = TypeVar("R")


def outside(host: str) -> str:
    """The pool of work that waits for this host. A dead host does not stop work for others."""
    return _OUTSIDE + host


class MadeWith(msgspec.Struct, frozen=True):
    """The key, material, row and input on which a result depends."""

    key: str = ""
    material: str = ""
    version: int = 0  # of the row
    input: bytes = b""  # its `digest`


def digest(*parts: bytes) -> bytes:
    """One hash of several parts. Parts that are split differently have another hash."""
    hashed = sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()


@dataclass(frozen=True, slots=True)
class Work(Generic[R]):
    """Work to be done: in which pool, how long it takes, and on what its result depends."""

    pool: str
    seconds: float  # an estimate, from the machine of the benchmarks; the pool learns more
    made_with: MadeWith
    function: Callable[..., R] = field(repr=False)
    arguments: tuple[Any, ...] = field(default=(), repr=False)  # may be secret

    def __post_init__(self) -> None:
        function = self.function
        plain = isinstance(function, (FunctionType, BuiltinFunctionType, type))
        if not plain or getattr(function, "__closure__", None):
            raise TypeError("work is a function of a module, and values")

    def do(self) -> "Done[R]":
        """Do it; returns the result."""
        return Done(self.made_with, self.function(*self.arguments))


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """The result of work."""

    made_with: MadeWith
    value: R = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """Work that raised an exception; the exception is in the log."""

    made_with: MadeWith


class Undone(Enum):
    """Why work was not done to its end."""

    LATE = "it had to wait for too long"
    LEFT = "its client left before it was begun"
    STOPPED = "the server stops"


Outcome = Done[Any] | Failed


class WorkFailed(Exception):
    """Work raised an exception: a failure of ours."""


class Reads(Protocol):
    """A call that documents are read for."""

    def done(self, work: Work[R]) -> Done[R] | None:
        """What came of this work, if that is what was done."""


def read(
    call: Reads,
    length: int,
    made_with: MadeWith,
    function: Callable[..., R],
    *arguments: object,
) -> R | Work[R]:
    """What a function of a module makes of documents of this length: at once, or as work.

    `made_with` names everything that the arguments depend on. A character that is read several
    times counts several times.
    """
    if length <= AT_ONCE:
        return function(*arguments)
    work = Work(DOCUMENTS, length * _A_CHARACTER, made_with, function, arguments)
    done = call.done(work)
    return work if done is None else done.value
