"""Organizational units, and the units and accounts in them."""

import msgspec

from keystead.identity import times
from keystead.identity.organizations import ids, limits, shapes, tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import cut, walk
from keystead.identity.organizations.resources import NO_CHILD, NO_PARENT, NO_UNIT, node_type
from keystead.identity.repository import UNIT_DEPTH, Member, Organization, Unit, packed
from keystead.paging import Page
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import organizations as api


@implements(api.CreateOrganizationalUnit)
def create_organizational_unit(
    call: OrganizationsCall, request: api.CreateOrganizationalUnitRequest
) -> api.CreateOrganizationalUnitResponse:
    organization = call.organization()
    given = tags.requested(request.tags)
    part = call.node(organization, request.parent_id, NO_PARENT)
    call.ask(organization, part, request_keys(given))
    new = ids.unit(organization.root)
    call.ask_to_tag(organization, organization.node_arn(new), given)
    parent = part.existing()
    table = call.repository.organizations
    above = table.above(call.transaction, organization, parent.id)
    if len(above) > UNIT_DEPTH:
        raise limits.exceeded(
            "OU_DEPTH_LIMIT_EXCEEDED",
            "You attempted to create an organizational unit tree that is too many levels deep.",
        )
    if table.unit_count(call.transaction, organization.organization) >= limits.UNITS:
        raise limits.exceeded(
            "OU_NUMBER_LIMIT_EXCEEDED",
            "You attempted to exceed the number of organizational units that you can have in an"
            " organization.",
        )
    _require_new(call, parent.id, request.name)
    unit = Unit(
        unit=new,
        organization=organization.organization,
        parent=parent.id,
        name=request.name,
        tags=packed(given),
        created=times.stored(call.now),
    )
    table.insert_unit(call.transaction, unit)
    return api.CreateOrganizationalUnitResponse(
        organizational_unit=shapes.unit(call, organization, unit)
    )


def _require_new(call: OrganizationsCall, parent: str, name: str) -> None:
    if call.repository.organizations.unit_named(call.transaction, parent, name) is not None:
        raise api.DuplicateOrganizationalUnitException("An OU with the same name already exists.")


def _unit(call: OrganizationsCall, organization: Organization, unit: str) -> Unit:
    """The unit that the request is about, once the caller may do it."""
    part = call.node(organization, unit, NO_UNIT)
    call.ask(organization, part)
    return part.existing().unit()


@implements(api.DescribeOrganizationalUnit)
def describe_organizational_unit(
    call: OrganizationsCall, request: api.DescribeOrganizationalUnitRequest
) -> api.DescribeOrganizationalUnitResponse:
    organization = call.organization()
    unit = _unit(call, organization, request.organizational_unit_id)
    return api.DescribeOrganizationalUnitResponse(
        organizational_unit=shapes.unit(call, organization, unit)
    )


@implements(api.UpdateOrganizationalUnit)
def update_organizational_unit(
    call: OrganizationsCall, request: api.UpdateOrganizationalUnitRequest
) -> api.UpdateOrganizationalUnitResponse:
    organization = call.organization()
    unit = _unit(call, organization, request.organizational_unit_id)
    if request.name is not None and request.name != unit.name:
        _require_new(call, unit.parent, request.name)
        unit = call.repository.organizations.update_unit(
            call.transaction, msgspec.structs.replace(unit, name=request.name)
        )
    return api.UpdateOrganizationalUnitResponse(
        organizational_unit=shapes.unit(call, organization, unit)
    )


@implements(api.DeleteOrganizationalUnit)
def delete_organizational_unit(
    call: OrganizationsCall, request: api.DeleteOrganizationalUnitRequest
) -> None:
    organization = call.organization()
    unit = _unit(call, organization, request.organizational_unit_id)
    table = call.repository.organizations
    if not table.is_empty(call.transaction, unit.unit):
        raise api.OrganizationalUnitNotEmptyException(
            "The specified OU is not empty. Move all accounts to another root or to other OUs,"
            " remove all child OUs, and try the operation again."
        )
    call.repository.organization_policies.forget_target(call.transaction, unit.unit)
    table.delete_unit(call.transaction, unit)


@implements(api.ListOrganizationalUnitsForParent)
def list_organizational_units_for_parent(
    call: OrganizationsCall, request: api.ListOrganizationalUnitsForParentRequest
) -> api.ListOrganizationalUnitsForParentResponse:
    organization = call.organization()
    part = call.node(organization, request.parent_id, NO_PARENT)
    call.ask(organization, part)
    page = _units_in(call, request, part.existing().id)
    return api.ListOrganizationalUnitsForParentResponse(
        organizational_units=[shapes.unit(call, organization, unit) for unit in page.items],
        next_token=page.marker,
    )


@implements(api.ListChildren)
def list_children(
    call: OrganizationsCall, request: api.ListChildrenRequest
) -> api.ListChildrenResponse:
    organization = call.organization()
    part = call.node(organization, request.parent_id, NO_PARENT)
    call.ask(organization, part)
    parent = part.existing().id
    if request.child_type == "ACCOUNT":
        members = _members_in(call, request, parent)
        identifiers, token = [each.account for each in members.items], members.marker
    else:
        units = _units_in(call, request, parent)
        identifiers, token = [each.unit for each in units.items], units.marker
    children = [api.Child(id=each, type=request.child_type) for each in identifiers]
    return api.ListChildrenResponse(children=children, next_token=token)


def _units_in(
    call: OrganizationsCall,
    request: api.ListChildrenRequest | api.ListOrganizationalUnitsForParentRequest,
    parent: str,
) -> Page[Unit]:
    def after(last: str, count: int) -> list[Unit]:
        return call.repository.organizations.units_in_after(call.transaction, parent, last, count)

    return walk(call, request, after, lambda unit: unit.unit)


def _members_in(
    call: OrganizationsCall, request: api.ListChildrenRequest, parent: str
) -> Page[Member]:
    def after(last: str, count: int) -> list[Member]:
        return call.repository.organizations.members_in_after(call.transaction, parent, last, count)

    return walk(call, request, after, lambda member: member.account)


@implements(api.ListParents)
def list_parents(
    call: OrganizationsCall, request: api.ListParentsRequest
) -> api.ListParentsResponse:
    organization = call.organization()
    part = call.node(organization, request.child_id, NO_CHILD)
    call.ask(organization, part)
    parent = part.existing().parent
    parents = [] if parent is None else [_parent(parent)]
    page = cut(call, request, parents)
    return api.ListParentsResponse(parents=page.items, next_token=page.marker)


def _parent(identifier: str) -> api.Parent:
    is_root = node_type(identifier) == "ROOT"
    return api.Parent(id=identifier, type="ROOT" if is_root else "ORGANIZATIONAL_UNIT")
