"""CreateServiceLinkedRole, DeleteServiceLinkedRole, GetServiceLinkedRoleDeletionStatus.

Trust policy and permissions of such a role are fixed. Nothing here keeps one busy, so that a
deletion has succeeded when its task is known.
"""

import re
from uuid import UUID

from keystead.call import Target
from keystead.custody.randomness import urandom
from keystead.identity import times
from keystead.identity.call import IamCall
from keystead.identity.iam import entities
from keystead.identity.iam.identities import roles
from keystead.identity.repository import Attachment, Role
from keystead.identity.service_linked import SERVICE_LINKED_ROLES, path_of
from keystead.registry import implements
from keystead.wire.models import iam as api

_TASK = re.compile(r"\Atask(/aws-service-role/[^/]+/)([^/]+)/[0-9a-f-]{36}\Z")


@implements(api.CreateServiceLinkedRole)
def create_service_linked_role(
    call: IamCall, request: api.CreateServiceLinkedRoleRequest
) -> api.CreateServiceLinkedRoleResponse:
    service = request.aws_service_name
    known = SERVICE_LINKED_ROLES.get(service)
    arn = Role.kind.arn(call.account, path_of(service), known.name if known else "*")
    keys = {"iam:awsservicename": service}
    call.ask(Target(arn, call.account, Role.kind.resource_type), keys)
    if known is None:
        raise api.InvalidInputException(f"{service} has no service-linked role")
    if request.custom_suffix is not None:
        raise api.InvalidInputException(f"Custom suffix is not allowed for {service}")
    if call.role(known.name).record is not None:
        raise api.InvalidInputException(
            f"Service role name {known.name} has been taken in this account, please try a"
            " different suffix."
        )
    role = entities.create(
        call, Role, known.name, known.path,
        trust_policy=known.trust_policy, trusted="{}", description=request.description,
        longest_session=roles.LONGEST_SESSION, service=service, boundary=None, tags="{}",
    )  # fmt: skip
    attachment = Attachment(
        account=role.account,
        entity_id=role.role_id,
        policy_arn=known.policy_arn,
        created=times.stored(call.now),
    )
    call.repository.attachments.insert(call.transaction, attachment)
    return api.CreateServiceLinkedRoleResponse(role=roles.made(call, role))


@implements(api.DeleteServiceLinkedRole)
def delete_service_linked_role(
    call: IamCall, request: api.DeleteServiceLinkedRoleRequest
) -> api.DeleteServiceLinkedRoleResponse:
    named = call.role(request.role_name)
    call.ask(named)
    role = named.existing()
    if role.service is None:
        raise api.NoSuchEntityException(named.missing)
    repository, transaction = call.repository, call.transaction
    for attachment in repository.attachments.of(transaction, role.account, (role.role_id,)):
        repository.attachments.delete(transaction, attachment)
    repository.roles.delete(transaction, role)
    task_id = f"task{role.path}{role.name}/{UUID(bytes=urandom(16), version=4)}"
    repository.role_deletions.record(transaction, role, task_id)
    return api.DeleteServiceLinkedRoleResponse(deletion_task_id=task_id)


@implements(api.GetServiceLinkedRoleDeletionStatus)
def get_service_linked_role_deletion_status(
    call: IamCall, request: api.GetServiceLinkedRoleDeletionStatusRequest
) -> api.GetServiceLinkedRoleDeletionStatusResponse:
    task_id = request.deletion_task_id
    task = _TASK.match(task_id)
    if task is None:
        raise api.InvalidInputException(f"The deletion task id {task_id} is not valid.")
    path, name = task.groups()
    call.ask(Target(Role.kind.arn(call.account, path, name), call.account, "AWS::IAM::Role"))
    deletion = call.repository.role_deletions.of(call.transaction, call.account, name)
    if deletion is None or deletion.task_id != task_id:
        raise api.NoSuchEntityException(f"The deletion task {task_id} cannot be found.")
    return api.GetServiceLinkedRoleDeletionStatusResponse(status="SUCCEEDED")
