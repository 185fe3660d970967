"""Who signed: every single change of a signed request is refused, and its twin is not."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from keystead.custody.rows.rows import RowIntegrityError
from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication.authenticate import Authenticated, Authenticator
from keystead.policy.evaluation.question import PrincipalType
from keystead.wire.http import HttpRequest
from keystead.wire.models import iam, kms, sts
from keystead.wire.models import iam as api
from keystead.wire.operation import Service
from tests.identity.refusals import refused
from tests.identity.signing import presigned, signed
from tests.identity.world import REGION, Person, Tenant, World, allow

INVALID_TOKEN = "The security token included in the request is invalid."
MISMATCH = "The request signature we calculated does not match"


@pytest.fixture
def authenticator(world: World) -> Authenticator:
    return world.authenticator()


Door = Callable[..., Authenticated]
Change = Callable[[HttpRequest], HttpRequest]


@pytest.fixture
def door(world: World, authenticator: Authenticator) -> Door:
    """Hands a request to the authenticator at the store's epoch."""

    def authenticate(
        request: HttpRequest, service: Service = sts.SERVICE, operation: str = ""
    ) -> Authenticated:
        return authenticator.authenticate(
            world.store.read(), request, service, world.now, operation=operation
        )

    return authenticate


def key_of(person: Person) -> IssuedKey:
    assert person.key is not None
    return person.key


def changed(request: HttpRequest, **headers: str | None) -> HttpRequest:
    """The request with headers set, or removed when None; `_` stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    together = {**request.headers, **named}
    kept = {name: value for name, value in together.items() if value is not None}
    return msgspec.structs.replace(request, headers=kept)


def reworded(old: str, new: str) -> Change:
    """A change of the Authorization header."""
    return lambda request: changed(
        request, authorization=request.headers["authorization"].replace(old, new)
    )


def test_user(door: Door, tenant: Tenant) -> None:
    """A user's key gives the user, with policies and condition keys."""
    alice = tenant.user("Alice", allow("kms:*"), path="/team/")
    tenant.root(api.TagUser, user_name="alice", tags=[api.Tag(key="Team", value="blue")])

    found = door(signed(key_of(alice)))

    arn = f"arn:aws:iam::{tenant.id}:user/team/Alice"
    assert found.principal.type is PrincipalType.USER
    assert (found.principal.arn, found.principal.account) == (arn, tenant.id)
    assert found.principal.user_id.startswith("AIDA")
    assert found.access_key_id == key_of(alice).access_key_id
    assert found.region == "eu-central-1"
    assert [source.id for source in found.policies.identity_based] == ["inline0"]
    assert found.policies.identity_based[0].attached_to == arn
    assert found.keys == {
        "aws:principalarn": arn,
        "aws:principalaccount": tenant.id,
        "aws:principaltype": "User",
        "aws:userid": found.principal.user_id,
        "aws:username": "Alice",
        "aws:principaltag/team": "blue",
        "aws:principalisawsservice": "false",
    }


def test_global_services_are_signed_for_any_region(world: World, tenant: Tenant) -> None:
    """IAM and STS take the server's Regions and us-east-1; other services only the former."""
    alice = key_of(tenant.user("alice"))
    only_here = Authenticator(
        world.repository, world.hierarchy.session_tokens, {REGION}, world.last_used
    )

    def authenticate(service: Service, region: str) -> Authenticated:
        request = signed(alice, service.name, region=region)
        return only_here.authenticate(world.store.read(), request, service, world.now)

    for service in (iam.SERVICE, sts.SERVICE):
        for region in (REGION, "us-east-1"):
            assert authenticate(service, region).region == region
        with refused("SignatureDoesNotMatch", "valid Region, not 'eu-west-1'"):
            authenticate(service, "eu-west-1")
    assert authenticate(kms.SERVICE, REGION).region == REGION
    with refused("SignatureDoesNotMatch", "valid Region, not 'us-east-1'"):
        authenticate(kms.SERVICE, "us-east-1")


def test_root(door: Door, tenant: Tenant) -> None:
    """Root's key gives the account, without user name and policies."""
    found = door(signed(tenant.root_key()))

    assert found.principal.type is PrincipalType.ACCOUNT
    assert found.principal.arn == f"arn:aws:iam::{tenant.id}:root"
    assert found.principal.user_id == tenant.id
    assert found.policies.identity_based == ()
    assert "aws:username" not in found.keys


