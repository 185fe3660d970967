"""Attach, Detach and ListAttached of managed policies, for users and groups.

A removal is as sensitive as an addition: a detached Deny widens (threat-model 7).
"""

from keystead.identity import limits, paging, resources, times
from keystead.identity.call import IamCall
from keystead.identity.names import split_policy_arn
from keystead.identity.repository import Attachment, Group, User
from keystead.identity.resources import Named
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.AttachUserPolicy)
def attach_user_policy(call: IamCall, request: api.AttachUserPolicyRequest) -> None:
    named = call.user(request.user_name)
    call.ask(named, _user_keys(named, request.policy_arn))
    _attach(call, named.existing(), request.policy_arn, "PoliciesPerUser", limits.POLICIES_PER_USER)


@implements(api.AttachGroupPolicy)
def attach_group_policy(call: IamCall, request: api.AttachGroupPolicyRequest) -> None:
    named = call.group(request.group_name)
    call.ask(named, _policy_key(request.policy_arn))
    quota = limits.POLICIES_PER_GROUP
    _attach(call, named.existing(), request.policy_arn, "PoliciesPerGroup", quota)


@implements(api.DetachUserPolicy)
def detach_user_policy(call: IamCall, request: api.DetachUserPolicyRequest) -> None:
    named = call.user(request.user_name)
    call.ask(named, _user_keys(named, request.policy_arn))
    _detach(call, named.existing(), request.policy_arn)


@implements(api.DetachGroupPolicy)
def detach_group_policy(call: IamCall, request: api.DetachGroupPolicyRequest) -> None:
    named = call.group(request.group_name)
    call.ask(named, _policy_key(request.policy_arn))
    _detach(call, named.existing(), request.policy_arn)


@implements(api.ListAttachedUserPolicies)
def list_attached_user_policies(
    call: IamCall, request: api.ListAttachedUserPoliciesRequest
) -> api.ListAttachedUserPoliciesResponse:
    named = call.user(request.user_name)
    call.ask(named)
    attached = shown(call, named.existing(), request.path_prefix or "/")
    page = paging.cut(call, request, attached)
    return api.ListAttachedUserPoliciesResponse(
        attached_policies=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListAttachedGroupPolicies)
def list_attached_group_policies(
    call: IamCall, request: api.ListAttachedGroupPoliciesRequest
) -> api.ListAttachedGroupPoliciesResponse:
    named = call.group(request.group_name)
    call.ask(named)
    attached = shown(call, named.existing(), request.path_prefix or "/")
    page = paging.cut(call, request, attached)
    return api.ListAttachedGroupPoliciesResponse(
        attached_policies=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


def shown(call: IamCall, entity: User | Group, path_prefix: str = "/") -> list[api.AttachedPolicy]:
    """The managed policies of a user or group, as answers carry them."""
    policies = call.repository.attachments.of(call.transaction, entity.account, (entity.entity_id,))
    answer = []
    for attachment in policies:
        _, path, name = split_policy_arn(attachment.policy_arn)
        if path.startswith(path_prefix):
            answer.append(api.AttachedPolicy(policy_name=name, policy_arn=attachment.policy_arn))
    return answer


def _policy_key(arn: str) -> dict[str, ContextValue]:
    return {"iam:policyarn": arn}


def _user_keys(named: Named[User], arn: str) -> dict[str, ContextValue]:
    return {**_policy_key(arn), **resources.own_boundary_keys(named)}


def _attach(call: IamCall, entity: User | Group, arn: str, quota: str, limit: int) -> None:
    """Attach a policy; it is no error when it is attached already."""
    if call.find_policy(arn) is None:
        raise api.NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
    attachments = call.repository.attachments
    known = attachments.of(call.transaction, entity.account, (entity.entity_id,))
    if any(attachment.policy_arn == arn for attachment in known):
        return
    if len(known) >= limit:
        raise api.LimitExceededException(f"Cannot exceed quota for {quota}: {limit}")
    attachments.insert(
        call.transaction,
        Attachment(
            account=entity.account,
            entity_id=entity.entity_id,
            policy_arn=arn,
            created=times.stored(call.now),
        ),
    )


def _detach(call: IamCall, entity: User | Group, arn: str) -> None:
    call.find_policy(arn)  # refuses what is no ARN of a policy
    attachment = call.repository.attachments.get(
        call.transaction, entity.account, entity.entity_id, arn
    )
    if attachment is None:
        raise api.NoSuchEntityException(f"Policy {arn} was not found.")
    call.repository.attachments.delete(call.transaction, attachment)
