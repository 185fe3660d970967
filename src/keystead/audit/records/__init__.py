"""What is recorded of a call, and how is it written in one line?"""

from keystead.audit.records import jsontext, lines
from keystead.audit.records.event import CONSOLE, HIGH, Event, EventResource
from keystead.audit.records.jsontext import printable
from keystead.audit.records.lines import Tag, leaf_hash
from keystead.audit.records.record import Recorder, State
from keystead.audit.records.shown_members import request_parameters, response_elements, without_long

__all__ = (
    "CONSOLE",
    "HIGH",
    "Event",
    "EventResource",
    "Recorder",
    "State",
    "Tag",
    "jsontext",
    "leaf_hash",
    "lines",
    "printable",
    "request_parameters",
    "response_elements",
    "without_long",
)
