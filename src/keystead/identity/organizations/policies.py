"""The policies of an organization: written, changed, listed, deleted."""

import msgspec

from keystead.arns import organizations_arn
from keystead.identity import times
from keystead.identity.organizations import ids, limits, shapes, tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import walk
from keystead.identity.organizations.resources import Part
from keystead.identity.permissions import validity
from keystead.identity.repository import (
    DOCUMENT_KINDS,
    RCP,
    SCP,
    Organization,
    OrganizationPolicy,
    OrganizationPolicyType,
    packed,
)
from keystead.policy.evaluation import ContextValue
from keystead.policy.language import MalformedPolicy, is_too_long
from keystead.policy.text import ascii_lower
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import organizations as api


def type_keys(policy_type: str) -> dict[str, ContextValue]:
    """`organizations:PolicyType`."""
    return {"organizations:policytype": policy_type}


def keys_of(part: Part[OrganizationPolicy]) -> dict[str, ContextValue]:
    """The keys of a request that names a policy; of one that there is not, none."""
    return {} if part.record is None else type_keys(part.record.type)


def served_type(organization: Organization, policy_type: str) -> OrganizationPolicyType:
    """A policy type that this organization can have; raises for the others."""
    if organization.feature_set == "ALL":
        for served in (SCP, RCP):
            if policy_type == served:
                return served
    raise api.PolicyTypeNotAvailableForOrganizationException(
        "You can't use the specified policy type with the feature set currently enabled for this"
        " organization."
    )


def require_own(policy: OrganizationPolicy) -> None:
    """Refuse to change AWS's own policies."""
    if policy.is_of_aws:
        raise api.InvalidInputException(
            "You specified a policy that is managed by AWS and can't be modified.",
            reason="IMMUTABLE_POLICY",
        )


@implements(api.CreatePolicy)
def create_policy(
    call: OrganizationsCall, request: api.CreatePolicyRequest
) -> api.CreatePolicyResponse:
    organization = call.organization()
    given = tags.requested(request.tags)
    new = ids.policy()
    call.ask_any(organization, {**type_keys(request.type), **request_keys(given)})
    kind = f"policy/{organization.organization}/{ascii_lower(request.type)}"
    arn = organizations_arn(organization.management, f"{kind}/{new}")
    call.ask_to_tag(organization, arn, given, type_keys(request.type))
    policy_type = served_type(organization, request.type)
    _require_valid(call, policy_type, request.content)
    table = call.repository.organization_policies
    count = table.count(call.transaction, organization.organization, policy_type)
    if count >= limits.POLICIES[policy_type]:
        raise limits.exceeded(
            "POLICY_NUMBER_LIMIT_EXCEEDED",
            "You attempted to exceed the number of policies that you can have in an organization.",
        )
    _require_new(call, organization, policy_type, request.name)
    policy = OrganizationPolicy(
        policy=new,
        organization=organization.organization,
        type=policy_type,
        name=request.name,
        description=request.description,
        content=request.content,
        tags=packed(given),
        created=times.stored(call.now),
    )
    table.insert(call.transaction, policy)
    return api.CreatePolicyResponse(policy=shapes.policy(organization, policy))


def _require_valid(
    call: OrganizationsCall, policy_type: OrganizationPolicyType, document: str
) -> None:
    """Refuse what is not a policy of this type."""
    kind = DOCUMENT_KINDS[policy_type]
    if is_too_long(document, kind):
        raise limits.exceeded(
            "POLICY_CONTENT_LIMIT_EXCEEDED",
            "You attempted to create a policy that is larger than the maximum size.",
        )
    try:
        validity.require_valid(
            call.repository,
            document,
            kind,
            accept_unsupported_condition_keys=call.accept_unsupported_condition_keys,
        )
    except MalformedPolicy as refused:
        raise api.MalformedPolicyDocumentException(
            "The provided policy document does not meet the requirements of the specified policy"
            " type."
        ) from refused


def _require_new(
    call: OrganizationsCall, organization: Organization, policy_type: str, name: str
) -> None:
    table = call.repository.organization_policies
    if table.named(call.transaction, organization.organization, policy_type, name) is not None:
        raise api.DuplicatePolicyException(
            "A policy with the provided name and type already exists."
        )


def _policy(
    call: OrganizationsCall, organization: Organization, identifier: str
) -> OrganizationPolicy:
    """The policy that the request is about, once the caller may do it."""
    part = call.policy(organization, identifier)
    call.ask(organization, part, keys_of(part))
    return part.existing()


@implements(api.DescribePolicy)
def describe_policy(
    call: OrganizationsCall, request: api.DescribePolicyRequest
) -> api.DescribePolicyResponse:
    organization = call.organization()
    policy = _policy(call, organization, request.policy_id)
    return api.DescribePolicyResponse(policy=shapes.policy(organization, policy))


@implements(api.UpdatePolicy)
def update_policy(
    call: OrganizationsCall, request: api.UpdatePolicyRequest
) -> api.UpdatePolicyResponse:
    organization = call.organization()
    policy = _policy(call, organization, request.policy_id)
    require_own(policy)
    if request.content is not None:
        _require_valid(call, policy.type, request.content)
    if request.name is not None and request.name != policy.name:
        _require_new(call, organization, policy.type, request.name)
    given = {
        "name": request.name,
        "description": request.description,
        "content": request.content,
    }
    changed = msgspec.structs.replace(
        policy, **{name: value for name, value in given.items() if value is not None}
    )
    stored = call.repository.organization_policies.update(call.transaction, changed)
    return api.UpdatePolicyResponse(policy=shapes.policy(organization, stored))


@implements(api.DeletePolicy)
def delete_policy(call: OrganizationsCall, request: api.DeletePolicyRequest) -> None:
    organization = call.organization()
    policy = _policy(call, organization, request.policy_id)
    require_own(policy)
    table = call.repository.organization_policies
    if table.targets_after(call.transaction, organization, policy.policy, "", 1):
        raise api.PolicyInUseException(
            "The policy is attached to one or more entities. You must detach it from all roots,"
            " OUs, and accounts before performing this operation."
        )
    table.delete(call.transaction, policy)


@implements(api.ListPolicies)
def list_policies(
    call: OrganizationsCall, request: api.ListPoliciesRequest
) -> api.ListPoliciesResponse:
    organization = call.organization()
    call.ask_any(organization, type_keys(request.filter))

    def after(last: str, count: int) -> list[OrganizationPolicy]:
        return call.repository.organization_policies.after(
            call.transaction, organization.organization, request.filter, last, count
        )

    page = walk(call, request, after, lambda policy: policy.policy)
    return api.ListPoliciesResponse(
        policies=[shapes.policy_summary(organization, policy) for policy in page.items],
        next_token=page.marker,
    )
