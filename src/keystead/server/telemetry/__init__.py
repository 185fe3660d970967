"""What is told of the running server?  The log and the numbers."""

from keystead.server.telemetry import catalogue, logs
from keystead.server.telemetry.metrics import Metrics

__all__ = ("Metrics", "catalogue", "logs")
