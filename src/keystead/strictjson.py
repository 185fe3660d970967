"""Is this text JSON, with only one possible reading?  The one strict parser (threat-model PA-1).

A text that parsers read differently is refused, never silently resolved. Refused are bytes that are
not UTF-8, a byte order mark, lone surrogates and U+0000. Refused are a member name that occurs
twice, NaN and Infinity, and numbers beyond a double or 64 bits. Refused are more than `max_depth`
levels, and more than `max_values` values.
"""

import json
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 64
MAX_VALUES = 20_000

_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1
_LONGEST_INTEGER = 20  # "-" and nineteen digits


class NotStrictJson(ValueError):
    """The text is refused. The caller decides which AWS error that becomes."""


def loads(text: bytes | str, *, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES) -> Any:
    """The value of a JSON text; raises NotStrictJson with the reason."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = _parse(decoded)
    except NotStrictJson:
        raise
    except UnicodeDecodeError:
        raise NotStrictJson("the text is not UTF-8") from None
    except RecursionError:
        raise NotStrictJson(f"the text is nested deeper than {max_depth} levels") from None
    except ValueError as error:
        raise NotStrictJson(f"the text is not JSON: {error}") from None
    if not _is_plain(decoded, value, max_depth, max_values):
        _check_limits(value, max_depth, max_values)
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member name occurs twice in one object")
    return members


def _refuse_constant(name: str) -> Any:
    raise NotStrictJson(f"{name} is not a JSON number")


def _parse_integer(digits: str) -> int:
    if len(digits) <= _LONGEST_INTEGER:
        number = int(digits)
        if _LEAST_INTEGER <= number <= _GREATEST_INTEGER:
            return number
    raise NotStrictJson("an integer needs more than 64 bits")


def _parse_double(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise NotStrictJson("a number is beyond the range of a double")
    return number


_decode = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_constant=_refuse_constant,
    parse_int=_parse_integer,
    parse_float=_parse_double,
).decode


def _parse(text: str) -> Any:
    if text.startswith("\ufeff"):
        raise NotStrictJson("the text is not JSON: it begins with a byte order mark")
    return _decode(text)


def _is_plain(text: str, value: Any, max_depth: int, max_values: int) -> bool:
    """Is it certain, at little cost, that `_check_limits` refuses nothing?

    An ASCII text without escapes of code points holds no U+0000 and no surrogate. Every value but
    the first stands behind a comma or an opening bracket.
    """
    if "\\u" in text or not text.isascii():
        return False
    if text.count(",") + text.count("[") + text.count("{") >= max_values:
        return False
    level = [value]
    for _ in range(max_depth):
        level = [part for item in level for part in _parts(item) if part.__class__ in _CONTAINERS]
        if not level:
            return True
    return False


_CONTAINERS = frozenset({dict, list})


def _parts(item: Any) -> Iterable[Any]:
    if item.__class__ is dict:
        members: dict[str, Any] = item
        return members.values()
    items: list[Any] = item if item.__class__ is list else []
    return items


def _check_limits(value: Any, max_depth: int, max_values: int) -> None:
    """Check depth, number of values, and the characters of every string.

    This is a loop, so that no input can exhaust the interpreter's stack.
    """
    waiting = [(value, 1)]
    values = 0
    while waiting:
        item, depth = waiting.pop()
        values += 1
        if values > max_values:
            raise NotStrictJson(f"the text has more than {max_values} values")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict | list):
            if depth > max_depth:
                raise NotStrictJson(f"the text is nested deeper than {max_depth} levels")
            if isinstance(item, dict):
                for name in item:
                    _check_text(name)
                item = item.values()
            waiting.extend((part, depth + 1) for part in item)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise NotStrictJson("a string contains U+0000")
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotStrictJson("a string contains half of a surrogate pair") from None
