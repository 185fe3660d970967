"""Which work does the server do on its own?  Periodic jobs, in the loop, one at a time.

A job that fails is logged, counted, and tried again later: no job may stop another job or the
server. Jobs read their state from the store each time, so they survive restarts. A job with much to
do does a part of it, and says so. Then it goes on soon, and callers are served in between.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from keystead.server.telemetry import Metrics, logs
from keystead.store.protocol import StoreUnavailable

SOON_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of periodic work."""

    name: str
    seconds: float  # between two runs
    run: Callable[[], bool | None]  # True: there is more to do now


@dataclass(slots=True)
class Outcome:
    """What became of a periodic job since the start."""

    seconds: float
    runs: int = 0
    ran: datetime | None = None
    failures: int = 0
    failed: datetime | None = None
    failure: str = ""


class Jobs:
    """Runs jobs until it is stopped."""

    def __init__(
        self,
        jobs: list[Job],
        metrics: Metrics,
        begin_turn: Callable[[], None],
        now: Callable[[], datetime],
        outcomes: MutableMapping[str, Outcome],
    ) -> None:
        self._jobs = jobs
        self._metrics = metrics
        self._begin_turn = begin_turn
        self._now = now
        self._outcomes = outcomes
        for job in jobs:
            outcomes[job.name] = Outcome(job.seconds)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start running; each job runs first after its own interval."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """Run no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, job: Job) -> None:
        more = False
        while True:
            await asyncio.sleep(SOON_SECONDS if more else job.seconds)
            more = self.run(job)

    def run(self, job: Job) -> bool:
        """Run one job now; is there more to do at once?"""
        outcome = self._outcomes[job.name]
        # A job commits in a turn of its own: if that fails, no caller's change goes with it.
        self._begin_turn()
        try:
            more = job.run()
        except Exception as error:  # noqa: BLE001  # it is tried again; others must go on
            outcome.failures += 1
            outcome.failed, outcome.failure = self._now(), str(error) or type(error).__name__
            self._metrics.alarm(f"job {job.name}")
            tell = logs.outage if isinstance(error, StoreUnavailable) else logs.alarm
            tell("a job failed", error, job=job.name)
            return False
        outcome.runs += 1
        outcome.ran = self._now()
        self._metrics.ran(job.name)
        return bool(more)
