"""Pages of EC2: `MaxResults` and `NextToken` in, `nextToken` out.

A token is bound to the caller, the Region, the operation and all other parameters (IA-11).
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from keystead import paging
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidNextToken
from keystead.network.filters import Passing
from keystead.paging import Markers, Page
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

T = TypeVar("T")

MOST = 1000
"""The items of a page; AWS cuts a larger number to this."""

_MOST_TEXT = 256 * 1024  # characters of documents, after which a page takes nothing more
_PAGING = frozenset({"NextToken", "MaxResults", "nextToken", "maxResults"})
_encode = msgspec.json.Encoder(order="sorted").encode


class PagedRequest(Protocol):
    """A request for a list."""

    @property
    def next_token(self) -> str | None: ...

    @property
    def max_results(self) -> int | None: ...

    @property
    def filters(self) -> Sequence[api.Filter] | None: ...


def cut(
    call: NetworkCall,
    request: PagedRequest,
    items: Sequence[T],
    *,
    least: int = 1,
    text: Callable[[T], int] = lambda _: 0,
) -> Page[T]:
    """A page of a list that is there as a whole, and always in the same order.

    `least` is the smallest size that may be asked for. `text` says how many characters the
    documents of an item have: a page ends early where they are many, because others wait.
    """
    size = _size(request, least)
    markers = _markers(call, request)
    start = int(markers.position(request.next_token) or "0")
    room, taken = _MOST_TEXT, 0
    for item in items[start : start + size]:
        room -= text(item)
        taken += 1
        if room < 0:
            break
    return paging.cut(markers, request.next_token, max(taken, 1), items)


def walk(
    call: NetworkCall,
    request: PagedRequest,
    after: Callable[[str, int], list[T]],
    position: Callable[[T], str],
    passes: Passing[T],
    *,
    least: int = 1,
    text: Callable[[T], int] = lambda _: 0,
) -> Page[T]:
    """A page of a long list: `after(key, n)` gives the next `n` items in the order of `position`.

    Of at most `MOST` items those that pass are in the page, and of fewer where filters take long or
    where items are long (`text`). So a page may have few or none where more follow, as at AWS.
    """
    size = _size(request, least)
    markers = _markers(call, request)
    following = paging.in_parts(call.preparations, call.event.request_id, after, position)
    looked_at = MOST if request.filters else size
    found = following(markers.position(request.next_token), looked_at + 1)
    items: list[T] = []
    room = _MOST_TEXT
    for number, item in enumerate(found[:looked_at], 1):
        if passes(item):
            items.append(item)
            room -= text(item)
        if room < 0 or len(items) == size or number == looked_at or passes.has_done_enough:
            more = number < len(found)
            return Page(items, markers.after(position(item)) if more else None)
    return Page(items, None)


def _size(request: PagedRequest, least: int) -> int:
    size = MOST if request.max_results is None else request.max_results
    if size < least:
        raise InvalidParameterValue(
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value greater than"
            f" or equal to {least}."
        )
    return min(size, MOST)


def _markers(call: NetworkCall, request: PagedRequest) -> Markers:
    parameters = msgspec.to_builtins(request)
    others = {name: value for name, value in parameters.items() if name not in _PAGING}
    asked = (call.operation.name, _encode(others).decode())
    bound_to = (call.account, call.principal.user_id, call.region, *asked)
    return Markers(call.tokens, "ec2 page", bound_to, InvalidNextToken)
