"""Which work does the server do on its own?  Periodic jobs, in the loop, one at a time.

A job that fails is logged, counted, and tried again later: no job may stop another job or the
server. Jobs read their state from the store each time, so they survive restarts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from keystead.server.telemetry import Metrics, logs
from keystead.store.protocol import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of periodic work."""

    name: str
    seconds: float  # between two runs
    run: Callable[[], None]


class Jobs:
    """Runs jobs until it is stopped."""

    def __init__(self, jobs: list[Job], metrics: Metrics, begin_turn: Callable[[], None]) -> None:
        self._jobs = jobs
        self._metrics = metrics
        self._begin_turn = begin_turn
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
        while True:
            await asyncio.sleep(job.seconds)
            self.run(job)

    def run(self, job: Job) -> None:
        """Run one job now."""
        # A job commits in a turn of its own: if that fails, no caller's change goes with it.
        self._begin_turn()
        try:
            job.run()
        except Exception as error:  # noqa: BLE001  # it is tried again; others must go on
            self._metrics.alarm(f"job {job.name}")
            tell = logs.outage if isinstance(error, StoreUnavailable) else logs.alarm
            tell("a job failed", error, job=job.name)
        else:
            self._metrics.ran(job.name)
