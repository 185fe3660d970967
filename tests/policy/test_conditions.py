"""Operators, missing keys, several values (iam.md 4.7; threat-model PE-6, PE-10)."""

from collections.abc import Mapping

import pytest

from keystead.policy.language.comparisons import BadOperand
from keystead.policy.language.conditions import compile_condition
from keystead.policy.language.operators import OPERATORS, UnknownOperator, usage
from keystead.policy.language.principal import ContextValue, Keys
from keystead.policy.language.variables import Dialect, Texts

LATER = Dialect()
EARLIER = Dialect(variables=False)


def holds(
    operator: str,
    values: str | tuple[str, ...],
    actual: ContextValue | None,
    *,
    allow: bool = True,
    dialect: Dialect = LATER,
    others: Mapping[str, ContextValue] | None = None,
) -> bool:
    """Does `operator` hold for a key whose value is `actual`?"""
    written = (values,) if isinstance(values, str) else values
    condition = compile_condition(usage(operator), "aws:Key", written, Texts(dialect), allow=allow)
    keys: Keys = others or {}
    return condition.test(keys if actual is None else {**keys, "aws:key": actual})


# operator, policy value, a value that matches it, one that does not
POSITIVE = [
    ("StringEquals", "red", "red", "Red"),
    ("StringEqualsIgnoreCase", "red", "RED", "blue"),
    ("StringLike", "r*d", "r\nd", "rid "),
    ("NumericEquals", "2", "2.0", "2.5"),
    ("NumericLessThan", "2", "-3", "2"),
    ("NumericLessThanEquals", "2", "2", "2.1"),
    ("NumericGreaterThan", "2", "10", "2"),
    ("NumericGreaterThanEquals", "2", "+2", "1.9"),
    ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", "2026-01-02"),
    ("DateLessThan", "2026-01-01", "2025-12-31T23:59:59.9Z", "2026-01-01"),
    ("DateLessThanEquals", "2026-01-01", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:01Z"),
    ("DateGreaterThan", "2026-01-01", "2026-01-01T00:00:00.001Z", "2025-01-01"),
    ("DateGreaterThanEquals", "2026-01-01", "2026-01-01", "2025-01-01"),
    ("Bool", "true", "TRUE", "false"),
    ("BinaryEquals", "aGVsbG8=", "aGVsbG8=", "d29ybGQ="),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
    ("IpAddress", "2001:db8::/32", "2001:0db8:0::7", "10.1.2.3"),
    ("ArnEquals", "arn:aws:sns:*:1:t*", "arn:aws:sns:eu:1:topic", "arn:aws:sns:eu:2:topic"),
    ("ArnLike", "arn:aws:sns:*:1:t*", "arn:aws:sns:eu:1:topic:x", "arn:aws:sns:eu:1:x:topic"),
]
NEGATED = [
    ("StringNotEquals", "red", "Red", "red"),
    ("StringNotEqualsIgnoreCase", "red", "blue", "RED"),
    ("StringNotLike", "r*d", "blue", "rd"),
    ("NumericNotEquals", "2", "3", "2.0"),
    ("DateNotEquals", "2026-01-01", "2026-01-02", "1767225600"),
    ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", "10.1.2.3"),
    ("ArnNotEquals", "arn:aws:sns:*:1:t*", "arn:aws:sns:eu:2:t", "arn:aws:sns:eu:1:t"),
    ("ArnNotLike", "arn:aws:sns:*:1:t*", "no ARN", "arn:aws:sns:eu:1:t"),
]
each = pytest.mark.parametrize(("operator", "value", "yes", "no"), [*POSITIVE, *NEGATED])
both = pytest.mark.parametrize("allow", [True, False])


@both
@each
def test_one_value(operator: str, value: str, yes: str, no: str, allow: bool) -> None:
    """A single value is compared, whatever the case of the operator's name and its IfExists."""
    for name in (operator, operator.lower(), f"{operator}IfExists", f"ForAnyValue:{operator}"):
        assert holds(name, value, yes, allow=allow)
        assert not holds(name, value, no, allow=allow)


@both
@each
def test_missing_key(operator: str, value: str, yes: str, no: str, allow: bool) -> None:
    """Without the key a positive operator fails, a negated one holds; so does IfExists.

    ForAnyValue ignores IfExists, and fails for positive and negated operators alike.
    """
    negated = OPERATORS[operator.lower()].negated
    for absent in (None, ()):
        assert holds(operator, value, absent, allow=allow) is negated
        assert holds(f"{operator}IfExists", value, absent, allow=allow)
        assert holds(f"ForAllValues:{operator}", value, absent, allow=allow)
        assert not holds(f"ForAnyValue:{operator}", value, absent, allow=allow)
        assert holds(f"ForAllValues:{operator}IfExists", value, absent, allow=allow)
        assert not holds(f"ForAnyValue:{operator}IfExists", value, absent, allow=allow)


@both
@each
def test_several_values(operator: str, value: str, yes: str, no: str, allow: bool) -> None:
    """ForAllValues wants each value, ForAnyValue one; without a set operator none will do."""
    for suffix in ("", "IfExists"):
        every, some = f"ForAllValues:{operator}{suffix}", f"ForAnyValue:{operator}{suffix}"
        assert holds(every, value, (yes, yes), allow=allow)
        assert not holds(every, value, (yes, no), allow=allow)
        assert holds(some, value, (yes, no), allow=allow)
        assert not holds(some, value, (no, no), allow=allow)
        assert not holds(f"{operator}{suffix}", value, (yes,), allow=allow)
        assert not holds(f"{operator}{suffix}", value, (yes, no), allow=allow)


@each
def test_several_policy_values(operator: str, value: str, yes: str, no: str) -> None:
    """Policy values are alternatives; a negated operator must differ from all of them."""
    negated = OPERATORS[operator.lower()].negated
    other = {"Num": "77", "Dat": "1999-01-01", "Bin": "AAAA", "IpA": "192.0.2.1"}
    other |= {"Not": "192.0.2.1", "Boo": "neither"}
    alternatives = (other.get(operator[:3], "zzz"), value)
    if operator.removeprefix("Numeric").removeprefix("Date").startswith(("Less", "Greater")):
        alternatives = (value, value)
    assert holds(operator, alternatives, yes)
    assert not holds(operator, alternatives, no)
    assert holds(operator, (), no) is negated


@pytest.mark.parametrize(
    ("operator", "value", "actual", "in_allow", "in_deny"),
    [
        ("NumericEquals", "2", "two", False, False),
        ("NumericNotEquals", "2", "two", False, True),
        ("NumericLessThan", "2", "", False, False),
        ("DateNotEquals", "2026-01-01", "soon", False, True),
        ("DateGreaterThan", "2026-01-01", "soon", False, False),
        ("IpAddress", "10.0.0.0/8", "10.0.0.0/8", False, False),
        ("NotIpAddress", "10.0.0.0/8", "here", False, True),
        ("NotIpAddress", "10.0.0.0/8", "2001:db8::1", True, True),
        ("NotIpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", True, True),
        ("BinaryEquals", "aGVsbG8=", "aGVsbG8", False, False),
        ("Bool", "true", "yes", False, False),
        ("ArnNotEquals", "arn:aws:sns:eu:1:t", "t", True, True),
    ],
)
def test_values_of_another_type(
    operator: str, value: str, actual: str, in_allow: bool, in_deny: bool
) -> None:
    """An unreadable value satisfies nothing in an Allow, and what is negated in a Deny."""
    assert holds(operator, value, actual, allow=True) is in_allow
    assert holds(operator, value, actual, allow=False) is in_deny


@both
@pytest.mark.parametrize(
    ("values", "actual", "met"),
    [
        ("true", None, True),
        ("true", (), True),
        ("true", "", True),
        ("true", "x", False),
        ("true", ("", "x"), False),
        ("false", None, False),
        ("false", (), False),
        ("false", "", False),
        ("false", ("x",), True),
        (("true", "false"), None, True),
        (("true", "false"), "x", True),
        (("true", "false"), ("",), True),
        ((), "x", False),
        ((), ("",), False),
    ],
)
def test_null(
    values: str | tuple[str, ...], actual: ContextValue | None, met: bool, allow: bool
) -> None:
    """`true` wants the key absent or an empty text, `false` wants it to have a value."""
    assert holds("Null", values, actual, allow=allow) is met


@pytest.mark.parametrize(
    ("operator", "value", "actual"),
    [
        ("Null", "true", ("",)),
        ("Null", "false", ("",)),
        ("ForAllValues:StringEquals", "red", ("",)),
        ("ForAllValues:StringEquals", "red", ("", "")),
        ("ForAnyValue:StringEquals", "", ""),
        ("ForAnyValue:StringEquals", "", ("",)),
        ("ForAnyValue:StringNotEquals", "red", ""),
        ("ForAnyValue:StringNotEquals", "red", ("",)),
    ],
)
def test_values_that_may_be_none(operator: str, value: str, actual: ContextValue) -> None:
    """Where empty texts may be a value or none, an Allow is the narrower for it, a Deny wider."""
    assert not holds(operator, value, actual, allow=True)
    assert holds(operator, value, actual, allow=False)


@both
@each
def test_empty_texts(operator: str, value: str, yes: str, no: str, allow: bool) -> None:
    """ForAllValues takes an empty text for no value at all; beside others it is a value."""
    assert holds(f"ForAllValues:{operator}", value, "", allow=allow)
    assert holds(f"ForAllValues:{operator}IfExists", value, "", allow=allow)
    assert not holds(f"ForAllValues:{operator}", value, ("", no), allow=allow)
    assert holds(f"ForAnyValue:{operator}", value, ("", yes), allow=allow)


@pytest.mark.parametrize(
    "name",
    [
        "StringEqual",
        "NullIfExists",
        "ForAllValues:Null",
        "ForAnyValues:Bool",
        "IfExists",
        "",
        "ForAllValues:ForAnyValue:Bool",
        "BoolIfExistsIfExists",
        "BoolNot",
        "String Equals",
    ],
)
def test_other_names_are_no_operators(name: str) -> None:
    """What is not in the table is refused, also in combination."""
    with pytest.raises(UnknownOperator):
        usage(name)


def test_operators_are_shown_in_canonical_form() -> None:
    """The name is AWS's, however it was written."""
    written = "FORALLVALUES:stringequalsignorecaseIFEXISTS"
    assert usage(written).name == "ForAllValues:StringEqualsIgnoreCaseIfExists"


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("NumericEquals", "two"),
        ("NumericEquals", "1e3"),
        ("NumericEquals", "٣"),
        ("DateEquals", "yesterday"),
        ("DateEquals", "2026-13-01"),
        ("DateEquals", "2026-01-01T25:00Z"),
        ("DateEquals", "2026-01-01T00:00:00+25:00"),
        ("IpAddress", "10.0.0.0/33"),
        ("IpAddress", "10.0.0.0/255.0.0.0"),
        ("IpAddress", "fe80::1%eth0"),
        ("NotIpAddress", "everywhere"),
        ("BinaryEquals", "aGVsbG9="),
        ("Null", "maybe"),
    ],
)
def test_unreadable_policy_values_are_refused(operator: str, value: str) -> None:
    """A policy value that the operator cannot compare with is an error when it is written."""
    with pytest.raises(BadOperand):
        compile_condition(usage(operator), "aws:Key", (value,), Texts(LATER), allow=True)


