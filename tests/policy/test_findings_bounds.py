"""How much is looked for in one document, and what is said of what is left out: nothing wrong."""

from typing import Any

import pytest

from keystead.policy.findings.checks.actions import exists
from keystead.policy.findings.examine import PolicyFinding, findings
from keystead.policy.findings.json_tree import NotJson, read
from keystead.policy.findings.messages.issues import Type
from keystead.policy.language.document import DocumentKind
from keystead.strictjson import NotStrictJson, loads
from tests.policy.issue_examples import (
    IDENTITY,
    RESOURCE,
    SCP,
    TRUST,
    Elements,
    condition,
    document,
)


def found(code: str, elements: Any, kind: DocumentKind = IDENTITY) -> list[PolicyFinding]:
    """The findings of this issue."""
    text = document(kind, elements)
    return [one for one in findings(text, kind) if one.code == code]


def test_ten_suggestions() -> None:
    """For ten wrong actions of a document a similar one is named, and no more."""
    actions = [f"kms:Encryp{number}" for number in range(12)]
    told = found("INVALID_ACTION", {"Action": actions})
    hints = [one.details.endswith(" Did you mean kms:Encrypt?") for one in told]
    assert hints == [*[True] * 10, False, False]
    assert told[10].details == "The action kms:Encryp10 does not exist."


def test_a_suggestion_is_similar() -> None:
    """What is like no action has no suggestion; an unknown service is not looked at."""
    assert [one.details for one in found("INVALID_ACTION", {"Action": "KMS:Qqqq"})] == [
        "The action KMS:Qqqq does not exist."
    ]
    assert [one.details for one in found("INVALID_ACTION", {"Action": "s3:a b"})] == [
        "The action s3:a b does not exist."
    ]
    assert [one.details for one in found("INVALID_ACTION", {"Action": "kms:Decrypt:x"})] == [
        "The action kms:Decrypt:x does not exist. Did you mean kms:Decrypt?"
    ]


@pytest.mark.parametrize("wild", ["*", "?*"])
def test_fifty_patterns(wild: str) -> None:
    """So many different patterns are held against the actions; further ones pass for good."""
    good = [f"s3:{number}{wild}" for number in range(60)]
    bad = "kms:x?" if "*" in wild else "kms:x*"
    assert found("INVALID_ACTION", {"Action": [*good[:49], bad]})
    assert not found("INVALID_ACTION", {"Action": [*good[:50], bad]})
    assert found("INVALID_ACTION", {"Action": [good[0], *good[:49], *good[:49], bad]})
    assert found("INVALID_ACTION", {"Action": [*good[:50], "kms:Encrypx"]})
    plain = [f"s3:a{number}" for number in range(60)]
    assert found("INVALID_ACTION", {"Action": [*plain, bad]})


def test_a_pattern_is_held_against_the_actions_unless_told_otherwise() -> None:
    """Asked without a bound, every pattern is."""
    assert exists("kms:en*")
    assert not exists("kms:zz*")
    assert exists("kms:zz*", thoroughly=False)


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Resource": f"arn:aws:s3:::{'*?' * 800}"}, "INVALID_ARN_RESOURCE"),
        (condition("StringLike", "aws:username", "*?" * 800), "TYPE_MISMATCH_STRING"),
        (
            condition("ArnLike", "aws:SourceArn", "arn:aws:s3:::" + "*?" * 800),
            "TYPE_MISMATCH_STRING",
        ),
    ],
)
def test_patterns_that_are_not_stored(elements: Elements, code: str) -> None:
    """A pattern of too many pieces is an error; one of fewer is a pattern."""
    assert [one.type for one in found(code, elements)] == [Type.ERROR]
    text = document(IDENTITY, elements).replace("*?" * 800, "*?")
    assert findings(text, IDENTITY) == ()


def test_a_hundred_values() -> None:
    """An element of more values is not compared with itself, but the next one is."""
    resources = [f"arn:aws:s3:::{number}" for number in range(99)]
    twice = [*resources, resources[0]]
    assert found("REDUNDANT_RESOURCE", {"Resource": twice})
    assert not found("REDUNDANT_RESOURCE", {"Resource": [*twice, "arn:aws:s3:::x"]})


def test_twenty_thousand_comparisons() -> None:
    """What is left then is not looked at, in whatever statement it is."""

    def redundant(*counts: int) -> int:
        statements = [
            {
                "Effect": "Deny",
                "Action": "*",
                "Resource": [
                    *(f"arn:aws:s3:::{i}/{j}" for j in range(n - 1)),
                    f"arn:aws:s3:::{i}/0",
                ],
            }
            for i, n in enumerate(counts)
        ]
        text = document(SCP, {}, Statement=statements)
        return sum(one.code == "REDUNDANT_RESOURCE" for one in findings(text, SCP))

    # Each statement has one action as well: 1 + 100² + 1 + 99² + 1 + 14² comparisons.
    assert redundant(100, 99, 13) == 3
    assert redundant(100, 99, 14) == 2
    assert redundant(100, 99, 14, 2) == 2
    assert redundant(101, 98) == 1


def test_what_is_redundant_is_counted() -> None:
    """Twenty places are told, all are counted, and the first is the example."""
    actions = ["kms:*", *["kms:Decrypt"] * 30]
    [one] = found("REDUNDANT_ACTION", {"Action": actions})
    assert len(one.locations) == 20
    assert one.details == (
        "The 30 action(s) are redundant because they provide similar permissions. Update the"
        " policy to remove the redundant action such as: kms:Decrypt."
    )


def test_twenty_principals_are_named() -> None:
    """Of principals that an action is not for, the first twenty are told, with the action."""
    names = [f"arn:aws:iam::111122223333:role/{number}" for number in range(30)]
    elements = {"Principal": {"AWS": names}, "Action": "sts:AssumeRoleWithSAML"}
    [one] = found("MISMATCHED_ACTION_FOR_PRINCIPAL", elements, TRUST)
    assert f": {', '.join(names[:20])}. Use a SAML" in one.details
    assert len(one.locations) == 20


@pytest.mark.parametrize(
    ("empty", "wrong", "suggestions", "errors"),
    [
        (999, [], 999, 0),
        (1000, [], 1000, 0),
        (1001, [], 1000, 0),
        (1001, [None, None], 1000, 1),
        (998, [None, None, None], 998, 2),
        (999, [None, None], 999, 1),
    ],
)
def test_a_thousand_findings(empty: int, wrong: list[Any], suggestions: int, errors: int) -> None:
    """Then only an error is added, and one of them is enough."""
    keys: dict[str, Any] = {f"s3:{number}": [] for number in range(empty)}
    keys |= {f"s3:wrong{number}": value for number, value in enumerate(wrong)}
    text = document(RESOURCE, {"Condition": {"StringEquals": keys}})
    types = [one.type for one in findings(text, RESOURCE)]
    assert (types.count(Type.SUGGESTION), types.count(Type.ERROR)) == (suggestions, errors)


def test_as_many_values_as_the_strict_parser_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value counts, whatever it is; the first that is too many is where the text ends."""
    monkeypatch.setattr("keystead.policy.findings.json_tree.MAX_VALUES", 7)
    text = '[{"a":1,"b":[]},"x",true,{}]'
    assert read(text).plain() == loads(text, max_values=7)
    with pytest.raises(NotStrictJson):
        loads(text, max_values=6)
    more = '[{"a":1,"b":[]},"x",true,{},null,5]'
    with pytest.raises(NotJson) as refused:
        read(more)
    assert refused.value.offset == more.index("null")
