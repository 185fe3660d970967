"""Pages of EC2: `MaxResults` and `NextToken` in, `nextToken` out.

A token is bound to the caller, the Region, the operation and all other parameters (IA-11).
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from keystead import paging
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidNextToken
from keystead.paging import Markers, Page
from keystead.wire.query import InvalidParameterValue

T = TypeVar("T")

MOST = 1000
"""The items of a page; AWS cuts a larger number to this."""

_PAGING = frozenset({"NextToken", "MaxResults", "nextToken", "maxResults"})
_encode = msgspec.json.Encoder(order="sorted").encode


class PagedRequest(Protocol):
    """A request for a list."""

    @property
    def next_token(self) -> str | None: ...

    @property
    def max_results(self) -> int | None: ...


def cut(call: NetworkCall, request: PagedRequest, items: Sequence[T], *, least: int = 1) -> Page[T]:
    """A page of a list that is there as a whole, and always in the same order."""
    size = MOST if request.max_results is None else request.max_results
    if size < least:
        raise InvalidParameterValue(
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value greater than"
            f" or equal to {least}."
        )
    return paging.cut(_markers(call, request), request.next_token, min(size, MOST), items)


def _markers(call: NetworkCall, request: PagedRequest) -> Markers:
    parameters = msgspec.to_builtins(request)
    others = {name: value for name, value in parameters.items() if name not in _PAGING}
    asked = (call.operation.name, _encode(others).decode())
    bound_to = (call.account, call.principal.user_id, call.region, *asked)
    return Markers(call.tokens, "ec2 page", bound_to, InvalidNextToken)
