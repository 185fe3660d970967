"""No cached view outlives what it was made of: every table, every change, every way to undo it.

The tables, their rows and their columns are discovered. What the warm caches give after a change is
held against what is given when nothing is kept.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from botocore.credentials import Credentials

from keystead import registry
from keystead.custody.rows.rows import Record, SealedTable
from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication import factors
from keystead.identity.identifiers import TEMPORARY_KEY, access_key_id
from keystead.identity.permissions import root_access
from keystead.identity.repository import (
    RCP,
    SCP,
    Delegate,
    Login,
    Member,
    Organization,
    OrganizationPolicy,
    Passkey,
    RootFeature,
    ServiceAccess,
    Unit,
)
from keystead.identity.sessions import (
    Delivery,
    Federation,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
)
from keystead.identity.sessions.tokens import sealed_token
from keystead.registry import Implementation
from keystead.server.installation import ceremonies
from keystead.server.pipeline import Answer, routing
from keystead.store.protocol import StoreConflict, StoreUnavailable, Transaction, Value
from keystead.store.sqlite.turn import Turn
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from keystead.wire.models import kms
from tests.agent.stored import stored_instance
from tests.anywhere.stored import revoked_row, stored_rows
from tests.directories.stored import stored_directory
from tests.federation.saml_issuer import described
from tests.federation.saml_land import SamlLand
from tests.importing import wrapped
from tests.server import sdk
from tests.server.installations import OTHER_REGION, REGION, Local, open_local
from tests.server.second_factors import Somebody

NOT_SEEN = {
    "org_feature_handshake", "org_handshake", "org_resource_policy",  # read by the call itself
    "kms_grant_counts", "kms_key_counts", "kms_key_uses", "kms_materials",
    "kms_tombstone_statements",
    "kms_tombstones", "server_clock",
    "iam_forwarded",  # read by the call itself
    "ra_crl_data", "ra_subject", "ra_used_request",  # as before
    "ec2_agent", "ec2_enrolment_token", "ec2_instance",  # read by the calls about them
    "ec2_instance_tags",
    "ec2_metadata_defaults",  # likewise, and when an instance is registered
    "iam_saml_assertion", "iam_saml_document", "iam_saml_key", "iam_saml_sign_on",
    # read by the calls about passwords and codes themselves
    "iam_password_attempt", "iam_mfa_code", "signin_arrival", "signin_attempt",
    "signin_challenge", "signin_facts", "signin_provider", "signin_role", "signin_root_password",
    "signin_session",
    # these, and those of the lines above, are read anew for each page
    "signin_code", "signin_proof",  # read by the calls of programs themselves
    # found by the hash of its text, which stands in the row of its key
    "kms_key_policies", "kms_policy_texts", "kms_policy_uses",
}  # fmt: skip
"""Tables that no cached view is made of: whatever changes there alone, nobody's view does."""

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}'
DENY = ALLOW.replace("Allow", "Deny").replace("kms:*", "kms:Sign")


@dataclass
class World:
    """An installation with two of everything, and the requests of its callers.

    One of the keys is the primary of a multi-Region set, and another its replica.
    """

    local: Local
    users: list[Local] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)  # Region and id of each key
    described: list[HttpRequest] = field(default_factory=list)
    used: list[HttpRequest] = field(default_factory=list)

    @property
    def tables(self) -> Mapping[str, SealedTable[Any]]:
        """Every table that decisions depend on."""
        return self.local.installation.hierarchy.rows.tables

    def records(self, table: SealedTable[Any]) -> list[Record]:
        """What stands in a table."""
        reader = self.local.installation.store.read()
        found: list[Record] = table.find(reader, "TRUE")
        return found

    def views(self) -> dict[str, object]:
        """What everybody is, what every key is, and whether it can be used, as it is cached."""
        installation, seen = self.local.installation, {}
        reader, now = installation.store.read(), self.local.time.wall()
        account = self.local.founded.account_id
        authenticate = installation.authenticator.authenticate
        for place, request in enumerate(self.described):
            seen[f"caller {place}"] = _told(
                _caller, partial(authenticate, reader, request, kms.SERVICE, now)
            )
        seen["over"] = _told(msgspec.to_builtins, partial(installation.guardrails.over, account))
        for region, key in (*self.places, (REGION, _unused(self.keys[0]))):
            seen[f"key {region} {key}"] = _told(
                _key, partial(installation.keys.key, reader, account, region, key)
            )
        for place, request in enumerate((*self.described, *self.used)):
            seen[f"answer {place}"] = self.answer(request)
        return seen

    def answer(self, request: HttpRequest) -> object:
        """What a request is answered; the turn stays open."""
        return _answered(self.local.installation.pipeline.answer(request).response)


