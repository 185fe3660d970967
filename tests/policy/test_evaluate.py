"""The flow: which policies must allow, for whom (iam.md 5; kms.md 10.2)."""

import pytest
from msgspec.structs import replace

from keystead.policy.enforcement.enforce import Enforcer
from keystead.policy.evaluation.decision import Finding, Outcome, PolicyKind
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    Principal,
    PrincipalType,
    Question,
)
from keystead.policy.language.document import DocumentKind, stored_policy
from tests.policy.evaluating import (
    DELEGATES,
    MAY,
    NOT_THIS,
    RCP,
    SILENT,
    STRANGER,
    allowed_by,
    denied_by,
    refused_by,
    scp,
)
from tests.policy.support import (
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
)


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
