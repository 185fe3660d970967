"""Invitations: an account joins an organization when both of them want it.

The management account invites; the invited account accepts or declines; until then the management
account can cancel. Each of the two sees its own invitations (iam.md 1.12).
"""

from typing import Final

import msgspec

from keystead.arns import organizations_arn
from keystead.identity import times
from keystead.identity.organizations import ids, membership, shapes, tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import walk
from keystead.identity.organizations.resources import NO_TARGET, Missing, Part
from keystead.identity.repository import (
    Account,
    Handshake,
    HandshakeState,
    Organization,
    packed,
    unpacked,
)
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import organizations as api

_NO_HANDSHAKE: Missing = (
    api.HandshakeNotFoundException,
    "We can't find a handshake with the HandshakeId that you specified.",
)
_TYPE = "AWS::Organizations::Handshake"
_INVITE: Final = "INVITE"


@implements(api.InviteAccountToOrganization)
def invite_account_to_organization(
    call: OrganizationsCall, request: api.InviteAccountToOrganizationRequest
) -> api.InviteAccountToOrganizationResponse:
    organization = call.organization()
    given = tags.requested(request.tags)
    account = _invited(call, request.target)
    number = account.account if account else request.target.id
    by_address = request.target.type == "EMAIL"
    if by_address:  # asked first about no account: a refusal tells no number behind an address
        call.ask_any(organization, request_keys(given))
    if account is not None or not by_address:
        part = call.node(organization, number, NO_TARGET)
        call.ask(organization, part, request_keys(given))
    call.ask_to_tag(organization, organization.node_arn(number), given)
    if account is None or not account.is_open:
        raise _violation(
            "TARGET_ACCOUNT_VALIDATION_FAILURE", "The account that you invited can't be found."
        )
    if call.repository.organizations.member(call.transaction, number) is not None:
        raise _in_an_organization()
    table, now = call.repository.handshakes, times.stored(call.now)
    name = organization.organization
    if table.open_for(call.transaction, name, number, now) is not None:
        raise api.DuplicateHandshakeException(
            "A handshake with the same action and target already exists."
        )
    invitation = Handshake(
        handshake=ids.handshake(),
        organization=name,
        account=number,
        state="OPEN",
        notes=request.notes,
        tags=packed(given),
        requested=now,
    )
    table.insert(call.transaction, invitation)
    return api.InviteAccountToOrganizationResponse(handshake=_shown(call, organization, invitation))


def _invited(call: OrganizationsCall, target: api.HandshakeParty) -> Account | None:
    """The account that is invited, by its number or its address."""
    accounts, reader = call.repository.accounts, call.transaction
    match target.type:
        case "ACCOUNT":
            return accounts.get(reader, target.id)
        case "EMAIL":
            return accounts.with_email(reader, target.id)
    raise api.InvalidInputException(
        "You specified the wrong type of entity (account, organization, or email) as a party.",
        reason="INVALID_PARTY_TYPE_TARGET",
    )


def _violation(reason: str, sentence: str) -> api.HandshakeConstraintViolationException:
    return api.HandshakeConstraintViolationException(sentence, reason=reason)


def _in_an_organization() -> api.HandshakeConstraintViolationException:
    return _violation(
        "ALREADY_IN_AN_ORGANIZATION", "The account is already a member of an organization."
    )


def _asked(
    call: OrganizationsCall, identifier: str, *, by_host: bool, by_guest: bool
) -> tuple[Organization, Handshake]:
    """The invitation, once the caller may do it: the host invited, the guest is invited.

    There is none for whom it does not concern.
    """
    invitation = call.repository.handshakes.get(call.transaction, identifier)
    organization = None
    if invitation is not None:
        table = call.repository.organizations
        organization = table.get(call.transaction, invitation.organization)
    name = organization.organization if organization else "o-unknown"
    resource = f"handshake/{name}/invite/{identifier}"
    management = organization.management if organization else call.account
    arn = organizations_arn(management, resource)
    part: Part[Handshake] = Part(arn, call.account, _TYPE, _NO_HANDSHAKE, invitation)
    call.authorize(call.action, part)
    found = part.existing()
    if organization is None:
        raise api.HandshakeNotFoundException(_NO_HANDSHAKE[1])
    is_host = by_host and call.account == organization.management
    if not (is_host or (by_guest and call.account == found.account)):
        raise api.HandshakeNotFoundException(_NO_HANDSHAKE[1])
    return organization, found


def _answer(call: OrganizationsCall, invitation: Handshake, state: HandshakeState) -> Handshake:
    """The invitation in another state; only an open one changes it."""
    now = invitation.state_at(times.stored(call.now))
    if now == state:
        raise api.HandshakeAlreadyInStateException(
            "The specified handshake is already in the requested state."
        )
    if now != "OPEN":
        raise api.InvalidHandshakeTransitionException(
            "You can't perform the operation on the handshake in its current state."
        )
    changed = msgspec.structs.replace(invitation, state=state)
    return call.repository.handshakes.update(call.transaction, changed)


