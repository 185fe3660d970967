"""The path of one call: reading it is reading the security model."""

from keystead.server.pipeline.answer import TEXT, Answer
from keystead.server.pipeline.counts import Counts
from keystead.server.pipeline.dialects import Dialect
from keystead.server.pipeline.endings import Endings
from keystead.server.pipeline.exchange import Arrived, OpenCall, arrived_from, new_request_id
from keystead.server.pipeline.later import Again, Later
from keystead.server.pipeline.network import Way
from keystead.server.pipeline.open_operations import calls_of_strangers
from keystead.server.pipeline.pipeline import Pipeline
from keystead.server.pipeline.routing import Route
from keystead.server.pipeline.throttle import Throttle

__all__ = (
    "TEXT", "Again", "Answer", "Arrived", "Counts", "Dialect", "Endings", "Later", "OpenCall",
    "Pipeline", "Route", "Throttle", "Way", "arrived_from", "calls_of_strangers",
    "new_request_id",
)  # fmt: skip