def test_policies_of_groups_and_boundary(door: Door, tenant: Tenant) -> None:
    """Group policies, attached policies and the boundary come along."""
    alice = tenant.user("alice")
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    tenant.root(api.CreateGroup, group_name="staff")
    tenant.root(
        api.PutGroupPolicy,
        group_name="staff",
        policy_name="own",
        policy_document=allow("kms:List*"),
    )
    tenant.root(
        api.AttachGroupPolicy, group_name="staff", policy_arn="arn:aws:iam::aws:policy/AWSDenyAll"
    )
    tenant.root(api.AddUserToGroup, group_name="staff", user_name="alice")
    tenant.root(api.PutUserPermissionsBoundary, user_name="alice", permissions_boundary=boundary)

    policies = door(signed(key_of(alice))).policies

    assert [source.id for source in policies.identity_based] == [
        "own",
        "arn:aws:iam::aws:policy/AWSDenyAll",
    ]
    assert policies.identity_based[0].attached_to == f"arn:aws:iam::{tenant.id}:group/staff"
    assert policies.boundary is not None
    assert policies.boundary.id == boundary


def test_known_callers_are_verified_again(door: Door, admin: Person) -> None:
    """After a good request, a bad one with the same key and scope is still refused."""
    good = signed(key_of(admin))
    door(good)

    with refused("SignatureDoesNotMatch", MISMATCH):
        door(msgspec.structs.replace(good, body=good.body + b"&X=1"))
    door(good)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: msgspec.structs.replace(r, body=r.body + b" "),
        lambda r: msgspec.structs.replace(r, method="PUT"),
        lambda r: msgspec.structs.replace(r, path="/other"),
        lambda r: msgspec.structs.replace(r, query="a=b"),
        lambda r: changed(r, host="elsewhere.example"),
        lambda r: changed(r, content_type="text/plain"),
        lambda r: changed(r, x_amz_date="20261124T120001Z"),
        lambda r: changed(r, content_type=None),
        lambda r: changed(r, x_amz_extra="unsigned"),
        lambda r: changed(r, x_amz_content_sha256="UNSIGNED-PAYLOAD"),
        lambda r: changed(r, authorization=r.headers["authorization"][:-1] + "\u00e9"),
        lambda r: changed(r, authorization=r.headers["authorization"][:-64] + "0" * 64),
        reworded("/sts/", "/iam/"),
        reworded("eu-central-1", "us-east-1"),
        reworded("eu-central-1", "mars-east-1"),
        reworded("aws4_request", "aws5_request"),
        reworded("/20261124/", "/20261123/"),
        reworded("content-type;host", "host"),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_every_change_is_refused(door: Door, admin: Person, warm: bool, change: Change) -> None:
    """Whatever is changed in a signed request, it is refused; unchanged it is not."""
    request = signed(key_of(admin))
    if warm:
        door(request)

    with refused("SignatureDoesNotMatch"):
        door(change(request))
    door(request)


def test_unsigned_headers_may_change(door: Door, admin: Person) -> None:
    """A header that nobody signs may change: proxies add such."""
    request = signed(key_of(admin))

    assert door(changed(request, user_agent="other", x_amzn_trace_id="Root=1")).principal.name


def test_wrong_secret(door: Door, admin: Person) -> None:
    """A right id with a wrong secret does not match."""
    with refused("SignatureDoesNotMatch", MISMATCH):
        door(signed(IssuedKey(key_of(admin).access_key_id, "x" * 40)))


def test_nobody(door: Door) -> None:
    """A request without a signature is refused as such."""
    with refused("MissingAuthenticationToken"):
        door(changed(signed(IssuedKey("AKIAQNZGKIQY56JQ7WML", "x")), authorization=None))


@pytest.mark.parametrize("key_id", ["AKIAQNZGKIQY56JQ7WML", "short", "ASIAQNZGKIQY56JQ7WML"])
def test_unknown_key(door: Door, key_id: str) -> None:
    """A key that nobody has is refused."""
    with refused("InvalidClientTokenId", INVALID_TOKEN):
        door(signed(IssuedKey(key_id, "x" * 40)))


def test_inactive_key(door: Door, tenant: Tenant) -> None:
    """An inactive key is refused like an unknown one, at once, until it is active again."""
    alice = tenant.user("alice")
    request = signed(key_of(alice))
    door(request)
    change = {"user_name": "alice", "access_key_id": key_of(alice).access_key_id}

    tenant.root(api.UpdateAccessKey, **change, status="Inactive")
    with refused("InvalidClientTokenId", INVALID_TOKEN):
        door(request)

    tenant.root(api.UpdateAccessKey, **change, status="Active")
    door(request)


