"""AssumeRole: who may, what comes of it, and what goes on from session to session."""

import json
from datetime import timedelta
from typing import Any

import pytest

from keystead.errors import AwsError
from keystead.identity.access_keys import IssuedKey
from keystead.identity.repository import InlinePolicy, Role
from keystead.policy.evaluation.question import PrincipalType
from keystead.rules import CredentialKind
from keystead.wire.models import iam, organizations, sts
from tests.identity.assuming import Temporary, assume, authenticated, stored_role, trusting
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow, deny, document

HOUR = timedelta(hours=1)


@pytest.fixture
def other(world: World) -> Tenant:
    return world.account("other@example.com")


def role_policy(tenant: Tenant, role: Role, text: str) -> None:
    """Give a role an inline policy."""
    with tenant.world.store.write() as transaction:
        tenant.world.repository.inline_policies.insert(
            transaction,
            InlinePolicy(
                account=tenant.id, entity_id=role.role_id, name="p", document=text, created=0
            ),
        )


def tag(key: str, value: str) -> sts.Tag:
    return sts.Tag(key=key, value=value)


def test_a_role_session(world: World, tenant: Tenant) -> None:
    """The role's principal, policies and tags, and a name; the answer says who that is."""
    alice = tenant.user("alice")
    role = stored_role(tenant, "Ops", trusting(alice.caller.principal.arn), path="/team/")
    role_policy(tenant, role, allow("kms:*"))
    answer = alice(sts.AssumeRole, role_arn=role.arn, role_session_name="me")
    assert answer.assumed_role_user is not None
    arn = f"arn:aws:sts::{tenant.id}:assumed-role/Ops/me"
    assert answer.assumed_role_user.arn == arn
    assert answer.assumed_role_user.assumed_role_id == f"{role.role_id}:me"
    assert answer.packed_policy_size is None

    found = authenticated(tenant, assume(alice, role))
    assert found.principal.type is PrincipalType.ASSUMED_ROLE
    assert found.principal.arn == arn
    assert found.credentials is CredentialKind.ROLE
    assert [source.id for source in found.policies.identity_based] == ["p"]
    assert found.policies.session == ()
    assert found.keys["aws:userid"] == f"{role.role_id}:me"
    assert found.keys["aws:principalarn"] == role.arn
    assert found.keys["aws:tokenissuetime"] == "2026-11-24T12:00:00Z"
    assert found.keys["aws:multifactorauthpresent"] == "false"
    assert found.session_context["sessionIssuer"] == {
        "type": "Role", "principalId": role.role_id, "arn": role.arn, "accountId": tenant.id,
        "userName": "Ops",
    }  # fmt: skip


def test_who_may_in_the_same_account(tenant: Tenant) -> None:
    """Who is named needs nothing else; by the account, a policy of one's own; else nobody."""
    named, holder, bare = (
        tenant.user("named"), tenant.user("holder", allow("sts:*")), tenant.user("bare")
    )  # fmt: skip
    for_one = stored_role(tenant, "one", trusting(named.caller.principal.arn))
    for_account = stored_role(tenant, "all", trusting(tenant.id))
    assume(named, for_one)
    assume(holder, for_account)
    for who, role in ((holder, for_one), (bare, for_one)):
        with refused("AccessDenied", "because no role trust policy allows the sts:AssumeRole"):
            assume(who, role)
    for who in (named, bare):
        with refused("AccessDenied", "because no identity-based policy allows"):
            assume(who, for_account)
    denied = tenant.user("denied", allow("*"), deny("sts:AssumeRole"))
    with refused("AccessDenied", "with an explicit deny in an identity-based policy"):
        assume(denied, for_account)


def test_across_accounts_both_sides_must_allow(tenant: Tenant, other: Tenant) -> None:
    """Trust alone is not enough, nor is a policy of one's own; the session is the role's."""
    holder, bare = other.user("holder", allow("sts:AssumeRole")), other.user("bare")
    trusts = stored_role(tenant, "trusts", trusting(other.id))
    by_name = stored_role(tenant, "by-name", trusting(bare.caller.principal.arn))
    closed = stored_role(tenant, "closed", trusting(tenant.id))

    found = authenticated(tenant, assume(holder, trusts))
    assert found.principal.account == tenant.id
    for who, role in ((bare, trusts), (bare, by_name), (holder, closed), (holder, by_name)):
        with refused("AccessDenied", f"sts:AssumeRole on resource: {role.arn}"):
            assume(who, role)