@implements(api.AcceptHandshake)
def accept_handshake(
    call: OrganizationsCall, request: api.AcceptHandshakeRequest
) -> api.AcceptHandshakeResponse:
    organization, invitation = _asked(call, request.handshake_id, by_host=False, by_guest=True)
    accepted = _answer(call, invitation, "ACCEPTED")
    if call.found_organization() is not None:
        raise _in_an_organization()
    membership.join(
        call,
        organization,
        call.account,
        name=membership.name_of(call, call.account),
        method="INVITED",
        tags=unpacked(invitation.tags),
    )
    return api.AcceptHandshakeResponse(handshake=_shown(call, organization, accepted))


@implements(api.DeclineHandshake)
def decline_handshake(
    call: OrganizationsCall, request: api.DeclineHandshakeRequest
) -> api.DeclineHandshakeResponse:
    organization, invitation = _asked(call, request.handshake_id, by_host=False, by_guest=True)
    declined = _answer(call, invitation, "DECLINED")
    return api.DeclineHandshakeResponse(handshake=_shown(call, organization, declined))


@implements(api.CancelHandshake)
def cancel_handshake(
    call: OrganizationsCall, request: api.CancelHandshakeRequest
) -> api.CancelHandshakeResponse:
    organization, invitation = _asked(call, request.handshake_id, by_host=True, by_guest=False)
    canceled = _answer(call, invitation, "CANCELED")
    return api.CancelHandshakeResponse(handshake=_shown(call, organization, canceled))


@implements(api.DescribeHandshake)
def describe_handshake(
    call: OrganizationsCall, request: api.DescribeHandshakeRequest
) -> api.DescribeHandshakeResponse:
    organization, invitation = _asked(call, request.handshake_id, by_host=True, by_guest=True)
    return api.DescribeHandshakeResponse(handshake=_shown(call, organization, invitation))


@implements(api.ListHandshakesForAccount)
def list_handshakes_for_account(
    call: OrganizationsCall, request: api.ListHandshakesForAccountRequest
) -> api.ListHandshakesForAccountResponse:
    call.authorize_any(call.action)

    def after(place: str, count: int) -> list[Handshake]:
        if not _are_invitations(request.filter):
            return []
        return call.repository.handshakes.of_account_after(
            call.transaction, call.account, place, count
        )

    page = walk(call, request, after, lambda invitation: invitation.handshake)
    hosts = [
        (call.repository.organizations.get(call.transaction, each.organization), each)
        for each in page.items
    ]
    return api.ListHandshakesForAccountResponse(
        handshakes=[_shown(call, host, each) for host, each in hosts if host is not None],
        next_token=page.marker,
    )


@implements(api.ListHandshakesForOrganization)
def list_handshakes_for_organization(
    call: OrganizationsCall, request: api.ListHandshakesForOrganizationRequest
) -> api.ListHandshakesForOrganizationResponse:
    organization = call.organization()
    call.ask_any(organization)

    def after(place: str, count: int) -> list[Handshake]:
        if not _are_invitations(request.filter):
            return []
        return call.repository.handshakes.of_organization_after(
            call.transaction, organization.organization, place, count
        )

    page = walk(call, request, after, lambda invitation: invitation.handshake)
    return api.ListHandshakesForOrganizationResponse(
        handshakes=[_shown(call, organization, each) for each in page.items],
        next_token=page.marker,
    )


def _are_invitations(wanted: api.HandshakeFilter | None) -> bool:
    """Does a filter let invitations through?  They have no parents, and nothing else is here."""
    if wanted is None:
        return True
    return wanted.parent_handshake_id is None and wanted.action_type in {None, _INVITE}


def _shown(
    call: OrganizationsCall, organization: Organization, invitation: Handshake
) -> api.Handshake:
    """An invitation, as its two parties see it."""
    management = shapes.stored_account(call, organization.management)
    host = [
        api.HandshakeResource(type="MASTER_EMAIL", value=management.email),
        api.HandshakeResource(type="ORGANIZATION_FEATURE_SET", value=organization.feature_set),
    ]
    about = [
        api.HandshakeResource(type="ORGANIZATION", value=organization.organization, resources=host),
        api.HandshakeResource(type="ACCOUNT", value=invitation.account),
    ]
    if invitation.notes is not None:
        about.append(api.HandshakeResource(type="NOTES", value=invitation.notes))
    resource = f"handshake/{organization.organization}/invite/{invitation.handshake}"
    return api.Handshake(
        id=invitation.handshake,
        arn=organizations_arn(organization.management, resource),
        parties=[
            api.HandshakeParty(id=organization.organization, type="ORGANIZATION"),
            api.HandshakeParty(id=invitation.account, type="ACCOUNT"),
        ],
        state=invitation.state_at(times.stored(call.now)),
        requested_timestamp=times.shown(invitation.requested),
        expiration_timestamp=times.shown(invitation.expires),
        action=_INVITE,
        resources=about,
    )
