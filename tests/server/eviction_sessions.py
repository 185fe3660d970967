"""The sessions of such an installation: one of each kind, and what they stand on."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.credentials import Credentials

from keystead.identity.authentication import factors
from keystead.identity.identifiers import TEMPORARY_KEY, access_key_id
from keystead.identity.permissions import root_access
from keystead.identity.repository import (
    Delegate,
    Login,
    Passkey,
    RootFeature,
    ServiceAccess,
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
from keystead.server.installation import ceremonies
from tests.agent.stored import stored_instance
from tests.anywhere.stored import revoked_row, stored_rows
from tests.directories.stored import stored_directory
from tests.federation.saml_issuer import described
from tests.federation.saml_land import SamlLand
from tests.server.eviction_world import ALLOW, member
from tests.server.installations import REGION, Local


def sealed(local: Local, session: Session) -> Credentials:
    """The credentials of a session, as the server seals them when it begins now."""
    key_id = access_key_id(TEMPORARY_KEY, session.account)
    keys = local.installation.hierarchy.session_tokens
    token = sealed_token(keys, key_id, "secret", session, local.time.wall())
    return Credentials(key_id, "secret", token)


def role_session(local: Local) -> Credentials:
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
    role = member(made.body, "Arn")
    given = local.sts("AssumeRole", RoleArn=role, RoleSessionName="session")
    assert given.status == 200, given.body
    return Credentials(
        *(member(given.body, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    )


def service(local: Local) -> Credentials:
    """The credentials of a service of the site."""
    service = {"name": "warehouse.example.internal", "account_id": local.founded.account_id}
    told = ceremonies.perform(local.installation, "service register", service)
    return Credentials(told["AccessKeyId"], told["SecretAccessKey"])


def web_session(local: Local) -> Credentials:
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
    who = sealed(local, session)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def login_session(local: Local) -> Credentials:
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
    who = sealed(local, session)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def certificate_sessions(local: Local) -> list[Credentials]:
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
        found.append(sealed(local, session))
    assert [local.sts("GetCallerIdentity", who).status for who in found] == [200, 403]
    return found


def saml_session(local: Local) -> Credentials:
    """The credentials of a person of a SAML provider with a revision."""
    land = SamlLand(local)
    land.create_provider()
    land.iam("UpdateSAMLProvider", SAMLProviderArn=land.provider,
             SAMLMetadataDocument=described("idp", "other"))  # fmt: skip
    land.roles["web"] = land.role("vouched")
    return land.session()


def instance_session(local: Local) -> Credentials:
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
    who = sealed(local, session)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def directory_session(local: Local) -> Credentials:
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
    who = sealed(local, session)
    assert local.sts("GetCallerIdentity", who).status == 200
    return who


def sessions_around_a_closing(local: Local) -> Iterator[Credentials]:
    """A session that ended when its account was closed, and one that began a second later."""
    installation, number = local.installation, local.founded.account_id
    identities, reader = installation.identities, installation.store.read()
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
        who = sealed(local, session)
        assert local.sts("GetCallerIdentity", who).status == status
        yield who


def root_task(local: Local) -> Credentials:
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
    session = Credentials(*(member(given.body, name) for name in names))
    assert local.sts("GetCallerIdentity", session).status == 200
    return session
