"""CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy,
DeleteRole.

Name and path of a role never change. A service-linked role is made and changed by its service
alone, but for its description and its tags (iam.md 1.9).
"""

from typing import Any

import msgspec

from keystead.identity import limits, resources, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.iam import documents, entities
from keystead.identity.iam.entities import boundaries
from keystead.identity.names import RESERVED, SERVICE_LINKED, canonical
from keystead.identity.permissions import shared_issuers, trust
from keystead.identity.repository import Role, packed
from keystead.identity.resources import Named
from keystead.policy.language import DocumentKind, MalformedPolicy, document_size, shown_again
from keystead.registry import implements
from keystead.wire.models import iam as api

LONGEST_SESSION = 3600
"""Seconds, of a role that is made without MaxSessionDuration."""


@implements(api.CreateRole)
def create_role(call: IamCall, request: api.CreateRoleRequest) -> api.CreateRoleResponse:
    _require_own_path(request.path)
    tags = tagging.requested(request.tags)
    boundary = boundaries.requested(request.permissions_boundary)
    name, path = request.role_name, request.path or "/"
    keys = resources.boundary_keys(boundary)
    entities.ask_to_create(call, Role, name, path, tags=tags, keys=keys)
    _require_no_sign_in(request.max_signin_session_duration)
    role = entities.create(
        call, Role, name, path,
        **_trust(call, request.assume_role_policy_document),
        description=request.description,
        longest_session=request.max_session_duration or LONGEST_SESSION,
        service=None, boundary=boundary, tags=packed(tags),
    )  # fmt: skip
    _mark_if_open(call, role)
    return api.CreateRoleResponse(role=made(call, role))


@implements(api.GetRole)
def get_role(call: IamCall, request: api.GetRoleRequest) -> api.GetRoleResponse:
    return api.GetRoleResponse(role=shown(call, _asked(call, request.role_name).existing()))


@implements(api.UpdateRole)
def update_role(call: IamCall, request: api.UpdateRoleRequest) -> api.UpdateRoleResponse:
    named = _asked(call, request.role_name)
    role = named.existing()
    _require_no_sign_in(request.max_signin_session_duration)
    if request.max_session_duration is not None:
        entities.modifiable(named)
    changed = msgspec.structs.replace(
        role,
        description=role.description if request.description is None else request.description,
        longest_session=request.max_session_duration or role.longest_session,
    )
    call.repository.update(call.transaction, changed)
    return api.UpdateRoleResponse()


@implements(api.UpdateRoleDescription)
def update_role_description(
    call: IamCall, request: api.UpdateRoleDescriptionRequest
) -> api.UpdateRoleDescriptionResponse:
    role = _asked(call, request.role_name).existing()
    described = msgspec.structs.replace(role, description=request.description)
    described = call.repository.update(call.transaction, described)
    return api.UpdateRoleDescriptionResponse(role=listed(call, described))


@implements(api.UpdateAssumeRolePolicy)
def update_assume_role_policy(call: IamCall, request: api.UpdateAssumeRolePolicyRequest) -> None:
    role = _asked_to_change(call, request.role_name)
    written = _trust(call, request.policy_document)
    changed = msgspec.structs.replace(role, **written)
    call.repository.update(call.transaction, changed)
    _mark_if_open(call, changed)


@implements(api.DeleteRole)
def delete_role(call: IamCall, request: api.DeleteRoleRequest) -> None:
    role = _asked_to_change(call, request.role_name)
    profiles = call.repository.instance_profiles
    entities.require_nothing_left(
        (
            profiles.of_role(call.transaction, role.account, role.role_id),
            entities.ROLE_IN_PROFILE,
        ),
        *entities.policies_left(call, role),
    )
    call.repository.roles.delete(call.transaction, role)


