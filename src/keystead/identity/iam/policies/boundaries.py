"""PutUserPermissionsBoundary, DeleteUserPermissionsBoundary; what a boundary may be."""

from typing import Any, cast

import msgspec

from keystead.arns import NotAnArn
from keystead.errors import AwsError
from keystead.identity import resources
from keystead.identity.call import IamCall
from keystead.identity.names import NotAPolicyArn, split_policy_arn
from keystead.registry import implements
from keystead.wire.models import iam as api


class InvalidParameterValue(AwsError):
    """A value that cannot be what the parameter is for. Not in IAM's model (iam.md 1.6)."""

    code = "InvalidParameterValue"


@implements(api.PutUserPermissionsBoundary)
def put_user_permissions_boundary(
    call: IamCall, request: api.PutUserPermissionsBoundaryRequest
) -> None:
    boundary = requested(request.permissions_boundary)
    user = call.user(request.user_name)
    call.ask(user, resources.boundary_keys(boundary))
    known = user.existing()
    require_policy(call, boundary)
    bounded = msgspec.structs.replace(known, boundary=boundary)
    call.repository.users.update(call.transaction, bounded)


@implements(api.DeleteUserPermissionsBoundary)
def delete_user_permissions_boundary(
    call: IamCall, request: api.DeleteUserPermissionsBoundaryRequest
) -> None:
    user = call.user(request.user_name)
    call.ask(user, resources.own_boundary_keys(user))
    known = user.existing()
    if known.boundary is None:
        raise api.NoSuchEntityException(
            f"The user with name {known.name} does not have a permissions boundary."
        )
    unbounded = msgspec.structs.replace(known, boundary=None)
    call.repository.users.update(call.transaction, unbounded)


def requested(arn: str | None) -> str | None:
    """The boundary of a request; refuses what is not the ARN of a managed policy."""
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
    """Refuse a boundary that does not exist, or is another account's."""
    if arn is not None and call.find_policy(arn) is None:
        raise api.NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")


def shown(arn: str | None) -> api.AttachedPermissionsBoundary | None:
    """A boundary as answers carry it; AWS says `Policy`, whatever its model lists (iam.md 2.14)."""
    if arn is None:
        return None
    return api.AttachedPermissionsBoundary(
        permissions_boundary_type=cast("Any", "Policy"), permissions_boundary_arn=arn
    )
