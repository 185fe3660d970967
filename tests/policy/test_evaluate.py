"""The flow: which policies must allow, for whom (iam.md 5; kms.md 10.2)."""

from typing import Any

import pytest
from msgspec.structs import replace

from keystead.policy.enforcement.enforce import Enforcer
from keystead.policy.evaluation.decision import Decision, Finding, Outcome, PolicyKind
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    Principal,
    PrincipalType,
    Question,
)
from keystead.policy.language.document import DocumentKind, stored_policy
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    APP,
    BOB,
    FEDERATED,
    KEY,
    LOGS,
    NOBODY,
    OTHER,
    OWNER,
    ROLE,
    ROOT,
    SESSION,
    USER,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    elsewhere,
    evaluate,
    key_policy,
    own,
    source,
    to,
    trust_policy,
)

DELEGATES = key_policy(allow(**to(ROOT)))
SILENT = key_policy(allow("kms:Sign", **to(ROOT)))
MAY = own(allow())
NOT_THIS = own(allow("kms:Sign"))
SCP, RCP = DocumentKind.SCP, DocumentKind.RCP
FULL_RCP = source({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}, kind=RCP)


def scp(*statements: object) -> PolicySource:
    return ceiling(*statements, kind=SCP)  # type: ignore[arg-type]  # statements of the test


def refused_by(decision: Decision) -> PolicyKind | None:
    """The kind that refused implicitly; fails when it was allowed or explicitly denied."""
    assert decision.outcome is Outcome.IMPLICITLY_DENIED
    return decision.kind


def denied_by(decision: Decision) -> PolicyKind | None:
    assert decision.outcome is Outcome.EXPLICITLY_DENIED
    return decision.kind


def allowed_by(decision: Decision) -> PolicyKind | None:
    assert decision.outcome is Outcome.ALLOWED, decision.trace
    return decision.kind


def test_a_key_policy_is_the_root_of_trust() -> None:
    """Identity-based policies count only as far as the key policy delegates to the account."""
    assert allowed_by(evaluate(ask(), about_key((MAY,), (DELEGATES,)))) is PolicyKind.IDENTITY
    assert refused_by(evaluate(ask(), about_key((MAY,), (SILENT,)))) is PolicyKind.RESOURCE
    assert refused_by(evaluate(ask(), about_key((MAY,)))) is PolicyKind.RESOURCE
    assert refused_by(evaluate(ask(), about_key((), (DELEGATES,)))) is PolicyKind.IDENTITY


def test_a_deny_counts_without_delegation() -> None:
    """An explicit Deny in an identity-based policy wins over a direct grant in the key policy."""
    direct = key_policy(allow(**to(USER)))
    assert allowed_by(evaluate(ask(), about_key((), (direct,)))) is PolicyKind.RESOURCE
    denied = evaluate(ask(), about_key((own(deny()),), (direct,)))
    assert denied_by(denied) is PolicyKind.IDENTITY


def test_the_root_user_needs_the_key_policy_and_nothing_else() -> None:
    """Root may what the account may; without the account's statement it may nothing."""
    assert allowed_by(evaluate(ask(OWNER), about_key((), (DELEGATES,)))) is PolicyKind.RESOURCE
    assert refused_by(evaluate(ask(OWNER), about_key((), (SILENT,)))) is PolicyKind.RESOURCE
    everything = ask(OWNER, "iam:CreateUser", USER)
    assert allowed_by(evaluate(everything, elsewhere())) is None


# who, how the key policy names them, whether identity, boundary and session policy bind
TABLE = [
    (ALICE, USER, False, False, False),
    (ALICE, "*", False, False, False),
    (ALICE, ROOT, True, True, True),
    (APP, ROLE, False, True, True),
    (APP, SESSION, False, False, False),
    (APP, "*", False, False, False),
    (APP, ROOT, True, True, True),
    (BOB, FEDERATED, False, False, False),
    (BOB, USER, False, True, True),
    (BOB, ROOT, True, True, True),
    (BOB, "*", False, False, False),
]


