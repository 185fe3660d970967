"""Put, Get, Delete and List of the inline policies of users and groups."""

import msgspec

from keystead.identity import limits, paging, resources, times
from keystead.identity.call import IamCall
from keystead.identity.iam.policies import documents
from keystead.identity.repository import Group, InlinePolicy, User
from keystead.policy.language import DocumentKind, document_size
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.PutUserPolicy)
def put_user_policy(call: IamCall, request: api.PutUserPolicyRequest) -> None:
    named = call.user(request.user_name)
    call.ask(named, resources.own_boundary_keys(named))
    user = named.existing()
    if not _put(call, user, request.policy_name, request.policy_document, limits.USER_POLICY_SIZE):
        raise api.LimitExceededException(
            f"Maximum policy size of {limits.USER_POLICY_SIZE} bytes exceeded for user {user.name}"
        )


@implements(api.PutGroupPolicy)
def put_group_policy(call: IamCall, request: api.PutGroupPolicyRequest) -> None:
    named = call.group(request.group_name)
    call.ask(named)
    group = named.existing()
    limit = limits.GROUP_POLICY_SIZE
    if not _put(call, group, request.policy_name, request.policy_document, limit):
        raise api.LimitExceededException(
            f"Maximum policy size of {limit} bytes exceeded for group {group.name}"
        )


@implements(api.GetUserPolicy)
def get_user_policy(call: IamCall, request: api.GetUserPolicyRequest) -> api.GetUserPolicyResponse:
    named = call.user(request.user_name)
    call.ask(named)
    user = named.existing()
    policy = _existing(call, user, request.policy_name)
    return api.GetUserPolicyResponse(
        user_name=user.name,
        policy_name=policy.name,
        policy_document=documents.encoded(policy.document),
    )


@implements(api.GetGroupPolicy)
def get_group_policy(
    call: IamCall, request: api.GetGroupPolicyRequest
) -> api.GetGroupPolicyResponse:
    named = call.group(request.group_name)
    call.ask(named)
    group = named.existing()
    policy = _existing(call, group, request.policy_name)
    return api.GetGroupPolicyResponse(
        group_name=group.name,
        policy_name=policy.name,
        policy_document=documents.encoded(policy.document),
    )


@implements(api.DeleteUserPolicy)
def delete_user_policy(call: IamCall, request: api.DeleteUserPolicyRequest) -> None:
    named = call.user(request.user_name)
    call.ask(named, resources.own_boundary_keys(named))
    policy = _existing(call, named.existing(), request.policy_name)
    call.repository.inline_policies.delete(call.transaction, policy)


@implements(api.DeleteGroupPolicy)
def delete_group_policy(call: IamCall, request: api.DeleteGroupPolicyRequest) -> None:
    named = call.group(request.group_name)
    call.ask(named)
    policy = _existing(call, named.existing(), request.policy_name)
    call.repository.inline_policies.delete(call.transaction, policy)


@implements(api.ListUserPolicies)
def list_user_policies(
    call: IamCall, request: api.ListUserPoliciesRequest
) -> api.ListUserPoliciesResponse:
    named = call.user(request.user_name)
    call.ask(named)
    page = paging.cut(call, request, _names(call, named.existing()))
    return api.ListUserPoliciesResponse(
        policy_names=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListGroupPolicies)
def list_group_policies(
    call: IamCall, request: api.ListGroupPoliciesRequest
) -> api.ListGroupPoliciesResponse:
    named = call.group(request.group_name)
    call.ask(named)
    page = paging.cut(call, request, _names(call, named.existing()))
    return api.ListGroupPoliciesResponse(
        policy_names=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


def _put(call: IamCall, entity: User | Group, name: str, document: str, limit: int) -> bool:
    """Write or replace a policy; False when the entity would have more than it may."""
    documents.require_valid(call, document)
    policies = call.repository.inline_policies
    known = policies.of(call.transaction, entity.account, (entity.entity_id,))
    others = sum(
        document_size(policy.document, DocumentKind.IDENTITY)
        for policy in known
        if policy.name != name
    )
    if others + document_size(document, DocumentKind.IDENTITY) > limit:
        return False
    replaced = policies.get(call.transaction, entity.account, entity.entity_id, name)
    if replaced is not None:
        written = msgspec.structs.replace(replaced, document=document)
        policies.update(call.transaction, written)
        return True
    policies.insert(
        call.transaction,
        InlinePolicy(
            account=entity.account,
            entity_id=entity.entity_id,
            name=name,
            document=document,
            created=times.stored(call.now),
        ),
    )
    return True


def _existing(call: IamCall, entity: User | Group, name: str) -> InlinePolicy:
    """The inline policy with this name; raises NoSuchEntity."""
    policy = call.repository.inline_policies.get(
        call.transaction, entity.account, entity.entity_id, name
    )
    if policy is None:
        kind = "user" if isinstance(entity, User) else "group"
        raise api.NoSuchEntityException(f"The {kind} policy with name {name} cannot be found.")
    return policy


def _names(call: IamCall, entity: User | Group) -> list[str]:
    policies = call.repository.inline_policies
    known = policies.of(call.transaction, entity.account, (entity.entity_id,))
    return [policy.name for policy in known]
