"""Where does the next page of a list begin?  One rule for every service.

A marker says after which item the next page begins. It is sealed, and bound to what the service
names: the operation, the caller, the parameters of the request. So it can be neither made nor used
elsewhere (threat-model IA-11). How a request asks for a page, how an answer tells of the next one,
and how a marker is refused is the service's own: `kms/paging.py`, `identity/paging.py`,
`identity/organizations/paging.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from keystead.custody.tokens import InvalidToken, Tokens
from keystead.errors import AwsError
from keystead.work import Preparations

T = TypeVar("T")

ONE_PART = 128
"""A page of so many items is read at once: each is proved, and so many take 0.6 ms.

A page whose size nobody chose has no more.
"""

PART = 64
"""How many items of a longer page are read at a time."""

MOST_TEXT = 16 * 1024  # characters of documents, after which a page takes nothing more


class Sizes(NamedTuple):
    """How an operation divides its list: the size of a page that nobody chose, and the largest."""

    default: int
    most: int

    def chosen(self, asked: int | None) -> int:
        """The size of a page for a request; a larger one than the largest is cut."""
        return min(asked or self.default, self.most)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of one page, and the marker of the next one; None when there is none."""

    items: list[T]
    marker: str | None

    @property
    def is_truncated(self) -> bool:
        return self.marker is not None


@dataclass(frozen=True, slots=True)
class Markers:
    """The markers of one list, for one caller and one question."""

    tokens: Tokens
    purpose: str
    bound_to: tuple[str, ...]
    refusal: Callable[[], AwsError]  # of a text that is none of these markers

    def position(self, marker: str | None) -> str:
        """The item after which a page begins; "" is the beginning. Raises the refusal."""
        if marker is None:
            return ""
        try:
            return self.tokens.unseal(self.purpose, marker, self.bound_to).decode()
        except InvalidToken:
            raise self.refusal() from None

    def after(self, position: str) -> str:
        """The marker of the page that begins after this item."""
        return self.tokens.seal(self.purpose, position.encode(), self.bound_to)


def walk(
    markers: Markers,
    marker: str | None,
    size: int,
    after: Callable[[str, int], Iterable[T]],
    key: Callable[[T], str],
    *,
    text: Callable[[T], int] | None = None,
) -> Page[T]:
    """A page of a long list: `after(key, n)` gives the next `n` items in the order of `key`.

    A page ends early where its documents are many, because others wait while it is made: `text`
    says how many characters those of an item have.
    """
    following = iter(after(markers.position(marker), size + 1))
    items: list[T] = []
    length = 0
    for item in islice(following, size):
        items.append(item)
        length += text(item) if text else 0
        if length > MOST_TEXT:
            break
    more = next(following, None) is not None
    return Page(items, markers.after(key(items[-1])) if more else None)


def in_parts(
    preparations: Preparations,
    request_id: str,
    fetch: Callable[[str, int], list[T]],
    position: Callable[[T], str],
    most: int | None = None,
) -> Callable[[str, int], list[T]]:
    """The same as `fetch`, for long pages: others are served between two parts of one.

    A part has at most so many items; `PART` unless said otherwise.
    """

    def following(after: str, count: int) -> list[T]:
        in_part = most or (PART if count > ONE_PART else ONE_PART)
        items: list[T] = []
        while True:
            rest = count - len(items)
            wanted = min(in_part, rest)
            part = preparations.part(
                (request_id, after),
                partial(fetch, after, wanted),
                full=in_part if rest > in_part else None,
            )
            items += part
            if len(part) < wanted or len(items) == count:
                return items
            after = position(part[-1])

    return following


def cut(markers: Markers, marker: str | None, size: int, items: Sequence[T]) -> Page[T]:
    """A page of a short list that is there as a whole, and always in the same order."""
    start = int(markers.position(marker) or "0")
    end = start + size
    more = len(items) > end
    return Page(list(items[start:end]), markers.after(str(end)) if more else None)