@pytest.mark.parametrize(("who", "name", "identity", "boundary", "session"), TABLE)
def test_the_interplay_table(
    who: Principal, name: str, identity: bool, boundary: bool, session: bool
) -> None:
    """What a resource-based policy names decides which implicit denials count (iam.md 5.4)."""
    resource = (key_policy(allow(**to(name))),)
    passed = None if who is ALICE else (ceiling(allow(), kind=DocumentKind.SESSION),)
    yes = about_key((MAY,), resource, boundary=ceiling(allow()), session=passed)
    assert evaluate(ask(who), yes).allowed
    silent = ceiling(allow("kms:Sign"))
    without = (
        (about_key((NOT_THIS,), resource, boundary=ceiling(allow()), session=passed), identity),
        (about_key((MAY,), resource, boundary=silent, session=passed), boundary),
        (
            about_key(
                (MAY,), resource, session=(ceiling(allow("kms:Sign"), kind=DocumentKind.SESSION),)
            ),
            session,
        ),
    )
    for policies, binds in without:
        assert evaluate(ask(who), policies).allowed is not binds


@pytest.mark.parametrize(("who", "name", "identity", "boundary", "session"), TABLE)
def test_explicit_denials_always_count(
    who: Principal, name: str, identity: bool, boundary: bool, session: bool
) -> None:
    """However a caller is named, a Deny in a boundary or session policy wins."""
    resource = (key_policy(allow(**to(name))),)
    bounded = about_key((MAY,), resource, boundary=ceiling(allow(), deny()))
    assert denied_by(evaluate(ask(who), bounded)) is PolicyKind.BOUNDARY
    passed = (ceiling(allow(), deny(), kind=DocumentKind.SESSION),)
    assert denied_by(evaluate(ask(who), about_key((MAY,), resource, session=passed))) is (
        PolicyKind.SESSION
    )


def test_a_federated_user_without_a_session_policy_has_no_permissions() -> None:
    """Only a resource-based policy that names the federated user itself still helps."""
    assert refused_by(evaluate(ask(BOB), about_key((MAY,), (DELEGATES,)))) is PolicyKind.SESSION
    named = key_policy(allow(**to(USER)))
    assert refused_by(evaluate(ask(BOB), about_key((MAY,), (named,)))) is PolicyKind.SESSION
    itself = key_policy(allow(**to(FEDERATED)))
    assert evaluate(ask(BOB), about_key((), (itself,))).allowed
    none_passed = about_key((MAY,), (DELEGATES,))
    assert evaluate(ask(APP), none_passed).allowed


def test_the_strict_switch_binds_sessions_to_their_policy() -> None:
    """Stricter than AWS: a session policy binds even who is named directly."""
    passed = (ceiling(allow("kms:Sign"), kind=DocumentKind.SESSION),)
    resource = (key_policy(allow(**to(SESSION))),)
    assert evaluate(ask(APP), about_key((), resource, session=passed)).allowed
    strict = about_key((), resource, session=passed, sessions_always_bound=True)
    assert refused_by(evaluate(ask(APP), strict)) is PolicyKind.SESSION


STRANGER = Principal(
    PrincipalType.USER,
    f"arn:aws:iam::{OTHER}:user/eve",
    OTHER,
    "AIDAEVEEXAMPLE123",
    "AIDAEVEEXAMPLE123",
    "eve",
)
VISITOR = Principal(
    PrincipalType.ASSUMED_ROLE,
    f"arn:aws:sts::{OTHER}:assumed-role/Visit/s",
    OTHER,
    "AROAVISITEXAMPLE1:s",
    "AROAVISITEXAMPLE1",
    principal_arn=f"arn:aws:iam::{OTHER}:role/Visit",
    issuer_arn=f"arn:aws:iam::{OTHER}:role/Visit",
    issuer_id="AROAVISITEXAMPLE1",
)
OTHER_ROOT = f"arn:aws:iam::{OTHER}:root"


