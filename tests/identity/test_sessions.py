"""Sessions of one's own: who has which, for how long, and what ends them at once."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication.authenticate import Authenticated, Authenticator
from keystead.identity.sessions import OpenedToken, RowKind, Session, SessionKind, SessionRow
from keystead.identity.sessions.tokens import sealed_token
from keystead.policy.evaluation.question import PrincipalType
from keystead.rules import CredentialKind
from keystead.wire.models import iam, sts
from tests.identity.refusals import refused
from tests.identity.signing import presigned, signed
from tests.identity.world import Person, Tenant, World, allow, deny

INVALID = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Temporary(msgspec.Struct):
    """The credentials of a session, as their owner has them."""

    key: IssuedKey
    token: str


Door = Callable[..., Authenticated]


def temporary(given: sts.Credentials | None) -> Temporary:
    assert given is not None
    return Temporary(IssuedKey(given.access_key_id, given.secret_access_key), given.session_token)


def own(person: Person, seconds: int | None = None) -> Temporary:
    """A session of GetSessionToken."""
    return temporary(person(sts.GetSessionToken, duration_seconds=seconds).credentials)


def federated(person: Person, name: str = "jim", **members: Any) -> Temporary:
    """A session of GetFederationToken."""
    return temporary(person(sts.GetFederationToken, name=name, **members).credentials)


@pytest.fixture
def authenticator(world: World) -> Authenticator:
    return world.authenticator()


@pytest.fixture
def door(world: World, authenticator: Authenticator) -> Door:
    """Who a request signed with these credentials is from, now."""

    def authenticate(who: Temporary, token: str | None = "") -> Authenticated:
        shown = who.token if token == "" else token
        request = signed(who.key, now=world.now, token=shown)
        return authenticator.authenticate(world.store.read(), request, sts.SERVICE, world.now)

    return authenticate


@pytest.fixture
def alice(tenant: Tenant) -> Person:
    return tenant.user("Alice", allow("*"), path="/team/")


def test_a_session_of_a_user_is_the_user(door: Door, tenant: Tenant, alice: Person) -> None:
    """The same principal and policies; the keys tell when it began, and that MFA was not used."""
    tenant.root(iam.TagUser, user_name="alice", tags=[iam.Tag(key="Team", value="blue")])
    made = own(alice)

    found = door(made)

    assert found.principal == alice.caller.principal
    assert found.policies == alice.caller.policies
    assert found.keys == {
        **alice.caller.keys,
        "aws:tokenissuetime": "2026-11-24T12:00:00Z",
        "aws:multifactorauthpresent": "false",
    }
    assert found.credentials is CredentialKind.SESSION
    assert found.access_key_id == made.key.access_key_id
    assert found.access_key_id.startswith("ASIA")
    assert found.session_context == {
        "attributes": {"creationDate": "2026-11-24T12:00:00Z", "mfaAuthenticated": "false"}
    }


def test_a_session_of_root_is_root(door: Door, tenant: Tenant) -> None:
    """Root's session is root, without a name."""
    found = door(own(tenant.root))

    assert found.principal == tenant.root.caller.principal
    assert found.principal.type is PrincipalType.ACCOUNT
    assert found.keys["aws:tokenissuetime"] == "2026-11-24T12:00:00Z"


def test_a_federated_user(door: Door, tenant: Tenant, alice: Person) -> None:
    """A principal of its own, with the user's policies, its tags and those of the session."""
    tags = [iam.Tag(key="Team", value="blue"), iam.Tag(key="Site", value="here")]
    tenant.root(iam.TagUser, user_name="alice", tags=tags)
    passed = [sts.Tag(key="team", value="red")]

    found = door(federated(alice, policy=allow("kms:*"), tags=passed))

    arn = f"arn:aws:sts::{tenant.id}:federated-user/jim"
    assert found.principal.type is PrincipalType.FEDERATED_USER
    assert found.principal.arn == arn
    assert found.principal.user_id == f"{tenant.id}:jim"
    assert found.principal.tags == {"Site": "here", "team": "red"}
    assert found.policies.identity_based == alice.caller.policies.identity_based
    assert [[source.attached_to for source in level] for level in found.policies.session] == [[arn]]
    assert found.keys == {
        "aws:principalarn": arn,
        "aws:principalaccount": tenant.id,
        "aws:principaltype": "FederatedUser",
        "aws:userid": f"{tenant.id}:jim",
        "aws:principaltag/team": "red",
        "aws:principaltag/site": "here",
        "aws:principalisawsservice": "false",
        "aws:tokenissuetime": "2026-11-24T12:00:00Z",
        "aws:multifactorauthpresent": "false",
    }
    assert found.session_context["sessionIssuer"] == {
        "type": "IAMUser",
        "principalId": alice.caller.principal.user_id,
        "arn": alice.caller.principal.arn,
        "accountId": tenant.id,
        "userName": "Alice",
    }


