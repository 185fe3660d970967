"""`keystead decide`: a line of JSON in, a line of JSON out (issue: reasons)."""

import json
from typing import Any

import pytest

from keystead.policy.context import PrincipalType
from keystead.policy.scenario import BadScenario, decide_line, principal_named
from tests.policy.support import (
    ACCOUNT,
    FEDERATED,
    KEY,
    OTHER,
    ROLE,
    ROOT,
    SESSION,
    USER,
    allow,
    deny,
    to,
)

LATER = "2012-10-17"


def document(*statements: object, version: str | None = LATER) -> dict[str, Any]:
    return {**({"Version": version} if version else {}), "Statement": list(statements)}


LINE = {
    "id": 7,
    "principal": USER,
    "action": "kms:Encrypt",
    "resource": KEY,
    "identityPolicies": [document(allow())],
    "resourcePolicy": document(allow(Sid="Account", **to(ROOT))),
}


def decided(*, explain: bool = False, **members: Any) -> dict[str, Any]:
    """The answer to the usual line with other members."""
    line = json.dumps({**LINE, **members})
    answer: dict[str, Any] = json.loads(decide_line(line, explain=explain))
    return answer


def test_an_answer_names_the_deciding_statements() -> None:
    """By their place in the line and in the document."""
    assert decided() == {
        "id": 7,
        "decision": "Allowed",
        "kind": "identity-based policy",
        "statements": [
            {
                "policy": "resourcePolicy",
                "kind": "resource-based policy",
                "index": 0,
                "sid": "Account",
                "effect": "Allow",
            },
            {
                "policy": "identityPolicies[0]",
                "kind": "identity-based policy",
                "index": 0,
                "sid": "",
                "effect": "Allow",
            },
        ],
    }


def test_refusals_come_with_their_sentence() -> None:
    """And the trace on demand."""
    answer = decided(identityPolicies=[], explain=True)
    assert answer["decision"] == "ImplicitlyDenied"
    assert answer["message"].endswith(
        "because no identity-based policy allows the kms:Encrypt action"
    )
    assert [step["step"][0] for step in answer["trace"]] == ["1", "5", "6"]
    assert "trace" not in decided()
    denied = decided(scps=[[document(allow("*"), deny(Sid="No"))]])
    assert denied["decision"] == "ExplicitlyDenied"
    assert [(one["policy"], one["sid"]) for one in denied["statements"]] == [("scps[0][0]", "No")]


@pytest.mark.parametrize(
    ("members", "decision"),
    [
        ({"boundary": document(allow("s3:*"))}, "ImplicitlyDenied"),
        ({"boundary": document(allow())}, "Allowed"),
        ({"sessionPolicy": document(allow("s3:*"))}, "ImplicitlyDenied"),
        ({"sessionPolicy": [document(allow("s3:*")), document(allow())]}, "Allowed"),
        ({"vpcEndpointPolicy": document(allow(**to(ROLE)))}, "ImplicitlyDenied"),
        ({"scps": [[]]}, "ImplicitlyDenied"),
        ({"scps": []}, "Allowed"),
        ({"rcps": [[], [document(deny(Principal="*"))]]}, "ExplicitlyDenied"),
        ({"rcps": [[]]}, "Allowed"),
        ({"resourcePolicy": None}, "ImplicitlyDenied"),
        ({"resourcePolicy": None, "resource": f"arn:aws:kms:eu-1:{ACCOUNT}:alias/a"}, "Allowed"),
        (
            {"resourcePolicy": json.dumps(document(allow(**to(USER)))), "identityPolicies": None},
            "Allowed",
        ),
        ({"resourceAccount": OTHER, "identityPolicies": []}, "ImplicitlyDenied"),
        ({"principal": ROOT, "identityPolicies": []}, "Allowed"),
    ],
)
def test_every_kind_of_policy(members: dict[str, Any], decision: str) -> None:
    """Each member is the kind of policy that it is called; null and absence are the same."""
    assert decided(**members)["decision"] == decision


def test_context_gives_keys_and_has_the_last_word() -> None:
    """A text is one value, a list several; what follows from the principal is there already."""

    def with_condition(operator: str, key: str, **members: Any) -> bool:
        policies = [document(allow(Condition={operator: {key: "x"}}))]
        return bool(decided(identityPolicies=policies, **members)["decision"] == "Allowed")

    assert with_condition("StringEquals", "aws:a", context={"AWS:A": "x"})
    assert not with_condition("StringEquals", "aws:a", context={"aws:a": ["x"]})
    assert with_condition("ForAnyValue:StringEquals", "aws:a", context={"aws:a": ["x", "y"]})
    assert with_condition("StringEquals", "aws:username", context={"aws:username": "x"})
    assert with_condition(
        "StringEquals", "aws:username", principal=f"arn:aws:iam::{ACCOUNT}:user/p/x"
    )
    assert not with_condition("StringEquals", "aws:username")


