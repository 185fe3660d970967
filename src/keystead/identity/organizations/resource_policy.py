"""The resource policy of an organization: it delegates to member accounts (iam.md 1.12).

A document is understood as any resource policy is, and names only what may be delegated: actions of
AWS's list, one by one or by patterns that match nothing else, to member accounts and their users
and roles. What it does is in `permissions/delegation`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.identity import times
from keystead.identity.organizations import ids, resources, tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.resources import Part
from keystead.identity.permissions import validity
from keystead.identity.repository import Organization, ResourcePolicy, packed
from keystead.identity.rules import DELEGABLE
from keystead.policy.language import (
    ACTIONS,
    DocumentKind,
    MalformedPolicy,
    Statement,
    known_names,
    shown_again,
    stored_policy,
)
from keystead.policy.text import ascii_lower
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import organizations as api

_ACTIONS = {f"organizations:{ascii_lower(name)}": name for name in ACTIONS["organizations"].split()}


@implements(api.PutResourcePolicy)
def put_resource_policy(
    call: OrganizationsCall, request: api.PutResourcePolicyRequest
) -> api.PutResourcePolicyResponse:
    organization = call.organization()
    given = tags.requested(request.tags)
    part = _part(call, organization)
    call.ask(organization, part, request_keys(given))
    call.ask_to_tag(organization, part.arn_text, given)
    meant = packed(_understood(call, organization, request.content))
    stored = part.record
    if stored is None:
        stored = ResourcePolicy(
            organization=organization.organization,
            policy=part.arn_text.rpartition("/")[2],
            content=request.content,
            meant=meant,
            tags=packed(given),
            created=times.stored(call.now),
        )
        call.repository.resource_policies.insert(call.transaction, stored)
    else:
        if given:
            raise _refused("INVALID_LIST_MEMBER", "Tags are given when the policy is made.")
        stored = msgspec.structs.replace(stored, content=request.content, meant=meant)
        call.repository.resource_policies.update(call.transaction, stored)
    return api.PutResourcePolicyResponse(resource_policy=_shown(call, part.arn_text, stored))


@implements(api.DescribeResourcePolicy)
def describe_resource_policy(
    call: OrganizationsCall, _request: api.DescribeResourcePolicyRequest
) -> api.DescribeResourcePolicyResponse:
    organization = call.organization()
    part = _part(call, organization)
    call.ask(organization, part)
    shown = _shown(call, part.arn_text, part.existing())
    return api.DescribeResourcePolicyResponse(resource_policy=shown)


@implements(api.DeleteResourcePolicy)
def delete_resource_policy(
    call: OrganizationsCall, _request: api.DeleteResourcePolicyRequest
) -> None:
    organization = call.organization()
    part = _part(call, organization)
    call.ask(organization, part)
    part.existing()
    call.repository.resource_policies.delete(call.transaction, organization.organization)


def _part(call: OrganizationsCall, organization: Organization) -> Part[ResourcePolicy]:
    """The resource policy of the organization, or the one that is to be."""
    stored = call.repository.resource_policies.get(call.transaction, organization.organization)
    identifier = ids.resource_policy() if stored is None else stored.policy
    return resources.resource_policy(organization, identifier, stored)


def _shown(call: OrganizationsCall, arn: str, stored: ResourcePolicy) -> api.ResourcePolicy:
    return api.ResourcePolicy(
        resource_policy_summary=api.ResourcePolicySummary(id=stored.policy, arn=arn),
        content=shown_again(stored.content, stored.meant_ids, call.principals.arn),
    )


def _understood(call: OrganizationsCall, organization: Organization, text: str) -> dict[str, str]:
    """The unique ids of the principals that a document names; refuses what cannot be delegated."""
    repository, any_key = call.repository, call.accept_unsupported_condition_keys
    try:
        names = validity.principals(repository, text, DocumentKind.RESOURCE)
        meant = known_names(names, call.principals.unique_id)
        validity.require_valid(
            repository,
            text,
            DocumentKind.RESOURCE,
            meant,
            accept_unsupported_condition_keys=any_key,
        )
    except MalformedPolicy as refused:
        raise _refused(
            "INVALID_RESOURCE_POLICY_JSON", "The resource policy is not a valid policy document."
        ) from refused
    asked = (text, meant)
    problem = repository.preparations.make(len(text), ("delegable", *asked), _problem, *asked)
    if problem is not None:
        raise _refused(*problem)
    for unique_id in meant.values():
        _require_member(call, organization, unique_id)
    return meant


def _problem(text: str, meant: Mapping[str, str]) -> tuple[str, str] | None:
    """Why a valid document delegates what cannot be delegated: AWS's reason, and a sentence."""
    policy = stored_policy(text, DocumentKind.RESOURCE, meant)
    problems = (_problem_of(statement) for statement in policy.statements)
    return next((problem for problem in problems if problem is not None), None)


def _problem_of(statement: Statement) -> tuple[str, str] | None:
    """The same, of one statement."""
    written = statement.source
    principal = written.get("Principal")
    if not isinstance(principal, dict) or set(principal) != {"AWS"}:
        return "INVALID_PRINCIPAL", "A resource policy names member accounts."
    if "*" in _values(principal["AWS"]):
        return "INVALID_PRINCIPAL", "A resource policy names member accounts, one by one."
    if "Resource" not in written:
        reason = "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY"
        return reason, "A resource policy names its resources."
    named = [ascii_lower(action) for action in _values(written.get("Action", []))]
    meant = {name for action, name in _ACTIONS.items() if statement.actions.matches(action)}
    if not meant or not meant <= DELEGABLE or not all(map(_is_of_organizations, named)):
        reason = "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"
        return reason, "The resource policy has an action that is not supported."
    return None


def _is_of_organizations(action: str) -> bool:
    """Is this an action of ours, or a pattern that is about Organizations alone?"""
    return action in _ACTIONS or (action.startswith("organizations:") and "*" in action)


def _require_member(call: OrganizationsCall, organization: Organization, unique_id: str) -> None:
    """Refuse principals of other accounts than the members."""
    arn = call.principals.arn(unique_id)
    account = arn.split(":")[4] if arn else ""
    member = call.repository.organizations.member(call.transaction, account)
    inside = member is not None and member.organization == organization.organization
    if not inside or account == organization.management:
        raise _refused("INVALID_PRINCIPAL", "You can delegate to member accounts alone.")


def _values(element: Any) -> list[str]:
    return element if isinstance(element, list) else [element]


def _refused(reason: Any, sentence: str) -> api.InvalidInputException:
    return api.InvalidInputException(sentence, reason=reason)