def test_deleted_key(door: Door, tenant: Tenant) -> None:
    """A deleted key is refused like an unknown one, at once; the owner's other key is not."""
    alice = tenant.user("alice")
    door(signed(key_of(alice)))
    other = tenant.root(api.CreateAccessKey, user_name="alice").access_key

    tenant.root(api.DeleteAccessKey, user_name="alice", access_key_id=key_of(alice).access_key_id)

    with refused("InvalidClientTokenId", INVALID_TOKEN):
        door(signed(key_of(alice)))
    door(signed(IssuedKey(other.access_key_id, other.secret_access_key)))


def test_closed_account(world: World, door: Door, tenant: Tenant, admin: Person) -> None:
    """No key of a suspended account authenticates, root's neither."""
    root_key = tenant.root_key()
    suspended = msgspec.structs.replace(tenant.record, state="SUSPENDED")
    with world.store.write() as transaction:
        world.repository.accounts.update(transaction, suspended)

    for key in (root_key, key_of(admin)):
        with refused("InvalidClientTokenId", INVALID_TOKEN):
            door(signed(key))


def test_ownerless_key(world: World, door: Door, tenant: Tenant) -> None:
    """A key whose owner's row is missing never authenticates, nor does any of its account."""
    alice = tenant.user("alice")
    with world.store.write() as transaction:
        transaction.run("DELETE FROM iam_user WHERE name = 'alice'")

    for key in (key_of(alice), tenant.root_key()):
        with pytest.raises(RowIntegrityError):
            door(signed(key))


@pytest.mark.parametrize("warm", [False, True])
def test_token_with_a_long_term_key(door: Door, admin: Person, warm: bool) -> None:
    """A long-term key with a session token is refused, even when the token is signed."""
    if warm:
        door(signed(key_of(admin)))

    with refused("InvalidClientTokenId", INVALID_TOKEN):
        door(signed(key_of(admin), token="FwoGZXIvYXdzE"))
    with refused("InvalidClientTokenId", INVALID_TOKEN):
        door(presigned(key_of(admin), token="FwoGZXIvYXdzE"))


@pytest.mark.parametrize(
    ("service", "minutes"), [(kms.SERVICE, 5), (api.SERVICE, 15), (sts.SERVICE, 15)]
)
def test_clock(door: Door, world: World, admin: Person, service: Service, minutes: int) -> None:
    """A signature holds for the service's window, not a second longer, in either direction."""
    edge, second = timedelta(minutes=minutes), timedelta(seconds=1)

    for distance in (edge, -edge):
        door(signed(key_of(admin), service.name, now=world.now + distance), service)

    with refused("SignatureDoesNotMatch", "Signature expired: 2026"):
        door(signed(key_of(admin), service.name, now=world.now - edge - second), service)
    with refused("SignatureDoesNotMatch", "Signature not yet current: 2026"):
        door(signed(key_of(admin), service.name, now=world.now + edge + second), service)


def test_clock_is_judged_after_the_signature(door: Door, world: World, admin: Person) -> None:
    """An old request with a wrong signature is told about the signature only."""
    old = signed(key_of(admin), now=world.now - timedelta(days=1))

    with refused("SignatureDoesNotMatch", MISMATCH):
        door(msgspec.structs.replace(old, body=b""))


def test_other_services_signature(door: Door, admin: Person) -> None:
    """A signature for one service is none for another."""
    with refused("SignatureDoesNotMatch", "correct service: 'kms'"):
        door(signed(key_of(admin), "sts"), kms.SERVICE)


def test_presigned(door: Door, world: World, admin: Person) -> None:
    """A presigned request holds for the time it says, and at most 15 minutes."""

    def signed_before(seconds: int, expires: int) -> HttpRequest:
        signed_at = world.now - timedelta(seconds=seconds)
        return presigned(key_of(admin), expires=expires, now=signed_at)

    for seconds, expires in ((60, 60), (900, 604_800), (-300, 60)):
        assert door(signed_before(seconds, expires)).principal.name == "admin"
    for seconds, expires in ((60, 59), (901, 604_800)):
        with refused("SignatureDoesNotMatch", "Signature expired"):
            door(signed_before(seconds, expires))
    with refused("SignatureDoesNotMatch", "Signature not yet current"):
        door(signed_before(-301, 60))


