"""How does an account come into an organization, and how does it go?"""

from collections.abc import Mapping

from keystead.identity import times
from keystead.identity.organizations import limits, shapes
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.resources import NO_ACCOUNT, Node
from keystead.identity.repository import JoinedMethod, Member, Organization, packed
from keystead.wire.models import organizations as api

NO_TAGS: Mapping[str, str] = {}

__all__ = ["NO_ACCOUNT", "join", "leave", "name_of"]


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


def name_of(call: OrganizationsCall, account: str) -> str:
    """The name of an account that nobody named: its alias, or its e-mail address."""
    stored = shapes.stored_account(call, account)
    return stored.alias or stored.email
