"""How does Prometheus read our numbers?

This module is imported in a thread of its own, once the server serves (`health`). So no request and
no start waits for the Prometheus library.
"""

import platform
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from keystead import __version__
from keystead.server.telemetry.catalogue import BY_NAME
from keystead.server.telemetry.metrics import BOUNDS, Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Families(Collector):
    """Our numbers as the library's families."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        metrics = self._metrics
        metric = BY_NAME["keystead_call_duration_seconds"]
        calls = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for labels, series in sorted(metrics.calls.items()):
            calls.add_metric(labels, _cumulated(series.buckets), series.seconds)
        yield calls
        metric = BY_NAME["keystead_long_turn_seconds"]
        turns = HistogramMetricFamily(metric.name, metric.meaning)
        turns.add_metric((), _cumulated(metrics.long_turns.buckets), metrics.long_turns.seconds)
        yield turns
        for name, counts in (
            ("keystead_refused_total", metrics.refusals),
            ("keystead_throttled_total", metrics.throttles),
            ("keystead_alarms_total", metrics.alarms),
            ("keystead_job_runs_total", metrics.jobs),
        ):
            metric = BY_NAME[name]
            family = CounterMetricFamily(name, metric.meaning, labels=metric.labels)
            for value, count in sorted(counts.items()):
                family.add_metric([value], count)
            yield family
        for number in metrics.numbers:
            kind = CounterMetricFamily if number.metric.kind == "counter" else GaugeMetricFamily
            yield kind(number.metric.name, number.metric.meaning, value=number.value())
        running = {"version": __version__, "python": platform.python_version()}
        metric = BY_NAME["keystead_build_info"]
        yield InfoMetricFamily(metric.name.removesuffix("_info"), metric.meaning, value=running)


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
    ProcessCollector(registry=registry)
    return generate_latest(registry)
