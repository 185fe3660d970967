"""Whom a Principal element means (iam.md 4.4, 5.4)."""

from collections.abc import Mapping
from typing import Any

import pytest

from keystead.policy.evaluation.question import Principal, PrincipalType
from keystead.policy.language.document import (
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    named_principals,
)
from keystead.policy.language.principals import Grade, Principals, account_named
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    APP,
    BOB,
    FEDERATED,
    LOGS,
    NOBODY,
    OTHER,
    OWNER,
    ROLE,
    ROOT,
    SESSION,
    USER,
    allow,
    deny,
    policy,
    text,
    to,
)

IDS = {
    USER: "AIDAALICEEXAMPLE1",
    ROLE: "AROAAPPEXAMPLE123",
    SESSION: "AROAAPPEXAMPLE123",
    FEDERATED: ACCOUNT,
    ROOT: ACCOUNT,
}
EVERYBODY = (OWNER, ALICE, APP, BOB, LOGS, NOBODY)


def grade(
    who: Principal,
    principal: Any,
    ids: Mapping[str, str] | None = None,
    *,
    element: str = "Principal",
    bounded: bool = False,
) -> Grade:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", element: principal}
    compiled = policy(statement, kind=DocumentKind.KEY, principals=ids).statements[0].principals
    assert compiled is not None
    return compiled.grade(who, bounded)


@pytest.mark.parametrize("ids", [None, IDS])
@pytest.mark.parametrize(
    ("name", "who", "expected"),
    [
        (USER, ALICE, Grade.DIRECT),
        (USER, BOB, Grade.LIMITED),
        (USER, APP, Grade.NOBODY),
        (ROLE, APP, Grade.LIMITED),
        (ROLE, ALICE, Grade.NOBODY),
        (SESSION, APP, Grade.DIRECT),
        (FEDERATED, BOB, Grade.DIRECT),
        (FEDERATED, ALICE, Grade.NOBODY),
        (ROOT, ALICE, Grade.ACCOUNT),
        (ROOT, APP, Grade.ACCOUNT),
        (ROOT, BOB, Grade.ACCOUNT),
        (ROOT, OWNER, Grade.DIRECT),
        (ROOT, LOGS, Grade.NOBODY),
        (ROOT, NOBODY, Grade.NOBODY),
        (ACCOUNT, ALICE, Grade.ACCOUNT),
    ],
)
def test_how_a_name_names(
    name: str, who: Principal, expected: Grade, ids: Mapping[str, str] | None
) -> None:
    """A name means the same with unique ids and without."""
    assert grade(who, {"AWS": name}, ids) is expected


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [USER, "*"]}])
def test_everybody(who: Principal, principal: Any) -> None:
    """`*` is everybody: services and anonymous callers too."""
    assert grade(who, principal, IDS) is Grade.DIRECT


@pytest.mark.parametrize("name", ["logs.amazonaws.com", "logs.eu-central-1.amazonaws.com"])
def test_services(name: str) -> None:
    """A service has several names."""
    assert grade(LOGS, {"Service": name}) is Grade.DIRECT
    assert grade(LOGS, {"Service": ["sns.amazonaws.com", name]}) is Grade.DIRECT
    assert grade(LOGS, {"Service": "sns.amazonaws.com"}) is Grade.NOBODY
    assert grade(ALICE, {"Service": name}) is Grade.NOBODY


def test_a_namesake_inherits_nothing() -> None:
    """A user or role who is deleted and made again is somebody else."""
    again = Principal(PrincipalType.USER, USER, ACCOUNT, "AIDAALICEAGAIN123", "AIDAALICEAGAIN123")
    assert grade(again, {"AWS": USER}, IDS) is Grade.NOBODY
    assert grade(ALICE, {"AWS": USER}, IDS) is Grade.DIRECT
    role = Principal(
        PrincipalType.ASSUMED_ROLE,
        SESSION,
        ACCOUNT,
        "AROAAPPAGAIN12345:job-1",
        "AROAAPPAGAIN12345",
        principal_arn=ROLE,
        issuer_arn=ROLE,
        issuer_id="AROAAPPAGAIN12345",
    )
    for name in (ROLE, SESSION):
        assert grade(role, {"AWS": name}, IDS) is Grade.NOBODY
        assert grade(APP, {"AWS": name}, IDS) is not Grade.NOBODY


def test_a_session_is_named_by_its_own_name_only() -> None:
    """Another session of the same role is not meant."""
    other = SESSION.replace("job-1", "job-2")
    assert grade(APP, {"AWS": other}, {other: "AROAAPPEXAMPLE123"}) is Grade.NOBODY


def test_unique_ids_are_names() -> None:
    """A document may name a unique id, if there is such a user or role."""
    alice = "AIDAALICEEXAMPLE1"
    assert grade(ALICE, {"AWS": alice}) is Grade.DIRECT
    assert grade(ALICE, {"AWS": alice}, {alice: alice}) is Grade.DIRECT
    with pytest.raises(MalformedPolicy):
        grade(ALICE, {"AWS": alice}, {})


