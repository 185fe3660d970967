"""Can a frequent condition be asked more quickly?  The same answers as `conditions.quantified`.

Enforcement asks a few plain forms for every call: no set prefix, no IfExists, and no variables
but one that stands alone. Each has a test here that does no more than it must; for values of
another shape it calls the general one. That the two agree is a property test.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

from keystead.policy import values as parse
from keystead.policy.operators import Usage
from keystead.policy.patterns import Matcher, arn_glob, glob
from keystead.policy.principal import Keys
from keystead.policy.variables import Dialect, Template, Variable, template

Test = Callable[[Keys], bool]


def shortcut(
    used: Usage, name: str, written: Sequence[str], dialect: Dialect, general: Test
) -> Test | None:
    """The quick test for `general`, or None when there is none for this form."""
    if used.quantifier or used.if_exists:
        return None
    operator = used.operator.name
    wild = operator in _PATTERNS
    operands = [template(text, dialect, wild=wild) for text in written]
    if any(operand.variables for operand in operands):
        alone = operator == "StringEquals" and len(operands) == 1
        return _equals_variable(name, operands[0]) if alone else None
    if wild:
        return _like(name, operands, _PATTERNS[operator])
    maker = _MAKERS.get(operator)
    return None if maker is None else maker(name, [one.text for one in operands], general)


_PATTERNS: Mapping[str, Callable[..., Matcher]] = {
    "StringLike": glob,
    "ArnLike": arn_glob,
    "ArnEquals": arn_glob,
}


def _equals_variable(name: str, operand: Template) -> Test | None:
    if len(operand.parts) != 1 or not isinstance(operand.parts[0], Variable):
        return None
    other, default = operand.parts[0].name, operand.parts[0].default

    def test(keys: Keys) -> bool:
        wanted = keys.get(other, default)
        if wanted.__class__ is not str:  # absent, or a list: the default is what there is
            wanted = default
        return wanted is not None and keys.get(name) == wanted

    return test


def _like(name: str, operands: list[Template], compiled: Callable[..., Matcher]) -> Test | None:
    if len(operands) != 1:
        return None
    matches = compiled(operands[0].tokens)

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        return isinstance(value, str) and matches(value)

    return test


def _equals(name: str, texts: Sequence[str], _: Test) -> Test:
    wanted = frozenset(texts)
    return lambda keys: keys.get(name) in wanted


def _not_equals(name: str, texts: Sequence[str], general: Test) -> Test:
    unwanted = frozenset(texts)

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        return value not in unwanted if isinstance(value, str) else general(keys)

    return test


def _bool(name: str, texts: Sequence[str], general: Test) -> Test:
    truths = frozenset(parse.boolean(text) for text in texts) - {None}
    answers: dict[object, bool] = {"true": True in truths, "false": False in truths, None: False}

    def test(keys: Keys) -> bool:
        answer = answers.get(keys.get(name))
        return general(keys) if answer is None else answer

    return test


def _in_networks(name: str, texts: Sequence[str], general: Test, *, inside: bool) -> Test:
    networks = [network for text in texts if (network := parse.network(text)) is not None]

    @lru_cache(maxsize=64)
    def answer(text: str) -> bool | None:
        found = parse.address(text)
        if found is None:
            return None
        return any(found & mask == first for first, mask in networks) is inside

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        if isinstance(value, str) and len(value) <= parse.LONGEST_ADDRESS:
            known = answer(value)
            if known is not None:
                return known
        return general(keys)

    return test


_MAKERS: Mapping[str, Callable[[str, Sequence[str], Test], Test]] = {
    "StringEquals": _equals,
    "StringNotEquals": _not_equals,
    "Bool": _bool,
    "IpAddress": partial(_in_networks, inside=True),
    "NotIpAddress": partial(_in_networks, inside=False),
}
