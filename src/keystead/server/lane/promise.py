"""How far is a piece of work?  Promised, waiting, begun, ended: each once, in this order.

    promised   there is room for it; it is handed over when its turn is durable
    waiting    a worker will take it
    begun      a worker has it, and it cannot be taken back
    ended      its owner was told, once

Workers are threads, so every step is taken under the lock of the pool.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from keystead.work import Outcome, Undone, Work

OnEnd = Callable[[Outcome | Undone], None]
"""Called once with the outcome of work, in any thread."""


class State(IntEnum):
    """How far a piece of work is."""

    PROMISED = 0
    WAITING = 1
    BEGUN = 2
    ENDED = 3


class Promise:
    """Room for one piece of work. Its pool moves it on."""

    __slots__ = ("micros", "on_end", "owner", "pool", "size", "state", "until", "work")

    def __init__(self, work: Work[Any], owner: str, micros: int, size: int) -> None:
        self.work: Work[Any] | None = work  # until it has ended
        self.pool = work.pool
        self.owner = owner
        self.micros = micros  # the microseconds that it takes, as the pool estimates
        self.size = size
        self.state = State.PROMISED
        self.until = 0.0  # it may wait so long; a time of `monotonic`
        self.on_end: OnEnd | None = None  # called at its end; None if nobody waits
