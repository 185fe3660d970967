"""Which policies are attached where, and which policy types are enabled?"""

from keystead.identity.organizations import limits, shapes
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import cut, walk
from keystead.identity.organizations.policies import keys_of, served_type, type_keys
from keystead.identity.organizations.resources import NO_ROOT, NO_TARGET, Node
from keystead.identity.repository import (
    DEFAULTS,
    RCP,
    Organization,
    OrganizationPolicy,
)
from keystead.paging import Page
from keystead.registry import implements
from keystead.wire.models import organizations as api


@implements(api.EnablePolicyType)
def enable_policy_type(
    call: OrganizationsCall, request: api.EnablePolicyTypeRequest
) -> api.EnablePolicyTypeResponse:
    organization = _of_root(call, request.root_id, request.policy_type)
    policy_type = served_type(organization, request.policy_type)
    if policy_type in organization.enabled_types:
        raise api.PolicyTypeAlreadyEnabledException("The specified policy type is already enabled.")
    enabled = organization.with_type(policy_type, enabled=True)
    stored = call.repository.organizations.update(call.transaction, enabled)
    return api.EnablePolicyTypeResponse(root=shapes.root(stored))


@implements(api.DisablePolicyType)
def disable_policy_type(
    call: OrganizationsCall, request: api.DisablePolicyTypeRequest
) -> api.DisablePolicyTypeResponse:
    organization = _of_root(call, request.root_id, request.policy_type)
    _require_enabled(organization, request.policy_type)
    disabled = organization.with_type(request.policy_type, enabled=False)
    stored = call.repository.organizations.update(call.transaction, disabled)
    return api.DisablePolicyTypeResponse(root=shapes.root(stored))


def _of_root(call: OrganizationsCall, root: str, policy_type: str) -> Organization:
    """The organization with this root, once the caller may change its policy types."""
    organization = call.organization()
    part = call.node(organization, root, NO_ROOT)
    call.ask(organization, part, type_keys(policy_type))
    part.existing()
    return organization


def _require_enabled(organization: Organization, policy_type: str) -> None:
    if policy_type not in organization.enabled_types:
        raise api.PolicyTypeNotEnabledException(
            "This operation can be performed only for enabled policy types."
        )


def _attachment(
    call: OrganizationsCall, policy_id: str, target_id: str
) -> tuple[Organization, OrganizationPolicy, Node, list[str]]:
    """What is to be attached or detached where, once the caller may, and what is attached there."""
    organization = call.organization()
    policy_part = call.policy(organization, policy_id)
    target_part = call.node(organization, target_id, NO_TARGET)
    call.ask(organization, policy_part, keys_of(policy_part))
    call.ask(organization, target_part, keys_of(policy_part))
    policy, target = policy_part.existing(), target_part.existing()
    _require_enabled(organization, policy.type)
    attached = call.repository.organization_policies.attached(
        call.transaction, organization, target.id, policy.type
    )
    return organization, policy, target, attached


@implements(api.AttachPolicy)
def attach_policy(call: OrganizationsCall, request: api.AttachPolicyRequest) -> None:
    organization, policy, target, attached = _attachment(call, request.policy_id, request.target_id)
    if policy.policy in attached:
        raise api.DuplicatePolicyAttachmentException(
            "The selected policy is already attached to the specified target."
        )
    if len(attached) >= limits.ATTACHED:
        raise limits.exceeded(
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You have attached the maximum number of policies to the specified target.",
        )
    call.repository.organization_policies.attach(call.transaction, organization, target.id, policy)


@implements(api.DetachPolicy)
def detach_policy(call: OrganizationsCall, request: api.DetachPolicyRequest) -> None:
    organization, policy, target, attached = _attachment(call, request.policy_id, request.target_id)
    if policy.policy not in attached:
        raise api.PolicyNotAttachedException(
            "The policy isn't attached to the specified target in the specified root."
        )
    if policy == DEFAULTS[RCP]:
        raise api.InvalidInputException(
            "You can't detach this AWS Managed Policy.", reason="NON_DETACHABLE_POLICY"
        )
    if len(attached) == 1:
        raise limits.exceeded(
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You attempted to detach a policy from an entity that would cause the entity to have"
            " fewer than the minimum number of policies of a certain type required.",
        )
    call.repository.organization_policies.detach(call.transaction, organization, target.id, policy)


@implements(api.ListPoliciesForTarget)
def list_policies_for_target(
    call: OrganizationsCall, request: api.ListPoliciesForTargetRequest
) -> api.ListPoliciesForTargetResponse:
    organization = call.organization()
    part = call.node(organization, request.target_id, NO_TARGET)
    call.ask(organization, part, type_keys(request.filter))
    table, target = call.repository.organization_policies, part.existing()
    attached = table.attached(call.transaction, organization, target.id, request.filter)
    page = cut(call, request, attached)
    policies = [call.policy(organization, policy).existing() for policy in page.items]
    return api.ListPoliciesForTargetResponse(
        policies=[shapes.policy_summary(organization, policy) for policy in policies],
        next_token=page.marker,
    )


@implements(api.ListTargetsForPolicy)
def list_targets_for_policy(
    call: OrganizationsCall, request: api.ListTargetsForPolicyRequest
) -> api.ListTargetsForPolicyResponse:
    organization = call.organization()
    part = call.policy(organization, request.policy_id)
    call.ask(organization, part, keys_of(part))
    page = _targets(call, request, organization, part.existing())
    nodes = [call.node(organization, target, NO_TARGET).existing() for target in page.items]
    targets = [
        api.PolicyTargetSummary(target_id=node.id, arn=node.arn, name=node.name, type=node.type)
        for node in nodes
    ]
    return api.ListTargetsForPolicyResponse(targets=targets, next_token=page.marker)


def _targets(
    call: OrganizationsCall,
    request: api.ListTargetsForPolicyRequest,
    organization: Organization,
    policy: OrganizationPolicy,
) -> Page[str]:
    """A page of what a policy is attached to, by id.

    A page of AWS's own may have fewer items than there are, where it is not attached everywhere.
    """
    table, reader = call.repository.organization_policies, call.transaction
    if policy.type not in organization.enabled_types:
        return Page([], None)

    def after(last: str, count: int) -> list[str]:
        if not policy.is_of_aws:
            return table.targets_after(reader, organization, policy.policy, last, count)
        return call.repository.organizations.nodes_after(reader, organization, last, count)

    page = walk(call, request, after, lambda target: target)
    if not policy.is_of_aws:
        return page
    without = table.without_default(reader, organization, policy.type, page.items)
    return Page([each for each in page.items if each not in without], page.marker)
