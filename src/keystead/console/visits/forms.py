"""Which fields has a form or a query?  Each at most once, of a bounded length."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

from starlette.requests import Request

from keystead.console.visits.visits import Visit

MOST_FIELDS = 32
LONGEST = 256  # characters of a field; AWS's passwords have 128 at most


class BadForm(Exception):
    """A form that none of our pages sends."""


def visit_of(request: Request) -> Visit:
    """The visit, as the guard read it."""
    return cast("Visit", request.scope["state"]["visit"])


def form_of(request: Request, longest: int = LONGEST) -> Mapping[str, str]:
    """The fields of a form, each of at most `longest` characters; raises BadForm."""
    body: bytes = request.scope["state"]["body"]
    return _fields(body, longest)


def query_of(request: Request, longest: int = LONGEST) -> Mapping[str, str]:
    """The parameters of a query, like the fields of a form; raises BadForm."""
    query: bytes = request.scope["query_string"]
    return _fields(query, longest)


def _fields(text: bytes, longest: int) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:  # a UnicodeDecodeError is one
        raise BadForm from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or any(len(value) > longest for value in fields.values()):
        raise BadForm
    return fields
