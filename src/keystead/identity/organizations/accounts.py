"""The accounts of an organization: made, listed, moved, closed, removed."""

import msgspec

from keystead.identity import accounts, times
from keystead.identity.organizations import ids, limits, membership, shapes, tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import walk
from keystead.identity.organizations.resources import (
    NO_ACCOUNT,
    NO_DESTINATION,
    NO_PARENT,
    NO_SOURCE,
)
from keystead.identity.repository import Creation, Member, Organization
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import organizations as api

ACCESS_ROLE = "OrganizationAccountAccessRole"
_OF_SERVICES = "AWSServiceRoleFor"


@implements(api.CreateAccount)
def create_account(
    call: OrganizationsCall, request: api.CreateAccountRequest
) -> api.CreateAccountResponse:
    organization = call.organization()
    given = tags.requested(request.tags)
    role = request.role_name or ACCESS_ROLE
    permit = call.ask_any(organization, request_keys(given))
    number = accounts.unused_id(call.transaction, call.repository)
    call.ask_to_tag(organization, organization.node_arn(number), given)
    if role.startswith(_OF_SERVICES):
        raise api.InvalidInputException(
            f"A role name can't begin with the reserved prefix {_OF_SERVICES}.",
            reason="INVALID_ROLE_NAME",
        )
    made = accounts.create_member_account(
        call.transaction, call.repository, permit, number, email=request.email, now=call.now
    )
    if made is not None:
        membership.join(
            call,
            organization,
            made.account,
            name=request.account_name,
            method="CREATED",
            tags=given,
        )
        accounts.create_access_role(
            call.transaction,
            call.repository,
            made,
            permit,
            name=role,
            management=organization.management,
        )
    creation = Creation(
        organization=organization.organization,
        request=ids.request(),
        account_name=request.account_name,
        account=made.account if made else None,
        failure=None if made else "EMAIL_ALREADY_EXISTS",
        requested=times.stored(call.now),
    )
    call.repository.organizations.insert_creation(call.transaction, creation)
    return api.CreateAccountResponse(create_account_status=shapes.creation(creation))


@implements(api.DescribeCreateAccountStatus)
def describe_create_account_status(
    call: OrganizationsCall, request: api.DescribeCreateAccountStatusRequest
) -> api.DescribeCreateAccountStatusResponse:
    organization = call.organization()
    call.ask_any(organization)
    creation = call.repository.organizations.creation(
        call.transaction, organization.organization, request.create_account_request_id
    )
    if creation is None:
        raise api.CreateAccountStatusNotFoundException(
            "We can't find a create account request with the CreateAccountRequestId that you"
            " specified."
        )
    return api.DescribeCreateAccountStatusResponse(create_account_status=shapes.creation(creation))


@implements(api.ListCreateAccountStatus)
def list_create_account_status(
    call: OrganizationsCall, request: api.ListCreateAccountStatusRequest
) -> api.ListCreateAccountStatusResponse:
    organization = call.organization()
    call.ask_any(organization)
    states = set(request.states or ("SUCCEEDED", "FAILED")) - {"IN_PROGRESS"}  # none ever is
    failed = None if len(states) > 1 else "FAILED" in states

    def after(last: str, count: int) -> list[Creation]:
        if not states:
            return []
        return call.repository.organizations.creations_after(
            call.transaction, organization.organization, last, count, failed=failed
        )

    page = walk(call, request, after, lambda creation: creation.request)
    return api.ListCreateAccountStatusResponse(
        create_account_statuses=[shapes.creation(each) for each in page.items],
        next_token=page.marker,
    )


@implements(api.DescribeAccount)
def describe_account(
    call: OrganizationsCall, request: api.DescribeAccountRequest
) -> api.DescribeAccountResponse:
    organization = call.organization()
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    call.ask(organization, part)
    member = part.existing().member()
    return api.DescribeAccountResponse(account=shapes.account(call, organization, member))


@implements(api.ListAccounts)
def list_accounts(
    call: OrganizationsCall, request: api.ListAccountsRequest
) -> api.ListAccountsResponse:
    organization = call.organization()
    call.ask_any(organization)

    def after(last: str, count: int) -> list[Member]:
        return call.repository.organizations.members_after(
            call.transaction, organization.organization, last, count
        )

    page = walk(call, request, after, lambda member: member.account)
    return api.ListAccountsResponse(
        accounts=_shown(call, organization, page.items), next_token=page.marker
    )


@implements(api.ListAccountsForParent)
def list_accounts_for_parent(
    call: OrganizationsCall, request: api.ListAccountsForParentRequest
) -> api.ListAccountsForParentResponse:
    organization = call.organization()
    part = call.node(organization, request.parent_id, NO_PARENT)
    call.ask(organization, part)
    parent = part.existing()

    def after(last: str, count: int) -> list[Member]:
        return call.repository.organizations.members_in_after(
            call.transaction, parent.id, last, count
        )

    page = walk(call, request, after, lambda member: member.account)
    return api.ListAccountsForParentResponse(
        accounts=_shown(call, organization, page.items), next_token=page.marker
    )


def _shown(
    call: OrganizationsCall, organization: Organization, members: list[Member]
) -> list[api.Account]:
    return [shapes.account(call, organization, member) for member in members]


@implements(api.MoveAccount)
def move_account(call: OrganizationsCall, request: api.MoveAccountRequest) -> None:
    organization = call.organization()
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    source = call.node(organization, request.source_parent_id, NO_SOURCE)
    destination = call.node(organization, request.destination_parent_id, NO_DESTINATION)
    for each in (part, source, destination):
        call.ask(organization, each)
    account, to = part.existing(), destination.existing()
    if account.parent != source.existing().id:
        raise api.SourceParentNotFoundException(NO_SOURCE[1])
    if account.parent == to.id:
        raise api.DuplicateAccountException(
            "That account is already present in the specified destination."
        )
    member = account.member()
    call.repository.organizations.update_member(
        call.transaction, msgspec.structs.replace(member, parent=to.id)
    )


@implements(api.CloseAccount)
def close_account(call: OrganizationsCall, request: api.CloseAccountRequest) -> None:
    organization = call.organization()
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    call.ask(organization, part)
    account = part.existing()
    if account.id == organization.management:
        raise limits.exceeded(
            "CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You can't close the management account."
        )
    stored = shapes.stored_account(call, account.id)
    if stored.state == "CLOSED":
        raise api.AccountAlreadyClosedException(
            "You attempted to close an account that is already closed."
        )
    now = times.stored(call.now)
    call.repository.accounts.close(call.transaction, stored, "CLOSED", now)


@implements(api.RemoveAccountFromOrganization)
def remove_account_from_organization(
    call: OrganizationsCall, request: api.RemoveAccountFromOrganizationRequest
) -> None:
    organization = call.organization()
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    call.ask(organization, part)
    membership.leave(call, organization, part.existing())
