"""How does Prometheus read our numbers?

Imported at the first scrape: the Prometheus library is on the path of no request and no start.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from keystead.server.telemetry.metrics import BOUNDS, Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Families(Collector):
    """Our numbers as the library's families."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        metrics = self._metrics
        calls = HistogramMetricFamily(
            "keystead_call_duration_seconds",
            "Calls answered, by service, operation and error code (empty for a success).",
            labels=["service", "operation", "code"],
        )
        for labels, series in sorted(metrics.calls.items()):
            calls.add_metric(labels, _cumulated(series.buckets), series.seconds)
        yield calls
        for name, label, documentation, counts in (
            ("keystead_refused", "reason", "What never became a request.", metrics.refusals),
            ("keystead_alarms", "kind", "What an operator must look at.", metrics.alarms),
            ("keystead_job_runs", "job", "Runs of the periodic jobs.", metrics.jobs),
        ):
            family = CounterMetricFamily(name, documentation, labels=[label])
            for value, count in sorted(counts.items()):
                family.add_metric([value], count)
            yield family
        for gauge in metrics.gauges:
            yield GaugeMetricFamily(gauge.name, gauge.documentation, value=gauge.value())


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus counts them: each contains the ones before it."""
    total = 0
    shown: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
        total += count
        shown.append((bound, float(total)))
    return shown


def exposition(metrics: Metrics) -> bytes:
    """The page that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(_Families(metrics))
    return generate_latest(registry)