def _answered(response: HttpResponse) -> tuple[int, object]:
    """The status of an answer, with what it tells of a key, or its error."""
    told = msgspec.json.decode(response.body) if response.body else {}
    return response.status, told.get("KeyMetadata") or told.get("__type")


def _told(shown: Callable[[Any], object], view: Callable[[], object]) -> object:
    try:
        return shown(view())
    except Exception as error:  # noqa: BLE001  # an error is what is seen, too
        return type(error).__name__


def _caller(caller: Any) -> object:
    policies = [(each.policy.text, each.id, each.attached_to) for each in caller.policies.every]
    keys = {k: v for k, v in caller.keys.items() if k != "aws:multifactorauthage"}  # it passes
    return repr(caller.principal), policies, keys, caller.access_key_id


def _key(key: Any) -> object:
    if key is None:
        return None
    return (
        key.record,
        _relation(key),
        key.aliases,
        dict(key.condition_keys),
        [p.policy.text for p in key.resource_policies],
    )


def _relation(key: Any) -> object:
    """What a multi-Region key knows of its set, without the versions of these rows."""
    if key.relation is None:
        return None
    return tuple(msgspec.structs.replace(row, row_version=1) for row in key.relation)


def _unused(key: str) -> str:
    """An id that no key has."""
    return f"{'0' * 8}{key[8:]}"


