"""A role's life through boto3: made, trusted, given permissions, put into a profile, removed."""

import json
from typing import Any

import pytest

from tests.conftest import Server, create_user, policy, refused

TRUST = policy(
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
)
SOMETHING = policy({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"})
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_a_role_from_birth_to_death(server: Server) -> None:
    """What Terraform and the SDKs write is read back, and a role goes when it is bare."""
    iam = server.client("iam")
    made = iam.create_role(
        RoleName="worker",
        Path="/staff/",
        AssumeRolePolicyDocument=TRUST,
        Description="works",
        MaxSessionDuration=7200,
        Tags=[{"Key": "team", "Value": "orders"}],
    )["Role"]
    iam.get_waiter("role_exists").wait(RoleName="worker")
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert "MaxSessionDuration" not in made
    assert "RoleLastUsed" not in made
    known = iam.get_role(RoleName="worker")["Role"]
    assert {**made, "MaxSessionDuration": 7200, "RoleLastUsed": {}} == known

    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=SOMETHING)
    iam.attach_role_policy(RoleName="worker", PolicyArn=READ_ONLY)
    iam.create_instance_profile(InstanceProfileName="web")
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="worker")
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == ["p"]
    [attached] = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
    assert attached["PolicyArn"] == READ_ONLY
    [profile] = iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["worker"]

    with refused("DeleteConflict", "must remove roles from instance profile first."):
        iam.delete_role(RoleName="worker")
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="worker")
    iam.delete_instance_profile(InstanceProfileName="web")
    with refused("DeleteConflict", "must detach all policies first."):
        iam.delete_role(RoleName="worker")
    iam.detach_role_policy(RoleName="worker", PolicyArn=READ_ONLY)
    with refused("DeleteConflict", "must delete policies first."):
        iam.delete_role(RoleName="worker")
    iam.delete_role_policy(RoleName="worker", PolicyName="p")
    iam.delete_role(RoleName="worker")
    with refused("NoSuchEntity", "The role with name worker cannot be found."):
        iam.get_role(RoleName="worker")


def test_roles_come_in_pages(server: Server) -> None:
    """A page ends where trust policies are many, and a paginator finds every role."""
    iam = server.client("iam")
    long = policy(
        {
            "Sid": "S" * 1_800,
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )
    names = {f"paged{number:02}" for number in range(20)}
    for name in names:
        iam.create_role(RoleName=name, Path="/paged/", AssumeRolePolicyDocument=long)

    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix="/paged/"))

    assert len(pages) > 1
    assert {role["RoleName"] for page in pages for role in page["Roles"]} == names


@pytest.mark.parametrize(
    ("call", "members"),
    [
        ("update_assume_role_policy", {"PolicyDocument": TRUST}),
        ("attach_role_policy", {"PolicyArn": READ_ONLY}),
        ("put_role_permissions_boundary", {"PermissionsBoundary": READ_ONLY}),
        ("put_role_policy", {"PolicyName": "p", "PolicyDocument": SOMETHING}),
        ("update_role", {"MaxSessionDuration": 43200}),
        ("tag_role", {"Tags": [{"Key": "k", "Value": "v"}]}),
        ("delete_role", {}),
    ],
)
def test_only_who_may_changes_a_role(server: Server, call: str, members: dict[str, Any]) -> None:
    """Each change has its own action, on this role: all others are of no help."""
    iam = server.client("iam")
    name = call.replace("_", "-")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    action = f"iam:{''.join(word.title() for word in call.split('_'))}"
    everything = {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}
    without = create_user(
        server, f"without-{name}", {"Effect": "Allow", "NotAction": action, "Resource": "*"}
    )
    elsewhere = create_user(server, f"elsewhere-{name}", {**everything, "Resource": f"{arn}x"})
    only = create_user(
        server, f"only-{name}", {"Effect": "Allow", "Action": action, "Resource": arn}
    )

    for who in (without, elsewhere):
        with refused("AccessDenied", f"{action} on resource: {arn}"):
            getattr(server.client("iam", who), call)(RoleName=name, **members)
    getattr(server.client("iam", only), call)(RoleName=name, **members)


def test_service_linked(server: Server) -> None:
    """The role of a service is made for it, changed by nobody, and deleted by a task."""
    iam = server.client("iam")
    made = iam.create_service_linked_role(AWSServiceName="cks.kms.amazonaws.com")["Role"]
    name = made["RoleName"]
    assert made["Path"] == "/aws-service-role/cks.kms.amazonaws.com/"

    with refused("UnmodifiableEntity", f"protected role '{name}'"):
        iam.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    status = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert status["Status"] == "SUCCEEDED"
    with refused("NoSuchEntity"):
        iam.get_role(RoleName=name)
