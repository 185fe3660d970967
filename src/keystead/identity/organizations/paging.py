"""One page of a list: `NextToken` and `MaxResults` in, `NextToken` out (iam.md 1.12).

A token says after what the next page begins. It is sealed, and bound to the operation, the caller
and the other parameters of the request (IA-11).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from keystead.custody.tokens import InvalidToken
from keystead.identity.organizations.call import OrganizationsCall
from keystead.wire.models import organizations as api

T = TypeVar("T")

MOST = 20
_PURPOSE = "organizations page"
_PAGING = frozenset({"NextToken", "MaxResults"})
_encode = msgspec.json.Encoder(order="sorted").encode


class PagedRequest(Protocol):
    """A request for a list."""

    @property
    def next_token(self) -> str | None: ...

    @property
    def max_results(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of one page, and the token of the next."""

    items: list[T]
    next_token: str | None


def walk(
    call: OrganizationsCall,
    request: PagedRequest,
    after: Callable[[str, int], list[T]],
    key: Callable[[T], str],
) -> Page[T]:
    """A page of a list: `after(key, n)` gives the next `n` items in the order of `key`."""
    bound_to = _binding(call, request)
    limit = request.max_results or MOST
    items = after(_position(call, request.next_token, bound_to), limit + 1)
    if len(items) <= limit:
        return Page(items, None)
    last = key(items[limit - 1]).encode()
    return Page(items[:limit], call.tokens.seal(_PURPOSE, last, bound_to))


def cut(call: OrganizationsCall, request: PagedRequest, items: Sequence[T]) -> Page[T]:
    """A page of a short list that is there as a whole."""

    def after(position: str, count: int) -> list[tuple[int, T]]:
        start = int(position or "0")
        return list(enumerate(items[start : start + count], start + 1))

    page = walk(call, request, after, lambda item: str(item[0]))
    return Page([item for _, item in page.items], page.next_token)


def _binding(call: OrganizationsCall, request: PagedRequest) -> tuple[str, ...]:
    """What a token is bound to: the caller, the operation and its parameters."""
    parameters = msgspec.to_builtins(request)
    others = {name: value for name, value in parameters.items() if name not in _PAGING}
    return (call.account, call.principal.user_id, call.operation.name, _encode(others).decode())


def _position(call: OrganizationsCall, token: str | None, bound_to: tuple[str, ...]) -> str:
    if token is None:
        return ""
    try:
        return call.tokens.unseal(_PURPOSE, token, bound_to).decode()
    except InvalidToken:
        raise api.InvalidInputException(
            "You provided an invalid NextToken.", reason="INVALID_NEXT_TOKEN"
        ) from None
