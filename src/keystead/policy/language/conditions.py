"""Does a condition hold?  Operators, missing keys, several values (iam.md 4.7; threat-model PE-6).

    [ForAllValues: | ForAnyValue:] operator [IfExists]      Null

Several policy values are alternatives. A negated operator holds when none of them matches. It is
negated for each value of the request, before the set operator counts the values. A condition is
compiled to one function of the request's keys. That function follows this table:

| value of the key | positive | negated        | ForAllValues | ForAnyValue | Null  |
| ---------------- | -------- | -------------- | ------------ | ----------- | ----- |
| absent, or []    | no       | yes            | yes          | no          | true  |
| one text         | matches  | does not match | as [text]    | as [text]   | false |
| empty text       | as any other | as any other | yes        | in doubt    | true  |
| a list           | no       | no             | each         | some        | false |
| [empty text, …]  | no       | no             | in doubt     | in doubt    | in doubt |

IfExists makes an absent key satisfy an operator without a prefix, or with ForAllValues.
ForAnyValue ignores IfExists.

The guide calls an empty text a null data set for ForAllValues and for Null. It does not say more,
and so some rows are "in doubt": the key may count as absent, or as having a value. In doubt, a
condition of an Allow holds only if it holds in both readings. A condition of a Deny holds if it
holds in one of them.

Some operators need a number, a date, an address or base64. A request's value of another form
satisfies no such operator, except a negated one in a Deny (PE-10).
"""

from collections.abc import Callable

import msgspec

from keystead.policy.language.comparisons import Matches, comparison, operand
from keystead.policy.language.costs import Searches, of_condition
from keystead.policy.language.operators import FOR_ALL, Usage
from keystead.policy.language.principal import ContextValue, Keys
from keystead.policy.language.variables import Texts
from keystead.policy.text import values as parse

Test = Callable[[Keys], bool]
"""Does a condition hold under these keys?"""


class Condition(msgspec.Struct, frozen=True):
    """One key under one operator: the condition as it was written, and its compiled test."""

    usage: Usage
    key: str  # as written
    values: tuple[str, ...]
    name: str  # the lower-case name under which the request's value is found
    test: Test
    searches: Searches = ()  # the steps that a comparison takes

    def actual(self, keys: Keys) -> ContextValue | None:
        """The request's value of the key, or None."""
        return keys.get(self.name)


def compile_condition(
    used: Usage, key: str, written: tuple[str, ...], texts: Texts, *, allow: bool
) -> Condition:
    """The condition `used` on `key`; raises BadOperand or MalformedVariable.

    `allow` is the statement's effect.
    """
    name = texts.dialect.name(key)
    if used.operator.family == "Null":
        wanted = frozenset(operand(parse.boolean, text) for text in written)
        test = _null(name, wanted, allow=allow)
    else:
        matches = comparison(used.operator, written, texts)
        test = quantified(used, name, matches, allow=allow)
    searches = of_condition(used, name, written, texts)
    return Condition(used, key, written, name, test, searches)


def _null(name: str, wanted: frozenset[bool | None], *, allow: bool) -> Test:
    """`true`: the key must be absent. `false`: it must have a value."""

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        if value in (None, (), ""):
            return True in wanted
        if any(value or ()):
            return False in wanted
        return _in_doubt(True in wanted, False in wanted, allow=allow)

    return test


def _in_doubt(first: bool, second: bool, *, allow: bool) -> bool:
    """Does a condition hold if AWS's documents can be read in two ways?"""
    return (first and second) if allow else (first or second)


def quantified(used: Usage, name: str, matches: Matches, *, allow: bool) -> Test:
    """The test of a condition on a key, by the table in the module's docstring."""
    if used.quantifier:
        return _over_set(used, name, matches, allow=allow)
    when_absent = used.when_absent
    satisfied = _satisfied(used, matches, allow=allow)

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        if value is None or value == ():
            return when_absent
        return isinstance(value, str) and satisfied(value, keys)

    return test


def _over_set(used: Usage, name: str, matches: Matches, *, allow: bool) -> Test:
    """The columns ForAllValues and ForAnyValue."""
    when_absent = used.when_absent
    every = used.quantifier == FOR_ALL
    counted = all if every else any
    satisfied = _satisfied(used, matches, allow=allow)

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        if value is None or value == () or (value == "" and every):
            return when_absent
        each = (value,) if isinstance(value, str) else value
        compared = counted(satisfied(text, keys) for text in each)
        return compared if any(each) else _in_doubt(compared, when_absent, allow=allow)

    return test


def _satisfied(used: Usage, matches: Matches, *, allow: bool) -> Callable[[str, Keys], bool]:
    """Does one value of the request satisfy the operator?"""
    negated = used.operator.negated
    when_untyped = negated and not allow

    def satisfied(value: str, keys: Keys) -> bool:
        matched = matches(value, keys)
        return when_untyped if matched is None else matched is not negated

    return satisfied
