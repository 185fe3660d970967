"""How does the running server tell of itself?  By the log and by metrics."""

from keystead.server.telemetry import catalogue, logs
from keystead.server.telemetry.metrics import Metrics

__all__ = ("Metrics", "catalogue", "logs")