@pytest.mark.parametrize("name", [STRANGER.arn, OTHER_ROOT, "*"])
def test_across_accounts_both_sides_must_allow(name: str) -> None:
    """The key policy of one account and the identity-based policy of the other."""
    named = (key_policy(allow(**to(name))),)
    assert allowed_by(evaluate(ask(STRANGER), about_key((MAY,), named))) is PolicyKind.IDENTITY
    assert refused_by(evaluate(ask(STRANGER), about_key((), named))) is PolicyKind.IDENTITY
    assert refused_by(evaluate(ask(STRANGER), about_key((MAY,), (DELEGATES,)))) is (
        PolicyKind.RESOURCE
    )
    denied = about_key((MAY,), (key_policy(allow(**to(name)), deny(**to(OTHER_ROOT))),))
    assert denied_by(evaluate(ask(STRANGER), denied)) is PolicyKind.RESOURCE


@pytest.mark.parametrize("name", [VISITOR.arn, VISITOR.issuer_arn, OTHER_ROOT, "*"])
def test_across_accounts_ceilings_always_bind(name: str) -> None:
    """Boundary and session policy must allow, even when the session itself is named."""
    named = (key_policy(allow(**to(name))),)
    silent = ceiling(allow("kms:Sign"))
    assert evaluate(ask(VISITOR), about_key((MAY,), named)).allowed
    assert refused_by(evaluate(ask(VISITOR), about_key((MAY,), named, boundary=silent))) is (
        PolicyKind.BOUNDARY
    )
    passed = (ceiling(allow("kms:Sign"), kind=DocumentKind.SESSION),)
    assert refused_by(evaluate(ask(VISITOR), about_key((MAY,), named, session=passed))) is (
        PolicyKind.SESSION
    )


def test_operations_that_never_work_across_accounts() -> None:
    """Whatever both policies say, and yet for the account itself."""
    named = (key_policy(allow(**to(OTHER_ROOT)), allow(**to(ROOT))),)
    policies = about_key((MAY,), named, cross_account_allowed=False)
    assert refused_by(evaluate(ask(STRANGER), policies)) is PolicyKind.RESOURCE
    assert evaluate(ask(ALICE), policies).allowed


def test_without_a_resource_policy_another_account_is_closed() -> None:
    """What has no policy of its own is never for strangers, not even for their root."""
    root = Principal(PrincipalType.ACCOUNT, OTHER_ROOT, OTHER, OTHER)
    for who in (STRANGER, root):
        question = ask(who, "iam:GetUser", USER)
        assert refused_by(evaluate(question, elsewhere((own(allow("*")),)))) is PolicyKind.RESOURCE
    assert evaluate(ask(root), about_key((), (key_policy(allow(**to(OTHER_ROOT))),))).allowed


