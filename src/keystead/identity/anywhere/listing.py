"""How is a list divided into pages?"""

from collections.abc import Callable
from typing import TypeVar

from keystead.errors import ValidationException
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.naming import Stored, ask_any, invalid
from keystead.paging import Markers, Page, Sizes, walk
from keystead.wire.models import rolesanywhere as api

T = TypeVar("T", bound=Stored)

_PAGES = Sizes(25, 50)


def page(
    call: AnywhereCall,
    request: api.ListRequest,
    after: Callable[[str, int], list[T]],
    text: Callable[[T], int] | None = None,
) -> Page[T]:
    """The page that a request asks for, if the caller may have the list.

    `text` says how many characters an item has, where they are many.
    """
    ask_any(call)
    if request.page_size is not None and request.page_size < 1:
        raise invalid("pageSize is at least 1")
    bound_to = (call.account, call.principal.user_id, call.operation.name, call.region)
    markers = Markers(call.tokens, "roles anywhere page", bound_to, _refusal)
    size = _PAGES.chosen(request.page_size)
    return walk(markers, request.next_token, size, after, lambda each: each.record_id, text=text)


def _refusal() -> ValidationException:
    return invalid("nextToken is not a token of this request")
