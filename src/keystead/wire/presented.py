"""Which credential does a request claim?  Read before anyone is known; nothing is decided by it.

    Authorization: … Credential=key/date/region/service/aws4_request, …
    ?…&X-Amz-Credential=key%2Fdate%2Fregion%2Fservice%2Faws4_request&…

It says whom to answer in which protocol, and what a refusal is recorded under. Whoever sends this
is a stranger, so it is read in time linear in its length.
"""

from typing import NamedTuple
from urllib.parse import unquote

from keystead.wire.http import HttpRequest

_LONGEST = 512  # characters of a credential that are looked at, escapes included


class ClaimedCredential(NamedTuple):
    """The parts of a credential that mean something before it is verified; "" when not there."""

    access_key_id: str
    service: str


def claimed(request: HttpRequest) -> ClaimedCredential:
    """The first credential that stands in the Authorization header, or else in the query."""
    text = _after("Credential=", request.headers.get("authorization", ""))
    if not text:
        text = unquote(_after("&X-Amz-Credential=", f"&{request.query}").partition("&")[0])
    parts = text.split("/")
    return ClaimedCredential(parts[0], parts[3]) if len(parts) > 4 else ClaimedCredential("", "")


def _after(name: str, text: str) -> str:
    """What follows the first `name`, as far as a credential goes."""
    found = text.find(name)
    start = found + len(name)
    return text[start : start + _LONGEST] if found >= 0 else ""
