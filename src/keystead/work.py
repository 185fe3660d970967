"""Which work must be done before an operation can answer?  The slow lane's values (decision 0021).

Work of more than about 150 µs must not stop the loop, unless the turn has time to spare (decision
0044). An operation that needs it returns `Work` instead of its output. The pipeline has the work
done elsewhere. In a later turn it runs the operation again, from its first line, with the result:

    made_with = MadeWith(key.key_id, material_id, version, digest(message))
    work = Work(PROCESSOR, 0.002, made_with, sign, (handle, message))
    signature = result(call, work)
    if isinstance(signature, Work):
        return signature
    return api.SignResponse(signature=signature)

So the second run finds, asks and requires like the first. Only the second run answers or writes. A
result is not used if the second run finds another key, material, row or input.

Long documents are read in this lane, too. That is Python and holds the interpreter's lock, but
gives it up a fraction of a millisecond after the loop asks for it (decision 0024). An operation
that reads what its caller wrote says so (`read`). The compiled forms of stored documents may be
missing in the middle of any call (`Preparations`, decision 0027).

INVARIANT: work is a function of a module, and values. It holds no request, call, exception or
frame. So a thread keeps nothing of a request, and touches nothing that belongs to the loop.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType
from typing import Any, Generic, Protocol, TypeVar, final

import msgspec

PROCESSOR = "processor"  # computation that releases the interpreter's lock, as OpenSSL does
HSM = "hsm"
PASSWORDS = "passwords"  # hashes that are slow on purpose
DOCUMENTS = "documents"  # reading policies: Python, which the loop interrupts
LOG = "log"  # reading the audit log: Python, too
_OUTSIDE = "outside "

QUICK = 150e-6
"""Seconds. What takes no longer is done in the loop."""

AT_ONCE = 2048
"""Characters of documents that the loop reads itself: about a millisecond, on the machine of the
benchmarks. To hand them over and to run twice would take a fifth of that."""
_A_CHARACTER = 4e-7  # seconds

R = TypeVar("R")


def outside(kind: str, account: str, host: str) -> str:
    """The pool of work that waits for this host. A dead host does not stop work for others.

    `kind` is what it is asked for, and `account` the one that named it: each has its share.
    """
    return f"{_OUTSIDE}{kind} {account} {host}"


def asked_by(pool: str) -> tuple[str, str]:
    """The kind and the account of the pool of an outside host."""
    _, kind, account, _ = pool.split(" ", 3)
    return kind, account


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


@final
@dataclass(frozen=True, slots=True)
class Work(Generic[R]):
    """Work to be done: in which pool, how long it takes, and on what its result depends."""

    pool: str
    seconds: float  # an estimate, from the machine of the benchmarks; the pool learns more
    made_with: MadeWith
    function: Callable[..., R] = field(repr=False)
    arguments: tuple[Any, ...] = field(default=(), repr=False)  # may be secret
    shared: bool = False  # one result serves everybody whose work is made with the same
    turn: str = ""
    """In whose turn it is done: an account, a blank, and a unique id. "": in the caller's own."""

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


class Spare:
    """For how long the loop may compute itself in a turn, beside what is quick (decision 0044).

    When it is spent the turn ends. What the turn leaves is done in the next one, which costs less
    than to hand it over.
    """

    __slots__ = ("_given", "_last", "is_spent", "seconds")

    def __init__(self) -> None:
        self._given = 0.0  # at the begin of this turn
        self._last = 0.0  # the seconds of the work that was taken last
        self.is_spent = False  # Did this turn compute, and has it no time for another such work?
        self.seconds = 0.0

    def begin(self, seconds: float) -> None:
        """Begin a turn with so much time."""
        if self._given and self.seconds == self._given:  # the last one did not compute
            self._last = 0.0
        self.seconds = self._given = seconds
        self.is_spent = False

    def takes(self, work: Work[Any]) -> bool:
        """Is there time for this work?  Then it is taken."""
        if work.pool is not PROCESSOR or work.seconds > self.seconds:
            return False
        self.seconds -= work.seconds
        self._last = work.seconds
        self.is_spent = self.seconds < work.seconds
        return True

    def together(self, most: int) -> int:
        """How many requests take a step together, if each leaves work as the last one did?"""
        if not (self.seconds and self._last):
            return most
        return min(most, max(1, int(self.seconds / self._last)))


