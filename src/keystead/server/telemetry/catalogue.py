"""Which metrics and alarms are there, and what does each mean?  `docs/metrics.md` is made of this.

A number can be shown only under a name from this catalogue. So every number is explained.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as Prometheus knows it."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric(
        "keystead_call_duration_seconds",
        "histogram",
        "Calls answered, by service, operation and error code (empty for a success).",
        ("service", "operation", "code"),
    ),
    Metric(
        "keystead_long_turn_seconds",
        "histogram",
        "Turns of the loop of more than a millisecond: so long everybody waited.",
    ),
    Metric(
        "keystead_refused_total",
        "counter",
        "Connections and bytes that never became a request.",
        ("reason",),
    ),
    Metric(
        "keystead_throttled_total",
        "counter",
        "Calls above a request quota, by quota; the audit log has the account.",
        ("quota",),
    ),
    Metric("keystead_alarms_total", "counter", "Events that an operator must look at.", ("kind",)),
    Metric("keystead_job_runs_total", "counter", "Runs of the periodic jobs.", ("job",)),
    Metric(
        "keystead_policy_disagreements_total",
        "counter",
        "How often enforcement and evaluation differed; a number above 0 is a defect.",
    ),
    Metric(
        "keystead_refusals_counted_total",
        "counter",
        "Refusals of unknown callers that the audit log counts together.",
    ),
    Metric(
        "keystead_refusals_not_kept_total",
        "counter",
        "Refusals that came too fast to be kept for `keystead explain`; the log has them.",
    ),
    Metric(
        "keystead_key_uses_not_kept_total",
        "counter",
        "Last uses of keys for which there was no room; GetKeyLastUsage shows an earlier one.",
    ),
    Metric(
        "keystead_dated_work_overdue_seconds",
        "gauge",
        "For how long the longest overdue work on a key waits; see `keystead jobs`.",
    ),
    Metric(
        "keystead_dated_work_failing",
        "gauge",
        "Keys at which dated work failed, and is tried again.",
    ),
    Metric("keystead_ready", "gauge", "1 while the server can serve, as `/readyz` says."),
    Metric("keystead_epoch", "gauge", "The number of the state of the store."),
    Metric("keystead_audit_signed_records", "gauge", "Records under the newest checkpoint."),
    Metric("keystead_connections", "gauge", "Open connections."),
    Metric(
        "keystead_kept_bytes",
        "gauge",
        "Memory of all caches, as they count it themselves; it is bounded.",
    ),
    Metric("keystead_work_waiting", "gauge", "Work that waits for a worker."),
    Metric("keystead_work_begun", "gauge", "Work that is being done."),
    Metric("keystead_build_info", "info", "1; the versions that run.", ("version", "python")),
)
BY_NAME = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind of alarm."""

    kind: str  # `job …` stands for every job
    meaning: str
    advice: str


ALARMS = (
    Alarm(
        "clock",
        "A call was refused because the clock is behind the newest time that was seen.",
        "Set the clock right, then run `keystead clock acknowledge`.",
    ),
    Alarm(
        "clock jump",
        "The clock jumped ahead: no key and no key material is destroyed until it has been right"
        " for a day.",
        "Check the clock. If it is right, run `keystead clock acknowledge`.",
    ),
    Alarm(
        "commit",
        "A turn could not be made durable; its callers got 503.",
        "See the `reason` in the log: the disk is full, or it fails.",
    ),
    Alarm(
        "integrity",
        "A stored row is not the one that was written.",
        "Stop the server, keep the directory as evidence, run `keystead audit verify`, and restore"
        " a copy.",
    ),
    Alarm(
        "internal failure",
        "A call was answered with an internal failure: a defect of Keystead.",
        "Report it, with the line of the log.",
    ),
    Alarm(
        "job …",
        "A periodic job failed, or failed at a key; it is tried again.",
        "See the line of the log with the same `job`.",
    ),
    Alarm(
        "policy budget",
        "A decision would have taken too long; the request was refused.",
        "Look for very many or very long patterns, or very long texts: `keystead explain ID`.",
    ),
    Alarm(
        "store",
        "A call was refused because the store could not be read or written.",
        "See the `reason` in the log.",
    ),
)
