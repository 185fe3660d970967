"""How does an organization begin, and how does it end?"""

from keystead.identity import times
from keystead.identity.organizations import ids, membership, shapes
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import cut
from keystead.identity.repository import NO_TYPES, Organization, packed
from keystead.registry import implements
from keystead.wire.models import organizations as api


@implements(api.CreateOrganization)
def create_organization(
    call: OrganizationsCall, request: api.CreateOrganizationRequest
) -> api.CreateOrganizationResponse:
    known = call.found_organization()
    call.authorize_any(call.action)
    if known is not None:
        raise api.AlreadyInOrganizationException(
            "The AWS account is already a member of an organization."
        )
    made = Organization(
        organization=ids.organization(),
        root=ids.root(call.repository.organizations, call.transaction),
        management=call.account,
        feature_set=request.feature_set or "ALL",
        policy_types=NO_TYPES,
        tags=packed({}),
        created=times.stored(call.now),
    )
    call.repository.organizations.insert(call.transaction, made)
    name = membership.name_of(call, call.account)
    membership.join(call, made, call.account, name=name, method="INVITED")
    return api.CreateOrganizationResponse(organization=shapes.organization(call, made))


@implements(api.DescribeOrganization)
def describe_organization(
    call: OrganizationsCall, _request: api.DescribeOrganizationRequest
) -> api.DescribeOrganizationResponse:
    organization = call.organization()
    call.ask_any(organization)
    return api.DescribeOrganizationResponse(organization=shapes.organization(call, organization))


@implements(api.DeleteOrganization)
def delete_organization(call: OrganizationsCall, _request: api.DeleteOrganizationRequest) -> None:
    organization = call.organization()
    call.ask_any(organization)
    table = call.repository.organizations
    if len(table.members_after(call.transaction, organization.organization, "", 2)) > 1:
        raise api.OrganizationNotEmptyException(
            "To delete an organization you must first remove all member accounts (except the"
            " master)."
        )
    call.repository.handshakes.delete_all(call.transaction, organization.organization)
    call.repository.resource_policies.delete(call.transaction, organization.organization)
    call.repository.root_features.delete_all(call.transaction, organization.organization)
    call.repository.delegations.delete_all(call.transaction, organization.organization)
    call.repository.organization_policies.delete_all(call.transaction, organization.organization)
    table.delete(call.transaction, organization)


@implements(api.LeaveOrganization)
def leave_organization(call: OrganizationsCall, _request: api.LeaveOrganizationRequest) -> None:
    organization = call.organization()
    call.ask_any(organization)
    member = call.node(organization, call.account, membership.NO_ACCOUNT).existing()
    membership.leave(call, organization, member)


@implements(api.ListRoots)
def list_roots(call: OrganizationsCall, request: api.ListRootsRequest) -> api.ListRootsResponse:
    organization = call.organization()
    call.ask_any(organization)
    page = cut(call, request, [shapes.root(organization)])
    return api.ListRootsResponse(roots=page.items, next_token=page.marker)