@pytest.mark.parametrize(
    ("operator", "value", "actual", "met"),
    [
        ("StringEquals", "${aws:username}", "alice", True),
        ("StringEquals", "home/${aws:UserName}", "home/alice", True),
        ("StringEquals", "${aws:missing, 'none'}", "none", True),
        ("StringEquals", "${aws:missing}", "alice", False),
        ("StringNotEquals", "${aws:missing}", "alice", True),
        ("StringEquals", "${aws:list}", "a", False),
        ("StringEquals", "${aws:list, 'a'}", "a", True),
        ("StringEquals", "${*}${?}${$}", "*?$", True),
        ("StringEqualsIgnoreCase", "${aws:username}", "ALICE", True),
        ("StringEqualsIgnoreCase", "${aws:mixed}", "aLICE", True),
        ("StringEqualsIgnoreCase", "${aws:mixed}", "aLICE1", False),
        ("StringLike", "${aws:username}*", "alice-1", True),
        ("StringLike", "${aws:star}", "anything", False),
        ("StringLike", "${aws:star}", "*", True),
        ("StringLike", "${*}", "anything", False),
        ("ArnLike", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/alice", True),
        ("ArnLike", "arn:aws:iam::*:user/${aws:star}", "arn:aws:iam::1:user/alice", False),
        ("ArnLike", "${aws:arn}", "arn:aws:iam::1:user/alice", True),
        ("Bool", "${aws:truth}", "true", True),
        ("NumericEquals", "2", "2", True),
    ],
)
def test_variables(operator: str, value: str, actual: str, met: bool) -> None:
    """A variable stands for one value of the request, literally, or the condition fails."""
    others: dict[str, ContextValue] = {
        "aws:username": "alice",
        "aws:mixed": "Alice",
        "aws:star": "*",
        "aws:list": ("a",),
        "aws:truth": "TRUE",
        "aws:arn": "arn:aws:iam::1:user/alice",
    }
    assert holds(operator, value, actual, others=others) is met


def test_the_earlier_version_has_no_variables() -> None:
    """In Version 2008-10-17 `${…}` is literal text, and `*` in it a wildcard still."""
    assert holds("StringEquals", "${aws:username}", "${aws:username}", dialect=EARLIER)
    assert not holds(
        "StringEquals", "${aws:username}", "a", dialect=EARLIER, others={"aws:username": "a"}
    )
    assert holds("StringLike", "${*}", "${x}", dialect=EARLIER)


def test_key_policies_do_not_see_tags_and_aliases_of_the_key() -> None:
    """To a key policy some keys are always absent, as conditions and as variables (kms.md 11)."""
    blind = Dialect(key_policy=True)
    keys: Keys = {
        "aws:resourcetag/team": "red",
        "kms:resourcealiases": ("alias/a",),
        "aws:x": "red",
    }
    for key, value in (("aws:ResourceTag/team", "red"), ("kms:ResourceAliases", "alias/a")):
        used = usage("ForAnyValue:StringEquals")
        assert compile_condition(used, key, (value,), Texts(LATER), allow=True).test(keys)
        assert not compile_condition(used, key, (value,), Texts(blind), allow=True).test(keys)
    tag = ("${aws:ResourceTag/team}",)
    assert compile_condition(usage("StringEquals"), "aws:x", tag, Texts(LATER), allow=True).test(
        keys
    )
    assert not compile_condition(
        usage("StringEquals"), "aws:x", tag, Texts(blind), allow=True
    ).test(keys)
