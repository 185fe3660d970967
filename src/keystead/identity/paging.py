"""Pages of IAM: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out (iam.md 1.7).

Pages are no longer than those that nobody asks for: others wait while one is made. A marker is
bound to the caller, the operation and all other parameters of the request (IA-11).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec

from keystead import paging
from keystead.errors import ValidationException
from keystead.identity.call import IamCall
from keystead.identity.limits import PAGE
from keystead.paging import Markers, Page, Sizes

T = TypeVar("T")

_SIZES = Sizes(PAGE, PAGE)
_PAGING = frozenset({"Marker", "MaxItems"})
_encode = msgspec.json.Encoder(order="sorted").encode


class PagedRequest(Protocol):
    """A request for a list."""

    @property
    def marker(self) -> str | None: ...

    @property
    def max_items(self) -> int | None: ...


def walk(
    call: IamCall,
    request: PagedRequest,
    after: Callable[[str, int], Iterable[T]],
    key: Callable[[T], str],
    text: Callable[[T], int] | None = None,
) -> Page[T]:
    """A page of a long list, in the order of `key` (`keystead.paging.walk`)."""
    size = _SIZES.chosen(request.max_items)
    return paging.walk(_markers(call, request), request.marker, size, after, key, text=text)


def search(
    call: IamCall,
    request: PagedRequest,
    after: Callable[[str, int], tuple[Sequence[T], str | None]],
    key: Callable[[T], str],
) -> Page[T]:
    """A page of a list that is searched for: it may have few items, or none, before others.

    `after(key, n)` gives the next `n` items, and where the search ended if it did not look at all
    (iam.md 1.7).
    """
    size, markers = _SIZES.chosen(request.max_items), _markers(call, request)
    found, until = after(markers.position(request.marker), size + 1)
    items = list(found[:size])
    if len(found) > size:
        until = key(items[-1])
    return Page(items, None if until is None else markers.after(until))


def cut(call: IamCall, request: PagedRequest, items: Sequence[T]) -> Page[T]:
    """A page of a short list that is there as a whole."""
    size = _SIZES.chosen(request.max_items)
    return paging.cut(_markers(call, request), request.marker, size, items)


def start(call: IamCall, request: PagedRequest) -> int:
    """How many items of a list that is there as a whole stand before the page."""
    return int(_markers(call, request).position(request.marker) or "0")


def _markers(call: IamCall, request: PagedRequest) -> Markers:
    parameters = msgspec.to_builtins(request)
    others = {name: value for name, value in parameters.items() if name not in _PAGING}
    asked = (call.operation.name, _encode(others).decode())
    bound_to = (call.account, call.principal.user_id, *asked)
    return Markers(call.tokens, "iam marker", bound_to, _refusal)


def _refusal() -> ValidationException:
    return ValidationException("Invalid Marker.")