NO_SPARE = Spare()


class Runs(Protocol):
    """A call that may run more than once, and has the results of the work that it left."""

    @property
    def spare(self) -> "Spare":
        """For how long the loop may compute itself in this turn."""

    def done(self, work: Work[R]) -> Done[R] | None:
        """What came of this work, if that is what was done."""


def result(call: Runs, work: Work[R]) -> R | Work[R]:
    """The result of this work. Slow work is done elsewhere first: then it is to be returned."""
    if work.seconds <= QUICK:
        return work.function(*work.arguments)
    done = call.done(work)
    if done is not None:
        return done.value
    return work.function(*work.arguments) if call.spare.takes(work) else work


def read(
    call: Runs,
    length: int,
    made_with: MadeWith,
    function: Callable[..., R],
    *arguments: object,
    pool: str = DOCUMENTS,
) -> R | Work[R]:
    """What a function of a module makes of documents of this length: at once, or as work.

    `made_with` names everything that the arguments depend on. A character that is read several
    times counts several times.
    """
    if length <= AT_ONCE:
        return function(*arguments)
    work = Work(pool, length * _A_CHARACTER, made_with, function, arguments)
    done = call.done(work)  # it is no short work: what is in a document may take longer
    return work if done is None else done.value


class Unprepared(Exception):
    """A call needs the result of this work before it can go on. So it is undone, and runs again."""

    def __init__(self, work: Work[Any]) -> None:
        super().__init__()
        self.work = work


def _given(value: R) -> R:
    return value


class Preparations:
    """What calls need of long documents that were stored, such as a policy in compiled form.

    An operation does not know that something is missing, so it returns no work for it. `make` ends
    its run with `Unprepared` instead. The pipeline has the work done, and the request runs again,
    with the results in hand. Outside of a call that may wait, everything is made at once.

    INVARIANT: a result depends only on the function and the subject by which it is found.
    """

    __slots__ = ("_in_hand", "_may_wait")

    def __init__(self) -> None:
        self._in_hand: dict[MadeWith, Done[Any]] = {}
        self._may_wait = False

    def begin_without(self) -> None:
        """Requests are performed now, without any results. They may wait."""
        self._in_hand, self._may_wait = {}, True

    def begin(self, in_hand: Iterable[Done[Any]], *, may_wait: bool) -> None:
        """Requests are performed now, with these results. May they wait for more?"""
        self._in_hand = {done.made_with: done for done in in_hand}
        self._may_wait = may_wait

    def end(self) -> None:
        """No request is performed now."""
        self._in_hand, self._may_wait = {}, False

    def make(
        self, length: int, subject: object, function: Callable[..., R], *arguments: object
    ) -> R:
        """What a function of a module makes of documents of this length; raises Unprepared.

        `subject` names everything that the arguments depend on, in a form that JSON can write.
        """
        if length <= AT_ONCE:
            return function(*arguments)
        called = f"{function.__module__}.{function.__qualname__}"
        name = digest(called.encode(), msgspec.json.encode(subject))
        made_with = MadeWith(input=name)
        done = self._in_hand.get(made_with)
        if done is not None:
            made: R = done.value
            return made
        if self._may_wait:
            seconds = length * _A_CHARACTER
            raise Unprepared(Work(DOCUMENTS, seconds, made_with, function, arguments, shared=True))
        return function(*arguments)

    def part(self, subject: object, made: Callable[[], list[R]], *, full: int | None) -> list[R]:
        """A part of a long list; after a full one, others are served first (raises Unprepared).

        `made` reads it, in the loop. `subject` is of one request, because what a store has is not
        the same for the next.
        """
        if self._in_hand and (done := self._in_hand.get(_of_part(subject))) is not None:
            known: list[R] = done.value
            return known
        part = made()
        if self._may_wait and len(part) == full:
            raise Unprepared(Work(DOCUMENTS, 1e-5, _of_part(subject), _given, (part,)))
        return part


def _of_part(subject: object) -> MadeWith:
    return MadeWith(input=digest(b"part", msgspec.json.encode(subject)))
