"""Does a condition hold?  Operators, missing keys, several values (iam.md 4.7; threat-model PE-6).

    [ForAllValues: | ForAnyValue:] operator [IfExists]      Null

Several policy values are alternatives; a negated operator holds when none of them matches, and
is negated per value of the request, before the set operator counts. A condition is compiled to
one function of the request's keys; this module is the table of what each does.

| value of the key | positive | negated | ForAllValues | ForAnyValue | any with IfExists |
| ---------------- | -------- | ------- | ------------ | ----------- | ----------------- |
| absent, or []    | no       | yes     | yes          | no          | yes               |
| one              | matches  | does not match | as for one of a list | same | as without     |
| a list           | no       | no      | each         | some        | as without        |

A request's value that is not a number, date, address or base64 where the operator needs one
satisfies nothing, except a negated operator in a Deny (PE-10).
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from keystead.policy import values as parse
from keystead.policy.comparisons import Matches, comparison, operand
from keystead.policy.operators import FOR_ALL, Usage
from keystead.policy.principal import ContextValue, Keys
from keystead.policy.searches import Searches, of_condition
from keystead.policy.shortcuts import shortcut
from keystead.policy.variables import Dialect

Test = Callable[[Keys], bool]
"""Does a condition hold under these keys?"""


class Condition(msgspec.Struct, frozen=True):
    """One key under one operator: what is written, and the function that it means."""

    usage: Usage
    key: str  # as written
    values: tuple[str, ...]
    name: str  # the lower-case name under which the request's value is found
    test: Test
    searches: Searches = ()  # what it takes to compare

    def actual(self, keys: Keys) -> ContextValue | None:
        """The value that the request has."""
        return keys.get(self.name)


@lru_cache(maxsize=8192)
def compile_condition(
    used: Usage, key: str, written: tuple[str, ...], dialect: Dialect, *, allow: bool
) -> Condition:
    """The condition `used` on `key`; raises BadOperand or MalformedVariable.

    `allow` is the statement's effect.
    """
    name = dialect.name(key)
    if used.operator.family == "Null":
        test = _null(name, [operand(parse.boolean, text) for text in written])
    else:
        test = shortcut(used, name, written, dialect, allow=allow) or quantified(
            used, name, comparison(used.operator, written, dialect), allow=allow
        )
    searches = of_condition(used, name, written, dialect)
    return Condition(used, key, written, name, test, searches)


def _null(name: str, wanted: list[bool]) -> Test:
    """`true`: the key must be absent. `false`: it must have a value."""
    return lambda keys: (keys.get(name) in (None, ())) in wanted


def quantified(used: Usage, name: str, matches: Matches, *, allow: bool) -> Test:
    """The table of the module's first lines."""
    negated, quantifier = used.operator.negated, used.quantifier
    when_absent = used.if_exists or quantifier == FOR_ALL or (negated and not quantifier)
    when_untyped = negated and not allow

    def satisfied(value: str, keys: Keys) -> bool:
        matched = matches(value, keys)
        return when_untyped if matched is None else matched is not negated

    def test(keys: Keys) -> bool:
        value = keys.get(name)
        if value is None or value == ():
            return when_absent
        if not quantifier:
            return isinstance(value, str) and satisfied(value, keys)
        each = (value,) if isinstance(value, str) else value
        if quantifier == FOR_ALL:
            return all(satisfied(one, keys) for one in each)
        return any(satisfied(one, keys) for one in each)

    return test