@pytest.mark.parametrize(
    ("who", "exempting"),
    [
        (OWNER, [[ROOT], [ACCOUNT]]),
        (ALICE, [[USER, ROOT]]),
        (APP, [[SESSION, ROLE, ROOT]]),
        (BOB, [[FEDERATED, USER, ROOT]]),
    ],
)
@pytest.mark.parametrize("ids", [None, IDS])
def test_not_principal_exempts_who_is_listed_with_every_name(
    who: Principal, exempting: list[list[str]], ids: Mapping[str, str] | None
) -> None:
    """Any name of the caller that is missing from the list makes the Deny match."""
    for names in exempting:
        assert grade(who, {"AWS": names}, ids, element="NotPrincipal") is Grade.NOBODY
        for name in names:
            rest = [one for one in names if one != name] or [f"arn:aws:iam::{OTHER}:root"]
            known = ids and {**ids, f"arn:aws:iam::{OTHER}:root": OTHER}
            assert grade(who, {"AWS": rest}, known, element="NotPrincipal") is Grade.DIRECT


def test_not_principal_denies_whoever_has_a_boundary() -> None:
    """A caller with a permissions boundary is denied whatever the list says."""
    listed = {"AWS": [USER, ROOT]}
    assert grade(ALICE, listed, element="NotPrincipal") is Grade.NOBODY
    assert grade(ALICE, listed, element="NotPrincipal", bounded=True) is Grade.DIRECT


def test_not_principal_and_callers_without_an_account() -> None:
    """A service is exempt by any of its names, an anonymous caller by `*` alone."""
    service = {"Service": "logs.amazonaws.com"}
    assert grade(LOGS, service, element="NotPrincipal") is Grade.NOBODY
    assert grade(NOBODY, service, element="NotPrincipal") is Grade.DIRECT
    assert grade(NOBODY, "*", element="NotPrincipal") is Grade.NOBODY


