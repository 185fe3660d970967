"""`keystead decide`: a line of JSON in, a line of JSON out (issue: reasons)."""

import json
from typing import Any

import pytest

from keystead.policy.evaluation.question import PrincipalType
from keystead.policy.reasons.scenario import (
    BadScenario,
    Scenario,
    decide_line,
    owner_of,
    principal_named,
    question,
)
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
    assert "trace" not in json.loads(decide_line(json.dumps({**LINE, "identityPolicies": []})))
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

    assert with_condition("StringEquals", "aws:Referer", context={"AWS:REFERER": "x"})
    assert not with_condition("StringEquals", "aws:Referer", context={"aws:Referer": ["x"]})
    assert with_condition(
        "ForAnyValue:StringEquals", "aws:Referer", context={"aws:Referer": ["x", "y"]}
    )
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
        (ROLE, ROLE, PrincipalType.ASSUMED_ROLE, ROLE),
        (FEDERATED, "", PrincipalType.FEDERATED_USER, FEDERATED),
        ("logs.amazonaws.com", "", PrincipalType.SERVICE, ""),
        ("anonymous", "", PrincipalType.ANONYMOUS, ""),
        (f"arn:aws:iam::{ACCOUNT}:saml-provider/D", "", PrincipalType.FEDERATED, ""),
        (
            f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com:8443/a",
            "",
            PrincipalType.FEDERATED,
            "",
        ),
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
    service = principal_named("logs.amazonaws.com", "", "sts:AssumeRoleWithWebIdentity")
    assert service.type is PrincipalType.SERVICE


def test_a_role_is_asked_about_itself() -> None:
    """A role's ARN leaves nothing for `principalRole` to say."""
    with pytest.raises(BadScenario, match="is not the role in"):
        principal_named(ROLE, ROLE + "2", "kms:Encrypt")


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
        ({"context": {"aws:Referer": "x", "AWS:REFERER": "y"}}, "differ only by case"),
        ({"boundary": document(allow(Sid="S" * 6200))}, "boundary: the document is longer"),
        ({"action": None}, "Expected `str`"),
        ({"action": "kms:Encrpyt"}, "there is no action `kms:Encrpyt`: did you mean kms:Encrypt?"),
        ({"action": "kmz:Encrypt"}, "there is no action `kmz:Encrypt`: did you mean kms:Encrypt?"),
        ({"context": {"kms:KeySpecs": "x"}}, "`kms:KeySpecs`: did you mean kms:KeySpec?"),
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
    names = ["zones", "Action", "boundry", "policy", "region", "scp", "user", "where"]
    more: dict[str, Any] = dict.fromkeys(names)
    assert decided(**more)["ignored"] == sorted(names)
    assert "ignored" not in decided()


SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/D"
OF_ACCOUNT = {"aws:principalisawsservice": "false", "aws:principalaccount": ACCOUNT}


@pytest.mark.parametrize(
    ("principal", "keys"),
    [
        (
            f"arn:aws:iam::{ACCOUNT}:user/a/b/alice",
            {
                **OF_ACCOUNT,
                "aws:principaltype": "User",
                "aws:principalarn": f"arn:aws:iam::{ACCOUNT}:user/a/b/alice",
                "aws:username": "alice",
            },
        ),
        (
            ROOT,
            {
                **OF_ACCOUNT,
                "aws:principaltype": "Account",
                "aws:principalarn": ROOT,
                "aws:userid": ACCOUNT,
            },
        ),
        (
            SESSION,
            {
                **OF_ACCOUNT,
                "aws:principaltype": "AssumedRole",
                "aws:principalarn": f"arn:aws:iam::{ACCOUNT}:role/App",
            },
        ),
        (
            FEDERATED,
            {
                **OF_ACCOUNT,
                "aws:principaltype": "FederatedUser",
                "aws:principalarn": FEDERATED,
                "aws:userid": f"{ACCOUNT}:bob",
            },
        ),
        (
            "logs.amazonaws.com",
            {
                "aws:principalisawsservice": "true",
                "aws:principalservicename": "logs.amazonaws.com",
                "aws:principalservicenameslist": ("logs.amazonaws.com",),
            },
        ),
        (SAML, {"aws:principalisawsservice": "false"}),
        ("accounts.google.com", {"aws:principalisawsservice": "false"}),
        ("anonymous", {"aws:principaltype": "Anonymous", "aws:userid": "anonymous"}),
    ],
)
def test_keys_that_follow_from_the_caller(principal: str, keys: dict[str, str]) -> None:
    """What an ARN tells is there, what it does not tell (a unique id) is absent (iam.md 6.1)."""
    asked = question(Scenario(principal, "kms:Encrypt", KEY)).context
    assert asked.keys == {**keys, "aws:resourceaccount": ACCOUNT}