def test_no_caller_learns_which_roles_exist(tenant: Tenant, other: Tenant) -> None:
    """A role that is not there is refused in the words of one that trusts nobody."""
    stored_role(tenant, "closed", trusting(tenant.id))
    for who in (other.user("far", allow("*")), tenant.user("near", deny("kms:*"))):
        said = []
        for name in ("closed", "absent", "Closed", "path/closed"):
            arn = f"arn:aws:iam::{tenant.id}:role/{name}"
            with pytest.raises(AwsError) as caught:
                assume(who, arn)
            said.append(str(caught.value.message).replace(name, "…"))
        assert len(set(said[1:])) == 1
        if who.tenant is other:
            assert said[0] == said[1]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::aws:role/Admin",
        "arn:aws-cn:iam::111122223333:role/x",
        "arn:aws:sts::111122223333:assumed-role/x/y",
        "role/somebody-or-other",
    ],
)
def test_what_is_not_the_arn_of_a_role(admin: Person, arn: str) -> None:
    """It is a wrong parameter, whoever asks."""
    with refused("ValidationError", f"{arn} is invalid"):
        assume(admin, arn)


def test_external_ids_and_session_names(tenant: Tenant) -> None:
    """The trust policy sees what is passed: right it is assumed, wrong or absent it is not."""
    alice = tenant.user("alice")
    arn = alice.caller.principal.arn
    condition = {
        "StringEquals": {"sts:ExternalId": "e-1"},
        "StringLike": {"sts:RoleSessionName": "m*"},
    }
    role = stored_role(tenant, "r", trusting(arn, Condition=condition))
    assume(alice, role, external_id="e-1")
    for members in ({}, {"external_id": "e-2"}, {"external_id": "e-1", "role_session_name": "you"}):
        with refused("AccessDenied"):
            assume(alice, role, **members)


def test_how_long(world: World, tenant: Tenant) -> None:
    """An hour unless told otherwise, up to the role's own limit, to the second."""
    alice = tenant.user("alice")
    arn = alice.caller.principal.arn
    role = stored_role(tenant, "r", trusting(arn), longest_session=7200)
    began = world.now
    for asked, lasts in ((None, HOUR), (900, HOUR / 4), (7200, 2 * HOUR)):
        made = assume(alice, role, duration_seconds=asked)
        world.now = began + lasts - timedelta(seconds=1)
        authenticated(tenant, made)
        world.now = began + lasts
        with refused("ExpiredToken"):
            authenticated(tenant, made)
        world.now = began
    with refused("ValidationError", "exceeds the MaxSessionDuration set for this role."):
        assume(alice, role, duration_seconds=7201)


def test_a_role_that_assumes_a_role_has_an_hour(tenant: Tenant) -> None:
    """However long the role allows, for a role session; a GetSessionToken session is its user."""
    alice = tenant.user("alice", allow("sts:*"))
    first = stored_role(tenant, "first", trusting(alice.caller.principal.arn))
    role_policy(tenant, first, allow("sts:*"))
    second = stored_role(tenant, "second", trusting(tenant.id), longest_session=43_200)
    chained = (tenant, assume(alice, first))
    assume(chained, second)
    assume(chained, second, duration_seconds=3600)
    with refused("ValidationError", "exceeds the 1 hour session limit for roles assumed by role"):
        assume(chained, second, duration_seconds=3601)
    given = alice(sts.GetSessionToken).credentials
    assert given is not None
    own = Temporary(IssuedKey(given.access_key_id, given.secret_access_key), given.session_token)
    assume((tenant, own), second, duration_seconds=43_200)


def test_session_tags(tenant: Tenant) -> None:
    """They stand over the role's own, for this session; the trust policy must allow them."""
    alice = tenant.user("alice")
    arn = alice.caller.principal.arn
    tags = [tag("team", "red"), tag("Cost", "7")]
    role = stored_role(
        tenant, "r", trusting(arn), tags=json.dumps({"Team": "blue", "Site": "here"})
    )
    found = authenticated(tenant, assume(alice, role, tags=tags))
    assert found.principal.tags == {"Site": "here", "team": "red", "Cost": "7"}
    assert found.keys["aws:principaltag/team"] == "red"
    untagged = stored_role(tenant, "u", trusting(arn, "sts:AssumeRole"))
    assume(alice, untagged)
    with refused("AccessDenied", "not authorized to perform: sts:TagSession on resource"):
        assume(alice, untagged, tags=tags)


