"""Attach, Detach and ListAttached of managed policies, for every kind that carries policies.

A removal is as sensitive as an addition: a detached Deny widens (threat-model 7).
"""

from keystead.identity import paging, resources, times
from keystead.identity.call import IamCall
from keystead.identity.iam.entities import boundaries
from keystead.identity.iam.entities.conflicts import ask_to_change
from keystead.identity.iam.entities.listings import PathRequest
from keystead.identity.kinds import required
from keystead.identity.names import split_policy_arn
from keystead.identity.repository import Attachment, Entity
from keystead.identity.resources import Named
from keystead.paging import Page
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.AttachUserPolicy)
def attach_user_policy(call: IamCall, request: api.AttachUserPolicyRequest) -> None:
    _attach(call, call.user(request.user_name), request.policy_arn)


@implements(api.AttachGroupPolicy)
def attach_group_policy(call: IamCall, request: api.AttachGroupPolicyRequest) -> None:
    _attach(call, call.group(request.group_name), request.policy_arn)


@implements(api.AttachRolePolicy)
def attach_role_policy(call: IamCall, request: api.AttachRolePolicyRequest) -> None:
    _attach(call, call.role(request.role_name), request.policy_arn)


@implements(api.DetachUserPolicy)
def detach_user_policy(call: IamCall, request: api.DetachUserPolicyRequest) -> None:
    _detach(call, call.user(request.user_name), request.policy_arn)


@implements(api.DetachGroupPolicy)
def detach_group_policy(call: IamCall, request: api.DetachGroupPolicyRequest) -> None:
    _detach(call, call.group(request.group_name), request.policy_arn)


@implements(api.DetachRolePolicy)
def detach_role_policy(call: IamCall, request: api.DetachRolePolicyRequest) -> None:
    _detach(call, call.role(request.role_name), request.policy_arn)


@implements(api.ListAttachedUserPolicies)
def list_attached_user_policies(
    call: IamCall, request: api.ListAttachedUserPoliciesRequest
) -> api.ListAttachedUserPoliciesResponse:
    page = _page(call, request, call.user(request.user_name))
    return api.ListAttachedUserPoliciesResponse(
        attached_policies=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListAttachedGroupPolicies)
def list_attached_group_policies(
    call: IamCall, request: api.ListAttachedGroupPoliciesRequest
) -> api.ListAttachedGroupPoliciesResponse:
    page = _page(call, request, call.group(request.group_name))
    return api.ListAttachedGroupPoliciesResponse(
        attached_policies=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListAttachedRolePolicies)
def list_attached_role_policies(
    call: IamCall, request: api.ListAttachedRolePoliciesRequest
) -> api.ListAttachedRolePoliciesResponse:
    page = _page(call, request, call.role(request.role_name))
    return api.ListAttachedRolePoliciesResponse(
        attached_policies=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


def shown(call: IamCall, entity: Entity, path_prefix: str = "/") -> list[api.AttachedPolicy]:
    """The managed policies of an entity, as answers carry them."""
    policies = call.repository.attachments.of(call.transaction, entity.account, (entity.entity_id,))
    answer = []
    for attachment in policies:
        _, path, name = split_policy_arn(attachment.policy_arn)
        if path.startswith(path_prefix):
            answer.append(api.AttachedPolicy(policy_name=name, policy_arn=attachment.policy_arn))
    return answer


def _attach(call: IamCall, named: Named[Entity], arn: str) -> None:
    """Attach a policy. It is not an error if it is attached already."""
    entity = ask_to_change(call, named, _keys(named, arn))
    boundaries.require_policy(call, arn)
    attachments = call.repository.attachments
    known = attachments.of(call.transaction, entity.account, (entity.entity_id,))
    if any(attachment.policy_arn == arn for attachment in known):
        return
    rules = required(entity.kind.permissions)
    if len(known) >= rules.attached:
        raise api.LimitExceededException(f"Cannot exceed quota for {rules.quota}: {rules.attached}")
    attachments.insert(
        call.transaction,
        Attachment(
            account=entity.account,
            entity_id=entity.entity_id,
            policy_arn=arn,
            created=times.stored(call.now),
        ),
    )


def _detach(call: IamCall, named: Named[Entity], arn: str) -> None:
    entity = ask_to_change(call, named, _keys(named, arn))
    call.find_policy(arn)  # refuses a text that is not the ARN of a policy
    attachment = call.repository.attachments.get(
        call.transaction, entity.account, entity.entity_id, arn
    )
    if attachment is None:
        raise api.NoSuchEntityException(f"Policy {arn} was not found.")
    call.repository.attachments.delete(call.transaction, attachment)


def _page(call: IamCall, request: PathRequest, named: Named[Entity]) -> Page[api.AttachedPolicy]:
    call.ask(named)
    attached = shown(call, named.existing(), request.path_prefix or "/")
    return paging.cut(call, request, attached)


def _keys(named: Named[Entity], arn: str) -> dict[str, ContextValue]:
    return {"iam:policyarn": arn, **resources.own_boundary_keys(named)}