@pytest.mark.parametrize("path", ["/a:b/", "/x:root/", "/x:role/y/", "/:/"])
def test_a_colon_in_a_path_changes_nobodys_kind(door: Door, tenant: Tenant, path: str) -> None:
    """A path may have colons. The record of a federated user still says that a user federated."""
    odd = tenant.user("odd", allow("*"), path=path)

    issuer = door(federated(odd)).session_context["sessionIssuer"]

    assert issuer["type"] == "IAMUser"
    assert issuer["userName"] == "odd"


def test_who_root_federates_has_what_was_passed(door: Door, tenant: Tenant) -> None:
    """Root's federated user has a right to everything, within its session policies."""
    found = door(federated(tenant.root, policy=allow("kms:*")))

    assert [source.id for source in found.policies.identity_based] == [
        "arn:aws:iam::aws:policy/AdministratorAccess"
    ]
    assert len(found.policies.session) == 1
    assert found.session_context["sessionIssuer"]["type"] == "Root"
    assert door(federated(tenant.root)).policies.session == ()  # and so no right at all


def test_a_presigned_request_carries_the_token(
    authenticator: Authenticator, world: World, alice: Person
) -> None:
    """In the query string the token is signed too; without it, or with another, nobody asks."""
    made, other = own(alice), own(alice)

    def ask(token: str | None) -> Authenticated:
        request = presigned(made.key, token=token)
        return authenticator.authenticate(world.store.read(), request, sts.SERVICE, world.now)

    assert ask(made.token).principal.name == "Alice"
    for token in (None, other.token):
        with refused("InvalidClientTokenId", INVALID):
            ask(token)


@pytest.mark.parametrize("warm", [False, True])
def test_only_the_own_token_opens(door: Door, alice: Person, admin: Person, warm: bool) -> None:
    """No token, another's, a changed one, one more: refused, seen before or not."""
    made = own(alice)
    if warm:
        door(made)
    wrong = [
        None,
        own(alice).token,
        own(admin).token,
        federated(alice).token,
        made.token[:-1] + ("A" if made.token[-1] != "A" else "B"),
        made.token[:-4],
        made.token + "AAAA",
        made.token + "=",
        "é",
        "x",
        "A" * 70_000,
    ]
    for token in wrong:
        with refused("InvalidClientTokenId", INVALID):
            door(made, token)
    assert door(made).principal.name == "Alice"


def test_a_long_term_key_takes_no_token(door: Door, alice: Person) -> None:
    """A token beside a key of its own is refused; without it the key is good."""
    assert alice.key is not None
    long_term = Temporary(alice.key, own(alice).token)
    with refused("InvalidClientTokenId", INVALID):
        door(long_term)
    assert door(long_term, None).credentials is CredentialKind.USER_KEY
    with refused("InvalidClientTokenId", INVALID):
        door(long_term)


def test_another_secret_signs_nothing(door: Door, alice: Person) -> None:
    """The token alone is not enough: the signature must be by its secret."""
    made, other = own(alice), own(alice)
    stolen = Temporary(IssuedKey(made.key.access_key_id, other.key.secret), made.token)
    for _ in range(2):
        with refused("SignatureDoesNotMatch"):
            door(stolen)
        door(made)


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize(
    ("asked", "lasts"), [(None, 12 * HOUR), (900, HOUR / 4), (129_600, 36 * HOUR)]
)
def test_a_session_ends_to_the_second(
    door: Door, alice: Person, warm: bool, asked: int | None, lasts: timedelta
) -> None:
    """What its user asked for, or twelve hours; then it has expired, however often it was used."""
    world = alice.tenant.world
    for made in (own(alice, asked), federated(alice, duration_seconds=asked)):
        began = world.now
        if warm:
            door(made)
        world.now = began + lasts - timedelta(seconds=1)
        door(made)
        world.now = began + lasts
        with refused("ExpiredToken", EXPIRED):
            door(made)
        world.now = began


def test_roots_sessions_last_an_hour(world: World, door: Door, tenant: Tenant) -> None:
    """However long root asks for: it is cut, silently; less is less."""
    began = world.now
    for asked, lasts in ((None, HOUR), (43_200, HOUR), (900, HOUR / 4)):
        for made in (own(tenant.root, asked), federated(tenant.root, duration_seconds=asked)):
            world.now = began + lasts - timedelta(seconds=1)
            door(made)
            world.now = began + lasts
            with refused("ExpiredToken"):
                door(made)
            world.now = began


