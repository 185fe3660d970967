"""ListPolicies, ListEntitiesForPolicy."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from keystead.identity import managed_policies, paging
from keystead.identity.call import IamCall
from keystead.identity.iam.policies.policies import listed
from keystead.identity.iam.policies.policy_usage import (
    entities_after,
    entities_below,
    policy_usage,
)
from keystead.identity.names import AWS_ACCOUNT
from keystead.identity.repository import Entity, Group, ManagedPolicy, Role, User
from keystead.registry import implements
from keystead.wire.models import iam as api

_BATCH = 100


@implements(api.ListPolicies)
def list_policies(call: IamCall, request: api.ListPoliciesRequest) -> api.ListPoliciesResponse:
    call.ask_any()
    usage = policy_usage(call)

    def wanted(policy: ManagedPolicy) -> bool:
        attached, bounding = usage.of(policy.arn)
        if request.only_attached and not attached:
            return False
        if request.policy_usage_filter == "PermissionsPolicy":
            return attached > 0
        return request.policy_usage_filter is None or bounding > 0

    def after(position: str, count: int) -> list[ManagedPolicy]:
        return list(islice(filter(wanted, _policies_after(call, request, position)), count))

    page = paging.walk(call, request, after, _position)
    return api.ListPoliciesResponse(
        policies=[listed(policy, usage) for policy in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.ListEntitiesForPolicy)
def list_entities_for_policy(
    call: IamCall, request: api.ListEntitiesForPolicyRequest
) -> api.ListEntitiesForPolicyResponse:
    policy = call.policy(request.policy_arn)
    call.ask(policy)
    arn = policy.existing().arn

    which: Any = {"usage": request.policy_usage_filter, "kind": request.entity_filter}
    path = request.path_prefix or "/"

    def after(entity_id: str, count: int) -> tuple[list[Entity], str | None]:
        if path == "/":
            return entities_after(call, arn, entity_id, count, **which), None
        return entities_below(call, arn, entity_id, count, path_prefix=path, **which)

    page = paging.search(call, request, after, lambda entity: entity.entity_id)
    return api.ListEntitiesForPolicyResponse(
        policy_groups=[
            api.PolicyGroup(group_name=entity.name, group_id=entity.group_id)
            for entity in page.items
            if isinstance(entity, Group)
        ],
        policy_users=[
            api.PolicyUser(user_name=entity.name, user_id=entity.user_id)
            for entity in page.items
            if isinstance(entity, User)
        ],
        policy_roles=[
            api.PolicyRole(role_name=entity.name, role_id=entity.role_id)
            for entity in page.items
            if isinstance(entity, Role)
        ],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def _position(policy: ManagedPolicy) -> str:
    """AWS's policies come first, then the account's own; each in the order of their names."""
    return ("0" if policy.account == AWS_ACCOUNT else "1") + policy.name_key


def _policies_after(
    call: IamCall, request: api.ListPoliciesRequest, position: str
) -> Iterator[ManagedPolicy]:
    prefix = request.path_prefix or "/"
    if request.scope != "Local":
        for policy in managed_policies.every():
            if _position(policy) > position and policy.path.startswith(prefix):
                yield policy
    if request.scope == "AWS":
        return
    name_key = position[1:] if position.startswith("1") else ""
    while batch := call.repository.policies.after(
        call.transaction, call.account, name_key, prefix, _BATCH
    ):
        yield from batch
        name_key = batch[-1].name_key
