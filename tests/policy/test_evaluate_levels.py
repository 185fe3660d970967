"""The flow: levels above an account, roles, variables, what AWS keeps for itself (iam.md 5)."""

import pytest

from keystead.policy.evaluation.decision import Decision, PolicyKind
from keystead.policy.evaluation.question import (
    PolicySource,
    Principal,
    PrincipalType,
)
from keystead.policy.language.document import DocumentKind
from tests.policy.evaluating import (
    DELEGATES,
    FULL_RCP,
    MAY,
    RCP,
    STRANGER,
    allowed_by,
    denied_by,
    refused_by,
    scp,
)
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    APP,
    KEY,
    LOGS,
    OWNER,
    ROLE,
    ROOT,
    USER,
    about_key,
    allow,
    ask,
    deny,
    elsewhere,
    evaluate,
    own,
    source,
    to,
    trust_policy,
)


def test_every_level_of_service_control_policies_must_allow() -> None:
    """Union inside a level, intersection between levels; a level without policies refuses."""
    everything, other = scp(allow("*")), scp(allow("s3:*"))
    assert evaluate(
        ask(), about_key((MAY,), (DELEGATES,), scps=((everything,), (other, everything)))
    ).allowed
    for levels in (((other,),), ((everything,), ()), ((everything,), (other,), (everything,))):
        assert refused_by(evaluate(ask(), about_key((MAY,), (DELEGATES,), scps=levels))) is (
            PolicyKind.SERVICE_CONTROL
        )
    denied = ((everything,), (everything, scp(deny())))
    assert denied_by(evaluate(ask(), about_key((MAY,), (DELEGATES,), scps=denied))) is (
        PolicyKind.SERVICE_CONTROL
    )
    assert refused_by(evaluate(ask(OWNER), about_key((), (DELEGATES,), scps=((other,),)))) is (
        PolicyKind.SERVICE_CONTROL
    )


def test_service_linked_roles_are_under_no_control_policy() -> None:
    """Neither SCPs nor RCPs bind a session of a service-linked role."""
    linked = Principal(
        PrincipalType.ASSUMED_ROLE,
        APP.arn,
        ACCOUNT,
        APP.user_id,
        APP.unique_id,
        service_linked=True,
    )
    policies = about_key(
        (MAY,),
        (DELEGATES,),
        scps=((scp(deny()),),),
        resource_control=((source(deny(Principal="*"), kind=RCP),),),
    )
    assert evaluate(ask(linked), policies).allowed
    assert denied_by(evaluate(ask(APP), policies)) is PolicyKind.SERVICE_CONTROL


