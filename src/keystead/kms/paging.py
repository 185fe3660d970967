"""Pages of KMS: `Limit` and `Marker` in, `Truncated` and `NextMarker` out (kms.md 1).

How long they are says the row of the operation. A marker goes on for the operation, the principal,
the account, the Region and the parameters that it was made for, and for nothing else.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from keystead.kms.call import KmsCall
from keystead.paging import Markers, Page, walk
from keystead.wire.models import kms as api

T = TypeVar("T")

PART = 64
"""How many keys are read at a time: each is proved, and so many take half a millisecond."""


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
    """The same as `fetch`, for long pages: others are served between two parts of one.

    A part has at most so many items; `PART` unless said otherwise.
    """
    in_part = most or PART

    def following(after: str, count: int) -> list[T]:
        items: list[T] = []
        while True:
            rest = count - len(items)
            wanted = min(in_part, rest)
            part = call.repository.preparations.part(
                (call.event.request_id, after),
                partial(fetch, after, wanted),
                full=in_part if rest > in_part else None,
            )
            items += part
            if len(part) < wanted or len(items) == count:
                return items
            after = position(part[-1])

    return following


def _refusal() -> api.InvalidMarkerException:
    return api.InvalidMarkerException("The marker is not valid.")
