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
    """One page of the account's entities of a kind, by name; `text` as `paging.walk` has it.

    Those below a path are listed by path and name. They are found by an index in this order, so
    that a page takes no longer if very many others are elsewhere.
    """
    call.ask_any()
    prefix, entities = request.path_prefix or "/", call.repository.of(record)

    def after(name_key: str, count: int) -> list[E]:
        return entities.after(call.transaction, call.account, name_key, "/", count)

    def below_after(position: str, count: int) -> list[E]:
        path, _, name_key = position.rpartition("/")
        place = (f"{path}/", name_key) if position else ("", "")
        return entities.below_after(call.transaction, call.account, place, prefix, count)

    if prefix == "/":
        return paging.walk(call, request, after, lambda entity: entity.name_key, text)
    return paging.walk(call, request, below_after, lambda each: each.path + each.name_key, text)