def _member(xml: bytes, name: str) -> str:
    return xml.decode().partition(f"<{name}>")[2].partition("<")[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Users, a session of a role, and two keys with aliases and tags."""
    local = open_local(tmp_path_factory.mktemp("evictions") / "data")
    world = World(local)
    _organize(local)
    local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    for number, document in enumerate((ALLOW, DENY)):
        _add_user(world, f"user-{number}", document)
        _add_key(world, number)
    somebody = Somebody(local, "somebody")
    _add_replicas(world)
    _add_external_key(world)
    sessions = (
        _role_session(local), _root_task(local), somebody.session(), _web_session(local),
        _directory_session(local), _instance_session(local), _saml_session(local), _service(local),
        _login_session(local), *_sessions_around_a_closing(local),
    )  # fmt: skip
    callers = [local.admin, *(user.admin for user in world.users), *sessions]
    for who in callers:
        for alias in ("alias/key-0", "alias/key-1", "alias/none"):
            world.described.append(local.kms_request("DescribeKey", who, KeyId=alias))
        for key in world.keys:
            world.used.append(local.kms_request("Encrypt", who, KeyId=key, Plaintext="aGk="))
    for who in _certificate_sessions(local):  # one request of each is enough
        world.described.append(local.kms_request("DescribeKey", who, KeyId="alias/key-0"))
    for region, key in world.places[len(world.keys) :]:  # one caller is enough for these
        asked = {"KeyId": key, "Plaintext": "aGk="}
        world.used.append(local.kms_request("Encrypt", region=region, **asked))
    _add_grants(world)
    _add_endpoints(world)
    yield world
    local.installation.close()


def _organize(local: Local) -> None:
    """Put the account into an organization, below two units, under policies of both types."""
    identities, number = local.installation.identities, local.founded.account_id
    tree, policies = identities.organizations, identities.organization_policies
    organization = Organization(
        organization="o-aaaaaaaaaa", root="r-aaaa", management="111122223333", feature_set="ALL",
        policy_types='{"RESOURCE_CONTROL_POLICY":1,"SERVICE_CONTROL_POLICY":1}',
        tags="{}", created=0,
    )  # fmt: skip
    place: Any = {"organization": organization.organization, "tags": "{}"}
    with local.installation.store.write() as transaction:
        tree.insert(transaction, organization)
        for unit, parent in (
            ("ou-aaaa-outeroute", "r-aaaa"),
            ("ou-aaaa-innerinne", "ou-aaaa-outeroute"),
        ):
            tree.insert_unit(
                transaction, Unit(unit=unit, parent=parent, name=unit, created=0, **place)
            )
        tree.insert_member(transaction, Member(
            account=number, parent="ou-aaaa-innerinne", name="a", joined_method="INVITED",
            joined=0, **place,
        ))  # fmt: skip
        for policy, policy_type, content in (
            ("p-aaaaaaaaaa", SCP, DENY),
            ("p-bbbbbbbbbb", RCP, DENY.replace('"Action"', '"Principal":"*","Action"')),
        ):
            record = OrganizationPolicy(
                policy=policy, type=policy_type, name=policy, description="", content=content,
                created=0, **place,
            )  # fmt: skip
            policies.insert(transaction, record)
            for target in ("r-aaaa", number):
                policies.attach(transaction, organization, target, record)


def _add_user(world: World, name: str, document: str) -> None:
    local = world.local

    def iam(action: str, **members: str) -> bytes:
        answer = local.iam(action, **members)
        assert answer.status == 200, answer.body
        return answer.body

    bound = _member(iam("CreatePolicy", PolicyName=f"b-{name}", PolicyDocument=ALLOW), "Arn")
    policy = _member(iam("CreatePolicy", PolicyName=f"p-{name}", PolicyDocument=document), "Arn")
    tag = {"Tags.member.1.Key": "team", "Tags.member.1.Value": name}
    iam("CreateUser", UserName=name, PermissionsBoundary=bound, **tag)
    iam("CreateGroup", GroupName=f"g-{name}")
    iam("AddUserToGroup", GroupName=f"g-{name}", UserName=name)
    iam("AttachGroupPolicy", GroupName=f"g-{name}", PolicyArn=policy)
    iam("AttachUserPolicy", UserName=name, PolicyArn=policy)
    iam("PutUserPolicy", UserName=name, PolicyName="inline", PolicyDocument=ALLOW)
    issued = iam("CreateAccessKey", UserName=name)
    key = IssuedKey(_member(issued, "AccessKeyId"), _member(issued, "SecretAccessKey"))
    world.users.append(replace(local, founded=replace(local.founded, access_key=key)))


def _role_session(local: Local) -> Credentials:
    """The credentials of a session of a role with a policy, a boundary and a tag."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": local.founded.account_id},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made = local.iam(
        "CreateRole", RoleName="role", AssumeRolePolicyDocument=json.dumps(trust),
        PermissionsBoundary=f"arn:aws:iam::{local.founded.account_id}:policy/b-user-0",
        **{"Tags.member.1.Key": "team", "Tags.member.1.Value": "role"},
    )  # fmt: skip
    assert made.status == 200, made.body
    put = local.iam("PutRolePolicy", RoleName="role", PolicyName="inline", PolicyDocument=ALLOW)
    assert put.status == 200, put.body
    role = _member(made.body, "Arn")
    given = local.sts("AssumeRole", RoleArn=role, RoleSessionName="session")
    assert given.status == 200, given.body
    return Credentials(
        *(_member(given.body, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    )


def _service(local: Local) -> Credentials:
    """The credentials of a service of the site."""
    service = {"name": "warehouse.example.internal", "account_id": local.founded.account_id}
    told = ceremonies.perform(local.installation, "service register", service)
    return Credentials(told["AccessKeyId"], told["SecretAccessKey"])


def _web_session(local: Local) -> Credentials:
    """The credentials of a web identity, as they would be sealed: of a provider with a revision."""
    installation, number = local.installation, local.founded.account_id
    url = {"Url": "https://idp.example", "ClientIDList.member.1": "app"}
    assert local.iam("CreateOpenIDConnectProvider", **url).status == 200
    named = {"OpenIDConnectProviderArn": f"arn:aws:iam::{number}:oidc-provider/idp.example"}
    assert local.iam("AddClientIDToOpenIDConnectProvider", **named, ClientID="new").status == 200
    identities, reader, now = installation.identities, installation.store.read(), local.time.wall()
    role = identities.roles.named(reader, number, "role")
    provider = identities.oidc_providers.named(reader, number, "idp.example")
    assert role is not None
    assert provider is not None
    revision = identities.oidc_providers.revision(reader, provider)
    since = int(now.timestamp())
    session = Session(
        SessionKind.ROLE, number,
        (SessionRow(RowKind.ROLE, number, role.role_id),
         SessionRow(RowKind.OIDC_PROVIDER, number, revision)),
        since, since + 43_200, name="web",
        federation=Federation(provider.arn, (("idp.example:sub", "jo"),)),
    )  # fmt: skip
    key_id = access_key_id(TEMPORARY_KEY, number)
    token = sealed_token(installation.hierarchy.session_tokens, key_id, "secret", session, now)
    who = Credentials(key_id, "secret", token)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def _login_session(local: Local) -> Credentials:
    """The credentials of a session for the command line, as they would be sealed."""
    installation, number = local.installation, local.founded.account_id
    password = {"UserName": "user-0", "Password": "canary-Start-1"}
    known = local.iam("CreateLoginProfile", **password)
    assert known.status in {200, 409}, known.body
    identities, reader, now = installation.identities, installation.store.read(), local.time.wall()
    user = identities.users.named(reader, number, "user-0")
    assert user is not None
    since = int(now.timestamp())
    passkey = Passkey(
        account=number, passkey_id="p", owner_id=user.user_id, name="p", credential_id=b"p",
        public_key=b"", rp_id="", transports="", sign_count=0, enabled=since, used=None,
    )  # fmt: skip
    with installation.store.write() as transaction:
        identities.passkeys.insert(transaction, passkey)
    rows = (SessionRow(RowKind.USER, number, user.user_id), SessionRow(RowKind.LOGIN, number, "l"))
    session = Session(SessionKind.LOGIN, number, rows, since, since + 43_200)
    login: Any = {
        "account": number, "login_id": "l", "subject": user.user_id, "person": user.user_id,
        "factors": factors.of(identities, reader, number, user.user_id), "session": b"",
        "client": "same-device", "proof_key": "", "generation": 1, "renewed": since, "answer": "",
        "source_ip": "", "agent": "", "began": since, "used": since, "expires": since + 43_200,
    }  # fmt: skip
    with installation.store.write() as transaction:
        identities.logins.insert(transaction, Login(**login), 50)
    installation.commit()
    key_id = access_key_id(TEMPORARY_KEY, number)
    token = sealed_token(installation.hierarchy.session_tokens, key_id, "secret", session, now)
    who = Credentials(key_id, "secret", token)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def _certificate_sessions(local: Local) -> list[Credentials]:
    """The credentials of bearers of two certificates, as they would be sealed; one is revoked."""
    installation, number = local.installation, local.founded.account_id
    identities, reader, now = installation.identities, installation.store.read(), local.time.wall()
    role = identities.roles.named(reader, number, "role")
    assert role is not None
    rows = (SessionRow(RowKind.ROLE, number, role.role_id),
            *stored_rows(installation, number, REGION, role, now))  # fmt: skip
    since, found = int(now.timestamp()), []
    for each in (rows, (*rows[:-1], revoked_row(number))):
        session = Session(SessionKind.ROLE, number, each, since, since + 3_600, name="host")
        key_id = access_key_id(TEMPORARY_KEY, number)
        token = sealed_token(installation.hierarchy.session_tokens, key_id, "secret", session, now)
        found.append(Credentials(key_id, "secret", token))
    assert [local.sts("GetCallerIdentity", who).status for who in found] == [200, 403]
    return found


def _saml_session(local: Local) -> Credentials:
    """The credentials of a person of a SAML provider with a revision."""
    land = SamlLand(local)
    land.create_provider()
    land.iam("UpdateSAMLProvider", SAMLProviderArn=land.provider,
             SAMLMetadataDocument=described("idp", "other"))  # fmt: skip
    land.roles["web"] = land.role("vouched")
    return land.session()


def _instance_session(local: Local) -> Credentials:
    """The credentials of an instance, as they would be sealed: of a profile with a revision."""
    installation, number = local.installation, local.founded.account_id
    assert local.iam("CreateInstanceProfile", InstanceProfileName="web").status == 200
    held = {"InstanceProfileName": "web", "RoleName": "role"}
    assert local.iam("AddRoleToInstanceProfile", **held).status == 200
    profile, association = stored_instance(installation, number, REGION, "web")
    identities, reader, now = installation.identities, installation.store.read(), local.time.wall()
    role = identities.roles.named(reader, number, "role")
    assert role is not None
    revision = identities.instance_profiles.revision(reader, profile)
    since = int(now.timestamp())
    session = Session(
        SessionKind.ROLE, number,
        (SessionRow(RowKind.ROLE, number, role.role_id),
         SessionRow(RowKind.PROFILE_ASSOCIATION, number, association.association_id),
         SessionRow(RowKind.INSTANCE_PROFILE, number, revision)),
        since, since + 21_600, name=association.instance_id,
        delivery=Delivery(f"arn:aws:ec2:{REGION}:{number}:instance/{association.instance_id}"),
    )  # fmt: skip
    key_id = access_key_id(TEMPORARY_KEY, number)
    token = sealed_token(installation.hierarchy.session_tokens, key_id, "secret", session, now)
    who = Credentials(key_id, "secret", token)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def _directory_session(local: Local) -> Credentials:
    """The credentials of a person of a directory, as they would be sealed."""
    installation, number = local.installation, local.founded.account_id
    identities, reader, now = installation.identities, installation.store.read(), local.time.wall()
    role = identities.roles.named(reader, number, "role")
    assert role is not None
    directory, assignment = stored_directory(installation, number, REGION, role)
    since = int(now.timestamp())
    session = Session(
        SessionKind.ROLE, number,
        (SessionRow(RowKind.ROLE, number, role.role_id),
         SessionRow(RowKind.DIRECTORY, number, directory.as_it_is),
         SessionRow(RowKind.DIRECTORY_ASSIGNMENT, number, assignment.assignment_id)),
        since, since + 3_600, name="alice", source_identity=assignment.subject_id,
    )  # fmt: skip
    key_id = access_key_id(TEMPORARY_KEY, number)
    token = sealed_token(installation.hierarchy.session_tokens, key_id, "secret", session, now)
    who = Credentials(key_id, "secret", token)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def _sessions_around_a_closing(local: Local) -> Iterator[Credentials]:
    """A session that ended when its account was closed, and one that began a second later."""
    installation, number = local.installation, local.founded.account_id
    identities, reader, now = installation.identities, installation.store.read(), local.time.wall()
    account = identities.accounts.get(reader, number)
    role = identities.roles.named(reader, number, "role")
    assert account is not None
    assert role is not None
    closed = account.created - 1
    with installation.store.write() as transaction:
        identities.accounts.close(transaction, account, "ACTIVE", closed)
    rows = (SessionRow(RowKind.ROLE, number, role.role_id),)
    for issued, status in ((closed, 403), (closed + 1, 200)):
        session = Session(SessionKind.ROLE, number, rows, issued, issued + 43_200, name="closing")
        key_id = access_key_id(TEMPORARY_KEY, number)
        token = sealed_token(installation.hierarchy.session_tokens, key_id, "secret", session, now)
        who = Credentials(key_id, "secret", token)
        assert local.sts("GetCallerIdentity", who).status == status
        yield who


def _root_task(local: Local) -> Credentials:
    """The credentials of a session of AssumeRoot; the account administers IAM for itself.

    Of the task policies the shortest, so that no request needs work.
    """
    installation, number = local.installation, local.founded.account_id
    identities, organization = installation.identities, "o-aaaaaaaaaa"
    service: Any = {"organization": organization, "service": root_access.SERVICE, "enabled": 0}
    with installation.store.write() as transaction:
        identities.delegations.insert_service(transaction, ServiceAccess(**service))
        identities.delegations.insert(transaction, Delegate(account=number, **service))
        for feature in ("RootCredentialsManagement", "RootSessions"):
            identities.root_features.insert(transaction, RootFeature(
                organization=organization, feature=feature, enabling=f"rf-{feature}", enabled=0
            ))  # fmt: skip
    given = local.sts(
        "AssumeRoot", TargetPrincipal=number,
        **{"TaskPolicyArn.arn": root_access.task_arn("IAMCreateRootUserPassword")},
    )  # fmt: skip
    assert given.status == 200, given.body
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    session = Credentials(*(_member(given.body, name) for name in names))
    assert local.sts("GetCallerIdentity", session).status == 200
    return session


def _add_key(world: World, number: int) -> None:
    tags = [{"TagKey": "number", "TagValue": str(number)}]
    made = world.local.kms("CreateKey", Tags=tags, Description=f"key {number}")
    key = str(made.json["KeyMetadata"]["KeyId"])
    world.keys.append(key)
    world.places.append((REGION, key))
    assert (
        world.local.kms("CreateAlias", AliasName=f"alias/key-{number}", TargetKeyId=key).status
        == 200
    )


def _add_replicas(world: World) -> None:
    """A primary whose role has gone to the other Region, so that its first row is a replica's."""
    made = world.local.kms("CreateKey", MultiRegion=True)
    key = str(made.json["KeyMetadata"]["KeyId"])
    for operation, members in (
        ("ReplicateKey", {"ReplicaRegion": OTHER_REGION}),
        ("UpdatePrimaryRegion", {"PrimaryRegion": OTHER_REGION}),
    ):
        answer = world.local.kms(operation, KeyId=key, **members)
        assert answer.status == 200, answer.body
    world.places += [(REGION, key), (OTHER_REGION, key)]


def _add_grants(world: World) -> None:
    """A user without policies, with a grant on one key and a grant with constraints on another."""
    local, context = world.local, {"app": "orders"}
    assert local.iam("CreateUser", UserName="grantee").status == 200
    issued = local.iam("CreateAccessKey", UserName="grantee").body
    who = Credentials(_member(issued, "AccessKeyId"), _member(issued, "SecretAccessKey"))
    named = f"arn:aws:iam::{local.founded.account_id}:user/grantee"
    for key, constraints in zip(
        world.keys, ({}, {"EncryptionContextSubset": context}), strict=True
    ):
        made = local.kms(
            "CreateGrant", KeyId=key, GranteePrincipal=named, Operations=["Encrypt"],
            Constraints=constraints,
        )  # fmt: skip
        assert made.status == 200, made.json
        world.used.append(
            local.kms_request(
                "Encrypt", who, KeyId=key, Plaintext="aGk=", EncryptionContext=context
            )
        )


def _add_endpoints(world: World) -> None:
    """Two endpoints of networks with policies, one of which forbids, and calls through them."""
    local = world.local
    call = partial(sdk.call, local, "ec2", who=local.admin)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    for vpc, action in (("vpc-01234567", "kms:*"), ("vpc-12345678", "kms:Sign")):
        made = call(
            "CreateVpcEndpoint", VpcId=vpc, VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{REGION}.kms",
            PolicyDocument=json.dumps({"Statement": {**statement, "Action": action}}),
        )["VpcEndpoint"]  # fmt: skip
        endpoint = Endpoint(made["VpcEndpointId"], made["VpcEndpointId"])
        asked = local.kms_request("Encrypt", KeyId=world.keys[0], Plaintext="aGk=")
        world.used.append(msgspec.structs.replace(asked, endpoint=endpoint))
    local.installation.commit()


def _add_external_key(world: World) -> None:
    """A key whose material was imported until a date."""
    local = world.local
    call = partial(sdk.call, local, "kms", who=local.admin)
    key = call("CreateKey", Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    algorithm = "RSAES_OAEP_SHA_256"
    given = call(
        "GetParametersForImport", KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    call(
        "ImportKeyMaterial", KeyId=key, ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapped(given["PublicKey"], algorithm, bytes(32)),
        ValidTo=local.time.wall() + timedelta(days=30),
    )  # fmt: skip
    world.places.append((REGION, key))
    world.used.append(local.kms_request("DescribeKey", KeyId=key))


# The changes

Change = Callable[[Transaction], object]


def _others(world: World, table: SealedTable[Any], record: Record, column: str) -> list[Value]:
    """Other values for a column: of another row, or made of its own."""
    own: Any = getattr(record, column)
    others = [getattr(each, column) for each in world.records(table)]
    made = own + 1 if isinstance(own, (int, float)) else own + own[:1] if own else "x"
    return [*dict.fromkeys(each for each in others if each != own), made]


def _updates(world: World, table: SealedTable[Any], record: Record) -> Iterator[Change]:
    """Each column of a row changed, one at a time."""
    for column in table.columns:
        if column not in table.key:
            for value in _others(world, table, record, column):
                changed = msgspec.structs.replace(record, **{column: value})
                yield partial(_update, table, changed)


def changes(world: World, table: SealedTable[Any]) -> Iterator[tuple[str, Change]]:
    """Every row updated and deleted."""
    for record in world.records(table):
        for update in _updates(world, table, record):
            yield "update", update
        yield "delete", partial(_delete, table, record)


def _insert(table: SealedTable[Any], record: Record, transaction: Transaction) -> None:
    table.insert(transaction, record)


def _update(table: SealedTable[Any], record: Record, transaction: Transaction) -> None:
    table.update(transaction, record)


def _delete(table: SealedTable[Any], record: Record, transaction: Transaction) -> None:
    assert table.delete(transaction, *[getattr(record, column) for column in table.key])


def performed(world: World, change: Change) -> bool:
    """Make a change, as one call of the turn; False where a constraint refuses it."""
    try:
        with world.local.installation.store.write() as transaction:
            change(transaction)
    except StoreConflict:
        return False
    return True


def forget(world: World) -> None:
    """Let nothing be kept."""
    world.local.installation.store.changes.forget()


def truth(world: World) -> dict[str, object]:
    """What the caches give, which is what is true."""
    warm = world.views()
    forget(world)
    true = world.views()
    assert warm == true
    return warm


def undo(world: World) -> None:
    world.local.installation.trail.abandon()


@pytest.fixture(scope="module")
def seen(world: World) -> dict[str, dict[str, Change]]:
    """For each table a change of each kind that somebody's view shows; every change was tried."""
    seen: dict[str, dict[str, Change]] = {name: {} for name in world.tables}
    before = truth(world)
    for name, table in world.tables.items():
        for kind, change in changes(world, table):
            if performed(world, change) and truth(world) != before:
                seen[name].setdefault(kind, change)
            undo(world)
            assert world.views() == before
    return seen


def each(seen: Mapping[str, Mapping[str, Change]]) -> Iterator[Change]:
    return (change for kinds in seen.values() for change in kinds.values())


def test_every_change_is_seen(world: World, seen: dict[str, dict[str, Change]]) -> None:
    """Rows updated and deleted one by one; and each table that decisions depend on was seen to."""
    assert {name for name, kinds in seen.items() if not kinds} == NOT_SEEN


@pytest.mark.parametrize("looked_for", [True, False])
def test_what_appears_is_seen(
    world: World, seen: dict[str, dict[str, Change]], looked_for: bool
) -> None:
    """A row that is inserted, after its absence was seen and kept, or without anyone's looking."""
    before = truth(world)
    tried = 0
    for name, table in world.tables.items():
        if "delete" not in seen[name]:
            continue
        for record in world.records(table)[:2]:
            new = msgspec.structs.replace(record, row_version=1)
            assert performed(world, partial(_delete, table, record))
            if looked_for:
                world.views()
            else:
                forget(world)
            assert performed(world, partial(_insert, table, new))
            assert _without_versions(truth(world)) == _without_versions(before), name
            undo(world)
            tried += 1
    assert tried > len(world.tables) // 2


def _without_versions(views: dict[str, object]) -> dict[str, object]:
    """A row that is inserted again begins with its first version."""
    return {
        name: (msgspec.structs.replace(view[0], row_version=1), *view[1:])
        if isinstance(view, tuple) and isinstance(view[0], Record)
        else view
        for name, view in views.items()
    }


def test_an_undone_call_is_not_seen(world: World, seen: dict[str, dict[str, Change]]) -> None:
    """Not even by who asked while it was on its way."""
    store, before = world.local.installation.store, truth(world)
    for change in each(seen):
        with pytest.raises(ZeroDivisionError), store.write() as transaction:
            change(transaction)
            assert world.views() != before
            raise ZeroDivisionError
        assert truth(world) == before


def test_an_undone_turn_is_not_seen(world: World, seen: dict[str, dict[str, Change]]) -> None:
    """By nobody who saw it while it was on its way."""
    before = truth(world)
    for change in each(seen):
        performed(world, change)
        assert world.views() != before
        undo(world)
        assert truth(world) == before


def test_a_failed_commit_is_not_seen(
    world: World, seen: dict[str, dict[str, Change]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By nobody who saw it while it was on its way."""
    before, execute = truth(world), Turn.execute

    def fails(turn: Turn, sql: str, values: Any = ()) -> Any:
        if sql == "COMMIT":
            raise StoreUnavailable("the disk is full")
        return execute(turn, sql, values)

    for change in each(seen):
        performed(world, change)
        assert world.views() != before
        with monkeypatch.context() as patched:
            patched.setattr(Turn, "execute", fails)
            with pytest.raises(StoreUnavailable):
                world.local.installation.commit()
        assert truth(world) == before


def test_a_neighbour_in_the_turn_sees_it(
    world: World, seen: dict[str, dict[str, Change]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests of one turn, all prepared before, are answered as if one came after the other."""
    found = registry.implementation("kms", "UpdateKeyDescription")
    assert found is not None
    now: list[Change] = []

    def change(call: Any, _request: object) -> None:
        call.asked = True
        now[-1](call.transaction)

    replacing = Implementation(found.operation, change)
    monkeypatch.setitem(registry._implementations, ("kms", "UpdateKeyDescription"), replacing)
    monkeypatch.setattr(routing, "_JSON", {})
    asked = (*world.described, *world.used)
    changing = world.local.kms_request("UpdateKeyDescription", KeyId=world.keys[0], Description="")
    pipeline, told = world.local.installation.pipeline, []
    for tried in each(seen):
        now.append(tried)
        turn = (*asked, changing, *asked)
        given = pipeline.answer_all(turn, 60.0)
        answers = [_answered(answer.response) for answer in given if isinstance(answer, Answer)]
        forget(world)
        told.append(answers[: len(asked)] != answers[len(asked) + 1 :])
        assert answers[len(asked)][0] == 200
        assert answers[len(asked) + 1 :] == [world.answer(request) for request in asked]
        undo(world)
    assert any(told)
