"""Which items of a list does a caller want?  EC2's filters.

An item stands in the answer if, for each filter, one of its values matches one of the filter's.
`*` stands for any text, `?` for one character. Letters are case-sensitive. `tag:Team` is the value
of a tag, `tag-key` its key.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from keystead.policy.text import Matcher, glob, is_plain, is_searched, wildcards
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

T = TypeVar("T")
Values = Callable[[T], Iterable[str]]
"""The values of an item that a filter is about."""

MOST_FILTERS, MOST_VALUES, MOST_WILDCARDS = 50, 200, 500
_LONGEST = 1024  # characters of a value
_ENOUGH, _MOST_SPENT = 50_000, 200_000
"""What one call compares: tokens of patterns, each with a value. 50,000 take some ten
milliseconds."""
_SEARCH = 400
"""What a pattern costs besides, if a piece of it that has a `?` is searched for."""
_TAG = "tag:"


class FilterLimitExceeded(InvalidParameterValue):
    """There are too many filters, or values of them."""

    code = "FilterLimitExceeded"


class Passing(Generic[T]):
    """Do all filters let an item pass?

    What that takes is summed up, because others wait. A long list takes no more items on a page
    once it `has_done_enough`. A list that is there as a whole is refused if it takes too much.
    """

    __slots__ = ("_spent", "_tests")

    def __init__(self, tests: Sequence[Callable[[T], tuple[bool, int]]]) -> None:
        self._tests = tests
        self._spent = 0

    def __call__(self, item: T) -> bool:
        """Does it pass?  Raises FilterLimitExceeded."""
        if self._spent > _MOST_SPENT:
            raise FilterLimitExceeded(
                "The filters compare too many values with too many wildcards: name fewer of them."
            )
        for test in self._tests:
            passes, cost = test(item)
            self._spent += cost
            if not passes:
                return False
        return True

    @property
    def has_done_enough(self) -> bool:
        """Was so much compared that others should be served first?"""
        return self._spent > _ENOUGH


def chosen(
    items: Iterable[T],
    filters: Sequence[api.Filter] | None,
    known: Mapping[str, Values[T]],
    tags: Callable[[T], Mapping[str, str]] | None = None,
) -> list[T]:
    """The items that all filters let pass, in their order; raises EC2's errors."""
    passes = passing(filters, known, tags)
    return [item for item in items if passes(item)]


def passing(
    filters: Sequence[api.Filter] | None,
    known: Mapping[str, Values[T]],
    tags: Callable[[T], Mapping[str, str]] | None = None,
) -> Passing[T]:
    """Which items do all filters let pass?  Raises EC2's errors."""
    return Passing([_test(each, known, tags) for each in _bounded(filters or ())])


def exactly(name: str, filters: Sequence[api.Filter] | None) -> list[str] | None:
    """The only values of this name that can pass; None if a filter does not name each of them.

    So a few items can be looked up, where a list is long.
    """
    for each in filters or ():
        if each.name == name and each.values and all(map(is_plain, each.values)):
            return list(dict.fromkeys(each.values))
    return None


def _bounded(filters: Sequence[api.Filter]) -> Sequence[api.Filter]:
    values = sum(len(each.values or ()) for each in filters)
    if len(filters) > MOST_FILTERS or values > MOST_VALUES:
        raise FilterLimitExceeded(
            f"A request has at most {MOST_FILTERS} filters with {MOST_VALUES} values."
        )
    wild = (text.count("*") + text.count("?") for each in filters for text in each.values or ())
    if sum(wild) > MOST_WILDCARDS:
        raise FilterLimitExceeded(f"The filters have more than {MOST_WILDCARDS} wildcards.")
    return filters


def _test(
    wanted: api.Filter,
    known: Mapping[str, Values[T]],
    tags: Callable[[T], Mapping[str, str]] | None,
) -> Callable[[T], tuple[bool, int]]:
    """Does one filter let an item pass, and what did that cost?"""
    name = wanted.name or ""
    values = _values(name, known, tags)
    if values is None:
        raise InvalidParameterValue(f"The filter '{name[:100]}' is invalid")
    if not wanted.values:
        raise InvalidParameterValue(f"The filter '{name[:100]}' has no values")
    if any(len(text) > _LONGEST for text in wanted.values):
        raise InvalidParameterValue(f"A value of the filter '{name[:100]}' is too long")
    plain = frozenset(text for text in wanted.values if is_plain(text))
    wild = [wildcards(text) for text in wanted.values if not is_plain(text)]
    matchers: list[Matcher] = [glob(tokens) for tokens in wild]
    cost = 1 + sum(len(tokens) + _SEARCH * is_searched(tokens) for tokens in wild)

    def test(item: T) -> tuple[bool, int]:
        spent = 0
        for value in values(item):
            spent += cost
            if value in plain or any(matches(value) for matches in matchers):
                return True, spent
        return False, spent

    return test


def _values(
    name: str, known: Mapping[str, Values[T]], tags: Callable[[T], Mapping[str, str]] | None
) -> Values[T] | None:
    if tags is not None and name == "tag-key":
        return tags
    if tags is not None and name.startswith(_TAG):
        key = name.removeprefix(_TAG)
        return lambda item: (value for tag, value in tags(item).items() if tag == key)
    return known.get(name)