def test_transitive_tags_go_on(tenant: Tenant) -> None:
    """Through every session that follows, unchanged; the others end with theirs."""
    alice = tenant.user("alice")
    names = ("first", "second", "third")
    roles = [stored_role(tenant, "first", trusting(alice.caller.principal.arn))]
    roles += [stored_role(tenant, name, trusting(tenant.id)) for name in names[1:]]
    for role in roles:
        role_policy(tenant, role, allow("sts:*"))
    tags = [tag("Cost", "7"), tag("Team", "blue")]
    who = assume(alice, roles[0], tags=tags, transitive_tag_keys=["cost"])
    for role in roles[1:]:
        with refused("InvalidParameterValue", "conflicts with a transitive tag key from the"):
            assume((tenant, who), role, tags=[tag("COST", "9")])
        who = assume((tenant, who), role, tags=[tag("More", "1")])
        assert authenticated(tenant, who).principal.tags == {"More": "1", "Cost": "7"}
    only_assume = stored_role(tenant, "plain", trusting(tenant.id, "sts:AssumeRole"))
    with refused("AccessDenied", "sts:TagSession"):
        assume((tenant, who), only_assume)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"tags": [("a", "1"), ("A", "2")]}, "Duplicate tag keys found."),
        ({"tags": [("aws:a", "1")]}, "reserved"),
        ({"tags": [("a", "1")], "transitive_tag_keys": ["b"]}, "must be included in the requested"),
        ({"transitive_tag_keys": ["b"]}, "must be included in the requested tags."),
    ],
)
def test_tags_that_cannot_be(tenant: Tenant, members: dict[str, Any], said: str) -> None:
    """Two that policies cannot tell apart, reserved ones, transitive ones that are not there."""
    alice = tenant.user("alice")
    role = stored_role(tenant, "r", trusting(alice.caller.principal.arn))
    given = dict(members)
    if "tags" in given:
        given["tags"] = [tag(*each) for each in given["tags"]]
    with refused("InvalidParameterValue", said):
        assume(alice, role, **given)


def test_a_source_identity_never_changes(tenant: Tenant) -> None:
    """Once set it goes on; another one is refused; trust policies must allow it each time."""
    alice = tenant.user("alice")
    first = stored_role(tenant, "first", trusting(alice.caller.principal.arn))
    role_policy(tenant, first, allow("sts:*"))
    second = stored_role(tenant, "second", trusting(tenant.id))
    plain = stored_role(tenant, "plain", trusting(tenant.id, "sts:AssumeRole"))
    who = assume(alice, first, source_identity="jo")
    assert authenticated(tenant, who).keys["aws:sourceidentity"] == "jo"
    for members in ({}, {"source_identity": "jo"}):
        again = assume((tenant, who), second, **members)
        assert authenticated(tenant, again).keys["aws:sourceidentity"] == "jo"
    for role, members in ((second, {"source_identity": "jim"}), (plain, {})):
        with refused("AccessDenied", "not authorized to perform: sts:SetSourceIdentity"):
            assume((tenant, who), role, **members)
    assume((tenant, assume(alice, first)), plain)
    with refused("ValidationError", "must not begin with aws:"):
        assume(alice, first, source_identity="aws:me")


def test_session_policies(tenant: Tenant, other: Tenant) -> None:
    """Inline and by ARN, of the role's account, not of the caller's."""
    alice = other.user("alice", allow("sts:*"))
    role = stored_role(tenant, "r", trusting(other.id))

    def arn_in(account: Tenant) -> str:
        made = account.root(iam.CreatePolicy, policy_name="scope", policy_document=allow("kms:*"))
        assert made.policy is not None
        return str(made.policy.arn)

    theirs, own = arn_in(tenant), arn_in(other)
    descriptor = sts.PolicyDescriptorType
    made = assume(alice, role, policy=allow("kms:*"), policy_arns=[descriptor(arn=theirs)])
    [sources] = authenticated(tenant, made).policies.session
    assert [source.id for source in sources] == ["Policy", theirs]
    with refused("MalformedPolicyDocument", "does not exist"):
        assume(alice, role, policy_arns=[descriptor(arn=own)])


def test_what_ends_a_role_session(world: World, tenant: Tenant) -> None:
    """Deleting the role does, and a namesake gets nothing; deleting who assumed it does not."""
    alice = tenant.user("alice")
    trusted = trusting(alice.caller.principal.arn)
    role = stored_role(tenant, "r", trusted)
    made = assume(alice, role)
    assert alice.key is not None
    tenant.root(iam.DeleteAccessKey, user_name="alice", access_key_id=alice.key.access_key_id)
    tenant.root(iam.DeleteUser, user_name="alice")
    authenticated(tenant, made)
    with world.store.write() as transaction:
        world.repository.roles.delete(transaction, role)
    with refused("InvalidClientTokenId"):
        authenticated(tenant, made)
    tenant.root(iam.CreateUser, user_name="alice")
    stored_role(tenant, "r", trusted)
    with refused("InvalidClientTokenId"):
        authenticated(tenant, made)


