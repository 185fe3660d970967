"""One page of a list: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out (iam.md 1.7).

A marker says after what the next page begins. It is sealed, and bound to the operation, the
caller and the other parameters of the request (IA-11): it can be neither made nor used elsewhere.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

import msgspec

from keystead.custody.tokens import InvalidToken
from keystead.errors import ValidationException
from keystead.identity.call import IamCall
from keystead.identity.limits import PAGE

T = TypeVar("T")

_PURPOSE = "iam marker"
_PAGING = frozenset({"Marker", "MaxItems"})
MOST_TEXT = 16 * 1024  # characters of documents, after which a page takes nothing more
_encode = msgspec.json.Encoder(order="sorted").encode


class PagedRequest(Protocol):
    """A request for a list."""

    @property
    def marker(self) -> str | None: ...

    @property
    def max_items(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of one page, and the marker of the next."""

    items: list[T]
    marker: str | None

    @property
    def is_truncated(self) -> bool:
        return self.marker is not None


def walk(
    call: IamCall,
    request: PagedRequest,
    after: Callable[[str, int], Iterable[T]],
    key: Callable[[T], str],
    text: Callable[[T], int] | None = None,
) -> Page[T]:
    """A page of a long list: `after(key, n)` gives the next `n` items in the order of `key`.

    Pages are no longer than those that nobody asks for: others wait while one is made. For the
    same reason a page ends where its documents are many: `text` says how long those of an item are.
    """
    bound_to = _binding(call, request)
    limit = min(request.max_items or PAGE, PAGE)
    following = iter(after(_position(call, request.marker, bound_to), limit + 1))
    items: list[T] = []
    length = 0
    for item in islice(following, limit):
        items.append(item)
        length += text(item) if text else 0
        if length > MOST_TEXT:
            break
    if next(following, None) is None:
        return Page(items, None)
    last = key(items[-1]).encode()
    return Page(items, call.tokens.seal(_PURPOSE, last, bound_to))


def cut(call: IamCall, request: PagedRequest, items: Sequence[T]) -> Page[T]:
    """A page of a short list that is there as a whole."""

    def after(position: str, count: int) -> list[tuple[int, T]]:
        start = int(position or "0")
        return list(enumerate(items[start : start + count], start + 1))

    page = walk(call, request, after, lambda item: str(item[0]))
    return Page([item for _, item in page.items], page.marker)


def _binding(call: IamCall, request: PagedRequest) -> tuple[str, ...]:
    """What a marker is bound to: the caller, the operation and its parameters."""
    parameters = msgspec.to_builtins(request)
    others = {name: value for name, value in parameters.items() if name not in _PAGING}
    return (call.account, call.principal.user_id, call.operation.name, _encode(others).decode())


def _position(call: IamCall, marker: str | None, bound_to: tuple[str, ...]) -> str:
    if marker is None:
        return ""
    try:
        return call.tokens.unseal(_PURPOSE, marker, bound_to).decode()
    except InvalidToken:
        raise ValidationException("Invalid Marker.") from None
