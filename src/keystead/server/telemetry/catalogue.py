"""Which metrics and alarms are there, and what does each mean?  `docs/metrics.md` is made of this.

A number is shown under a name that stands here, so that none is shown that nobody explained.
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
    Metric("keystead_refused_total", "counter", "What never became a request.", ("reason",)),
    Metric("keystead_alarms_total", "counter", "What an operator must look at.", ("kind",)),
    Metric("keystead_job_runs_total", "counter", "Runs of the periodic jobs.", ("job",)),
    Metric(
        "keystead_policy_disagreements_total",
        "counter",
        "How often enforcement and evaluation differed; anything but 0 is a defect.",
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
    Metric("keystead_ready", "gauge", "1 while it can serve, as `/readyz` says."),
    Metric("keystead_epoch", "gauge", "The number of the state of the store."),
    Metric("keystead_audit_signed_records", "gauge", "Records under the newest checkpoint."),
    Metric("keystead_connections", "gauge", "Connections now."),
    Metric(
        "keystead_kept_bytes",
        "gauge",
        "What is kept in memory to spare work, by its own account; it is bounded.",
    ),
    Metric("keystead_work_waiting", "gauge", "Work that waits for a worker."),
    Metric("keystead_work_begun", "gauge", "Work that is being done."),
    Metric("keystead_build_info", "info", "1; what runs here.", ("version", "python")),
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
        "Set the clock right, then `keystead clock acknowledge`.",
    ),
    Alarm(
        "clock jump",
        "The clock jumped ahead: no key is destroyed until it has been right for a day.",
        "Look at the clock, then `keystead clock acknowledge`.",
    ),
    Alarm(
        "commit",
        "A turn could not be made durable; its callers were told 503.",
        "See the `reason` in the log: room on the disk, or a disk that fails.",
    ),
    Alarm(
        "integrity",
        "A stored row is not the one that was written.",
        "Stop, keep the directory as evidence, and restore a copy; `keystead audit verify`.",
    ),
    Alarm(
        "internal failure",
        "A call was answered with an internal failure: a defect of Keystead.",
        "Report it, with the line of the log.",
    ),
    Alarm(
        "job …",
        "A periodic job failed, or left a key as it is; it is tried again.",
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
