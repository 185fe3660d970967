"""Which credential does a request claim?  It is not verified yet, so it decides nothing.

    Authorization: … Credential=key/date/region/service/aws4_request, …
    ?…&X-Amz-Credential=key%2Fdate%2Fregion%2Fservice%2Faws4_request&…

It tells in which protocol the caller expects an answer, and under which key id and service a
refusal is recorded. The caller is still a stranger, so the reading takes time linear in the length.
"""

from typing import NamedTuple
from urllib.parse import unquote

from keystead.wire.http import HttpRequest

_LONGEST = 512  # characters of a credential that are read, escapes included


class ClaimedCredential(NamedTuple):
    """The parts of a credential that are useful before it is verified. "" if a part is missing."""

    access_key_id: str
    service: str


def claimed(request: HttpRequest) -> ClaimedCredential:
    """The first credential in the Authorization header, or else in the query string."""
    text = _after("Credential=", request.headers.get("authorization", ""))
    if not text:
        text = unquote(_after("&X-Amz-Credential=", f"&{request.query}").partition("&")[0])
    parts = text.split("/")
    return ClaimedCredential(parts[0], parts[3]) if len(parts) > 4 else ClaimedCredential("", "")


def _after(name: str, text: str) -> str:
    """The text behind the first `name`, cut to the longest credential; "" without `name`."""
    begins = text.find(name)
    start = begins + len(name)
    return text[start : start + _LONGEST] if begins >= 0 else ""
