"""GetScopedCredentials: fewer permissions or a nearer end, and nothing else changes (ST-4)."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from keystead.call import Target
from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication import Authenticated, Caller
from keystead.identity.authentication.taken import require_taken
from keystead.identity.rules import STS
from keystead.identity.sessions import Session
from keystead.policy.evaluation import Decision, PolicyKind, PolicySource, evaluate
from keystead.policy.evaluation.asking import ask
from keystead.policy.language import DocumentKind, stored_policy
from keystead.rules import EVERY_KIND, IN_PERSON, LONG_TERM, CredentialKind
from keystead.wire.models import iam, sts
from tests.identity.assuming import Temporary, assume, authenticated, stored_role, trusting
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, allow, deny, document

LIST = allow("kms:ListKeys", "sts:GetScopedCredentials")
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

Begin = Callable[[Tenant], Temporary]


def temporary(given: sts.Credentials | None) -> Temporary:
    assert given is not None
    return Temporary(IssuedKey(given.access_key_id, given.secret_access_key), given.session_token)


def own(tenant: Tenant) -> Temporary:
    return temporary(tenant.user("alice", allow("*"))(sts.GetSessionToken).credentials)


def of_root(tenant: Tenant) -> Temporary:
    return temporary(tenant.root(sts.GetSessionToken).credentials)


def federated(tenant: Tenant) -> Temporary:
    alice = tenant.user("alice", allow("*"))
    answer = alice(sts.GetFederationToken, name="jim", policy=allow("kms:*", "sts:*"))
    return temporary(answer.credentials)


def of_role(tenant: Tenant, **members: Any) -> Temporary:
    role = stored_role(tenant, "ops", trusting("*"))
    give(tenant, allow("*"))
    return assume(tenant.user("alice", allow("*")), role, **members)


def give(tenant: Tenant, policy: str) -> None:
    """The only policy of the role."""
    named = {"role_name": "ops", "policy_name": "p", "policy_document": policy}
    tenant.root(iam.PutRolePolicy, **named)


KINDS = pytest.mark.parametrize("begin", [own, of_root, federated, of_role])


def answered(tenant: Tenant, who: Temporary, **members: Any) -> sts.GetScopedCredentialsResponse:
    """What the session is answered."""
    found = authenticated(tenant, who)
    caller = Caller(found.principal, found.policies, found.keys)
    return tenant.world.run(caller, sts.GetScopedCredentials, found.session, **members)


def scoped(tenant: Tenant, who: Temporary, **members: Any) -> Temporary:
    return temporary(answered(tenant, who, **members).credentials)


def asked(who: Authenticated, action: str, resource: Any = None) -> Decision:
    about = resource or Target("*", who.principal.account)
    return evaluate(ask(who.principal, who.policies, action, about, dict(who.keys)))


def all_but(denied: str, *actions: str) -> str:
    """A policy that allows some actions, but for one."""
    both = ("Allow", [*actions]), ("Deny", [denied])
    return document(*({"Effect": e, "Action": a, "Resource": "*"} for e, a in both))


def session_of(tenant: Tenant, who: Temporary) -> Session:
    session = authenticated(tenant, who).session
    assert session is not None
    return session


@KINDS
def test_who_it_is_stays(tenant: Tenant, begin: Begin) -> None:
    """Principal, keys and session are the same; only what was passed and the end are new."""
    made = begin(tenant)
    before = authenticated(tenant, made)

    answer = answered(tenant, made, policy=LIST, duration_seconds=60)
    found = authenticated(tenant, temporary(answer.credentials))

    assert found.principal == before.principal
    assert found.keys == before.keys
    assert found.credentials is before.credentials
    assert found.session_context == before.session_context
    assert answer.session_info == sts.ScopedSession(
        scoped_session_id=before.principal.user_id, arn=before.principal.arn
    )
    assert (answer.scoped_policies_count, answer.source_identity) == (1, None)
    assert found.session is not None
    assert before.session is not None
    assert found.session.expires == before.session.issued + 60
    assert not found.session.extendable
    unchanged = msgspec.structs.replace(
        found.session,
        scope_down=(),
        expires=before.session.expires,
        extendable=before.session.extendable,
    )
    assert unchanged == before.session


@KINDS
def test_each_layer_takes_away(tenant: Tenant, begin: Begin) -> None:
    """Three policies in a row: what each of them allows, no more, whoever the session is."""
    made = begin(tenant)
    policies = [
        allow("kms:*", "sts:*"),
        allow("kms:List*", "kms:CreateKey", "sts:GetScopedCredentials"),
        all_but("kms:ListAliases", "kms:List*", "sts:*"),
    ]
    left = [
        {"kms:ListKeys", "kms:ListAliases", "kms:CreateKey", "kms:GenerateRandom"},
        {"kms:ListKeys", "kms:ListAliases", "kms:CreateKey"},
        {"kms:ListKeys"},
    ]
    actions = {*left[0], "organizations:DescribeOrganization"}
    for policy, allowed in zip(policies, left, strict=True):
        made = scoped(tenant, made, policy=policy)
        found = authenticated(tenant, made)
        assert {action for action in actions if asked(found, action).allowed} == allowed


@KINDS
def test_a_fourth_policy_is_refused(tenant: Tenant, begin: Begin) -> None:
    """Three layers may be passed. After that only the end can still come nearer."""
    made = begin(tenant)
    for _ in range(3):
        made = scoped(tenant, made, policy=LIST)
    with refused("AccessDenied", "because the session has 3 scope-down policies already"):
        scoped(tenant, made, policy=LIST)
    shorter = scoped(tenant, made, duration_seconds=1)
    assert len(session_of(tenant, shorter).scope_down) == 3


def test_a_session_that_may_not_ask_gets_none(tenant: Tenant) -> None:
    """The own action is asked, under the layers that are there: so a layer can be the last."""
    made = of_role(tenant)
    last = scoped(tenant, made, policy=allow("kms:*"))
    with refused("AccessDenied", "because no scope-down policy allows the sts:GetScopedCred"):
        scoped(tenant, last, duration_seconds=60)
    give(tenant, allow("kms:*"))
    with refused("AccessDenied", "because no identity-based policy allows"):
        scoped(tenant, made, policy=LIST)
    give(tenant, allow("sts:GetScopedCredentials"))
    scoped(tenant, made, policy=LIST)


def key_of(tenant: Tenant, arn: str) -> Target:
    """A key whose policy names somebody directly."""
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:*", "Resource": "*"}
    policy = stored_policy(document(statement), DocumentKind.KEY)
    return Target(KEY, tenant.id, "", (PolicySource(policy, "default", KEY),), True)


@KINDS
def test_no_resource_gives_it_back(tenant: Tenant, begin: Begin) -> None:
    """A key policy that names the caller frees from session policies, and from no scope-down."""
    made = begin(tenant)
    found = authenticated(tenant, made)
    key = key_of(tenant, found.principal.arn)
    narrowed = authenticated(tenant, scoped(tenant, made, policy=LIST))
    wide = authenticated(tenant, scoped(tenant, made, policy=allow("kms:Decrypt")))

    assert asked(found, "kms:Decrypt", key).allowed
    refusal = asked(narrowed, "kms:Decrypt", key)
    assert (refusal.allowed, refusal.kind) == (False, PolicyKind.SCOPE_DOWN)
    assert "because no scope-down policy allows the kms:Decrypt action" in refusal.message
    assert asked(wide, "kms:Decrypt", key).allowed


def test_a_deny_counts_and_is_named(tenant: Tenant) -> None:
    """A Deny in a layer is explicit, and the layer has a number in the reasons."""
    made = scoped(tenant, own(tenant), policy=allow("*"))
    made = scoped(tenant, made, policy=all_but("kms:ListKeys", "*"))

    refusal = asked(authenticated(tenant, made), "kms:ListKeys")

    assert "with an explicit deny in a scope-down policy" in refusal.message
    assert [one.policy for one in refusal.statements] == ["Policy 2"]
    assert asked(authenticated(tenant, made), "kms:ListAliases").allowed


def test_the_end_comes_never_later(tenant: Tenant) -> None:
    """From a second to what is left; without a duration it is the end of the calling session."""
    world = tenant.world
    made = of_role(tenant, duration_seconds=900)
    end = session_of(tenant, made).expires
    world.now += timedelta(seconds=100, milliseconds=700)

    assert session_of(tenant, scoped(tenant, made, policy=LIST)).expires == end
    assert session_of(tenant, scoped(tenant, made, duration_seconds=800)).expires == end
    with refused("InsufficientSessionLifetime", "remaining lifetime of the calling session: 800"):
        scoped(tenant, made, duration_seconds=801)
    second = scoped(tenant, made, duration_seconds=1)
    with refused("InsufficientSessionLifetime"):
        scoped(tenant, second, duration_seconds=2)
    world.now += timedelta(seconds=1)
    with refused("ExpiredToken"):
        authenticated(tenant, second)
    authenticated(tenant, made)


def test_a_revocation_of_older_sessions_binds(tenant: Tenant) -> None:
    """Narrowed anew it is still of its old age: the policy against older sessions denies it."""
    made = of_role(tenant)
    tenant.world.now += timedelta(minutes=10)
    young = scoped(tenant, made, policy=LIST)
    assert asked(authenticated(tenant, young), "kms:ListKeys").allowed
    older = {"DateLessThan": {"aws:TokenIssueTime": "2026-11-24T12:05:00Z"}}
    named = {"role_name": "ops", "policy_name": "AWSRevokeOlderSessions"}
    tenant.root(iam.PutRolePolicy, **named, policy_document=deny("*", Condition=older))
    refusal = asked(authenticated(tenant, young), "kms:ListKeys")
    assert (refusal.allowed, refusal.kind) == (False, PolicyKind.IDENTITY)


def test_tags_and_source_identity_stay(tenant: Tenant) -> None:
    """What the session was given goes on: tags, which of them are passed on, source identity."""
    made = of_role(
        tenant, source_identity="jo", transitive_tag_keys=["Team"],
        tags=[sts.Tag(key="Team", value="blue"), sts.Tag(key="Site", value="here")],
    )  # fmt: skip

    answer = answered(tenant, made, policy=LIST)
    found = authenticated(tenant, temporary(answer.credentials))

    assert answer.source_identity == "jo"
    assert found.keys["aws:sourceidentity"] == "jo"
    assert found.principal.tags == {"Team": "blue", "Site": "here"}
    assert session_of(tenant, temporary(answer.credentials)).tags[0].transitive


def test_deleting_the_role_ends_it(tenant: Tenant) -> None:
    """The row that its permissions come from must exist, as for the calling session."""
    made = scoped(tenant, of_role(tenant), policy=LIST)
    authenticated(tenant, made)
    tenant.root(iam.DeleteRolePolicy, role_name="ops", policy_name="p")
    tenant.root(iam.DeleteRole, role_name="ops")
    with refused("InvalidClientTokenId"):
        authenticated(tenant, made)


def test_a_role_is_assumed_only_within_the_scope(tenant: Tenant) -> None:
    """The layers bind AssumeRole too, though the trust policy names everybody."""
    made = of_role(tenant)
    second = stored_role(tenant, "second", trusting("*"))
    narrow, wide = (
        scoped(tenant, made, policy=policy) for policy in (LIST, allow("sts:AssumeRole"))
    )
    with refused("AccessDenied", "because no scope-down policy allows the sts:AssumeRole action"):
        assume((tenant, narrow), second)
    begun = assume((tenant, wide), second)
    assert session_of(tenant, begun).scope_down == ()  # a role is a start of its own


@pytest.mark.parametrize("kind", [kind for kind in CredentialKind if kind in EVERY_KIND])
def test_only_sessions_may_ask(kind: CredentialKind) -> None:
    """A long-term key has no session to narrow, and a person's has no credentials to give."""
    rules = STS["GetScopedCredentials"]
    if kind in LONG_TERM:
        with refused("InvalidSubjectCredentials"):
            require_taken(kind, rules)
    elif kind is CredentialKind.ROOT_TASK or kind in IN_PERSON:
        with refused("AccessDenied"):
            require_taken(kind, rules)
    else:
        require_taken(kind, rules)