def test_services_and_anonymous_callers_have_only_the_resource_policy() -> None:
    """Nothing else can allow them; RCPs and endpoint policies bind them, SCPs do not."""
    service = key_policy(allow(Principal={"Service": "logs.amazonaws.com"}))
    public = key_policy(allow(Principal="*"))
    closed = ((scp(allow("s3:*")),),)
    assert evaluate(ask(LOGS), about_key((), (service,), scps=closed)).allowed
    assert evaluate(ask(NOBODY), about_key((), (public,), scps=closed)).allowed
    assert refused_by(evaluate(ask(LOGS), about_key((MAY,), (DELEGATES,)))) is PolicyKind.RESOURCE
    assert refused_by(evaluate(ask(NOBODY), about_key((MAY,), (service,)))) is PolicyKind.RESOURCE
    rcp = ((source(deny(Principal="*"), kind=RCP),),)
    for who, policy in ((LOGS, service), (NOBODY, public)):
        assert denied_by(evaluate(ask(who), about_key((), (policy,), resource_control=rcp))) is (
            PolicyKind.RESOURCE_CONTROL
        )
    assert refused_by(evaluate(ask(NOBODY, "s3:Get", "arn:aws:s3:::b"), elsewhere())) is (
        PolicyKind.RESOURCE
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


def test_grants_allow_as_their_statement_names_the_grantee() -> None:
    """A grant stands beside the key policy; its Deny, if it had one, would mean nothing."""
    to_alice, to_role = key_policy(allow(**to(USER))), key_policy(allow(**to(ROLE)))
    to_account = key_policy(allow(**to(ROOT)))
    silent = ceiling(allow("kms:Sign"))
    granted = evaluate(ask(), about_key((), (SILENT,), grants=(to_alice,), boundary=silent))
    assert allowed_by(granted) is PolicyKind.RESOURCE
    assert not evaluate(ask(APP), about_key((), (SILENT,), grants=(to_alice,))).allowed
    assert evaluate(ask(APP), about_key((), (SILENT,), grants=(to_role,))).allowed
    limited = about_key((), (SILENT,), grants=(to_role,), boundary=silent)
    assert refused_by(evaluate(ask(APP), limited)) is PolicyKind.BOUNDARY
    assert refused_by(evaluate(ask(), about_key((), (SILENT,), grants=(to_account,)))) is (
        PolicyKind.IDENTITY
    )
    denying = key_policy(deny(**to(USER)), allow(**to(USER)))
    assert evaluate(ask(), about_key((), (SILENT,), grants=(denying,))).allowed
    denied = about_key((own(deny()),), (SILENT,), grants=(to_alice,))
    assert denied_by(evaluate(ask(), denied)) is PolicyKind.IDENTITY


def test_a_grant_stands_in_for_the_stranger_s_identity_policy() -> None:
    """Across accounts a grant to the caller suffices, but ceilings bind; to the account not."""
    itself, account = key_policy(allow(**to(STRANGER.arn))), key_policy(allow(**to(OTHER_ROOT)))
    assert evaluate(ask(STRANGER), about_key((), (SILENT,), grants=(itself,))).allowed
    bounded = about_key((), (SILENT,), grants=(itself,), boundary=ceiling(allow("kms:Sign")))
    assert refused_by(evaluate(ask(STRANGER), bounded)) is PolicyKind.BOUNDARY
    assert refused_by(evaluate(ask(STRANGER), about_key((), (SILENT,), grants=(account,)))) is (
        PolicyKind.IDENTITY
    )


@pytest.mark.parametrize("grantee", [VISITOR.arn, VISITOR.issuer_arn])
def test_a_grant_to_a_stranger_s_role_stands_in_as_well(grantee: str) -> None:
    """Whether it names the session or its role; without it nothing does."""
    granted = about_key((), (SILENT,), grants=(key_policy(allow(**to(grantee))),))
    assert allowed_by(evaluate(ask(VISITOR), granted)) is PolicyKind.RESOURCE
    assert allowed_by(Enforcer().decide(Question(ask(VISITOR), granted))) is PolicyKind.RESOURCE
    assert refused_by(evaluate(ask(VISITOR), about_key((), (SILENT,)))) is PolicyKind.RESOURCE


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


@pytest.mark.parametrize("who", [OWNER, LOGS, NOBODY])
def test_who_has_no_policies_of_their_own_is_not_bound_by_any(who: Principal) -> None:
    """Root, services and anonymous callers: what is passed as theirs does not count.

    Only a session policy binds root.
    """
    public = (key_policy(allow(Principal="*"), deny(NotPrincipal="*")),)
    denying = about_key((own(deny("*")),), public, boundary=ceiling(deny("*")))
    assert evaluate(ask(who), denying).allowed
    in_session = about_key((), public, session=(ceiling(deny("*"), kind=DocumentKind.SESSION),))
    assert evaluate(ask(who), in_session).allowed is (who is not OWNER)
    assert not evaluate(ask(ALICE), denying).allowed


@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "sts:GetSessionToken"])
def test_some_actions_are_for_everybody(action: str) -> None:
    """They need no permission, and a Deny does not take them away (iam.md 2.4, 2.7)."""
    question = ask(action=action, resource="*")
    decision = evaluate(question, elsewhere((own(deny("*")),)))
    assert allowed_by(decision) is None
    assert decision.trace == (Finding("0 open to everybody", None, "allow", "needs no permission"),)
    assert decision.statements == ()
    assert not evaluate(ask(action="sts:GetFederationToken", resource="*"), elsewhere()).allowed


