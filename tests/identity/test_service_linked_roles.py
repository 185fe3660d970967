"""Service-linked roles: made for services of a fixed list, changed by nobody, deleted by a task."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.test_roles import make, trust
from tests.identity.world import Person, Tenant, allow

SERVICE = "mrk.kms.amazonaws.com"
NAME = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
POLICY = (
    "arn:aws:iam::aws:policy/aws-service-role/"
    "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy"
)
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_create(tenant: Tenant, admin: Person) -> None:
    """The role of a service has its path, its name, its trust policy and its permissions."""
    made = admin(api.CreateServiceLinkedRole, aws_service_name=SERVICE, description="d").role

    assert made is not None
    assert made.arn == f"arn:aws:iam::{tenant.id}:role/aws-service-role/{SERVICE}/{NAME}"
    assert made.description == "d"
    trusted = json.loads(unquote(str(made.assume_role_policy_document)))
    assert trusted["Statement"][0]["Principal"] == {"Service": SERVICE}
    attached = admin(api.ListAttachedRolePolicies, role_name=NAME).attached_policies or []
    assert [policy.policy_arn for policy in attached] == [POLICY]
    with refused("InvalidInput", f"Service role name {NAME} has been taken in this account"):
        admin(api.CreateServiceLinkedRole, aws_service_name=SERVICE)
    with refused("InvalidInput", "Custom suffix is not allowed for cks.kms.amazonaws.com"):
        admin(
            api.CreateServiceLinkedRole,
            aws_service_name="cks.kms.amazonaws.com",
            custom_suffix="x",
        )
    admin(api.CreateServiceLinkedRole, aws_service_name="cks.kms.amazonaws.com")


def test_only_for_services_that_have_one(tenant: Tenant) -> None:
    """An unknown service is refused, and so is who may not make the role of this service."""
    condition = {"StringEquals": {"iam:AWSServiceName": SERVICE}}
    alice = tenant.user("alice", allow("iam:CreateServiceLinkedRole", Condition=condition))

    with refused("AccessDenied", "iam:CreateServiceLinkedRole on resource"):
        alice(api.CreateServiceLinkedRole, aws_service_name="cks.kms.amazonaws.com")
    alice(api.CreateServiceLinkedRole, aws_service_name=SERVICE)
    with refused("InvalidInput", "no-service.amazonaws.com"):
        tenant.root(api.CreateServiceLinkedRole, aws_service_name="no-service.amazonaws.com")


CHANGES: list[tuple[Operation[Any, Any], dict[str, Any]]] = [
    (api.DeleteRole, {}),
    (api.UpdateAssumeRolePolicy, {"policy_document": trust()}),
    (api.PutRolePolicy, {"policy_name": "p", "policy_document": allow("s3:*")}),
    (api.DeleteRolePolicy, {"policy_name": "p"}),
    (api.AttachRolePolicy, {"policy_arn": READ_ONLY}),
    (api.DetachRolePolicy, {"policy_arn": POLICY}),
    (api.PutRolePermissionsBoundary, {"permissions_boundary": READ_ONLY}),
    (api.DeleteRolePermissionsBoundary, {}),
    (api.UpdateRole, {"max_session_duration": 7200}),
    (api.AddRoleToInstanceProfile, {"instance_profile_name": "web"}),
]


@pytest.mark.parametrize(
    ("operation", "members"), CHANGES, ids=lambda one: getattr(one, "name", "")
)
def test_nobody_changes_it(
    tenant: Tenant, admin: Person, operation: Operation[Any, Any], members: dict[str, Any]
) -> None:
    """Not even an administrator changes it; who may not see it is told nothing."""
    admin(api.CreateServiceLinkedRole, aws_service_name=SERVICE)
    admin(api.CreateInstanceProfile, instance_profile_name="web")
    mallory = tenant.user("mallory")

    with refused(
        "UnmodifiableEntity", f"Cannot perform the operation on the protected role '{NAME}'"
    ):
        admin(operation, role_name=NAME, **members)
    with refused("AccessDenied", f"iam:{operation.name} on resource"):
        mallory(operation, role_name=NAME, **members)


def test_description_and_tags_are_the_accounts(admin: Person) -> None:
    """What does not change its permissions may be changed."""
    admin(api.CreateServiceLinkedRole, aws_service_name=SERVICE)

    admin(api.UpdateRoleDescription, role_name=NAME, description="ours")
    admin(api.UpdateRole, role_name=NAME, description="still ours")
    admin(api.TagRole, role_name=NAME, tags=[api.Tag(key="k", value="v")])
    role = admin(api.GetRole, role_name=NAME).role
    assert (role.description, role.tags) == ("still ours", [api.Tag(key="k", value="v")])


def test_delete(admin: Person) -> None:
    """It is deleted by a task, which only this account knows and which tells of the last time."""
    admin(api.CreateServiceLinkedRole, aws_service_name=SERVICE)
    deletion = admin(api.DeleteServiceLinkedRole, role_name=NAME).deletion_task_id

    assert deletion.startswith(f"task/aws-service-role/{SERVICE}/{NAME}/")
    status = admin(api.GetServiceLinkedRoleDeletionStatus, deletion_task_id=deletion)
    assert status.status == "SUCCEEDED"
    with refused("NoSuchEntity", "The role with name"):
        admin(api.GetRole, role_name=NAME)
    other = deletion[:-1] + ("0" if deletion[-1] != "0" else "1")
    with refused("NoSuchEntity"):
        admin(api.GetServiceLinkedRoleDeletionStatus, deletion_task_id=other)
    with refused("InvalidInput"):
        admin(api.GetServiceLinkedRoleDeletionStatus, deletion_task_id="task/x/y/z/0000000000")
    admin(api.CreateServiceLinkedRole, aws_service_name=SERVICE)
    admin(api.DeleteServiceLinkedRole, role_name=NAME)
    with refused("NoSuchEntity"):
        admin(api.GetServiceLinkedRoleDeletionStatus, deletion_task_id=deletion)


def test_an_ordinary_role_is_none(admin: Person) -> None:
    """DeleteServiceLinkedRole leaves other roles alone."""
    make(admin)

    with refused("NoSuchEntity"):
        admin(api.DeleteServiceLinkedRole, role_name="ops")
    admin(api.DeleteRole, role_name="ops")


def test_its_policies_are_for_it_alone(tenant: Tenant, admin: Person) -> None:
    """What service-linked roles may do is attached to nothing else, nor bounds anything."""
    make(admin)
    tenant.user("alice")

    with refused("PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role."):
        admin(api.AttachRolePolicy, role_name="ops", policy_arn=POLICY)
    with refused("PolicyNotAttachable"):
        admin(api.AttachUserPolicy, user_name="alice", policy_arn=POLICY)
    with refused("PolicyNotAttachable"):
        admin(api.PutRolePermissionsBoundary, role_name="ops", permissions_boundary=POLICY)
    admin(api.AttachRolePolicy, role_name="ops", policy_arn=READ_ONLY)