def test_a_successor_of_whom_a_role_trusts(tenant: Tenant) -> None:
    """A user who is deleted and made again is not the one that the trust policy meant (ST-8)."""
    alice = tenant.user("alice")
    role = stored_role(tenant, "r", trusting(alice.caller.principal.arn))
    assume(alice, role)
    assert alice.key is not None
    tenant.root(iam.DeleteAccessKey, user_name="alice", access_key_id=alice.key.access_key_id)
    tenant.root(iam.DeleteUser, user_name="alice")
    again = tenant.user("alice")
    with refused("AccessDenied"):
        assume(again, role)


def test_the_roles_of_a_closed_account(world: World, tenant: Tenant) -> None:
    """A role of a member account is assumed from the management account until it is closed."""
    tenant.root(organizations.CreateOrganization)
    made = tenant.root(
        organizations.CreateAccount, email="a@example.com", account_name="a"
    ).create_account_status
    assert made is not None
    assert made.account_id is not None
    account = world.repository.accounts.get(world.store.read(), made.account_id)
    assert account is not None
    role = stored_role(Tenant(world, account, ""), "r", trusting(tenant.id))
    admin = tenant.administrator()
    assume(admin, role)
    tenant.root(organizations.CloseAccount, account_id=account.account)
    with refused("AccessDenied", "not authorized to perform: sts:AssumeRole on resource"):
        assume(admin, role)


def test_a_missing_role_of_the_own_account(tenant: Tenant) -> None:
    """Nobody's trust is asked for it, so that no policy of the caller allows it."""
    alice = tenant.user("alice", allow("sts:*"))
    arn = f"arn:aws:iam::{tenant.id}:role/r"
    with refused("AccessDenied", "not authorized to perform: sts:AssumeRole on resource"):
        assume(alice, arn)
    stored_role(tenant, "r", trusting(tenant.id))
    assume(alice, arn)


def test_the_answer_tells_the_source_identity(tenant: Tenant) -> None:
    """The answer has the source identity of the new session, and no member without one."""
    alice = tenant.user("alice")
    role = stored_role(tenant, "r", trusting(alice.caller.principal.arn))
    asked = {"role_arn": role.arn, "role_session_name": "me"}
    assert alice(sts.AssumeRole, **asked, source_identity="jo").source_identity == "jo"
    assert alice(sts.AssumeRole, **asked).source_identity is None


def test_what_is_not_served(tenant: Tenant) -> None:
    """No device of another validates a code, and no provider of contexts is known."""
    alice = tenant.user("alice")
    role = stored_role(tenant, "r", trusting(alice.caller.principal.arn))
    with refused("AccessDenied", "unable to validate MFA code.  Please"):
        assume(alice, role, serial_number="arn:aws:iam::1:mfa/x", token_code="123456")
    with refused("AccessDenied", "not authorized to perform: sts:SetContext on resource"):
        assume(alice, role, provided_contexts=[sts.ProvidedContext()])


def test_mfa_of_the_caller(tenant: Tenant) -> None:
    """A trust policy may ask for it; who has shown none is refused, by key and by session."""
    alice = tenant.user("alice")
    arn = alice.caller.principal.arn
    without = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    by_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assume(alice, stored_role(tenant, "free", trusting(arn, Condition=without)))
    with refused("AccessDenied"):
        assume(alice, stored_role(tenant, "strict", trusting(arn, Condition=by_mfa)))


def test_a_deny_in_the_trust_policy(tenant: Tenant) -> None:
    """It holds whatever else allows."""
    alice = tenant.user("alice", allow("*"))
    arn = alice.caller.principal.arn
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    both = document(statement, {**statement, "Effect": "Deny"})
    assume(alice, stored_role(tenant, "open", document(statement)))
    with refused("AccessDenied", "with an explicit deny in the role trust policy"):
        assume(alice, stored_role(tenant, "shut", both))


def test_the_last_use_of_a_role(world: World, tenant: Tenant) -> None:
    """A session that authenticates is a use of its role; who only assumes it is none."""
    alice = tenant.user("alice")
    role = stored_role(tenant, "r", trusting(alice.caller.principal.arn))
    made = assume(alice, role)
    roles = world.repository.roles
    world.last_used.flush(world.repository, world.store, world.store.flush)
    assert roles.last_use(world.store.read(), role) is None
    for seconds in (10, 20):
        world.now += timedelta(seconds=seconds)
        authenticated(tenant, made)
        world.last_used.flush(world.repository, world.store, world.store.flush)
        use = roles.last_use(world.store.read(), role)
        assert use is not None
        assert (use.used, use.region) == (int(world.now.timestamp()), "eu-central-1")
