"""One page of the entities of a kind, by name."""

from collections.abc import Callable
from typing import Protocol

from keystead.identity import paging
from keystead.identity.call import IamCall
from keystead.identity.paging import PagedRequest
from keystead.identity.repository import E
from keystead.paging import Page


class PathRequest(PagedRequest, Protocol):
    """A request for the entities below a path."""

    @property
    def path_prefix(self) -> str | None: ...


def listed_after(
    call: IamCall,
    request: PathRequest,
    record: type[E],
    text: Callable[[E], int] | None = None,
) -> Page[E]:
    """One page of the account's entities of a kind, by name; `text` as `paging.walk` has it."""
    call.ask_any()
    prefix = request.path_prefix or "/"

    def after(name_key: str, count: int) -> list[E]:
        entities = call.repository.of(record)
        return entities.after(call.transaction, call.account, name_key, prefix, count)

    return paging.walk(call, request, after, lambda entity: entity.name_key, text)
