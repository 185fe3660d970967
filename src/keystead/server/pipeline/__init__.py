"""The path of one call: reading it is reading the security model."""

from keystead.server.pipeline.answer import TEXT, Answer
from keystead.server.pipeline.exchange import new_request_id
from keystead.server.pipeline.later import Again, Later
from keystead.server.pipeline.pipeline import OpenCall, Pipeline

__all__ = ("TEXT", "Again", "Answer", "Later", "OpenCall", "Pipeline", "new_request_id")
