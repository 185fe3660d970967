"""Rounds of revoking calls under load, and what is told of them.

Threads ask the same request all the time, among requests of a bystander that nothing concerns. A
request that begins after the revoking call returned has to be refused, whoever sends it.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE
from tests.revoking.asking import Line, Request
from tests.revoking.kinds import KINDS
from tests.revoking.steps import Kind
from tests.revoking.world import ALLOW, World

THREADS = 2


@dataclass
class Found:
    """What came of the rounds."""

    rounds: Counter[str] = field(default_factory=Counter)
    before: int = 0  # requests that were allowed while nothing was revoked
    after: int = 0  # requests that began after a revoking call returned, and were refused
    others: int = 0  # requests of the bystander meanwhile
    stale: list[str] = field(default_factory=list)  # such requests that were allowed
    refused: list[str] = field(default_factory=list)  # requests that were refused without a reason

    def __str__(self) -> str:
        return (
            f"{self.rounds.total():,} rounds of {len(self.rounds)} kinds:"
            f" {self.before:,} requests allowed before, {self.after:,} refused after,"
            f" {self.others:,} of others meanwhile, {len(self.stale)} stale allows,"
            f" {len(self.refused)} wrong refusals"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What holds from the time when this is set, until another is set."""

    asked: Request
    name: str
    revoked: bool


class Load:
    """The threads that ask, and what they see."""

    def __init__(self, world: World, found: Found) -> None:
        self.world, self.found = world, found
        self._moment: Moment | None = None
        self._bystander = world.encrypt(world.assume(world.role(ALLOW)), world.key)
        self._lock = threading.Lock()
        self._seen: Counter[int] = Counter()
        self._errors: list[BaseException] = []
        self._ended = False
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._ended = True
        for thread in self._threads:
            thread.join()

    def nothing(self) -> None:
        """A change is under way: what is asked now may be answered so or so."""
        self._moment = None

    def hold(self, moment: Moment) -> None:
        """From now on every answer has to be this; wait until each thread has had one."""
        seen: Counter[int] = Counter()
        self._seen = seen
        self._moment = moment
        deadline = time.monotonic() + PATIENCE
        while len(seen) < THREADS:
            if self._errors:
                raise self._errors[0]
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody was answered: {moment.name}")
            time.sleep(0.0005)

    def check(self, moment: Moment, status: int) -> None:
        """Is this the answer to a request that began, and ended, while `moment` held?"""
        found, allowed = self.found, status == 200
        with self._lock:
            if moment.revoked and not allowed:
                found.after += 1
            elif moment.revoked:
                found.stale.append(moment.name)
            elif allowed:
                found.before += 1
            else:
                found.refused.append(f"{moment.name}: {status}")

    def _run(self, number: int) -> None:
        line = Line(self.world.server)
        try:
            while not self._ended:
                moment, seen = self._moment, self._seen
                if moment is not None:
                    status = line.ask(moment.asked)
                    if moment.revoked or self._moment is moment:
                        self._judge(moment, status, ended=self._moment is not moment)
                        seen[number] += 1
                if line.ask(self._bystander) != 200:
                    self.found.refused.append("bystander")
                with self._lock:
                    self.found.others += 1
        except BaseException as error:  # noqa: BLE001  # told by `hold`
            self._errors.append(error)
        finally:
            line.close()

    def _judge(self, moment: Moment, status: int, *, ended: bool) -> None:
        """A request that ended when access was given back already proves nothing if allowed."""
        if not (ended and status == 200):
            self.check(moment, status)


def rounds(world: World, number: int, kinds: Sequence[Kind] = KINDS) -> Found:
    """So many rounds, over all kinds in turn."""
    found = Found()
    steps = [(kind.__name__, kind(world)) for kind in kinds]
    live = [next(each) for _, each in steps]
    with Load(world, found) as load:
        line = Line(world.server)
        for turn in range(number):
            place = turn % len(steps)
            (name, kind), asked = steps[place], live[place]
            assert asked is not None
            for revoked in (False, True):
                if revoked:
                    next(kind)
                moment = Moment(asked, name, revoked)
                load.check(moment, line.ask(asked))
                load.hold(moment)
                load.nothing()
            live[place] = next(kind)  # and what was taken is given back
            found.rounds[name] += 1
        line.close()
    return found
