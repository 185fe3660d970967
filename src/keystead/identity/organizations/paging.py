"""Pages of Organizations: `NextToken` and `MaxResults` in, `NextToken` out (iam.md 1.12).

A token is bound to the caller, the operation and all other parameters of the request (IA-11).
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from keystead import paging
from keystead.identity.organizations.call import OrganizationsCall
from keystead.paging import Markers, Page, Sizes
from keystead.wire.models import organizations as api

T = TypeVar("T")

MOST = 20
_SIZES = Sizes(MOST, MOST)
_PAGING = frozenset({"NextToken", "MaxResults"})
_encode = msgspec.json.Encoder(order="sorted").encode


class ContinuedRequest(Protocol):
    """A request for a list that goes on after a page."""

    @property
    def next_token(self) -> str | None: ...


class PagedRequest(ContinuedRequest, Protocol):
    """A request for a list, which may say how long a page is."""

    @property
    def max_results(self) -> int | None: ...


def walk(
    call: OrganizationsCall,
    request: PagedRequest,
    after: Callable[[str, int], list[T]],
    key: Callable[[T], str],
) -> Page[T]:
    """A page of a long list, in the order of `key` (`keystead.paging.walk`)."""
    size = _SIZES.chosen(request.max_results)
    return paging.walk(_markers(call, request), request.next_token, size, after, key)


def cut(call: OrganizationsCall, request: PagedRequest, items: Sequence[T]) -> Page[T]:
    """A page of a short list that is there as a whole."""
    size = _SIZES.chosen(request.max_results)
    return paging.cut(_markers(call, request), request.next_token, size, items)


def cut_whole(call: OrganizationsCall, request: ContinuedRequest, items: Sequence[T]) -> Page[T]:
    """As `cut`, where a request cannot say how long a page is."""
    return paging.cut(_markers(call, request), request.next_token, MOST, items)


def _markers(call: OrganizationsCall, request: ContinuedRequest) -> Markers:
    parameters = msgspec.to_builtins(request)
    others = {name: value for name, value in parameters.items() if name not in _PAGING}
    asked = (call.operation.name, _encode(others).decode())
    bound_to = (call.account, call.principal.user_id, *asked)
    return Markers(call.tokens, "organizations page", bound_to, _refusal)


def _refusal() -> api.InvalidInputException:
    return api.InvalidInputException(
        "You provided an invalid NextToken.", reason="INVALID_NEXT_TOKEN"
    )
