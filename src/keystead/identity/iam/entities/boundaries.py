"""Put and Delete of permissions boundaries. A boundary is a managed policy."""

from typing import Any, cast

import msgspec

from keystead.arns import NotAnArn
from keystead.errors import AwsError
from keystead.identity import resources
from keystead.identity.call import IamCall
from keystead.identity.iam.entities.conflicts import ask_to_change
from keystead.identity.names import AWS_ACCOUNT, SERVICE_LINKED, NotAPolicyArn, split_policy_arn
from keystead.identity.permissions import root_access
from keystead.identity.repository import Entity
from keystead.identity.resources import Named
from keystead.registry import implements
from keystead.wire.models import iam as api


class InvalidParameterValue(AwsError):
    """A value that its parameter cannot have. This error is not in IAM's model (iam.md 1.6)."""

    code = "InvalidParameterValue"


@implements(api.PutUserPermissionsBoundary)
def put_user_permissions_boundary(
    call: IamCall, request: api.PutUserPermissionsBoundaryRequest
) -> None:
    _put(call, call.user(request.user_name), request.permissions_boundary)


@implements(api.PutRolePermissionsBoundary)
def put_role_permissions_boundary(
    call: IamCall, request: api.PutRolePermissionsBoundaryRequest
) -> None:
    _put(call, call.role(request.role_name), request.permissions_boundary)


@implements(api.DeleteUserPermissionsBoundary)
def delete_user_permissions_boundary(
    call: IamCall, request: api.DeleteUserPermissionsBoundaryRequest
) -> None:
    _delete(call, call.user(request.user_name))


@implements(api.DeleteRolePermissionsBoundary)
def delete_role_permissions_boundary(
    call: IamCall, request: api.DeleteRolePermissionsBoundaryRequest
) -> None:
    _delete(call, call.role(request.role_name))


def requested(arn: str | None) -> str | None:
    """The boundary of a request; refuses a text that is not the ARN of a managed policy."""
    if arn is None:
        return None
    try:
        split_policy_arn(arn)
    except (NotAnArn, NotAPolicyArn):
        raise InvalidParameterValue(
            f"Value ({arn}) for parameter PermissionsBoundary is invalid."
        ) from None
    return arn


def require_policy(call: IamCall, arn: str | None) -> None:
    """Refuse a policy that does not exist or is another account's.

    Those of service-linked roles and the task policies of AssumeRoot are nobody's either.
    """
    if arn is None:
        return
    policy = call.find_policy(arn)
    if policy is None:
        raise api.NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
    if policy.account == AWS_ACCOUNT and policy.path.startswith(SERVICE_LINKED):
        raise api.PolicyNotAttachableException(
            "Cannot attach a Service Role Policy to a Customer Role."
        )
    if policy.account == AWS_ACCOUNT and policy.path == root_access.PATH:
        raise api.PolicyNotAttachableException(f"Policy {arn} can only be passed to AssumeRoot.")


def shown(arn: str | None) -> api.AttachedPermissionsBoundary | None:
    """A boundary in an answer. AWS sends `Policy`, which its model does not list (iam.md 2.14)."""
    if arn is None:
        return None
    return api.AttachedPermissionsBoundary(
        permissions_boundary_type=cast("Any", "Policy"), permissions_boundary_arn=arn
    )


def _put(call: IamCall, named: Named[Entity], arn: str) -> None:
    boundary = requested(arn)
    known = ask_to_change(call, named, resources.boundary_keys(boundary))
    require_policy(call, boundary)
    bounded = msgspec.structs.replace(known, boundary=boundary)
    call.repository.update(call.transaction, bounded)


def _delete(call: IamCall, named: Named[Entity]) -> None:
    known = ask_to_change(call, named, resources.own_boundary_keys(named))
    if known.boundary is None:
        raise api.NoSuchEntityException(
            f"The {known.kind.noun} with name {known.name} does not have a permissions boundary."
        )
    unbounded = msgspec.structs.replace(known, boundary=None)
    call.repository.update(call.transaction, unbounded)