@pytest.mark.parametrize(
    ("resource", "given", "owner"),
    [
        (KEY.replace(ACCOUNT, OTHER), None, OTHER),
        (KEY.replace(ACCOUNT, OTHER), ACCOUNT, ACCOUNT),
        ("arn:aws:iam::aws:policy/Admin", None, ACCOUNT),
        (f"arn:aws:logs:eu-1:{OTHER}:log-group:x", None, OTHER),
        ("arn:aws:s3:::b", None, ACCOUNT),
        ("arn:aws:s3:::b:c", OTHER, OTHER),
        ("*", None, ACCOUNT),
    ],
)
def test_who_owns_the_resource(resource: str, given: str | None, owner: str) -> None:
    """Whoever is given, else the account in its ARN, else the caller's."""
    asked = question(Scenario(USER, "kms:Encrypt", resource, resource_account=given)).context
    assert (asked.resource_account, asked.keys["aws:resourceaccount"]) == (owner, owner)


def test_a_resource_without_an_owner() -> None:
    """A caller without an account leaves it open: the key is absent, not empty."""
    assert owner_of("arn:aws:kms:eu-1:111122223333") == ""
    asked = question(Scenario("logs.amazonaws.com", "s3:GetObject", "arn:aws:s3:::b")).context
    assert asked.resource_account == ""
    assert "aws:resourceaccount" not in asked.keys


def test_callers_are_known_by_the_names_that_their_form_gives() -> None:
    """Whoever has no account, role or provider has none, and nobody is named by accident."""
    user = principal_named(USER, "", "kms:Encrypt")
    assert (user.account, user.name, user.unique_id, user.issuer_arn) == (ACCOUNT, "alice", "", "")
    session = principal_named(SESSION, ROLE, "kms:Encrypt")
    assert (session.account, session.arn, session.issuer_arn) == (ACCOUNT, SESSION, ROLE)
    federated = principal_named(FEDERATED, USER, "kms:Encrypt")
    assert (federated.account, federated.issuer_arn) == (ACCOUNT, USER)
    asked = question(Scenario(FEDERATED, "kms:Encrypt", KEY)).context
    assert asked.principal.issuer_arn == ""
    root = principal_named(ROOT, "", "kms:Encrypt")
    assert (root.arn, root.account) == (ROOT, ACCOUNT)
    for name in (SAML, "accounts.google.com"):
        bearer = principal_named(name, "", "sts:AssumeRoleWithSAML")
        assert (bearer.arn, bearer.account, bearer.issuer_arn) == (name, "", name)
    service = principal_named("logs.amazonaws.com", "", "kms:Encrypt")
    assert (service.arn, service.account) == ("logs.amazonaws.com", "")
    assert (service.service_names, service.issuer_arn) == (("logs.amazonaws.com",), "")
    anonymous = principal_named("anonymous", "", "kms:Encrypt")
    assert (anonymous.arn, anonymous.account, anonymous.principal_arn) == ("anonymous", "", "")


def test_a_session_acts_by_its_role() -> None:
    """`principalRole` gives its path, without which a policy that names it does not match."""
    named = document(allow(**to(ROLE)))
    asked: dict[str, Any] = {"principal": SESSION, "identityPolicies": [], "resourcePolicy": named}
    assert decided(**asked, principalRole=ROLE)["decision"] == "Allowed"
    assert decided(**asked)["decision"] == "ImplicitlyDenied"


def test_service_linked_roles_are_not_bound_by_an_organization() -> None:
    """Neither SCPs nor RCPs bind them; other roles they do, with any path."""
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/logs.amazonaws.com/Linked"
    odd = f"arn:aws:iam::{ACCOUNT}:role/x:role/aws-service-role/App"
    for session, name, decision in (
        ("Linked", role, "Allowed"),
        ("App", ROLE, "ImplicitlyDenied"),
        ("App", odd, "ImplicitlyDenied"),
    ):
        caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/{session}/s"
        answer = decided(principal=caller, principalRole=name, scps=[[]])
        assert answer["decision"] == decision


