"""Where does the next page begin?  Pagination, with markers that only we can make.

A marker is a sealed token: it goes on for the operation, the principal, the account, the Region
and the parameters that it was made for, and nothing else (InvalidMarkerException).
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from keystead.custody.tokens import InvalidToken
from keystead.kms.call import KmsCall
from keystead.wire.models import kms as api

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    next_marker: str | None

    @property
    def truncated(self) -> bool:
        return self.next_marker is not None


class PagedRequest(Protocol):
    """A request for a list."""

    @property
    def limit(self) -> int | None: ...

    @property
    def marker(self) -> str | None: ...


def page(
    call: KmsCall,
    request: PagedRequest,
    *,
    fetch: Callable[[str, int], Sequence[T]],
    place: Callable[[T], str],
    parameters: tuple[str, ...] = (),
) -> Page[T]:
    """The page that the request asks for.

    `fetch(after, count)` gives the next items in the order of `place`, which names each of them.
    A larger page than AWS gives is cut to AWS's largest.
    """
    sizes = call.rules.pages
    if sizes is None:
        raise RuntimeError(f"the row of {call.operation.name} has no pages")
    size = min(request.limit or sizes.default, sizes.most)
    principal = call.principal.unique_id or call.principal.arn
    bound_to = (principal, call.account, call.region, *parameters)
    items = fetch(_after(call, request.marker, bound_to), size + 1)
    if len(items) <= size:
        return Page(items, None)
    last = place(items[size - 1]).encode()
    return Page(items[:size], call.tokens.seal(_purpose(call), last, bound_to))


def _purpose(call: KmsCall) -> str:
    return f"kms marker {call.operation.name}"


def _after(call: KmsCall, marker: str | None, bound_to: tuple[str, ...]) -> str:
    if marker is None:
        return ""
    try:
        return call.tokens.unseal(_purpose(call), marker, bound_to).decode()
    except InvalidToken:
        raise api.InvalidMarkerException("The marker is not valid.") from None