def test_something_has_to_be_asked_for(tenant: Tenant) -> None:
    """Neither a policy nor a duration; a policy that is none."""
    made = own(tenant)
    with refused("ValidationError", "At least one of Policy and DurationSeconds"):
        scoped(tenant, made)
    with refused("MalformedPolicyDocument"):
        scoped(tenant, made, policy="{}")
    with refused("MalformedPolicyDocument"):
        scoped(tenant, made, policy=allow("kms:*").replace("kms:*", "kms"))


@pytest.mark.parametrize("least", [0, 1, 700, 701, 702, 703, 4095, 4096])
def test_the_token_has_the_least_size(tenant: Tenant, least: int) -> None:
    """The token is as long as asked for, and the answer tells its length."""
    answer = answered(tenant, own(tenant), policy=LIST, minimum_session_token_size=least)
    made = temporary(answer.credentials)

    assert least <= len(made.token) <= max(least + 2, 700)
    assert answer.session_token_size == len(made.token) <= 4096
    assert answer.session_token_utilization == -(-100 * len(made.token) // 4096)
    authenticated(tenant, made)


def test_a_token_that_would_be_too_long(tenant: Tenant) -> None:
    """Policies that do not fit into a token are refused, and the message tells both sizes."""
    made = of_role(tenant)
    for number in range(3):
        long = allow("sts:*", *(f"kms:{_noise(number, i)}" for i in range(44)))
        if number == 2:
            with refused("PackedPolicyTooLarge", "exceeds the maximum allowed size of 4096 bytes"):
                scoped(tenant, made, policy=long)
        else:
            made = scoped(tenant, made, policy=long)


def _noise(number: int, i: int) -> str:
    """Letters that do not deflate."""
    text = hashlib.sha256(f"{number}/{i}".encode()).hexdigest()
    return "".join(chr(ord("A") + int(text[j : j + 4], 16) % 26) for j in range(0, 64, 2))


def test_sizes_of_the_other_operations(tenant: Tenant, admin: Person) -> None:
    """AssumeRole and the sessions of one's own measure and pad the same way."""
    role = stored_role(tenant, "ops", trusting("*"))
    for answer in (
        admin(sts.GetSessionToken, minimum_session_token_size=1000),
        admin(sts.GetFederationToken, name="jim", minimum_session_token_size=1000),
        admin(
            sts.AssumeRole, role_arn=role.arn, role_session_name="me",
            minimum_session_token_size=1000,
        ),
    ):  # fmt: skip
        size = len(temporary(answer.credentials).token)
        assert 1000 <= size <= 1002
        assert (answer.session_token_size, answer.session_token_utilization) == (size, 25)
