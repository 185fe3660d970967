"""What is done when a date has come?  Each kind of dated work, some keys or other rows in each run.

A run ends after some milliseconds, so that callers wait for no more, and the next run goes on where
it ended. Its changes, their records and what is remembered of the job are one commit. A crash
before it undoes all of that, and the next start finds the same work due. After it nothing is due
any more. So nothing is lost, and nothing is done twice.

A key that fails stops no other. It is tried again after a minute, then after two, and so on up to
an hour. Which keys fail, and why, is kept in memory; a restart tries them at once.

What cannot be undone waits while the clock may be wrong (threat-model TM-4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from math import inf
from time import perf_counter

from keystead.audit.trail import Trail
from keystead.clock import Clock
from keystead.custody.material import Custody
from keystead.kms.keys import KeyRepository, Place, Waiting
from keystead.kms.schedule import DatedWork, Done, due, first, one_by_one
from keystead.server.installation.jobs.repository import JobRecord, JobRepository
from keystead.server.pipeline import new_request_id
from keystead.server.telemetry import Metrics, logs
from keystead.store.protocol import Store, Transaction
from keystead.times import from_microseconds, microseconds

SLICE_SECONDS = 0.005
"""So long callers wait for one run, and for the key that it has begun by then."""

MOST_FAILING = 10_000  # keys that are remembered; others are tried again at each run
MOST_COUNTED = 10_000  # keys that `what_waits` counts
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Failing:
    """A key at which dated work failed, and failed again at each try since."""

    work: str
    place: Place
    since: datetime
    tries: int
    again: datetime  # the next try
    why: str


@dataclass(frozen=True, slots=True)
class WhatWaits:
    """One kind of dated work as it stands now."""

    work: DatedWork
    due: int  # at most `MOST_COUNTED`
    next: datetime | None  # the earliest date, past or to come
    record: JobRecord | None


@dataclass(slots=True)
class Agenda:
    """The dated work of one installation."""

    works: Sequence[DatedWork]
    _store: Store
    _trail: Trail
    _clock: Clock
    _keys: KeyRepository
    _custody: Custody
    _jobs: JobRepository
    _metrics: Metrics
    _after: dict[str, Waiting | None] = field(default_factory=dict)  # where the next run goes on
    _failing: dict[tuple[str, Place], Failing] = field(default_factory=dict)

    def holds(self, work: DatedWork) -> bool:
        """Must this work wait, because the clock may be wrong?"""
        return work.irreversible and self._clock.holds_irreversible_work()

    def run(self, work: DatedWork, seconds: float = inf) -> int:
        """Do what is due, for about so many seconds; returns how many keys were done.

        Raises StoreUnavailable if it could not be made durable; then nothing of it is done.
        """
        if self.holds(work):
            return 0
        now = self._clock.now()
        failures: list[Failing] = []

        def do(transaction: Transaction, place: Place) -> Done:
            done = work.do(transaction, self._keys, self._custody, place, now)
            event = done.event(new_request_id(), now)
            if event is not None:
                self._trail.record(event)
            return done

        def failed(place: Place, error: Exception) -> None:
            failures.append(self._failed(work, place, now, error))

        before = self._after.get(work.name)
        try:
            done = one_by_one(self._store, self._places(work, now, seconds), do, failed)
            self._remember(work, now, len(done), failures)
            self._trail.commit()
        except BaseException:
            self._after[work.name] = before
            self._trail.abandon()
            raise
        return len(done)

    def is_behind(self, work: DatedWork) -> bool:
        """Did the last run end before it had looked at everything that was due?"""
        return self._after.get(work.name) is not None

    def _places(self, work: DatedWork, now: datetime, seconds: float) -> Iterator[Place]:
        """What is due now, but for the keys that failed lately."""
        until = perf_counter() + seconds
        for waiting in due(work, self._store.read, now, self._after.get(work.name)):
            if perf_counter() > until:
                return
            self._after[work.name] = waiting
            known = self._failing.get((work.name, waiting.place))
            if known is None or known.again <= now:
                yield waiting.place
                self._settled(work, waiting.place, known)
        self._after[work.name] = None

    def _settled(self, work: DatedWork, place: Place, before: Failing | None) -> None:
        """The key had its turn: unless it failed again, it fails no more."""
        name = (work.name, place)
        if before is not None and self._failing.get(name) is before:
            del self._failing[name]

    def _failed(self, work: DatedWork, place: Place, now: datetime, error: Exception) -> Failing:
        self._metrics.alarm(f"job {work.name}")
        logs.alarm("a job failed at a key", error, job=work.name, key_id=place[2])
        name = (work.name, place)
        known = self._failing.get(name)
        tries = known.tries + 1 if known else 1
        wait = min(_FIRST_WAIT * 2 ** min(tries - 1, 10), _LONGEST_WAIT)
        since = known.since if known else now
        why = str(error) or type(error).__name__
        failing = Failing(work.name, place, since, tries, now + wait, why)
        if known or len(self._failing) < MOST_FAILING:
            self._failing[name] = failing
        return failing

    def _remember(
        self, work: DatedWork, now: datetime, done: int, failures: Sequence[Failing]
    ) -> None:
        if not (done or failures):
            return
        last = f"{'/'.join(failures[-1].place)}: {failures[-1].why}" if failures else ""
        with self._store.write(quiet=True) as transaction:
            self._jobs.add(
                transaction, work.name, microseconds(now),
                done=done, failed=len(failures), failure=last,
            )  # fmt: skip

    # for the operator

    @property
    def failing(self) -> list[Failing]:
        """The keys that fail, the longest first."""
        return sorted(self._failing.values(), key=lambda each: each.since)

    def what_waits(self) -> list[WhatWaits]:
        """Every kind of work: how much is due, and what comes next."""
        reader, now = self._store.read(), self._clock.now()
        listed = []
        for work in self.works:
            earliest = first(work, reader)
            number = sum(1 for _ in islice(due(work, self._store.read, now), MOST_COUNTED))
            date = None if earliest is None else from_microseconds(earliest.date_us)
            record = self._jobs.get(reader, work.name)
            listed.append(WhatWaits(work, number, date, record))
        return listed

    def overdue_seconds(self) -> float:
        """For how long the longest overdue work waits; 0 if nothing is due."""
        reader, now_us = self._store.read(), microseconds(self._clock.now())
        firsts = [first(work, reader) for work in self.works]
        return max((0, *(now_us - each.date_us for each in firsts if each))) / 1e6
