"""How are jobs shown to the operator?  As the members of `keystead jobs --json`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keystead.server.installation.jobs.agenda import MOST_COUNTED, Agenda, Failing, WhatWaits
from keystead.server.installation.jobs.periodic import Outcome
from keystead.times import from_microseconds, iso_seconds

MOST_SHOWN = 100  # failing keys


def shown(agenda: Agenda, outcomes: Mapping[str, Outcome], clock: str) -> dict[str, Any]:
    """What is due and comes next, what was done, and what failed and why."""
    failing = agenda.failing
    return {
        "clock": clock,
        "dated": [_dated(agenda, each) for each in agenda.what_waits()],
        "failing": [_failing(each) for each in failing[:MOST_SHOWN]],
        "failingInAll": len(failing),
        "periodic": [_periodic(name, outcomes[name]) for name in sorted(outcomes)],
    }


def _dated(agenda: Agenda, waits: WhatWaits) -> dict[str, Any]:
    record = waits.record
    return {
        "name": waits.work.name,
        "due": waits.due,
        "dueAtLeast": waits.due >= MOST_COUNTED,
        "held": agenda.holds(waits.work),
        "next": None if waits.next is None else iso_seconds(waits.next),
        "done": 0 if record is None else record.done,
        "lastDone": _stored(None if record is None else record.ran_us),
        "failed": 0 if record is None else record.failed,
        "lastFailed": _stored(None if record is None else record.failed_us),
        "lastFailure": "" if record is None else record.failure,
    }


def _failing(failing: Failing) -> dict[str, Any]:
    account, region, key_id = failing.place
    return {
        "job": failing.work,
        "account": account,
        "region": region,
        "key": key_id,
        "since": iso_seconds(failing.since),
        "tries": failing.tries,
        "nextTry": iso_seconds(failing.again),
        "why": failing.why,
    }


def _periodic(name: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": name,
        "everySeconds": outcome.seconds,
        "runs": outcome.runs,
        "lastRun": _told(outcome.ran),
        "failures": outcome.failures,
        "lastFailed": _told(outcome.failed),
        "lastFailure": outcome.failure,
    }


def _stored(moment_us: int | None) -> str | None:
    return None if moment_us is None else iso_seconds(from_microseconds(moment_us))


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else iso_seconds(moment)
