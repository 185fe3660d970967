"""Which items of a list does a caller want?  EC2's filters.

An item stands in the answer if, for each filter, one of its values matches one of the filter's.
`*` stands for any text, `?` for one character. Letters are case-sensitive. `tag:Team` is the value
of a tag, `tag-key` its key.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from keystead.policy.text import Matcher, glob, wildcards
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

T = TypeVar("T")
Values = Callable[[T], Iterable[str]]
"""The values of an item that a filter is about."""

MOST_FILTERS, MOST_VALUES = 50, 200
_LONGEST = 1024  # characters of a value
_TAG = "tag:"


class FilterLimitExceeded(InvalidParameterValue):
    """There are too many filters, or values of them."""

    code = "FilterLimitExceeded"


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
) -> Callable[[T], bool]:
    """Do all filters let an item pass?  Raises EC2's errors."""
    tests = [_test(each, known, tags) for each in _bounded(filters or ())]
    return lambda item: all(test(item) for test in tests)


def _bounded(filters: Sequence[api.Filter]) -> Sequence[api.Filter]:
    values = sum(len(each.values or ()) for each in filters)
    if len(filters) > MOST_FILTERS or values > MOST_VALUES:
        raise FilterLimitExceeded(
            f"A request has at most {MOST_FILTERS} filters with {MOST_VALUES} values."
        )
    return filters


def _test(
    wanted: api.Filter,
    known: Mapping[str, Values[T]],
    tags: Callable[[T], Mapping[str, str]] | None,
) -> Callable[[T], bool]:
    name = wanted.name or ""
    values = _values(name, known, tags)
    if values is None:
        raise InvalidParameterValue(f"The filter '{name[:100]}' is invalid")
    if not wanted.values:
        raise InvalidParameterValue(f"The filter '{name[:100]}' has no values")
    if any(len(text) > _LONGEST for text in wanted.values):
        raise InvalidParameterValue(f"A value of the filter '{name[:100]}' is too long")
    matchers: list[Matcher] = [glob(wildcards(text)) for text in wanted.values]
    return lambda item: any(matches(value) for value in values(item) for matches in matchers)


def _values(
    name: str, known: Mapping[str, Values[T]], tags: Callable[[T], Mapping[str, str]] | None
) -> Values[T] | None:
    if tags is not None and name == "tag-key":
        return tags
    if tags is not None and name.startswith(_TAG):
        key = name.removeprefix(_TAG)
        return lambda item: (value for tag, value in tags(item).items() if tag == key)
    return known.get(name)