def test_a_role_is_trusted_by_its_own_policy() -> None:
    """For a role to be assumed `resourcePolicy` is the trust policy, whatever case STS is in."""
    asked: dict[str, Any] = {"resource": ROLE, "identityPolicies": [document(allow("sts:*"))]}
    trust = document({"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "sts:AssumeRole"})
    for action in ("sts:AssumeRole", "STS:assumerole"):
        answer = decided(**asked, action=action, resourcePolicy=trust)
        assert (answer["decision"], answer["kind"]) == ("Allowed", "role trust policy")
    bucket = document(allow("s3:*", **to(USER)))
    assert (
        "prohibited field"
        in decided(**asked, action="sts:AssumeRole", resourcePolicy=bucket)["error"]
    )
    other: dict[str, Any] = {"resource": "arn:aws:s3:::b", "action": "s3:GetObject"}
    assert decided(**other, resourcePolicy=bucket)["kind"] == "resource-based policy"


def test_what_never_works_across_accounts() -> None:
    """The operation decides, in any case: another account's key is not managed from here."""
    everybody = document(allow(**to(USER)))
    elsewhere = KEY.replace(ACCOUNT, OTHER)
    for action, decision in (
        ("kms:Encrypt", "Allowed"),
        ("KMS:ENCRYPT", "Allowed"),
        ("kms:DisableKey", "ImplicitlyDenied"),
    ):
        answer = decided(action=action, resource=elsewhere, resourcePolicy=everybody)
        assert answer["decision"] == decision


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"identityPolicies": [None, document(deny())]}, "identityPolicies[1]"),
        ({"boundary": document(deny())}, "boundary"),
        ({"sessionPolicy": document(deny())}, "sessionPolicy"),
        ({"sessionPolicy": json.dumps(document(deny()))}, "sessionPolicy"),
        ({"sessionPolicy": [document(allow()), document(deny())]}, "sessionPolicy[1]"),
        ({"scps": [[document(allow("*"))], [document(allow("*"), deny())]]}, "scps[1][0]"),
        ({"rcps": [[], [document(deny(Principal="*"))]]}, "rcps[1][0]"),
        ({"vpcEndpointPolicy": document(deny(Principal="*"))}, "vpcEndpointPolicy"),
        ({"resourcePolicy": document(deny(Principal="*"))}, "resourcePolicy"),
    ],
)
def test_every_place_has_its_name(members: dict[str, Any], place: str) -> None:
    """A deciding statement is found by where its document stands in the line."""
    answer = decided(**members)
    assert answer["decision"] == "ExplicitlyDenied"
    assert [one["policy"] for one in answer["statements"]] == [place]
    assert {one["effect"] for one in answer["statements"]} == {"Deny"}


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"principal": "alice"}, "`principal` alice is neither an ARN nor a service"),
        ({"principal": "arn:aws:iam::1"}, "`principal` arn:aws:iam::1 is not an ARN"),
        (
            {"principal": f"arn:aws:iam::{ACCOUNT}:group/a"},
            f"`principal` arn:aws:iam::{ACCOUNT}:group/a is not a principal that can make requests",
        ),
        (
            {"boundary": document(allow("Encrypt"))},
            "boundary: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            {"scps": [[document(allow("Encrypt"))]]},
            (
                "scps[0][0]: The provided policy document does not meet the requirements of the "
                "specified policy type. (Actions/Conditions must be prefaced by a vendor, e.g., "
                "iam, sdb, ec2, etc.)"
            ),
        ),
    ],
)
def test_errors_in_full(members: dict[str, Any], error: str) -> None:
    """AWS's sentence, and more where it says little."""
    assert decided(**members) == {"id": 7, "error": error}


PARTITIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def moved(text: str, partition: str) -> str:
    """The same words about the same things of another partition."""
    region = PARTITIONS[partition]
    return text.replace("arn:aws:", f"arn:{partition}:").replace("eu-central-1", region)


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("principal", [USER, ROLE, SESSION, FEDERATED, ROOT])
@pytest.mark.parametrize("named", [USER, ROLE, SESSION, FEDERATED, ROOT, OTHER])
def test_each_partition_has_its_own_arns(partition: str, principal: str, named: str) -> None:
    """What is decided of principals of one partition is decided of those of another."""
    policies = {"resourcePolicy": document(allow(**to(named)))}
    line = json.dumps({**LINE, "principal": principal, **policies})
    answer = decide_line(line).decode()
    assert decide_line(moved(line, partition)).decode() == moved(answer, partition)
    assert "error" not in json.loads(answer)


@pytest.mark.parametrize("member", ["identityPolicies", "resourcePolicy", "scps", "boundary"])
def test_no_document_names_another_partition(member: str) -> None:
    """Its ARNs are of the caller's; without a caller's they are of the resource's."""
    elsewhere = moved(KEY, "aws-cn")
    one: Any = {
        "identityPolicies": [document(allow(resource=elsewhere))],
        "resourcePolicy": document(allow(**to(moved(ROOT, "aws-cn")))),
        "scps": [[document(allow(resource=elsewhere))]],
        "boundary": document(allow(resource=elsewhere)),
    }[member]
    assert "error" in decided(**{member: one})
    line = json.dumps({**LINE, member: one})
    assert "error" not in json.loads(decide_line(moved(line, "aws-cn")))


def test_a_service_is_asked_about_in_the_resources_partition() -> None:
    """A service has no ARN; about `*` any partition is taken."""
    there = document(allow(**to(moved(USER, "aws-cn"))))
    asked: dict[str, Any] = {
        "principal": "logs.amazonaws.com",
        "identityPolicies": [],
        "resourcePolicy": there,
    }
    assert "error" in decided(**asked)
    assert "error" not in decided(**asked, resource=moved(KEY, "aws-cn"))
    assert "error" not in decided(**asked, resource="*")


def test_keys_that_never_have_a_value_may_be_asked_about() -> None:
    """The engine reads what an installation that accepts such keys has stored."""
    condition = {"Null": {"aws:SourceOwner": "true"}}
    answer = decided(identityPolicies=[document(allow(Condition=condition))])
    assert answer["decision"] == "Allowed"


def test_ids_are_repeated_as_they_are() -> None:
    """Whatever JSON it is, also when nothing else of the line is right."""
    for given in ("x", 1.5, None, [1, {"a": True}]):
        assert decided(id=given)["id"] == given
        assert json.loads(decide_line(json.dumps({"id": given})))["id"] == given
