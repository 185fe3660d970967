"""Can a frequent condition be tested more quickly?  With the answers of the language's own test.

Enforcement tests conditions of a few plain forms in every call. They have no set prefix and no
IfExists, and either no variable or a single one that is the whole value. Each form has a test here
that does only the necessary work. A property test compares it with the general test
(`Condition.test`), and enforcement compares the two again.
"""

from collections.abc import Callable, Mapping, Sequence

from keystead.pauses import pausing
from keystead.policy.language import (
    ContextValue,
    Dialect,
    Keys,
    Template,
    Test,
    Texts,
    Usage,
    Variable,
    operand,
    pattern,
    template,
)
from keystead.policy.text import Matcher, arn_glob, glob
from keystead.policy.text import values as parse

ANSWERED = frozenset({"Bool", "IpAddress", "NotIpAddress"})
"""The operators whose tests keep answers."""

_KEPT, _ANSWER = 16, 200  # the most answers of one condition, and the bytes of each


def shortcut(
    used: Usage, name: str, written: Sequence[str], dialect: Dialect, *, allow: bool
) -> Test | None:
    """The quick test for this condition, or None if its form has none."""
    if used.quantifier or used.if_exists:
        return None
    operator = used.operator.name
    if operator in ("IpAddress", "NotIpAddress"):
        return _in_networks(name, written, inside=operator == "IpAddress", allow=allow)
    if operator in _PATTERNS:
        return _like(name, written, dialect, _PATTERNS[operator])
    if operator not in ("StringEquals", "StringNotEquals", "Bool"):
        return None
    operands = [template(text, dialect, wild=False) for text in pausing(written)]
    if any(parsed.variables for parsed in operands):
        alone = operator == "StringEquals" and len(operands) == 1
        return _equals_variable(name, operands[0]) if alone else None
    texts = frozenset(parsed.text for parsed in operands)
    if operator == "Bool":
        return _bool(name, texts)
    return _equals(name, texts) if operator == "StringEquals" else _not_equals(name, texts)


_PATTERNS: Mapping[str, Callable[..., Matcher]] = {
    "StringLike": glob,
    "ArnLike": arn_glob,
    "ArnEquals": arn_glob,
}


def _equals_variable(name: str, operand: Template) -> Test | None:
    match operand.parts:
        case (Variable(name=other, default=default),):
            pass
        case _:
            return None

    def test(keys: Keys) -> bool:
        wanted = keys.get(other, default)
        if wanted.__class__ is not str:  # absent, or a list: then the default counts
            wanted = default
        return wanted is not None and keys.get(name) == wanted

    return test


def _like(
    name: str, written: Sequence[str], dialect: Dialect, compiled: Callable[..., Matcher]
) -> Test | None:
    if len(written) != 1:
        return None
    matches = pattern(written[0], Texts(dialect), compiled)

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        return isinstance(value, str) and matches(value, keys)

    return test


def _equals(name: str, texts: frozenset[str]) -> Test:
    return lambda keys: keys.get(name) in texts


def _not_equals(name: str, texts: frozenset[str]) -> Test:
    def test(keys: Keys) -> bool:
        value = keys.get(name)
        return value not in texts if isinstance(value, str) else value in (None, ())

    return test


class _Answers(dict[ContextValue | None, bool]):
    """The answer for each possible value of a key. The answers for some short texts are kept."""

    def __init__(self, answer: Callable[[str], bool], *, when_absent: bool, longest: int) -> None:
        self._answer, self._when_absent, self._longest = answer, when_absent, longest

    def __sizeof__(self) -> int:
        """The size after growth, because the cache of policies is not told when it grows."""
        return super().__sizeof__() + _KEPT * _ANSWER

    def __missing__(self, value: ContextValue | None) -> bool:
        if not isinstance(value, str):
            return self._when_absent and not value  # several values match nothing
        answer = self._answer(value)
        if len(value) <= self._longest:
            if len(self) >= _KEPT:
                self.clear()
            self[value] = answer
        return answer


def _bool(name: str, texts: frozenset[str]) -> Test:
    truths = {parse.boolean(text) for text in texts} - {None}
    answers = _Answers(
        lambda text: parse.boolean(text) in truths, when_absent=False, longest=len("false")
    )
    return lambda keys: answers[keys.get(name)]


def _in_networks(name: str, written: Sequence[str], *, inside: bool, allow: bool) -> Test:
    networks = [operand(parse.network, text) for text in written]
    when_untyped = not inside and not allow

    def answer(text: str) -> bool:
        address = parse.address(text)
        if address is None:
            return when_untyped
        return any(address & mask == first for first, mask in networks) is inside

    answers = _Answers(answer, when_absent=not inside, longest=parse.LONGEST_ADDRESS)
    return lambda keys: answers[keys.get(name)]
