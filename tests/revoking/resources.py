"""Revoking calls of KMS, of its grants, and of Organizations, against sessions of roles."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.credentials import Credentials

from tests.conftest import OTHER_REGION
from tests.importing import FOR_EVER, prepared
from tests.revoking.asking import Request
from tests.revoking.steps import Steps, both
from tests.revoking.world import ALLOW, TEXT, World, credentials, document

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


# Keys


def _of_key(w: World) -> tuple[str, Credentials]:
    """A key, and a session of a role that may do everything."""
    return w.new_key(), w.assume(w.role(ALLOW))


def key_policy(w: World) -> Steps:
    key, session = _of_key(w)
    everybody = {**ALLOW, "Action": "kms:*", "Principal": {"AWS": w.account}}
    yield from both(
        w.encrypt(session, key),
        lambda: w.key_policy(key),
        lambda: w.key_policy(key, everybody),
    )


def disabled_key(w: World) -> Steps:
    key, session = _of_key(w)
    yield from both(
        w.encrypt(session, key),
        lambda: w.kms.disable_key(KeyId=key),
        lambda: w.kms.enable_key(KeyId=key),
    )


def imported_material(w: World) -> Steps:
    """Material that is deleted, and brought again with the same token."""
    key = w.new_key(Origin="EXTERNAL")
    sent = prepared(w.kms, key, bytes(32))

    def restore() -> None:
        w.kms.import_key_material(**sent, **FOR_EVER)

    restore()
    session = w.assume(w.role(ALLOW))
    yield from both(
        w.encrypt(session, key), lambda: w.kms.delete_imported_key_material(KeyId=key), restore
    )


def key_to_be_deleted(w: World) -> Steps:
    key, session = _of_key(w)

    def restore() -> None:
        w.kms.cancel_key_deletion(KeyId=key)
        w.kms.enable_key(KeyId=key)

    yield from both(
        w.encrypt(session, key), lambda: w.kms.schedule_key_deletion(KeyId=key), restore
    )


# Members of a multi-Region set, each revoked where it is


def _of_replica(w: World) -> tuple[str, Request]:
    """A replica, and its use by a session of a role; its primary stays as it is."""
    key = w.replicated()
    return key, w.encrypt(w.assume(w.role(ALLOW)), key, OTHER_REGION)


def disabled_replica(w: World) -> Steps:
    key, asked = _of_replica(w)
    there = w.kms_there
    yield from both(
        asked, lambda: there.disable_key(KeyId=key), lambda: there.enable_key(KeyId=key)
    )


def replica_policy(w: World) -> Steps:
    key, asked = _of_replica(w)
    whole = w.kms_there.get_key_policy(KeyId=key)["Policy"]
    admin = {
        **ALLOW,
        "Action": "kms:*",
        "Principal": {"AWS": f"arn:aws:iam::{w.account}:user/admin"},
    }
    put = w.kms_there.put_key_policy
    yield from both(
        asked,
        lambda: put(KeyId=key, Policy=document(admin)),
        lambda: put(KeyId=key, Policy=whole),
    )


def replica_to_be_deleted(w: World) -> Steps:
    key, asked = _of_replica(w)

    def restore() -> None:
        w.kms_there.cancel_key_deletion(KeyId=key)
        w.kms_there.enable_key(KeyId=key)

    yield from both(asked, lambda: w.kms_there.schedule_key_deletion(KeyId=key), restore)


def primary_that_waits_for_replicas(w: World) -> Steps:
    key = w.replicated()

    def restore() -> None:
        w.kms.cancel_key_deletion(KeyId=key)
        w.kms.enable_key(KeyId=key)

    asked = w.encrypt(w.assume(w.role(ALLOW)), key)
    yield from both(asked, lambda: w.kms.schedule_key_deletion(KeyId=key), restore)


# Names


def alias(w: World) -> Steps:
    key, session = _of_key(w)
    name = f"alias/{w.name('alias')}"
    w.kms.create_alias(AliasName=name, TargetKeyId=key)
    yield from both(
        w.encrypt(session, name),
        lambda: w.kms.delete_alias(AliasName=name),
        lambda: w.kms.create_alias(AliasName=name, TargetKeyId=key),
    )


def key_tag(w: World) -> Steps:
    """A policy that asks for a tag of the key."""
    tags = [{"TagKey": "team", "TagValue": "blue"}]
    tagged = {**ALLOW, "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}
    key, session = w.new_key(Tags=tags), w.assume(w.role(tagged))
    yield from both(
        w.encrypt(session, key),
        lambda: w.kms.untag_resource(KeyId=key, TagKeys=["team"]),
        lambda: w.kms.tag_resource(KeyId=key, Tags=tags),
    )


# Grants


def _granted(
    w: World, who: str, asked: Request, key: str, revoke: Callable[[Mapping[str, str]], Any],
    **members: Any,
) -> Steps:  # fmt: skip
    """A grant that is made, ended in this way, and made again."""

    def grant() -> Mapping[str, str]:
        made = w.kms.create_grant(
            KeyId=key, GranteePrincipal=who, Operations=["Encrypt"], **members
        )
        return {"grant": made["GrantId"], "token": made["GrantToken"]}

    made = grant()
    while True:
        yield asked
        revoke(made)
        yield None
        made = grant()


def _without_policies(w: World) -> tuple[str, str, Credentials]:
    """A key, a role without any policy, and its session."""
    role = w.role()
    return w.new_key(), f"arn:aws:iam::{w.account}:role/{role}", w.assume(role)


def revoked_grant(w: World) -> Steps:
    key, role, session = _without_policies(w)
    yield from _granted(
        w, role, w.encrypt(session, key), key,
        lambda made: w.kms.revoke_grant(KeyId=key, GrantId=made["grant"]),
    )  # fmt: skip


def retired_grant(w: World) -> Steps:
    """By its token; the grant is for one session only."""
    key, role, session = _without_policies(w)
    name = role.rpartition("/")[2]
    yield from _granted(
        w, f"arn:aws:sts::{w.account}:assumed-role/{name}/live", w.encrypt(session, key), key,
        lambda made: w.kms.retire_grant(GrantToken=made["token"]),
    )  # fmt: skip


def constrained_grant(w: World) -> Steps:
    """With a constraint on the encryption context."""
    key, role, session = _without_policies(w)
    context = {"app": "orders"}
    asked = w.request(
        session, "kms", "Encrypt", KeyId=key, Plaintext=TEXT, EncryptionContext=context
    )
    yield from _granted(
        w, role, asked, key,
        lambda made: w.kms.revoke_grant(KeyId=key, GrantId=made["grant"]),
        Constraints={"EncryptionContextSubset": context},
    )  # fmt: skip


def grant_to_an_account(w: World) -> Steps:
    """Of another account, whose own policies allow everything."""
    number, session = w.member
    key = w.new_key()
    yield from _granted(
        w, f"arn:aws:iam::{number}:root", w.encrypt(session, key), key,
        lambda made: w.kms.revoke_grant(KeyId=key, GrantId=made["grant"]),
    )  # fmt: skip


def grant_of_a_grant(w: World) -> Steps:
    """A session whose policy asks for a grant that is made through another one."""
    key, role, session = _without_policies(w)
    asked = w.request(
        session, "kms", "CreateGrant", KeyId=key, GranteePrincipal=role, Operations=["Encrypt"],
        Name="child",
    )  # fmt: skip
    parent = {"KeyId": key, "GranteePrincipal": role, "Operations": ["Encrypt", "CreateGrant"]}
    made = w.kms.create_grant(**parent)
    while True:
        yield asked
        w.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
        yield None
        made = w.kms.create_grant(**parent)


# The organization


def _of_member(w: World) -> tuple[str, Request]:
    """An account of the organization, and a request of a session in it."""
    number, session = w.member
    return number, w.request(session, "kms", "GenerateRandom", NumberOfBytes=8)


NO_RANDOM = {"Effect": "Deny", "Action": "kms:GenerateRandom", "Resource": "*"}


def _attached(w: World, kind: str, statement: dict[str, Any], asked: Request, to: str) -> Steps:
    named = {"PolicyId": w.organization_policy(kind, statement), "TargetId": to}
    yield from both(
        asked,
        lambda: w.organizations.attach_policy(**named),
        lambda: w.organizations.detach_policy(**named),
    )


def scp_of_account(w: World) -> Steps:
    number, asked = _of_member(w)
    yield from _attached(w, SCP, NO_RANDOM, asked, number)


def scp_of_root(w: World) -> Steps:
    _, asked = _of_member(w)
    yield from _attached(w, SCP, NO_RANDOM, asked, w.root)


def rcp_of_account(w: World) -> Steps:
    number, asked = _of_member(w)
    yield from _attached(w, RCP, {**NO_RANDOM, "Principal": "*"}, asked, number)


def changed_scp(w: World) -> Steps:
    number, asked = _of_member(w)
    other = {**NO_RANDOM, "Action": "kms:Sign"}
    policy = w.organization_policy(SCP, other)
    w.organizations.attach_policy(PolicyId=policy, TargetId=number)
    update = w.organizations.update_policy
    yield from both(
        asked,
        lambda: update(PolicyId=policy, Content=document(NO_RANDOM)),
        lambda: update(PolicyId=policy, Content=document(other)),
    )


def moved_account(w: World) -> Steps:
    """Below a unit whose policy denies."""
    number, asked = _of_member(w)
    made = w.organizations.create_organizational_unit(ParentId=w.root, Name=w.name("unit"))
    unit = str(made["OrganizationalUnit"]["Id"])
    policy = w.organization_policy(SCP, NO_RANDOM)
    w.organizations.attach_policy(PolicyId=policy, TargetId=unit)
    move, there, back = w.organizations.move_account, (w.root, unit), (unit, w.root)
    yield from both(
        asked,
        lambda: move(AccountId=number, SourceParentId=there[0], DestinationParentId=there[1]),
        lambda: move(AccountId=number, SourceParentId=back[0], DestinationParentId=back[1]),
    )


def closed_account(w: World) -> Steps:
    while True:
        number, session = w.new_member()
        yield w.request(session, "kms", "GenerateRandom", NumberOfBytes=8)
        w.organizations.close_account(AccountId=number)
        yield None


def root_tasks(w: World) -> Steps:
    """A session of AssumeRoot, when the organization gives up the feature of its task."""
    number, _ = w.member
    w.organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    task = {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}
    while True:
        w.iam.enable_organizations_root_credentials_management()
        given = w.sts.assume_root(TargetPrincipal=number, TaskPolicyArn=task)
        yield w.request(credentials(given["Credentials"]), "iam", "ListAccessKeys")
        w.iam.disable_organizations_root_credentials_management()
        yield None