def test_a_stored_policy_that_cannot_be_read_denies_everything() -> None:
    """An unreadable document is never ignored, at any place."""
    for kind in (DocumentKind.IDENTITY, DocumentKind.KEY, DocumentKind.SCP):
        broken = stored_policy("{", kind)
        assert broken.broken
        policy = PolicySource(broken, "broken")
        places = {
            DocumentKind.IDENTITY: about_key((MAY, policy), (DELEGATES,)),
            DocumentKind.KEY: about_key((MAY,), (DELEGATES, policy)),
            DocumentKind.SCP: about_key((MAY,), (DELEGATES,), scps=((scp(allow("*")), policy),)),
        }
        assert evaluate(ask(), places[kind]).outcome is Outcome.EXPLICITLY_DENIED


def test_every_step_reports_what_it_found() -> None:
    """The trace goes on after a refusal, so that everything in the way is named."""
    policies = about_key(
        (NOT_THIS,),
        (SILENT,),
        boundary=ceiling(allow("kms:Sign")),
        scps=((scp(allow("*")),), (scp(allow("s3:*")),)),
        resource_control=((FULL_RCP,),),
        endpoint=source(allow(**to(ROLE)), kind=DocumentKind.ENDPOINT),
    )
    decision = evaluate(ask(), policies)
    assert [(finding.step, finding.effect) for finding in decision.trace] == [
        ("1 explicit deny", "no effect"),
        ("2 resource control policies, level 1 of 1", "allow"),
        ("3 service control policies, level 1 of 2", "allow"),
        ("3 service control policies, level 2 of 2", "implicit deny"),
        ("4 VPC endpoint policy", "implicit deny"),
        ("5 resource-based policies", "implicit deny"),
        ("6 identity-based policies", "implicit deny"),
        ("7 permissions boundary", "implicit deny"),
    ]
    assert refused_by(decision) is PolicyKind.SERVICE_CONTROL


def test_the_deciding_statements_are_named() -> None:
    """An allowance names what delegated and what allowed; a denial every matching Deny."""
    identity = PolicySource(own(allow("s3:*"), allow(Sid="Keys")).policy, "arn:p", USER)
    allowed = evaluate(ask(), about_key((identity,), (DELEGATES,)))
    named = [(one.kind, one.policy, one.index, one.sid) for one in allowed.statements]
    assert named == [
        (PolicyKind.RESOURCE, "default", 0, ""),
        (PolicyKind.IDENTITY, "arn:p", 1, "Keys"),
    ]
    denying = about_key((own(deny()),), (key_policy(deny(**to(USER))),), scps=((scp(deny()),),))
    denied = evaluate(ask(), denying)
    assert [one.kind for one in denied.statements] == [
        PolicyKind.SERVICE_CONTROL,
        PolicyKind.RESOURCE,
        PolicyKind.IDENTITY,
    ]
    assert denied.kind is PolicyKind.SERVICE_CONTROL


Told = tuple[str, PolicyKind | None, str, str, list[str]]


def told(decision: Decision) -> list[Told]:
    """The trace, with the names of the policies whose statements each step found."""
    return [
        (one.step, one.kind, one.effect, one.detail, [found.policy for found in one.statements])
        for one in decision.trace
    ]


NO_DENY: Told = ("1 explicit deny", None, "no effect", "no matching statement denies", [])
ALLOWS, ALLOWS_NOT = ("allow", "a statement allows"), ("implicit deny", "no statement allows")
SUFFICES = ("no effect", "the resource-based policy suffices")