def test_an_allow_for_everybody_else_excludes_who_is_listed_with_any_name() -> None:
    """Other services' policies may allow all but some; nobody named in any way is allowed."""
    for who, name in ((ALICE, USER), (ALICE, ROOT), (APP, ROLE), (BOB, USER)):
        statement = {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "NotPrincipal": {"AWS": name},
        }
        compiled = policy(statement, kind=DocumentKind.RESOURCE).statements[0].principals
        assert compiled is not None
        assert compiled.grade(who, False) is Grade.NOBODY
        assert compiled.grade(NOBODY, False) is Grade.DIRECT


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::*:root"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/a?"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:group/a"},
        {"AWS": f"arn:aws-moon:iam::{ACCOUNT}:user/a"},
        {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/*"},
        {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/App"},
        {"AWS": "alice"},
        {"AWS": "11112222333"},
        {"AWS": f"{ACCOUNT}3"},
        {"AWS": f"{ROOT}:root"},
        {"AWS": f"{ROOT}s"},
        {"AWS": f"{SESSION}/more"},
        {"AWS": ""},
        {"AWS": []},
        {"AWS": [USER], "Service": []},
        {},
        {"Service": "*"},
        {"Service": "logs.*.amazonaws.com"},
        {"Service": "logs"},
        {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/a"},
        {"CanonicalUser": "0" * 64},
    ],
)
def test_what_is_no_principal_of_a_key_policy(principal: Any) -> None:
    """Groups, wildcards, unknown partitions and providers are refused; so is naming nobody."""
    with pytest.raises(MalformedPolicy) as refused:
        grade(ALICE, principal)
    assert (
        refused.value.message == "Policy contains a statement with one or more invalid principals."
    )


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_principals_are_of_the_documents_partition(partition: str) -> None:
    """Those of another are nobody's; without a partition any that there is will do."""
    document = text(allow(**to(f"arn:{partition}:iam::{ACCOUNT}:user/a")))
    for taken in (partition, ""):
        assert compile_policy(document, DocumentKind.KEY, partition=taken).statements
    with pytest.raises(MalformedPolicy):
        compile_policy(document, DocumentKind.KEY, partition="aws-iso")


@pytest.mark.parametrize(
    "name",
    [
        f"arn:aws:iam::{ACCOUNT}:saml-provider/Directory",
        f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com/a",
        "accounts.google.com",
        "www.amazon.com",
        "graph.facebook.com",
        "cognito-identity.amazonaws.com",
    ],
)
def test_identity_providers(name: str) -> None:
    """A trust policy names whose assertions it believes."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": name},
        "Action": "sts:AssumeRoleWithSAML",
    }
    compiled = policy(statement, kind=DocumentKind.TRUST).statements[0].principals
    assert compiled is not None
    bearer = Principal(PrincipalType.FEDERATED, name, "", name, issuer_arn=name)
    other = Principal(PrincipalType.FEDERATED, "other", "", "other", issuer_arn="other")
    assert compiled.grade(bearer, False) is Grade.DIRECT
    assert compiled.grade(other, False) is Grade.NOBODY
    assert compiled.grade(NOBODY, False) is Grade.NOBODY
    with pytest.raises(MalformedPolicy):
        policy({**statement, "Principal": {"Federated": f"{name}*"}}, kind=DocumentKind.TRUST)


@pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}])
def test_everybody_is_no_provider(everybody: Any) -> None:
    """In a trust policy `*` allows everybody but the bearers of assertions; it denies them, too."""
    bearer = Principal(PrincipalType.FEDERATED, "idp", "", "idp:sub", issuer_arn="idp")
    for effect, grade in (("Allow", Grade.NOBODY), ("Deny", Grade.DIRECT)):
        statement = {"Effect": effect, "Principal": everybody, "Action": "sts:AssumeRole"}
        compiled = policy(statement, kind=DocumentKind.TRUST).statements[0].principals
        assert compiled is not None
        assert compiled.grade(bearer, False) is grade
        assert all(compiled.grade(who, False) is Grade.DIRECT for who in EVERYBODY)
    named = {"AWS": "*", "Federated": "accounts.google.com"}
    statement = {"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole"}
    compiled = policy(statement, kind=DocumentKind.TRUST).statements[0].principals
    assert compiled is not None
    google = Principal(PrincipalType.FEDERATED, "", "", "", issuer_arn="accounts.google.com")
    assert compiled.grade(google, False) is Grade.DIRECT


def test_a_canonical_user_is_nobody_here() -> None:
    """S3's name for an account may stand in the policy of an S3 resource, and names no caller."""
    statement = allow("s3:GetObject", Principal={"CanonicalUser": "0" * 64})
    compiled = policy(statement, kind=DocumentKind.RESOURCE).statements[0].principals
    assert compiled is not None
    for who in (ALICE, APP, OWNER, LOGS, NOBODY):
        assert compiled.grade(who, False) is Grade.NOBODY
    with pytest.raises(MalformedPolicy):
        provider = {**statement, "Principal": {"CanonicalUser": "accounts.google.com"}}
        policy(provider, kind=DocumentKind.RESOURCE)
    for kind in (DocumentKind.KEY, DocumentKind.ENDPOINT):
        assert policy({**statement, "Principal": "*"}, kind=kind)
        with pytest.raises(MalformedPolicy):
            policy(statement, kind=kind)


@pytest.mark.parametrize(
    "name", [f"{ACCOUNT}3", f"{ROOT}:root", f"{ROOT}s", "x:root", "root", USER, "", "*"]
)
def test_what_names_no_account(name: str) -> None:
    """An account is twelve digits or its root ARN, and nothing more."""
    assert account_named(name) is None
    assert account_named(ACCOUNT) == account_named(ROOT) == ACCOUNT


def test_names_to_resolve() -> None:
    """Every AWS name once, an account as its root; services and `*` need no resolution."""
    document = text(
        deny(Principal={"AWS": [USER, ACCOUNT, ROOT, "*"], "Service": "logs.amazonaws.com"}),
        deny(NotPrincipal={"AWS": [ROLE, USER]}),
        deny(Principal="*"),
    )
    assert named_principals(document) == [USER, ROOT, ROLE]
    resolved = {USER: "AIDAALICEEXAMPLE1", ROOT: ACCOUNT, ROLE: "AROAAPPEXAMPLE123"}
    assert compile_policy(document, DocumentKind.KEY, resolved).statements
    for name in resolved:
        missing = {other: unique for other, unique in resolved.items() if other != name}
        with pytest.raises(MalformedPolicy):
            compile_policy(document, DocumentKind.KEY, missing)


def test_an_unknown_principal_is_named_in_a_trust_policy() -> None:
    """IAM says which principal it does not know."""
    statement = {"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "sts:AssumeRole"}
    with pytest.raises(MalformedPolicy) as refused:
        policy(statement, kind=DocumentKind.TRUST, principals={})
    assert refused.value.message == f'Invalid principal in policy: "AWS":"{USER}"'
    with pytest.raises(MalformedPolicy) as refused:
        policy({**statement, "Principal": {"Service": "logs"}}, kind=DocumentKind.TRUST)
    assert refused.value.message == 'Invalid principal in policy: "SERVICE":"logs"'
    with pytest.raises(MalformedPolicy) as refused:
        policy({**statement, "Principal": {"AWS": "alice"}}, kind=DocumentKind.TRUST)
    assert refused.value.message == 'Invalid principal in policy: "AWS":"alice"'
    with pytest.raises(MalformedPolicy) as refused:
        policy({**statement, "Principal": {"AWS": []}}, kind=DocumentKind.TRUST)
    assert refused.value.message == 'Invalid principal in policy: "AWS":""'


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_path_never_makes_a_name_of_another_sort(kind: str) -> None:
    """A path may have colons. A user or role under such a path means its unique id (ST-8)."""
    name = f"arn:aws:iam::{ACCOUNT}:{kind}/x:federated-user/bob"
    unique_id = f"{'AIDA' if kind == 'user' else 'AROA'}BOBEXAMPLE123"
    document = text(allow(**to(name)))

    [statement] = compile_policy(document, DocumentKind.KEY, {name: unique_id}).statements

    assert isinstance(statement.principals, Principals)
    assert statement.principals.names == {unique_id}
    assert account_named(f"arn:aws:iam::{ACCOUNT}:{kind}/x:root") is None
