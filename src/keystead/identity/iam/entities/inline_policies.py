"""Put, Get, Delete and List of inline policies, for every kind that carries policies."""

import msgspec

from keystead.identity import paging, resources, times
from keystead.identity.call import IamCall
from keystead.identity.iam import documents
from keystead.identity.iam.entities.conflicts import ask_to_change
from keystead.identity.kinds import required
from keystead.identity.paging import PagedRequest
from keystead.identity.repository import E, Entity, InlinePolicy
from keystead.identity.resources import Named
from keystead.paging import Page
from keystead.policy.language import DocumentKind, document_size
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.PutUserPolicy)
def put_user_policy(call: IamCall, request: api.PutUserPolicyRequest) -> None:
    _put(call, call.user(request.user_name), request.policy_name, request.policy_document)


@implements(api.PutGroupPolicy)
def put_group_policy(call: IamCall, request: api.PutGroupPolicyRequest) -> None:
    _put(call, call.group(request.group_name), request.policy_name, request.policy_document)


@implements(api.PutRolePolicy)
def put_role_policy(call: IamCall, request: api.PutRolePolicyRequest) -> None:
    _put(call, call.role(request.role_name), request.policy_name, request.policy_document)


@implements(api.GetUserPolicy)
def get_user_policy(call: IamCall, request: api.GetUserPolicyRequest) -> api.GetUserPolicyResponse:
    user, policy = _get(call, call.user(request.user_name), request.policy_name)
    return api.GetUserPolicyResponse(
        user_name=user.name,
        policy_name=policy.name,
        policy_document=documents.encoded(policy.document),
    )


@implements(api.GetGroupPolicy)
def get_group_policy(
    call: IamCall, request: api.GetGroupPolicyRequest
) -> api.GetGroupPolicyResponse:
    group, policy = _get(call, call.group(request.group_name), request.policy_name)
    return api.GetGroupPolicyResponse(
        group_name=group.name,
        policy_name=policy.name,
        policy_document=documents.encoded(policy.document),
    )


@implements(api.GetRolePolicy)
def get_role_policy(call: IamCall, request: api.GetRolePolicyRequest) -> api.GetRolePolicyResponse:
    role, policy = _get(call, call.role(request.role_name), request.policy_name)
    return api.GetRolePolicyResponse(
        role_name=role.name,
        policy_name=policy.name,
        policy_document=documents.encoded(policy.document),
    )


@implements(api.DeleteUserPolicy)
def delete_user_policy(call: IamCall, request: api.DeleteUserPolicyRequest) -> None:
    _delete(call, call.user(request.user_name), request.policy_name)


@implements(api.DeleteGroupPolicy)
def delete_group_policy(call: IamCall, request: api.DeleteGroupPolicyRequest) -> None:
    _delete(call, call.group(request.group_name), request.policy_name)


@implements(api.DeleteRolePolicy)
def delete_role_policy(call: IamCall, request: api.DeleteRolePolicyRequest) -> None:
    _delete(call, call.role(request.role_name), request.policy_name)


@implements(api.ListUserPolicies)
def list_user_policies(
    call: IamCall, request: api.ListUserPoliciesRequest
) -> api.ListUserPoliciesResponse:
    page = _page(call, request, call.user(request.user_name))
    return api.ListUserPoliciesResponse(
        policy_names=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListGroupPolicies)
def list_group_policies(
    call: IamCall, request: api.ListGroupPoliciesRequest
) -> api.ListGroupPoliciesResponse:
    page = _page(call, request, call.group(request.group_name))
    return api.ListGroupPoliciesResponse(
        policy_names=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListRolePolicies)
def list_role_policies(
    call: IamCall, request: api.ListRolePoliciesRequest
) -> api.ListRolePoliciesResponse:
    page = _page(call, request, call.role(request.role_name))
    return api.ListRolePoliciesResponse(
        policy_names=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


def shown(call: IamCall, entity: Entity) -> list[api.PolicyDetail]:
    """The inline policies of an entity, as GetAccountAuthorizationDetails carries them."""
    return [
        api.PolicyDetail(
            policy_name=policy.name, policy_document=documents.encoded(policy.document)
        )
        for policy in _of(call, entity)
    ]


def _put(call: IamCall, named: Named[Entity], name: str, document: str) -> None:
    """Write or replace a policy; refuses more characters than the entity may have."""
    entity = ask_to_change(call, named, resources.own_boundary_keys(named))
    documents.require_valid(call, document)
    known = {policy.name: policy for policy in _of(call, entity)}
    others = sum(
        document_size(policy.document, DocumentKind.IDENTITY)
        for policy in known.values()
        if policy.name != name
    )
    limit = required(entity.kind.permissions).inline_size
    if others + document_size(document, DocumentKind.IDENTITY) > limit:
        raise api.LimitExceededException(
            f"Maximum policy size of {limit} bytes exceeded for {entity.kind.noun} {entity.name}"
        )
    policies, replaced = call.repository.inline_policies, known.get(name)
    if replaced is not None:
        policies.update(call.transaction, msgspec.structs.replace(replaced, document=document))
        return
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


def _get(call: IamCall, named: Named[E], name: str) -> tuple[E, InlinePolicy]:
    call.ask(named)
    entity = named.existing()
    return entity, _existing(call, entity, name)


def _delete(call: IamCall, named: Named[Entity], name: str) -> None:
    entity = ask_to_change(call, named, resources.own_boundary_keys(named))
    policy = _existing(call, entity, name)
    call.repository.inline_policies.delete(call.transaction, policy)


def _page(call: IamCall, request: PagedRequest, named: Named[Entity]) -> Page[str]:
    call.ask(named)
    return paging.cut(call, request, [policy.name for policy in _of(call, named.existing())])


def _existing(call: IamCall, entity: Entity, name: str) -> InlinePolicy:
    """The inline policy with this name; raises NoSuchEntity."""
    policy = call.repository.inline_policies.get(
        call.transaction, entity.account, entity.entity_id, name
    )
    if policy is None:
        raise api.NoSuchEntityException(
            f"The {entity.kind.noun} policy with name {name} cannot be found."
        )
    return policy


def _of(call: IamCall, entity: Entity) -> list[InlinePolicy]:
    policies = call.repository.inline_policies
    return policies.of(call.transaction, entity.account, (entity.entity_id,))