def test_the_answer_says_when_it_ends(world: World, alice: Person) -> None:
    """`Expiration` is the moment from which it is refused."""
    given = alice(sts.GetSessionToken, duration_seconds=900).credentials
    assert given is not None
    assert given.expiration == world.now + HOUR / 4


def test_an_expired_session_is_told_only_to_its_owner(
    world: World, door: Door, alice: Person
) -> None:
    """A wrong signature hears of nothing else; a month later the token opens no more."""
    made, other = own(alice), own(alice)
    stolen = Temporary(IssuedKey(made.key.access_key_id, other.key.secret), made.token)
    world.now += DAY
    with refused("SignatureDoesNotMatch"):
        door(stolen)
    with refused("ExpiredToken"):
        door(made)
    world.now += 31 * DAY
    with refused("InvalidClientTokenId"):
        door(made)


@pytest.mark.parametrize("warm", [False, True])
def test_a_deleted_users_sessions_end(
    door: Door, tenant: Tenant, alice: Person, warm: bool
) -> None:
    """At once, and they belong to no successor of the same name."""
    assert alice.key is not None
    sessions = [own(alice), federated(alice)]
    if warm:
        for made in sessions:
            door(made)
    tenant.root(iam.DeleteAccessKey, user_name="alice", access_key_id=alice.key.access_key_id)
    for made in sessions:  # a deleted access key ends none of its sessions (iam.md 5.12)
        door(made)
    tenant.root(iam.DeleteUserPolicy, user_name="alice", policy_name="inline0")
    tenant.root(iam.DeleteUser, user_name="alice")
    for made in sessions:
        with refused("InvalidClientTokenId", INVALID):
            door(made)
    tenant.root(iam.CreateUser, user_name="Alice", path="/team/")
    for made in sessions:
        with refused("InvalidClientTokenId", INVALID):
            door(made)


def test_a_deactivated_key_ends_no_session(door: Door, tenant: Tenant, alice: Person) -> None:
    """The key is refused, the session it made is not: that is revoked by a policy (iam.md 5.12)."""
    assert alice.key is not None
    made = own(alice)
    key_id = alice.key.access_key_id
    tenant.root(iam.UpdateAccessKey, user_name="alice", access_key_id=key_id, status="Inactive")
    with refused("InvalidClientTokenId"):
        door(Temporary(alice.key, ""), None)
    assert door(made).principal.name == "Alice"


def test_policies_are_those_of_the_moment(door: Door, tenant: Tenant, alice: Person) -> None:
    """A policy that comes or goes counts for the next request of every session."""
    sessions = [own(alice), federated(alice, policy=allow("*"))]
    before = [door(made).policies.identity_based for made in sessions]
    tenant.root(iam.PutUserPolicy, user_name="alice", policy_name="no", policy_document=deny("*"))
    for made, known in zip(sessions, before, strict=True):
        now = door(made).policies.identity_based
        assert len(now) == len(known) + 1
    tenant.root(iam.DeleteUserPolicy, user_name="alice", policy_name="no")
    assert [door(made).policies.identity_based for made in sessions] == before


def test_managed_session_policies_are_read_at_each_use(
    door: Door, tenant: Tenant, alice: Person
) -> None:
    """A new default version counts at once; a deleted policy, or its successor, denies all."""

    def create(document: str) -> str:
        made = tenant.root(iam.CreatePolicy, policy_name="scope", policy_document=document).policy
        assert made is not None
        assert made.arn is not None
        return made.arn

    def sources() -> list[tuple[bool, bool]]:
        [found] = door(made).policies.session
        return [(s.policy.statements[0].actions.matches("kms:sign"), s.policy.statements[0].allow)
                for s in found]  # fmt: skip

    arn = create(allow("kms:Sign"))
    descriptor = [sts.PolicyDescriptorType(arn=arn)]
    made = federated(alice, policy_arns=descriptor, policy=allow("kms:*"))
    assert sources() == [(True, True), (True, True)]
    tenant.root(
        iam.CreatePolicyVersion,
        policy_arn=arn, policy_document=allow("kms:Verify"), set_as_default=True,
    )  # fmt: skip
    assert sources() == [(True, True), (False, True)]
    tenant.root(iam.SetDefaultPolicyVersion, policy_arn=arn, version_id="v1")
    assert sources() == [(True, True), (True, True)]
    tenant.root(iam.DeletePolicyVersion, policy_arn=arn, version_id="v2")
    tenant.root(iam.DeletePolicy, policy_arn=arn)
    assert sources() == [(True, True), (True, False)]
    assert create(allow("kms:*")) == arn
    assert sources() == [(True, True), (True, False)]


