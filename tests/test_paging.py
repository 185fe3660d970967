"""Pages of lists, whatever the service: every item once, and markers that go nowhere else."""

import os
from collections.abc import Callable

import pytest

from keystead.custody.tokens.tokens import Tokens
from keystead.errors import ValidationException
from keystead.paging import MOST_TEXT, Markers, Page, Sizes, cut, walk

TOKENS = Tokens(os.urandom(32), "incarnation")
ITEMS = [f"item {number:02}" for number in range(10)]


def markers(purpose: str = "list", *bound_to: str) -> Markers:
    return Markers(TOKENS, purpose, bound_to, lambda: ValidationException("Invalid Marker."))


def after(position: str, count: int) -> list[str]:
    return [item for item in ITEMS if item > position][:count]


def by_walking(marker: str | None, size: int) -> Page[str]:
    return walk(markers(), marker, size, after, str)


def by_cutting(marker: str | None, size: int) -> Page[str]:
    return cut(markers(), marker, size, ITEMS)


@pytest.mark.parametrize("page_of", [by_walking, by_cutting])
@pytest.mark.parametrize("size", [1, 3, 5, 9, 10, 11])
def test_every_item_once(page_of: Callable[[str | None, int], Page[str]], size: int) -> None:
    """Page after page shows every item once, in order; only the last one has no marker."""
    seen, marker, pages = [], None, 0
    while True:
        page = page_of(marker, size)
        seen += page.items
        pages += 1
        assert page.is_truncated is (page.marker is not None)
        if page.marker is None:
            break
        assert len(page.items) == size
        marker = page.marker
    assert seen == ITEMS
    assert pages == -(-len(ITEMS) // size)


def test_empty_lists() -> None:
    """Nothing is one page."""
    assert walk(markers(), None, 5, lambda _position, _count: [], str) == Page([], None)
    assert cut(markers(), None, 5, []) == Page([], None)


def test_pages_end_early_where_documents_are_long() -> None:
    """What makes a page longer than `MOST_TEXT` is its last item; a page has one at least."""
    page = walk(markers(), None, 10, after, str, text=lambda _: MOST_TEXT // 2)
    assert page.items == ITEMS[:3]
    assert walk(markers(), page.marker, 10, after, str).items == ITEMS[3:]
    one = walk(markers(), None, 10, after, str, text=lambda _: MOST_TEXT + 1)
    assert one.items == ITEMS[:1]


@pytest.mark.parametrize("other", [markers("other"), markers("list", "bob"), markers()])
def test_markers_go_nowhere_else(other: Markers) -> None:
    """A marker is good for its purpose and what it is bound to; its twin there is accepted."""
    own = markers("list", "alice")
    marker = own.after("item 03")
    assert own.position(marker) == "item 03"
    with pytest.raises(ValidationException, match="Invalid Marker"):
        other.position(marker)


@pytest.mark.parametrize("text", ["", "x", "item 03", "AAAA"])
def test_what_is_no_marker(text: str) -> None:
    """A text that we did not give is refused in the service's words."""
    with pytest.raises(ValidationException, match="Invalid Marker"):
        markers().position(text)


def test_the_beginning() -> None:
    """Without a marker a list begins at its beginning."""
    assert markers().position(None) == ""


def test_sizes() -> None:
    """A page has the size that was asked for, up to the largest, or the default."""
    sizes = Sizes(50, 100)
    assert [sizes.chosen(asked) for asked in (None, 1, 100, 101)] == [50, 1, 100, 100]
