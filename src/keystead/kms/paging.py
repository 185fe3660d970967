"""Pages of KMS: `Limit` and `Marker` in, `Truncated` and `NextMarker` out (kms.md 1).

How long they are says the row of the operation. A marker goes on for the operation, the principal,
the account, the Region and the parameters that it was made for, and for nothing else.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from keystead import paging
from keystead.kms.call import KmsCall
from keystead.paging import Markers, Page, walk
from keystead.wire.models import kms as api

T = TypeVar("T")


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
    position: Callable[[T], str],
    parameters: tuple[str, ...] = (),
) -> Page[T]:
    """The page that the request asks for.

    `fetch(after, count)` gives the next items in the order of `position`, which names each of them.
    """
    sizes = call.rules.pages
    if sizes is None:
        raise RuntimeError(f"the row of {call.operation.name} has no pages")
    principal = call.principal.unique_id or call.principal.arn
    bound_to = (principal, call.account, call.region, *parameters)
    markers = Markers(call.tokens, f"kms marker {call.operation.name}", bound_to, _refusal)
    return walk(markers, request.marker, sizes.chosen(request.limit), fetch, position)


def in_parts(
    call: KmsCall,
    fetch: Callable[[str, int], list[T]],
    position: Callable[[T], str],
    most: int | None = None,
) -> Callable[[str, int], list[T]]:
    """The same as `fetch`, for long pages (`keystead.paging.in_parts`)."""
    preparations = call.repository.preparations
    return paging.in_parts(preparations, call.event.request_id, fetch, position, most)


def _refusal() -> api.InvalidMarkerException:
    return api.InvalidMarkerException("The marker is not valid.")