def test_the_trace_of_an_allowance() -> None:
    """Each step says which kind it asked, what it found and where, in the order of the steps."""
    policies = about_key(
        (own(allow()),),
        (DELEGATES,),
        boundary=ceiling(allow()),
        session=(ceiling(allow(), kind=DocumentKind.SESSION),),
        scps=((scp(allow("*")),),),
        resource_control=((FULL_RCP,),),
        endpoint=source(allow(**to("*")), kind=DocumentKind.ENDPOINT, name="endpoint"),
    )
    decision = evaluate(ask(APP), policies)
    kind = PolicyKind
    assert told(decision) == [
        NO_DENY,
        ("2 resource control policies, level 1 of 1", kind.RESOURCE_CONTROL, "allow", "", ["p"]),
        ("3 service control policies, level 1 of 1", kind.SERVICE_CONTROL, *ALLOWS, ["scp"]),
        ("4 VPC endpoint policy", kind.ENDPOINT, *ALLOWS, ["endpoint"]),
        (
            "5 resource-based policies",
            kind.RESOURCE,
            "delegated",
            "a statement leaves it to the policies of the caller's account",
            ["default"],
        ),
        ("6 identity-based policies", kind.IDENTITY, *ALLOWS, ["own"]),
        ("7 permissions boundary", kind.BOUNDARY, *ALLOWS, ["boundary"]),
        ("8 session policies", kind.SESSION, *ALLOWS, ["session"]),
    ]
    assert [one.policy for one in decision.statements] == ["default", "own"]
    assert hash(decision) == hash(evaluate(ask(APP), policies))  # a value: it can be kept


def test_the_trace_when_the_resource_s_policy_suffices() -> None:
    """A caller who is named needs nobody else; a role that is named is bound by its ceilings."""
    own_side: dict[str, Any] = {
        "boundary": ceiling(allow("kms:Sign")),
        "session": (ceiling(allow("kms:Sign"), kind=DocumentKind.SESSION),),
    }
    kind, five = PolicyKind, "5 resource-based policies"
    named = evaluate(ask(APP), about_key((), (key_policy(allow(**to(SESSION))),), **own_side))
    assert told(named) == [
        NO_DENY,
        (five, kind.RESOURCE, "allow", "a statement names the caller", ["default"]),
        ("6 identity-based policies", kind.IDENTITY, *SUFFICES, []),
        ("7 permissions boundary", kind.BOUNDARY, *SUFFICES, []),
        ("8 session policies", kind.SESSION, *SUFFICES, []),
    ]
    role = evaluate(ask(APP), about_key((), (key_policy(allow(**to(ROLE))),), **own_side))
    how = "a statement names the role or user for which the caller acts"
    assert told(role) == [
        NO_DENY,
        (five, kind.RESOURCE, "allow", how, ["default"]),
        ("6 identity-based policies", kind.IDENTITY, *SUFFICES, []),
        ("7 permissions boundary", kind.BOUNDARY, *ALLOWS_NOT, []),
        ("8 session policies", kind.SESSION, *ALLOWS_NOT, []),
    ]
    assert refused_by(role) is kind.BOUNDARY


def test_the_trace_of_those_without_policies_of_their_own() -> None:
    """The root user needs no identity-based policy; a service is asked for none."""
    five, kind = "5 resource-based policies", PolicyKind
    root = "the root user needs no identity-based policy"
    assert told(evaluate(ask(OWNER), elsewhere())) == [
        NO_DENY,
        (five, kind.RESOURCE, "no effect", "no statement allows, and none has to", []),
        ("6 identity-based policies", None, "allow", root, []),
    ]
    service = key_policy(allow(Principal={"Service": "logs.amazonaws.com"}))
    assert told(evaluate(ask(LOGS), about_key((), (service,)))) == [
        NO_DENY,
        (five, kind.RESOURCE, "allow", "a statement names the caller", ["default"]),
    ]


def test_the_trace_of_a_federated_user_without_a_session_policy() -> None:
    """The session step says what is missing."""
    decision = evaluate(ask(BOB), about_key((own(allow()),), (DELEGATES,)))
    none = "a federated user without a session policy has no permissions of its own"
    assert told(decision)[-1] == (
        "8 session policies",
        PolicyKind.SESSION,
        "implicit deny",
        none,
        [],
    )
    assert refused_by(decision) is PolicyKind.SESSION


