"""What is left to do before an operation can answer?  The slow lane's values (decision 0021).

What takes more than about 150 µs must not stop the loop. Such an operation returns `Work` instead
of its output. The pipeline has it done elsewhere, and runs the operation again in a later turn,
from its first line, with what came of it:

    made_with = MadeWith(key.key_id, material_id, version, digest(message))
    work = Work(PROCESSOR, 0.002, made_with, sign, (handle, message))
    done = call.done(work)
    if done is None:
        return work
    return api.SignResponse(signature=done.value)

So the second run finds, asks and requires like the first, and only it answers or writes. A result
that was made with another key, material, row or input than the second run finds is not used.

INVARIANT: work is a function of a module, and values. It holds no request, call, exception or
frame, so that nothing of a request is kept by a thread, and no thread touches what is the loop's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType
from typing import Any, Generic, TypeVar

import msgspec

PROCESSOR = "processor"  # computing that lets go of the interpreter, as OpenSSL does
HSM = "hsm"
PASSWORDS = "passwords"  # hashes that are slow on purpose
_OUTSIDE = "outside "

R = TypeVar("R")


def outside(host: str) -> str:
    """The pool of what waits for another host: a host that is dead stops no other."""
    return _OUTSIDE + host


class MadeWith(msgspec.Struct, frozen=True):
    """What a result depends on, beside the caller's right to it."""

    key: str = ""
    material: str = ""
    version: int = 0  # of the row
    input: bytes = b""  # its `digest`


def digest(*parts: bytes) -> bytes:
    """One hash of several parts; none of them can pass for a piece of another."""
    hashed = sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()


@dataclass(frozen=True, slots=True)
class Work(Generic[R]):
    """What is left to do: where, how long it takes about, and what its result depends on."""

    pool: str
    seconds: float  # of one worker, on the machine of the benchmarks: the pool learns the rest
    made_with: MadeWith
    function: Callable[..., R] = field(repr=False)
    arguments: tuple[Any, ...] = field(default=(), repr=False)  # may be secret

    def __post_init__(self) -> None:
        function = self.function
        plain = isinstance(function, (FunctionType, BuiltinFunctionType, type))
        if not plain or getattr(function, "__closure__", None):
            raise TypeError("work is a function of a module, and values")

    def do(self) -> "Done[R]":
        """Do it, and what came of it."""
        return Done(self.made_with, self.function(*self.arguments))


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """What came of work."""

    made_with: MadeWith
    value: R = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """Work that raised; what it raised is in the log."""

    made_with: MadeWith


class Undone(Enum):
    """Why work was not done to its end."""

    LATE = "it had to wait for too long"
    LEFT = "its client left before it was begun"
    STOPPED = "the server stops"


Outcome = Done[Any] | Failed


class WorkFailed(Exception):
    """Work raised something: a failure of ours."""