@implements(api.ListRoles)
def list_roles(call: IamCall, request: api.ListRolesRequest) -> api.ListRolesResponse:
    page = entities.listed_after(call, request, Role, lambda role: len(role.trust_policy))
    return api.ListRolesResponse(
        roles=[listed(call, role) for role in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def trust_shown(call: IamCall, role: Role) -> str:
    """The trust policy as answers carry it."""
    return documents.encoded(shown_again(role.trust_policy, role.meant, call.principals.arn))


def last_used(call: IamCall, role: Role) -> api.RoleLastUsed:
    """When and where a session of the role was last used; empty if none ever was."""
    use = call.repository.roles.last_use(call.transaction, role)
    if use is None:
        return api.RoleLastUsed()
    return api.RoleLastUsed(last_used_date=times.shown(use.used), region=use.region)


def listed(call: IamCall, role: Role) -> api.Role:
    """A role as lists show it: without boundary, tags and last use."""
    return api.Role(
        path=role.path,
        role_name=role.name,
        role_id=role.role_id,
        arn=role.arn,
        create_date=times.shown(role.created),
        assume_role_policy_document=trust_shown(call, role),
        description=role.description,
        max_session_duration=role.longest_session,
    )


def shown(call: IamCall, role: Role) -> api.Role:
    """A role with everything that is known of it."""
    return msgspec.structs.replace(
        listed(call, role),
        permissions_boundary=boundaries.shown(role.boundary),
        tags=tagging.shown(role.tag_map) or None,
        role_last_used=last_used(call, role),
    )


def made(call: IamCall, role: Role) -> api.Role:
    """A role as it is shown when it is created."""
    return msgspec.structs.replace(
        shown(call, role), max_session_duration=None, role_last_used=None
    )


def _asked(call: IamCall, name: str) -> Named[Role]:
    """The role with this name, which the caller may ask for."""
    named = call.role(name)
    call.ask(named, resources.own_boundary_keys(named))
    return named


def _asked_to_change(call: IamCall, name: str) -> Role:
    """The role with this name, which the caller may change."""
    named = call.role(name)
    return entities.ask_to_change(call, named, resources.own_boundary_keys(named))


def _require_no_sign_in(longest: int | None) -> None:
    """Refuse a limit that would bind nobody: `MaxSessionDuration` bounds people's sessions, too.

    It is never set, so a request that resets it changes nothing.
    """
    if longest is not None:
        raise api.InvalidInputException("MaxSigninSessionDuration is not available.")


def _require_own_path(path: str | None) -> None:
    """Policies tell the roles of services by their paths. No other role may have such a path."""
    given = canonical(path or "/")
    if given.startswith(SERVICE_LINKED):
        raise api.InvalidInputException(
            f"Path prefix '{SERVICE_LINKED}' can only be used for AWS Service linked Roles"
        )
    if given.startswith(RESERVED):
        raise api.InvalidInputException(f"Path prefix '{RESERVED}' can only be used by AWS")


def _mark_if_open(call: IamCall, role: Role) -> None:
    """Mark the record, if the trust policy is for more than the account (threat-model 7)."""
    if trust.is_open(call.repository, role):
        call.mark()


def _trust(call: IamCall, document: str) -> dict[str, Any]:
    """The columns of a trust policy; refuses what is none."""
    try:
        meant = trust.read(
            call.repository,
            document,
            call.principals,
            accept_unsupported_condition_keys=call.accept_unsupported_condition_keys,
        )
        if not call.allow_unscoped_trust:
            shared_issuers.require_tenants(document)
    except MalformedPolicy as refused:
        raise api.MalformedPolicyDocumentException(refused.message) from refused
    if document_size(document, DocumentKind.TRUST) > limits.ASSUME_ROLE_POLICY_SIZE:
        raise api.LimitExceededException(
            f"Cannot exceed quota for ACLSizePerRole: {limits.ASSUME_ROLE_POLICY_SIZE}"
        )
    return {"trust_policy": document, "trusted": packed(meant)}
