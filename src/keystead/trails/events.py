"""LookupEvents: the events of the caller's account in one Region, of the last 90 days.

The log is read beside the loop, a bounded part for each call (`audit.cloudtrail.history`). A rare
value may not stand in that part. Then the page is empty, and its token goes on: a paginator of an
SDK does the rest.
"""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from keystead.audit.cloudtrail import NOWHERE, Fields, Wanted, search, user_name
from keystead.audit.records import Tag, jsontext
from keystead.paging import Markers
from keystead.pauses import pausing
from keystead.registry import implements_with_work
from keystead.times import iso_seconds
from keystead.trails.call import TrailCall
from keystead.wire.models import cloudtrail as api
from keystead.work import LOG, MadeWith, Work, digest

DAYS = timedelta(days=90)
MOST = 50
_SECONDS = 0.03  # of one search, on the machine of the benchmarks
_PAGING = frozenset({"NextToken", "MaxResults"})
_Page = tuple[list[api.Event], str]
_encode = msgspec.json.Encoder(order="sorted").encode


@implements_with_work(api.LookupEvents)
def lookup_events(
    call: TrailCall, request: api.LookupEventsRequest
) -> api.LookupEventsResponse | Work[_Page]:
    call.authorize_any("cloudtrail:LookupEvents")
    wanted = _wanted(call, request)
    markers = _markers(call, request)
    place = markers.position(request.next_token)
    if request.event_category == "insight" or wanted.since > wanted.until:
        return api.LookupEventsResponse(events=[])
    made_with = MadeWith(
        input=digest(_encode(request), call.account.encode(), call.region.encode())
    )
    work = Work(LOG, _SECONDS, made_with, _page, (call.log, wanted, place, call.tag))
    done = call.done(work)
    if done is None:
        return work
    events, following = done.value
    return api.LookupEventsResponse(
        events=events, next_token=None if following == NOWHERE else markers.after(following)
    )


def _page(log: Path, wanted: Wanted, place: str, tag: Tag) -> _Page:
    """The events of one page, and where the next one begins; in a worker's thread."""
    found = search(log, wanted, place, tag)
    return [_shown(record) for record in pausing(found.records)], found.place


def _wanted(call: TrailCall, request: api.LookupEventsRequest) -> Wanted:
    """What is looked up; raises AWS's errors for what cannot be."""
    most = MOST if request.max_results is None else request.max_results
    if not 1 <= most <= MOST:
        raise api.InvalidMaxResultsException(
            f"The maximum number of results must be between 1 and {MOST}."
        )
    attributes = request.lookup_attributes or []
    if len(attributes) > 1:
        raise api.InvalidLookupAttributesException("Only one lookup attribute can be specified.")
    key, value = ("", "")
    if attributes:
        key, value = attributes[0].attribute_key, attributes[0].attribute_value
    if key == "ReadOnly" and value not in {"true", "false"}:
        raise api.InvalidLookupAttributesException("The value of ReadOnly must be true or false.")
    since, until = _range(call.now, request)
    return Wanted(call.account, call.region, call.home, since, until, most, key, value)


def _range(now: datetime, request: api.LookupEventsRequest) -> tuple[str, str]:
    """The first and the last second of the range, which begins 90 days ago at the earliest."""
    start, end = request.start_time, request.end_time
    if start is not None and end is not None and start > end:
        raise api.InvalidTimeRangeException("The start time must be before the end time.")
    earliest = now - DAYS
    since = earliest if start is None else min(max(start, earliest), now + DAYS)
    until = now if end is None else min(max(end, earliest - DAYS), now + DAYS)
    return iso_seconds(since), iso_seconds(until)


def _markers(call: TrailCall, request: api.LookupEventsRequest) -> Markers:
    """The tokens of this caller for this question, and for no other (IA-11)."""
    parameters = msgspec.to_builtins(request)
    asked = {name: value for name, value in parameters.items() if name not in _PAGING}
    bound_to = (call.account, call.principal.user_id, call.region, _encode(asked).decode())
    return Markers(call.tokens, "cloudtrail page", bound_to, _refusal)


def _refusal() -> api.InvalidNextTokenException:
    return api.InvalidNextTokenException("The next token is not valid.")


def _shown(fields: Fields) -> api.Event:
    identity = fields["userIdentity"]
    return api.Event(
        event_id=fields["eventID"],
        event_name=fields["eventName"],
        read_only="true" if fields.get("readOnly") else "false",
        access_key_id=identity.get("accessKeyId"),
        event_time=datetime.fromisoformat(fields["eventTime"]),
        event_source=fields["eventSource"],
        username=user_name(fields) or None,
        resources=[
            api.Resource(resource_type=each.get("type"), resource_name=each.get("ARN"))
            for each in fields["resources"]
        ],
        cloud_trail_event=jsontext.encode(fields).decode(),
    )
