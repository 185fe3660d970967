"""Does one value of a request match some value of the policy?

Each family of operators compares in its own way. The answer is None for a value that is not of the
operator's type. Negation, set prefixes and absent values are decided in `conditions`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from keystead.pauses import pausing
from keystead.policy.language.operators import Operator
from keystead.policy.language.principal import Keys
from keystead.policy.language.variables import Template, Texts, pattern
from keystead.policy.text import Matcher, Tokens, arn_glob, ascii_lower, glob
from keystead.policy.text import values as parse

Matches = Callable[[str, Keys], bool | None]
"""Does one value of a request match some policy value?  None: it is not of the operator's type."""


class BadOperand(ValueError):
    """A policy value that the operator cannot compare with."""


def comparison(operator: Operator, written: Sequence[str], texts: Texts) -> Matches:
    """How one value of a request is compared with the policy's values."""
    family = operator.family
    if family in _TEXTUAL:
        return _TEXTUAL[family]([texts.template(text, wild=False) for text in pausing(written)])
    if family in _PATTERNS:
        compiled = _PATTERNS[family]
        tests = [pattern(text, texts, compiled) for text in pausing(written)]
        return lambda value, keys: any(test(value, keys) for test in tests)
    if family == "Ip":
        return _in_networks([operand(parse.network, text) for text in written])
    read = _TYPED[family]
    return _compared(read, [operand(read, text) for text in written], operator.compare)


def operand(read: Callable[[str], Any], text: str) -> Any:
    value = read(text)
    if value is None:
        raise BadOperand(text)
    return value


def _compared(
    read: Callable[[str], Any], operands: list[Any], compare: Callable[[Any, Any], bool]
) -> Matches:
    def matches(text: str, _: Keys) -> bool | None:
        value = read(text)
        return None if value is None else any(compare(value, operand) for operand in operands)

    return matches


def _in_networks(networks: list[parse.Network]) -> Matches:
    """No network contains an address of the other IP version."""

    def matches(text: str, _: Keys) -> bool | None:
        address = parse.address(text)
        if address is None:
            return None
        for first, mask in networks:  # noqa: SIM110 - a generator costs more than to compare
            if address & mask == first:
                return True
        return False

    return matches


def _same_text(operands: list[Template]) -> Matches:
    plain, variable = _split(operands)
    texts = frozenset(plain)
    if not variable:
        return lambda value, _: value in texts

    def matches(value: str, keys: Keys) -> bool:
        if value in texts:
            return True
        near = [operand for operand in variable if operand.may_be(value)]
        return value in _resolved(near, value, keys)

    return matches


def _same_but_for_case(operands: list[Template]) -> Matches:
    plain, variable = _split(operands)
    texts = frozenset(map(ascii_lower, plain))

    def matches(value: str, keys: Keys) -> bool:
        lower = ascii_lower(value)
        resolved = _resolved(variable, value, keys)
        return lower in texts or any(ascii_lower(text) == lower for text in resolved)

    return matches


def _same_truth(operands: list[Template]) -> Matches:
    """Only `true` and `false` are truth values; every other text matches nothing."""
    plain, variable = _split(operands)
    truths = frozenset(map(parse.boolean, plain))

    def matches(value: str, keys: Keys) -> bool:
        truth = parse.boolean(value)
        if truth is None or not variable:
            return truth is not None and truth in truths
        resolved = _resolved(variable, value, keys)
        return truth in truths or any(parse.boolean(text) is truth for text in resolved)

    return matches


def _split(operands: list[Template]) -> tuple[list[str], list[Template]]:
    """The texts of the operands without variables, and the operands with variables."""
    variable = [operand for operand in pausing(operands) if operand.variables]
    return [operand.text for operand in pausing(operands) if not operand.variables], variable


def _resolved(operands: list[Template], value: str, keys: Keys) -> Iterator[str]:
    """The operands' texts for this request, but for those longer than the value.

    Such a text differs from the value, whatever the case of its letters.
    """
    for operand in operands:
        text = operand.resolved(keys, len(value))
        if text is not None:
            yield text


_TEXTUAL: Mapping[str, Callable[[list[Template]], Matches]] = {
    "String": _same_text,
    "IgnoreCase": _same_but_for_case,
    "Bool": _same_truth,
}

_PATTERNS: Mapping[str, Callable[[Tokens], Matcher]] = {"Like": glob, "Arn": arn_glob}

_TYPED: Mapping[str, Callable[[str], Any]] = {
    "Numeric": parse.number,
    "Date": parse.date,
    "Binary": parse.binary,
}