@pytest.mark.parametrize(
    ("name", "role", "kind", "principal_arn"),
    [
        (ROOT, "", PrincipalType.ACCOUNT, ROOT),
        (USER, "", PrincipalType.USER, USER),
        (SESSION, ROLE, PrincipalType.ASSUMED_ROLE, ROLE),
        (SESSION, "", PrincipalType.ASSUMED_ROLE, f"arn:aws:iam::{ACCOUNT}:role/App"),
        (ROLE, "", PrincipalType.ASSUMED_ROLE, ROLE),
        (FEDERATED, "", PrincipalType.FEDERATED_USER, FEDERATED),
        ("logs.amazonaws.com", "", PrincipalType.SERVICE, ""),
        ("anonymous", "", PrincipalType.ANONYMOUS, ""),
        (f"arn:aws:iam::{ACCOUNT}:saml-provider/D", "", PrincipalType.FEDERATED, ""),
        ("accounts.google.com", "", PrincipalType.FEDERATED, ""),
        ("cognito-identity.amazonaws.com", "", PrincipalType.SERVICE, ""),
    ],
)
def test_the_form_of_a_principal_is_its_type(
    name: str, role: str, kind: PrincipalType, principal_arn: str
) -> None:
    """An ARN or a name tells what the caller is."""
    who = principal_named(name, role, "kms:Encrypt")
    assert (who.type, who.principal_arn) == (kind, principal_arn)


def test_a_provider_that_is_a_service_too() -> None:
    """What is asked with an assertion is asked by its bearer."""
    name = "cognito-identity.amazonaws.com"
    who = principal_named(name, "", "sts:AssumeRoleWithWebIdentity")
    assert who.type is PrincipalType.FEDERATED


@pytest.mark.parametrize("name", ["", "alice", "arn:aws:iam::1", f"arn:aws:iam::{ACCOUNT}:group/a"])
def test_who_cannot_ask(name: str) -> None:
    """What is no caller is an error."""
    with pytest.raises(BadScenario):
        principal_named(name, "", "kms:Encrypt")


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (
            {"identityPolicies": [document(allow()), document(allow("Encrypt"))]},
            "identityPolicies[1]: Actions",
        ),
        ({"resourcePolicy": document(allow())}, "resourcePolicy: Missing required field Principal"),
        ({"boundary": "{"}, "boundary: Syntax errors"),
        ({"boundary": 1}, "boundary: Syntax errors"),
        ({"scps": [[document({"Effect": "Maybe"})]]}, "scps[0][0]: The provided policy document"),
        ({"principal": "alice"}, "`principal` alice"),
        ({"context": {"aws:a": 1}}, "Expected `str | array`"),
        ({"context": {"aws:a": "x", "AWS:A": "y"}}, "differ only by case"),
        ({"boundary": document(allow(Sid="S" * 6200))}, "boundary: the document is longer"),
        ({"action": None}, "Expected `str`"),
    ],
)
def test_errors_say_where(members: dict[str, Any], says: str) -> None:
    """A document that could not be stored, or a line that asks nothing, is no decision."""
    answer = decided(**members)
    assert answer["error"].startswith(says) or says in answer["error"]
    assert answer["id"] == 7
    assert "decision" not in answer


@pytest.mark.parametrize("line", ["", "{", "[]", "null", b"\xff", '{"principal":"anonymous"}'])
def test_what_is_no_line(line: str | bytes) -> None:
    """Anything else is an error without an id."""
    answer = json.loads(decide_line(line))
    assert answer["id"] is None
    assert answer["error"]


def test_duplicate_members_of_a_document_are_seen() -> None:
    """A document is read from the line as it is written there."""
    line = json.dumps(LINE).replace('"Action": "kms:*"', '"Action": "kms:*", "Action": "s3:*"', 1)
    assert "Syntax errors" in json.loads(decide_line(line))["error"]


def test_members_that_mean_nothing_are_named() -> None:
    """A misspelled member is not passed over in silence."""
    assert decided(boundry=document(allow("s3:*")))["ignored"] == ["boundry"]
    assert "ignored" not in decided()