@pytest.mark.parametrize(
    ("role", "bound"),
    [
        ("role/aws-service-role/logs.amazonaws.com/Linked", False),
        ("role/App", True),
        ("role/x:role/aws-service-role/App", True),
        ("role/team/aws-service-role/App", True),
    ],
)
def test_only_service_linked_roles_are_assumed_under_no_resource_control_policy(
    role: str, bound: bool
) -> None:
    """A path may have colons. It does not make a role a service's."""
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", **to(USER)}
    trust = source(may, kind=DocumentKind.TRUST)
    policies = about_key(
        (), (trust,), resource_control=((source(deny("sts:AssumeRole", Principal="*"), kind=RCP),),)
    )
    question = ask(ALICE, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:{role}")
    assert evaluate(question, policies).allowed is not bound


def test_resource_control_policies_only_deny() -> None:
    """AWS's full access is everywhere; a Deny at any level counts, but not for RetireGrant."""
    full = ((FULL_RCP,), ())
    assert evaluate(ask(), about_key((MAY,), (DELEGATES,), resource_control=full)).allowed
    denying = ((FULL_RCP,), (FULL_RCP, source(deny(Principal="*"), kind=RCP)))
    policies = about_key((MAY,), (DELEGATES,), resource_control=denying)
    assert denied_by(evaluate(ask(), policies)) is PolicyKind.RESOURCE_CONTROL
    assert evaluate(ask(action="kms:RetireGrant"), policies).allowed


def test_the_endpoint_policy_must_allow_and_gives_nothing() -> None:
    """It binds whoever comes through the endpoint, named in any way."""

    def through(*statements: object) -> Decision:
        policy = source(*statements, kind=DocumentKind.ENDPOINT)  # type: ignore[arg-type]  # as scp
        return evaluate(ask(), about_key((MAY,), (DELEGATES,), endpoint=policy))

    for name in ("*", ROOT, USER):
        assert through(allow(**to(name))).allowed
    assert refused_by(through(allow(**to(ROLE)))) is PolicyKind.ENDPOINT
    assert denied_by(through(allow(**to("*")), deny(**to(USER)))) is PolicyKind.ENDPOINT
    only = source(allow(**to("*")), kind=DocumentKind.ENDPOINT)
    assert not evaluate(ask(), about_key((), (DELEGATES,), endpoint=only)).allowed


def assume(who: Principal, trust: PolicySource | None, *identity: PolicySource) -> Decision:
    policies = elsewhere(
        identity,
        resource_based=() if trust is None else (trust,),
        resource_policy_required=True,
    )
    return evaluate(ask(who, "sts:AssumeRole", ROLE), policies)


def test_a_role_trusts_only_whom_its_policy_names() -> None:
    """A named principal of the account needs no more; the account's principals their own policy."""
    may = own(allow("sts:AssumeRole", ROLE))
    assert allowed_by(assume(ALICE, trust_policy({"AWS": USER}))) is PolicyKind.TRUST
    assert allowed_by(assume(ALICE, trust_policy({"AWS": ROOT}), may)) is PolicyKind.IDENTITY
    assert refused_by(assume(ALICE, trust_policy({"AWS": ROOT}))) is PolicyKind.IDENTITY
    assert refused_by(assume(ALICE, None, may)) is PolicyKind.TRUST
    assert refused_by(assume(APP, trust_policy({"AWS": USER}), may)) is PolicyKind.TRUST
    assert evaluate(
        ask(APP, "sts:AssumeRole", ROLE),
        elsewhere(
            (may,), resource_based=(trust_policy({"AWS": ROLE}),), resource_policy_required=True
        ),
    ).allowed
    assert assume(STRANGER, trust_policy({"AWS": STRANGER.arn}), may).allowed
    assert refused_by(assume(STRANGER, trust_policy({"AWS": STRANGER.arn}))) is PolicyKind.IDENTITY
    service = trust_policy({"Service": "logs.amazonaws.com"})
    assert assume(LOGS, service).allowed
    assert refused_by(assume(ALICE, service, may)) is PolicyKind.TRUST


def test_actions_without_a_resource() -> None:
    """Only `*`, or a NotResource that is not `*`, speaks of them; for ceilings too."""
    question = ask(action="kms:ListKeys", resource="*")

    def with_resource(**elements: object) -> PolicySource:
        statement = {"Effect": "Allow", "Action": "kms:*", **elements}
        return own(statement)

    assert evaluate(question, elsewhere((with_resource(Resource="*"),))).allowed
    assert evaluate(question, elsewhere((with_resource(NotResource=KEY),))).allowed
    assert not evaluate(question, elsewhere((with_resource(Resource=KEY),))).allowed
    assert not evaluate(question, elsewhere((with_resource(Resource="arn:aws:kms:*:*:*"),))).allowed
    assert not evaluate(question, elsewhere((with_resource(NotResource="*"),))).allowed
    specific = own(allow(), deny(resource=KEY))
    assert evaluate(question, elsewhere((specific,))).allowed


def test_an_unresolved_variable_never_widens() -> None:
    """A Resource does not match, and an Allow for everything but an unknown is not in effect."""

    def identity(effect: str, **elements: object) -> PolicySource:
        return own(allow("*"), {"Effect": effect, "Action": "kms:*", **elements})

    mine = "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}"
    allowed = own({"Effect": "Allow", "Action": "kms:*", "NotResource": mine})
    policies = about_key((allowed,), (DELEGATES,))
    assert not evaluate(ask(), policies).allowed
    assert evaluate(ask(aws__principaltag_SLASH_key="other"), policies).allowed
    deny_rest = about_key((identity("Deny", NotResource=mine),), (DELEGATES,))
    assert denied_by(evaluate(ask(), deny_rest)) is PolicyKind.IDENTITY
    deny_mine = about_key((identity("Deny", Resource=mine),), (DELEGATES,))
    assert evaluate(ask(), deny_mine).allowed


def test_substituted_values_are_no_wildcards() -> None:
    """A tag of `*` names the key `*`, not every key."""
    mine = own(allow(resource="arn:aws:kms:*:*:key/${aws:PrincipalTag/key}"))
    policies = about_key((mine,), (DELEGATES,))
    own_key = KEY.rpartition("/")[2]
    assert evaluate(ask(aws__principaltag_SLASH_key=own_key), policies).allowed
    assert not evaluate(ask(aws__principaltag_SLASH_key="*"), policies).allowed


def test_a_long_value_for_a_variable_is_no_obstacle() -> None:
    """However long a substituted value makes a pattern, the question is answered."""
    condition = {"StringLike": {"aws:UserAgent": "${aws:UserAgent}?"}}
    policies = about_key((own(allow(), deny(Condition=condition)),), (DELEGATES,))
    assert evaluate(ask(aws__useragent="x" * 2000), policies).allowed


def test_what_aws_keeps_for_itself() -> None:
    """Aliases alias/aws/…, AWS managed policies and reserved roles: reading yes, writing no."""
    admin = elsewhere((own(allow("*")),))
    alias = f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/"
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for action, resource, allowed in (
        ("kms:CreateAlias", f"{alias}mine", True),
        ("kms:CreateAlias", f"{alias}aws/s3", False),
        ("KMS:DELETEALIAS", f"{alias}aws/s3", False),
        ("iam:GetPolicy", managed, True),
        ("iam:DeletePolicy", managed, False),
        ("iam:GetRole", linked, True),
        ("iam:DeleteServiceLinkedRole", linked, True),
        ("iam:AttachRolePolicy", linked, False),
        ("iam:AttachRolePolicy", ROLE, True),
        ("iam:UpdateRoleDescription", linked, True),
        ("iam:TagRole", linked, True),
        ("iam:TagRole", f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/R", False),
        ("iam:PutUserPolicy", USER, True),
    ):
        decision = evaluate(ask(action=action, resource=resource), admin)
        assert decision.allowed is allowed, action
    denied = elsewhere((own(allow("*"), deny("kms:*")),))
    question = ask(action="kms:CreateAlias", resource=f"{alias}aws/s3")
    assert denied_by(evaluate(question, denied)) is PolicyKind.IDENTITY