def test_a_presigned_proof_of_identity(door: Door, world: World, admin: Person) -> None:
    """GetCallerIdentity holds for 15 minutes, whatever X-Amz-Expires says; nothing else does."""

    def proof(seconds: int, expires: int) -> HttpRequest:
        signed_at = world.now - timedelta(seconds=seconds)
        return presigned(key_of(admin), expires=expires, now=signed_at)

    for seconds, expires in ((0, 1), (840, 60), (900, 60), (900, 604_800), (-300, 60)):
        found = door(proof(seconds, expires), operation="GetCallerIdentity")
        assert found.principal.name == "admin"
    for seconds, expires in ((901, 60), (901, 604_800)):
        with refused("SignatureDoesNotMatch", "Signature expired"):
            door(proof(seconds, expires), operation="GetCallerIdentity")
    with refused("SignatureDoesNotMatch", "Signature not yet current"):
        door(proof(-301, 60), operation="GetCallerIdentity")
    for service, operation in ((sts.SERVICE, "AssumeRole"), (sts.SERVICE, "")):
        with refused("SignatureDoesNotMatch", "Signature expired"):
            door(proof(61, 60), service, operation)
    for expires in (0, 604_801):
        with refused("IncompleteSignature", "X-Amz-Expires"):
            door(proof(0, expires), operation="GetCallerIdentity")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Action=GetCallerIdentity", "Action=AssumeRole"),
        ("X-Amz-Expires=60", "X-Amz-Expires=61"),
        ("X-Amz-Date=20261124T120000Z", "X-Amz-Date=20261124T120001Z"),
        ("%2Fsts%2F", "%2Fiam%2F"),
        ("Version=2011-06-15", "Version=2011-06-15&Extra=1"),
    ],
)
def test_every_change_of_a_presigned_request_is_refused(
    door: Door, admin: Person, old: str, new: str
) -> None:
    """Whatever is changed in a presigned request, it is refused; unchanged it is not."""
    request = presigned(key_of(admin))
    assert old in request.query

    with refused("SignatureDoesNotMatch"):
        door(msgspec.structs.replace(request, query=request.query.replace(old, new)))
    door(request)


def test_presigned_with_signed_headers(door: Door, admin: Person) -> None:
    """Signed headers of a presigned request are bound; unsigned x-amz ones are refused."""
    request = presigned(key_of(admin), headers={"x-k8s-aws-id": "cluster"})

    door(request)
    with refused("SignatureDoesNotMatch"):
        door(changed(request, x_k8s_aws_id="other"))
    with refused("SignatureDoesNotMatch"):
        door(changed(request, x_amz_extra="1"))


def test_both_forms_at_once(door: Door, admin: Person) -> None:
    """A request with two sources of credentials is refused."""
    header, query = signed(key_of(admin)), presigned(key_of(admin))

    with refused("IncompleteSignature"):
        door(msgspec.structs.replace(header, query=query.query))


def test_right_payload_hash(door: Door, admin: Person) -> None:
    """A payload hash that a client sends, and signs, must be that of the body."""
    right = "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843"
    headers = {"X-Amz-Content-SHA256": right, "Content-Type": "application/x-www-form-urlencoded"}

    door(signed(key_of(admin), headers=headers))
    with refused("SignatureDoesNotMatch"):
        door(signed(key_of(admin), headers={**headers, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}))


def test_last_use_is_noted(world: World, door: Door, tenant: Tenant, admin: Person) -> None:
    """A verified request is the key's last use, in memory first and in the store after a flush."""
    keys, read = world.repository.access_keys, world.store.read()
    key_id = key_of(admin).access_key_id
    epoch = world.store.state
    with refused("SignatureDoesNotMatch"):
        door(signed(IssuedKey(key_id, "wrong")))
    assert world.last_used.of(keys, read, tenant.id, key_id) is None

    door(signed(key_of(admin)))
    noted = world.last_used.of(keys, read, tenant.id, key_id)
    assert noted is not None
    assert keys.last_use(read, tenant.id, key_id) is None

    world.last_used.flush(world.repository, world.store, world.store.flush)
    assert keys.last_use(read, tenant.id, key_id) == noted
    assert (noted.region, noted.service, noted.used) == (
        "eu-central-1",
        "sts",
        int(world.now.timestamp()),
    )
    assert world.store.state == epoch