def test_mfa_is_a_fact_of_the_session(
    world: World, door: Door, tenant: Tenant, alice: Person
) -> None:
    """A session that began with a second factor says so, and how long ago that was."""
    unique_id = alice.caller.principal.unique_id
    began = int(world.now.timestamp())
    session = Session(
        SessionKind.USER, tenant.id, (SessionRow(RowKind.USER, tenant.id, unique_id),),
        began, began + 900, mfa=began - 10,
    )  # fmt: skip
    key = IssuedKey("ASIA" + own(alice).key.access_key_id[4:], "secret")
    tokens = world.hierarchy.session_tokens
    made = Temporary(key, sealed_token(tokens, key.access_key_id, key.secret, session, world.now))
    for later in (0, 5):
        world.now += timedelta(seconds=later)
        found = door(made)
        assert found.credentials is CredentialKind.SESSION_WITH_MFA
        assert found.keys["aws:multifactorauthpresent"] == "true"
        assert found.keys["aws:multifactorauthage"] == str(10 + later)


def test_a_token_needs_its_rows(world: World, door: Door, tenant: Tenant, alice: Person) -> None:
    """Each row must be there, the second as well as the first; without any there is nobody."""
    unique_id = alice.caller.principal.unique_id
    here = SessionRow(RowKind.USER, tenant.id, unique_id)
    gone = SessionRow(RowKind.USER, tenant.id, unique_id[:-1] + "0")
    root = SessionRow(RowKind.ROOT, tenant.id, tenant.id)
    nobody = SessionRow(RowKind.ROOT, "000000000000", "000000000000")
    began = int(world.now.timestamp())
    key = IssuedKey("ASIA" + own(alice).key.access_key_id[4:], "secret")

    def made(*rows: SessionRow) -> Temporary:
        session = Session(SessionKind.USER, tenant.id, rows, began, began + 900)
        tokens = world.hierarchy.session_tokens
        text = sealed_token(tokens, key.access_key_id, key.secret, session, world.now)
        return Temporary(key, text)

    for rows in ([here], [here, root], [root]):
        door(made(*rows))
    for rows in ([], [gone], [here, gone], [here, nobody]):
        with refused("InvalidClientTokenId"):
            door(made(*rows))


def test_what_a_token_holds_is_not_shown() -> None:
    """No repr has the secret."""
    session = Session(SessionKind.USER, "1", (), 0, 1)
    assert "hidden" not in repr(OpenedToken("hidden", session, 0))


@pytest.mark.parametrize(
    ("serial", "code", "said"),
    [
        ("arn:aws:iam::111122223333:mfa/phone", "123456", "unable to validate MFA code.  Please"),
        ("arn:aws:iam::111122223333:mfa/phone", None, "must provide both MFA serial number and"),
        (None, "123456", "must provide both MFA serial number and"),
    ],
)
def test_no_device_validates_a_code(
    alice: Person, serial: str | None, code: str | None, said: str
) -> None:
    """Without a device a code is refused, as is half of what AWS asks for."""
    with refused("AccessDenied", f"MultiFactorAuthentication failed, {said}"):
        alice(sts.GetSessionToken, serial_number=serial, token_code=code)
    own(alice)


def test_get_session_token_needs_no_permission(tenant: Tenant) -> None:
    """No policy speaks about it: who has none may, and so may who is denied everything."""
    own(tenant.user("bare"))
    own(tenant.user("denied", deny("*")))


def test_get_federation_token_needs_permission(tenant: Tenant) -> None:
    """For this name, and for its tags a second one."""
    with refused("AccessDenied", "sts:GetFederationToken on resource"):
        federated(tenant.user("bare"))
    arn = f"arn:aws:sts::{tenant.id}:federated-user/jim"
    jims = tenant.user("jims", allow("sts:GetFederationToken", resource=arn))
    federated(jims)
    with refused("AccessDenied", "federated-user/joe because no identity-based policy"):
        federated(jims, name="joe")
    with refused("AccessDenied", "not authorized to perform: sts:TagSession on resource"):
        federated(jims, tags=[sts.Tag(key="a", value="b")])
    tagger = allow("sts:GetFederationToken", "sts:TagSession", resource=arn)
    federated(tenant.user("tagger", tagger), tags=[sts.Tag(key="a", value="b")])


