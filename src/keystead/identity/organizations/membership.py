"""How does an account come into an organization, and how does it go?"""

from collections.abc import Mapping

import msgspec

from keystead.identity import times
from keystead.identity.organizations import limits, shapes
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.resources import NO_ACCOUNT, Node
from keystead.identity.repository import JoinedMethod, Member, Organization, packed
from keystead.wire.models import organizations as api

NO_TAGS: Mapping[str, str] = {}

__all__ = ["NO_ACCOUNT", "join", "leave", "name_of", "settle_features"]


def join(
    call: OrganizationsCall,
    organization: Organization,
    account: str,
    *,
    name: str,
    method: JoinedMethod,
    tags: Mapping[str, str] = NO_TAGS,
) -> Member:
    """Take an account that is in no organization into this one, at its root."""
    member = Member(
        account=account,
        organization=organization.organization,
        parent=organization.root,
        name=name,
        joined_method=method,
        joined=times.stored(call.now),
        tags=packed(tags),
    )
    call.repository.organizations.insert_member(call.transaction, member)
    return member


def leave(call: OrganizationsCall, organization: Organization, node: Node) -> None:
    """Let an account go: it belongs to itself from now on."""
    if node.id == organization.management:
        raise api.MasterCannotLeaveOrganizationException(
            "You can't remove a management account from an organization."
        )
    if call.repository.delegations.of(call.transaction, node.id):
        raise limits.exceeded(
            "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
            "You can't remove a delegated administrator from an organization.",
        )
    call.repository.organization_policies.forget_target(call.transaction, node.id)
    call.repository.organizations.delete_member(call.transaction, node.id)
    settle_features(call, organization)


def settle_features(call: OrganizationsCall, organization: Organization) -> None:
    """Open a request for all features if every account approved that was asked and is still in."""
    table, name = call.repository.handshakes, organization.organization
    known = table.features_of(call.transaction, name)
    waiting = any(
        each.account and each.state != "ACCEPTED" and _is_in(call, each.account, name)
        for each in known
    )
    for request in known:
        if not request.account and request.state == "REQUESTED" and not waiting:
            table.update(call.transaction, msgspec.structs.replace(request, state="OPEN"))


def _is_in(call: OrganizationsCall, account: str, organization: str) -> bool:
    """Is an account in the organization with this id?"""
    member = call.repository.organizations.member(call.transaction, account)
    return member is not None and member.organization == organization


def name_of(call: OrganizationsCall, account: str) -> str:
    """The name of an account that nobody named: its alias, or its e-mail address."""
    stored = shapes.stored_account(call, account)
    return stored.alias or stored.email
