"""Which facts does the server itself know of a request?  The global condition keys (iam.md 6.3).

INVARIANT: every key here comes from the socket, from the row of the endpoint that it names, from
the clock, or from one of two headers: `aws:UserAgent` and `aws:Referer` are defined as their
values. No other name or value in a request becomes a key (threat-model PE-3). A key without a value
is absent, not empty.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from keystead.policy.evaluation import ContextValue, Keys
from keystead.times import from_seconds, iso_seconds
from keystead.wire.http import HttpRequest


def global_keys(
    request: HttpRequest,
    now: datetime,
    region: str,
    principal: Mapping[str, ContextValue],
    network: Keys | None = None,
) -> dict[str, ContextValue]:
    """The keys of this request, together with those of its principal, lower-case.

    `network`: those of the endpoint through which it came; None if it came through none.
    """
    of_all = every_request(now)
    # The larger one first: so the dictionary grows once.
    keys: dict[str, ContextValue] = {**principal, **of_all}
    if "aws:viaawsservice" in principal:
        keys["aws:viaawsservice"] = principal["aws:viaawsservice"]
    keys["aws:securetransport"] = "true" if request.secure else "false"
    keys["aws:requestedregion"] = region
    if network is not None:
        keys |= network
        keys["aws:vpcsourceip"] = request.source_ip
    else:
        keys["aws:sourceip"] = request.source_ip
    headers = request.headers
    if user_agent := headers.get("user-agent"):
        keys["aws:useragent"] = user_agent
    if referer := headers.get("referer"):
        keys["aws:referer"] = referer
    return keys


@lru_cache(maxsize=4)  # requests that arrived together have the same time
def every_request(now: datetime) -> Keys:
    """The keys whose values are the same for every request of this second.

    The time as a date and as a number, and the keys that are the same at any time.
    """
    return _of_second(int(now.timestamp()))


@lru_cache(maxsize=4)
def _of_second(second: int) -> Keys:
    date = iso_seconds(from_seconds(second))
    return {**ANY_TIME, "aws:currenttime": date, "aws:epochtime": str(second)}


ANY_TIME: Final[Keys] = {"aws:viaawsservice": "false"}
"""The keys that every request has at any time, unless a service makes it for its caller."""