@pytest.mark.parametrize(
    ("members", "code", "said"),
    [
        ({"policy": "{"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        (
            {"policy": allow("kms:*").replace('"Effect"', '"Principal": "*", "Effect"')},
            "MalformedPolicyDocument",
            "should not specify a principal",
        ),
        (
            {"policy_arns": ["arn:aws:iam::aws:policy/NotThere"]},
            "MalformedPolicyDocument",
            "arn:aws:iam::aws:policy/NotThere does not exist",
        ),
        ({"policy_arns": ["arn:aws:iam::aws:user/x-y"]}, "ValidationError", "is invalid"),
        ({"policy_arns": ["not an arn at all, or is it"]}, "ValidationError", "is invalid"),
        (
            {"policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess"] * 11},
            "ValidationError",
            "less than or equal to 10",
        ),
        (
            {
                "policy": allow("kms:*") + " " * 1_900,
                "policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess"] * 3,
            },
            "PackedPolicyTooLarge",
            "% of allotted space, please use smaller policy.",
        ),
        ({"tags": [("a", "1"), ("A", "2")]}, "InvalidParameterValue", "case insensitive."),
        ({"tags": [("aws:a", "1")]}, "InvalidParameterValue", "reserved"),
    ],
)
def test_what_cannot_be_passed(
    alice: Person, members: dict[str, Any], code: str, said: str
) -> None:
    """Policies that are not understood or not there, too long ones, tags that clash."""
    with refused(code, said):
        federated(alice, **_typed(members))


def test_other_accounts_policies_cannot_be_passed(
    world: World, tenant: Tenant, alice: Person
) -> None:
    """A managed policy of another account is as one that is not there."""
    other = world.account("other@example.com")
    made = other.root(iam.CreatePolicy, policy_name="p", policy_document=allow("*")).policy
    assert made is not None
    with refused("MalformedPolicyDocument", "does not exist"):
        federated(alice, **_typed({"policy_arns": [made.arn]}))
    mine = tenant.root(iam.CreatePolicy, policy_name="p", policy_document=allow("*")).policy
    assert mine is not None
    federated(alice, **_typed({"policy_arns": [mine.arn]}))


def test_the_packed_size_is_told(alice: Person) -> None:
    """In percent; nothing when nothing is packed; beyond a hundred it is refused."""

    def packed(**members: Any) -> int | None:
        answer = alice(sts.GetFederationToken, name="jim", **_typed(members))
        return answer.packed_policy_size

    assert packed() is None
    small, more = (
        packed(policy=allow("kms:*")),
        packed(policy=allow("kms:*"), tags=[("a", _noise("b"))]),
    )
    assert small is not None
    assert more is not None
    assert 0 < small < more < 100
    tags = [(f"{number}" * 20, f"{number:018}" * 12) for number in range(50)]
    long = [(key, (value * 9)[:256]) for key, value in tags]
    with refused("PackedPolicyTooLarge", "Packed size of session tags consumes "):
        packed(tags=[(key, _noise(value)) for key, value in long])


def test_what_may_be_passed_has_a_token_that_fits(door: Door, alice: Person) -> None:
    """Fifty of the longest tags that repeat themselves: the token is as short as they pack."""
    tags = [(f"{number:02}" * 64, f"{number:02}é" * 85) for number in range(50)]
    short, long = federated(alice), federated(alice, **_typed({"tags": tags}))

    found = door(long)

    assert found.principal.tags == dict(tags)
    assert len(short.token) < len(long.token) < 4_096


def test_the_content_of_a_short_token_counts_in_memory(
    authenticator: Authenticator, door: Door, alice: Person
) -> None:
    """A short token may hold much. A caller who is kept costs what it holds."""
    tags = [("a" * 128, "b" * 256)]
    door(federated(alice))
    before = authenticator.kept_bytes
    door(federated(alice, name="joe"))
    of_short = authenticator.kept_bytes - before
    door(federated(alice, name="kim", **_typed({"tags": tags})))
    assert authenticator.kept_bytes - before - of_short > of_short + 8 * (128 + 256)


def _noise(text: str) -> str:
    """As long, and not to be packed."""
    return "".join(hashlib.sha256(f"{text}{n}".encode()).hexdigest() for n in range(4))


def _typed(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members as the wire reads them, from plain lists."""
    typed = dict(members)
    if "policy_arns" in members:
        typed["policy_arns"] = [sts.PolicyDescriptorType(arn=arn) for arn in members["policy_arns"]]
    if "tags" in members:
        typed["tags"] = [sts.Tag(key=key, value=value) for key, value in members["tags"]]
    return typed
