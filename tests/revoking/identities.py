"""Revoking calls of IAM: about users, groups, roles and their policies."""

from datetime import UTC, datetime, timedelta

from botocore.credentials import Credentials

from tests.revoking.asking import Request
from tests.revoking.steps import Steps, both
from tests.revoking.world import ALLOW, DENY, TRUST, World, document

NOT_ENCRYPT = {"Effect": "Allow", "NotAction": "kms:Encrypt", "Resource": "*"}


# Users: their keys, and sessions of their own


def deactivated_key(w: World) -> Steps:
    name, key = w.user(ALLOW)
    named = {"UserName": name, "AccessKeyId": key.access_key}
    yield from both(
        w.encrypt(key, w.key),
        lambda: w.iam.update_access_key(**named, Status="Inactive"),
        lambda: w.iam.update_access_key(**named, Status="Active"),
    )


def deleted_key(w: World) -> Steps:
    name, key = w.user(ALLOW)
    while True:
        yield w.encrypt(key, w.key)
        w.iam.delete_access_key(UserName=name, AccessKeyId=key.access_key)
        yield None
        made = w.iam.create_access_key(UserName=name)["AccessKey"]
        key = Credentials(made["AccessKeyId"], made["SecretAccessKey"])


def deleted_user(w: World) -> Steps:
    """Whom a key policy lets in by name."""
    own = w.new_key()
    while True:
        name, key = w.user()
        session = w.own_session(key)
        w.iam.delete_access_key(UserName=name, AccessKeyId=key.access_key)
        arn = f"arn:aws:iam::{w.account}:user/{name}"
        w.key_policy(own, {**ALLOW, "Action": "kms:*", "Principal": {"AWS": arn}})
        yield w.encrypt(session, own)
        w.iam.delete_user(UserName=name)
        yield None


def _of_user(w: World) -> tuple[str, Request]:
    """A user who may do everything, and a request of its session."""
    name, key = w.user(ALLOW)
    return name, w.encrypt(w.own_session(key), w.key)


def deleted_user_policy(w: World) -> Steps:
    name, asked = _of_user(w)
    yield from both(
        asked,
        lambda: w.iam.delete_user_policy(UserName=name, PolicyName="own"),
        lambda: w.give_user(name, ALLOW),
    )


def denied_by_user_policy(w: World) -> Steps:
    name, asked = _of_user(w)
    yield from both(
        asked,
        lambda: w.give_user(name, DENY, policy="no"),
        lambda: w.iam.delete_user_policy(UserName=name, PolicyName="no"),
    )


def user_boundary(w: World) -> Steps:
    name, asked = _of_user(w)
    bound = w.managed(NOT_ENCRYPT)
    yield from both(
        asked,
        lambda: w.iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=bound),
        lambda: w.iam.delete_user_permissions_boundary(UserName=name),
    )


def detached_user_policy(w: World) -> Steps:
    name, key = w.user()
    named = {"UserName": name, "PolicyArn": w.managed(ALLOW)}
    w.iam.attach_user_policy(**named)
    yield from both(
        w.encrypt(w.own_session(key), w.key),
        lambda: w.iam.detach_user_policy(**named),
        lambda: w.iam.attach_user_policy(**named),
    )


def default_version(w: World) -> Steps:
    """A managed policy whose other version says no."""
    name, key = w.user()
    arn = w.managed(ALLOW)
    w.iam.attach_user_policy(UserName=name, PolicyArn=arn)
    w.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(DENY))
    yield from both(
        w.encrypt(w.own_session(key), w.key),
        lambda: w.iam.set_default_policy_version(PolicyArn=arn, VersionId="v2"),
        lambda: w.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1"),
    )


def group_membership(w: World) -> Steps:
    name, key = w.user()
    group = w.name("group")
    named = {"GroupName": group, "UserName": name}
    w.iam.create_group(GroupName=group)
    w.iam.put_group_policy(GroupName=group, PolicyName="own", PolicyDocument=document(ALLOW))
    w.iam.add_user_to_group(**named)
    yield from both(
        w.encrypt(w.own_session(key), w.key),
        lambda: w.iam.remove_user_from_group(**named),
        lambda: w.iam.add_user_to_group(**named),
    )


def group_policy(w: World) -> Steps:
    name, key = w.user()
    group = w.name("group")
    named = {"GroupName": group, "PolicyName": "own"}
    w.iam.create_group(GroupName=group)
    w.iam.add_user_to_group(GroupName=group, UserName=name)
    w.iam.put_group_policy(**named, PolicyDocument=document(ALLOW))
    yield from both(
        w.encrypt(w.own_session(key), w.key),
        lambda: w.iam.delete_group_policy(**named),
        lambda: w.iam.put_group_policy(**named, PolicyDocument=document(ALLOW)),
    )


def policy_of_who_federates(w: World) -> Steps:
    """The session is a federated user's; the policy is the user's who federated."""
    name, key = w.user(ALLOW)
    yield from both(
        w.encrypt(w.federated(key), w.key),
        lambda: w.iam.delete_user_policy(UserName=name, PolicyName="own"),
        lambda: w.give_user(name, ALLOW),
    )