def test_the_trace_of_refusals() -> None:
    """A Deny, what AWS keeps, a resource that says nothing, and one of another account."""
    kind, five = PolicyKind, "5 resource-based policies"
    denying = evaluate(ask(), about_key((own(deny()), MAY), (DELEGATES,)))
    denies = ("explicit deny", "a matching statement denies", ["own"])
    assert told(denying)[0] == ("1 explicit deny", kind.IDENTITY, *denies)
    assert hash(denying)
    alias = f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/aws/s3"
    kept = evaluate(ask(action="kms:CreateAlias", resource=alias), elsewhere((MAY,)))
    why = "aliases that begin with alias/aws/ are AWS's own"
    assert told(kept)[1] == ("1 reserved by AWS", None, "implicit deny", why, [])
    assert refused_by(kept) is None
    silent = evaluate(ask(), about_key((MAY,), (SILENT,)))
    nothing = "nothing in it allows the caller or the caller's account"
    assert told(silent)[1] == (five, kind.RESOURCE, "implicit deny", nothing, [])
    named = (key_policy(allow(**to(STRANGER.arn))),)
    apart = about_key((MAY,), named, cross_account_allowed=False)
    never = "this operation never works on another account's resource"
    assert told(evaluate(ask(STRANGER), apart))[1] == (
        five,
        kind.RESOURCE,
        "implicit deny",
        never,
        [],
    )


def test_only_callers_with_an_account_are_strangers() -> None:
    """A service and an anonymous caller have none, so that nothing is another account's to them."""
    for who in (LOGS, NOBODY, ALICE):
        assert not evaluate(ask(who), about_key((), (SILENT,))).foreign
    assert evaluate(ask(STRANGER), about_key((), (SILENT,))).foreign


def test_what_names_the_caller_best_is_named() -> None:
    """Of two statements that allow, key policy or grant, the one that binds the caller least."""
    both = key_policy(allow(Sid="Account", **to(ROOT)), allow(Sid="Caller", **to(USER)))
    grant = source(allow(Sid="Grant", **to(USER)), kind=DocumentKind.KEY, name="grant")
    weaker = source(allow(Sid="Weaker", **to(ROOT)), kind=DocumentKind.KEY, name="weaker")
    decision = evaluate(ask(), about_key((), (both,), grants=(grant, weaker)))
    assert [one.sid for one in decision.statements] == ["Caller", "Grant"]
    decision = evaluate(ask(), about_key((), (DELEGATES,), grants=(grant, weaker)))
    assert [one.sid for one in decision.statements] == ["Grant"]
    decision = evaluate(ask(), about_key((MAY,), (DELEGATES,), grants=(weaker,)))
    assert [one.policy for one in decision.statements] == ["default", "weaker", "own"]


def test_every_level_of_session_policies_must_allow() -> None:
    """A level that is passed later takes away and gives nothing back; any Deny in one wins."""

    def passed(*levels: PolicySource) -> ApplicablePolicies:
        policies = about_key((MAY,), (DELEGATES,))
        own = replace(policies.principal, session=tuple((level,) for level in levels))
        return replace(policies, principal=own)

    session = DocumentKind.SESSION
    wide, narrow = ceiling(allow(), kind=session), ceiling(allow("kms:Sign"), kind=session)
    denying = ceiling(allow(), deny(), kind=session)
    for levels in ((wide,), (wide, wide), (wide, wide, wide)):
        assert evaluate(ask(APP), passed(*levels)).allowed
    for levels in ((narrow, wide), (wide, narrow), (wide, narrow, wide)):
        assert refused_by(evaluate(ask(APP), passed(*levels))) is PolicyKind.SESSION
    assert denied_by(evaluate(ask(APP), passed(wide, denying))) is PolicyKind.SESSION
    steps = [f.step for f in evaluate(ask(APP), passed(wide, narrow)).trace if f.step[0] == "8"]
    assert steps == ["8 session policies, level 1 of 2", "8 session policies, level 2 of 2"]