def user_tag(w: World) -> Steps:
    """A policy that asks for a tag of the caller."""
    tagged = {**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    name, key = w.user(tagged)
    tags = [{"Key": "team", "Value": "blue"}]
    w.iam.tag_user(UserName=name, Tags=tags)
    yield from both(
        w.encrypt(w.own_session(key), w.key),
        lambda: w.iam.untag_user(UserName=name, TagKeys=["team"]),
        lambda: w.iam.tag_user(UserName=name, Tags=tags),
    )


def deactivated_device(w: World) -> Steps:
    """The session used the device."""
    name, key = w.user(ALLOW)
    while True:
        serial, session = w.session_with_device(name, key)
        yield w.encrypt(session, w.key)
        w.iam.deactivate_mfa_device(UserName=name, SerialNumber=serial)
        yield None
        w.iam.delete_virtual_mfa_device(SerialNumber=serial)


# Roles and their sessions


def deleted_role(w: World) -> Steps:
    """Which a key policy lets in by name."""
    own = w.new_key()
    while True:
        role = w.role()
        session = w.assume(role)
        arn = f"arn:aws:iam::{w.account}:role/{role}"
        w.key_policy(own, {**ALLOW, "Action": "kms:*", "Principal": {"AWS": arn}})
        yield w.encrypt(session, own)
        w.iam.delete_role(RoleName=role)
        yield None


def deleted_role_policy(w: World) -> Steps:
    role = w.role(ALLOW)
    yield from both(
        w.encrypt(w.assume(role), w.key),
        lambda: w.iam.delete_role_policy(RoleName=role, PolicyName="own"),
        lambda: w.give_role(role, ALLOW),
    )


def policy_of_narrowed_session(w: World) -> Steps:
    """The session narrowed itself; the policy is its role's."""
    role = w.role(ALLOW)
    yield from both(
        w.encrypt(w.narrowed(w.assume(role)), w.key),
        lambda: w.iam.delete_role_policy(RoleName=role, PolicyName="own"),
        lambda: w.give_role(role, ALLOW),
    )


def detached_role_policy(w: World) -> Steps:
    role = w.role()
    named = {"RoleName": role, "PolicyArn": w.managed(ALLOW)}
    w.iam.attach_role_policy(**named)
    yield from both(
        w.encrypt(w.assume(role), w.key),
        lambda: w.iam.detach_role_policy(**named),
        lambda: w.iam.attach_role_policy(**named),
    )


def role_boundary(w: World) -> Steps:
    role, bound = w.role(ALLOW), w.managed(NOT_ENCRYPT)
    yield from both(
        w.encrypt(w.assume(role), w.key),
        lambda: w.iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=bound),
        lambda: w.iam.delete_role_permissions_boundary(RoleName=role),
    )


def revoked_sessions(w: World) -> Steps:
    """As the console revokes older sessions: by the time of their issue."""
    role = w.role(ALLOW)

    def revoke() -> None:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        before = {"DateLessThan": {"aws:TokenIssueTime": f"{soon:%Y-%m-%dT%H:%M:%SZ}"}}
        statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": before}
        w.give_role(role, statement, policy="AWSRevokeOlderSessions")

    yield from both(
        w.encrypt(w.assume(role), w.key),
        revoke,
        lambda: w.iam.delete_role_policy(RoleName=role, PolicyName="AWSRevokeOlderSessions"),
    )


def trust_policy(w: World) -> Steps:
    """Who may assume a role: asked by a live session of another role."""
    first, second = w.role(ALLOW), w.role()
    arn = f"arn:aws:iam::{w.account}:role"
    asked = {"RoleArn": f"{arn}/{second}", "RoleSessionName": "next"}

    def trusts(role: str) -> None:
        trust = document({**TRUST, "Principal": {"AWS": f"{arn}/{role}"}})
        w.iam.update_assume_role_policy(RoleName=second, PolicyDocument=trust)

    yield from both(
        w.request(w.assume(first), "sts", "AssumeRole", **asked),
        lambda: trusts(second),
        lambda: trusts(first),
    )


def session_policy(w: World) -> Steps:
    """A managed policy that was passed to the session, and is deleted."""
    role = w.role(ALLOW)
    while True:
        arn = w.managed(ALLOW)
        yield w.encrypt(w.assume(role, PolicyArns=[{"arn": arn}]), w.key)
        w.iam.delete_policy(PolicyArn=arn)
        yield None


def role_tag(w: World) -> Steps:
    tagged = {**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    role, tags = w.role(tagged), [{"Key": "team", "Value": "blue"}]
    w.iam.tag_role(RoleName=role, Tags=tags)
    yield from both(
        w.encrypt(w.assume(role), w.key),
        lambda: w.iam.untag_role(RoleName=role, TagKeys=["team"]),
        lambda: w.iam.tag_role(RoleName=role, Tags=tags),
    )
