"""Handshakes: an account joins an organization, or approves its features, when both want it.

The management account invites; the invited account accepts or declines; until then the management
account can cancel. Each of the two sees its own handshakes (iam.md 1.12). Those for all features
begin in `features`.
"""

from typing import Any

import msgspec

from keystead.arns import organizations_arn
from keystead.identity import times
from keystead.identity.organizations import ids, limits, membership, shapes, tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import walk
from keystead.identity.organizations.resources import NO_TARGET, Missing, Part
from keystead.identity.repository import (
    Account,
    AnyHandshake,
    FeatureHandshake,
    Handshake,
    HandshakeState,
    Organization,
    packed,
    unpacked,
)
from keystead.policy.text import ascii_lower
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import organizations as api

_NO_HANDSHAKE: Missing = (
    api.HandshakeNotFoundException,
    "We can't find a handshake with the HandshakeId that you specified.",
)
_TYPE = "AWS::Organizations::Handshake"


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
        raise violation(
            "TARGET_ACCOUNT_VALIDATION_FAILURE", "The account that you invited can't be found."
        )
    if call.repository.organizations.member(call.transaction, number) is not None:
        raise _in_an_organization()
    if is_pending(call, organization):
        raise violation(
            "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES",
            "You can't invite accounts while the organization waits for all features.",
        )
    table, now = call.repository.handshakes, times.stored(call.now)
    name = organization.organization
    if table.open_for(call.transaction, name, number, now) is not None:
        raise api.DuplicateHandshakeException(
            "A handshake with the same action and target already exists."
        )
    table.forget_old(call.transaction, name, number, now)
    if table.made_today(call.transaction, name, now) >= limits.INVITATIONS:
        raise violation(
            "HANDSHAKE_RATE_LIMIT_EXCEEDED",
            "You attempted to exceed the number of handshakes that you can send in one day.",
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
    return api.InviteAccountToOrganizationResponse(handshake=shown(call, organization, invitation))


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


def violation(reason: str, sentence: str) -> api.HandshakeConstraintViolationException:
    """The refusal of a handshake that cannot be."""
    return api.HandshakeConstraintViolationException(sentence, reason=reason)


def _in_an_organization() -> api.HandshakeConstraintViolationException:
    return violation(
        "ALREADY_IN_AN_ORGANIZATION", "The account is already a member of an organization."
    )


def is_pending(call: OrganizationsCall, organization: Organization) -> bool:
    """Does a request for all features wait?"""
    now = times.stored(call.now)
    known = call.repository.handshakes.features_of(call.transaction, organization.organization)
    return any(not each.account and each.state_at(now) in {"REQUESTED", "OPEN"} for each in known)


_HOSTS = frozenset({"INVITE", "ENABLE_ALL_FEATURES"})
_GUESTS = frozenset({"INVITE", "APPROVE_ALL_FEATURES"})
_REQUEST = frozenset({"ENABLE_ALL_FEATURES"})


def _asked(
    call: OrganizationsCall, identifier: str, *, host: frozenset[str], guest: frozenset[str]
) -> tuple[Organization, AnyHandshake]:
    """The handshake, once the caller may do it: the host asks, the guest is asked.

    `host` and `guest` are the actions in which each of them may. There is none for whom it does not
    concern.
    """
    now = times.stored(call.now)
    handshake = call.repository.handshakes.get(call.transaction, identifier, now)
    organization = None
    if handshake is not None:
        table = call.repository.organizations
        organization = table.get(call.transaction, handshake.organization)
    name = organization.organization if organization else "o-unknown"
    action = handshake.action if handshake else "INVITE"
    management = organization.management if organization else call.account
    arn = organizations_arn(management, _resource(name, action, identifier))
    part: Part[AnyHandshake] = Part(arn, call.account, _TYPE, _NO_HANDSHAKE, handshake)
    call.authorize(call.action, part)
    known = part.existing()
    if organization is None:
        raise api.HandshakeNotFoundException(_NO_HANDSHAKE[1])
    is_host = known.action in host and call.account == organization.management
    if not (is_host or (known.action in guest and call.account == known.account)):
        raise api.HandshakeNotFoundException(_NO_HANDSHAKE[1])
    return organization, known


def _resource(organization: str, action: str, handshake: str) -> str:
    """The last part of a handshake's ARN."""
    return f"handshake/{organization}/{ascii_lower(action)}/{handshake}"


def _answer(
    call: OrganizationsCall, handshake: AnyHandshake, state: HandshakeState
) -> AnyHandshake:
    """The handshake in another state; only an open one changes it. Any that waits is cancelled."""
    now = handshake.state_at(times.stored(call.now))
    if now == state:
        raise api.HandshakeAlreadyInStateException(
            "The specified handshake is already in the requested state."
        )
    if now != "OPEN" and (now, state) != ("REQUESTED", "CANCELED"):
        raise api.InvalidHandshakeTransitionException(
            "You can't perform the operation on the handshake in its current state."
        )
    changed = msgspec.structs.replace(handshake, state=state)
    return call.repository.handshakes.update(call.transaction, changed)


@implements(api.AcceptHandshake)
def accept_handshake(
    call: OrganizationsCall, request: api.AcceptHandshakeRequest
) -> api.AcceptHandshakeResponse:
    organization, handshake = _asked(call, request.handshake_id, host=_REQUEST, guest=_GUESTS)
    accepted = _answer(call, handshake, "ACCEPTED")
    if isinstance(handshake, Handshake):
        if call.found_organization() is not None:
            raise _in_an_organization()
        if is_pending(call, organization):  # nobody would ask this account to approve them
            raise violation(
                "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION",
                "You can't join while the organization waits for all features.",
            )
        membership.join(
            call,
            organization,
            call.account,
            name=membership.name_of(call, call.account),
            method="INVITED",
            tags=unpacked(handshake.tags),
        )
    elif handshake.account:
        membership.settle_features(call, organization)
    else:
        changed = msgspec.structs.replace(organization, feature_set="ALL")
        organization = call.repository.organizations.update(call.transaction, changed)
    return api.AcceptHandshakeResponse(handshake=shown(call, organization, accepted))


@implements(api.DeclineHandshake)
def decline_handshake(
    call: OrganizationsCall, request: api.DeclineHandshakeRequest
) -> api.DeclineHandshakeResponse:
    organization, handshake = _asked(call, request.handshake_id, host=frozenset(), guest=_GUESTS)
    declined = _answer(call, handshake, "DECLINED")
    return api.DeclineHandshakeResponse(handshake=shown(call, organization, declined))


@implements(api.CancelHandshake)
def cancel_handshake(
    call: OrganizationsCall, request: api.CancelHandshakeRequest
) -> api.CancelHandshakeResponse:
    organization, handshake = _asked(call, request.handshake_id, host=_HOSTS, guest=frozenset())
    canceled = _answer(call, handshake, "CANCELED")
    if isinstance(handshake, FeatureHandshake):
        _cancel_approvals(call, organization)
    return api.CancelHandshakeResponse(handshake=shown(call, organization, canceled))


def _cancel_approvals(call: OrganizationsCall, organization: Organization) -> None:
    """Nobody approves a request that was cancelled."""
    table = call.repository.handshakes
    for each in table.features_of(call.transaction, organization.organization):
        if each.account and each.state == "OPEN":
            table.update(call.transaction, msgspec.structs.replace(each, state="CANCELED"))


@implements(api.DescribeHandshake)
def describe_handshake(
    call: OrganizationsCall, request: api.DescribeHandshakeRequest
) -> api.DescribeHandshakeResponse:
    organization, handshake = _asked(
        call, request.handshake_id, host=_HOSTS | _GUESTS, guest=_GUESTS
    )
    return api.DescribeHandshakeResponse(handshake=shown(call, organization, handshake))


@implements(api.ListHandshakesForAccount)
def list_handshakes_for_account(
    call: OrganizationsCall, request: api.ListHandshakesForAccountRequest
) -> api.ListHandshakesForAccountResponse:
    call.authorize_any(call.action)

    def after(last: str, count: int) -> list[AnyHandshake]:
        return call.repository.handshakes.of_account_after(
            call.transaction, call.account, last, count, times.stored(call.now)
        )

    page = walk(call, request, after, lambda handshake: handshake.handshake)
    wanted = [each for each in page.items if _is_wanted(each, request.filter)]
    hosts = [
        (call.repository.organizations.get(call.transaction, each.organization), each)
        for each in wanted
    ]
    return api.ListHandshakesForAccountResponse(
        handshakes=[shown(call, host, each) for host, each in hosts if host is not None],
        next_token=page.marker,
    )


@implements(api.ListHandshakesForOrganization)
def list_handshakes_for_organization(
    call: OrganizationsCall, request: api.ListHandshakesForOrganizationRequest
) -> api.ListHandshakesForOrganizationResponse:
    organization = call.organization()
    call.ask_any(organization)

    def after(last: str, count: int) -> list[AnyHandshake]:
        return call.repository.handshakes.of_organization_after(
            call.transaction, organization.organization, last, count, times.stored(call.now)
        )

    page = walk(call, request, after, lambda handshake: handshake.handshake)
    wanted = [each for each in page.items if _is_wanted(each, request.filter)]
    return api.ListHandshakesForOrganizationResponse(
        handshakes=[shown(call, organization, each) for each in wanted],
        next_token=page.marker,
    )


def _is_wanted(handshake: AnyHandshake, wanted: api.HandshakeFilter | None) -> bool:
    """Does a filter let this handshake through?  A page may have fewer items for that."""
    if wanted is None:
        return True
    parent = handshake.parent if isinstance(handshake, FeatureHandshake) else ""
    return wanted.parent_handshake_id in {None, parent} and wanted.action_type in {
        None,
        handshake.action,
    }


def shown(
    call: OrganizationsCall, organization: Organization, handshake: AnyHandshake
) -> api.Handshake:
    """A handshake, as its two parties see it."""
    name = organization.organization
    parties = [api.HandshakeParty(id=name, type="ORGANIZATION")]
    if handshake.account:
        parties.append(api.HandshakeParty(id=handshake.account, type="ACCOUNT"))
    resource = _resource(name, handshake.action, handshake.handshake)
    return api.Handshake(
        id=handshake.handshake,
        arn=organizations_arn(organization.management, resource),
        parties=parties,
        state=handshake.state_at(times.stored(call.now)),
        requested_timestamp=times.shown(handshake.requested),
        expiration_timestamp=times.shown(handshake.expires),
        action=handshake.action,
        resources=_about(call, organization, handshake),
    )


def _about(
    call: OrganizationsCall, organization: Organization, handshake: AnyHandshake
) -> list[api.HandshakeResource]:
    """The things that a handshake is about."""

    def one(kind: Any, value: str, **more: Any) -> api.HandshakeResource:
        return api.HandshakeResource(type=kind, value=value, **more)

    if not handshake.account:
        return [one("ORGANIZATION", organization.organization)]
    management = shapes.stored_account(call, organization.management)
    host = [
        one("MASTER_EMAIL", management.email),
        one("ORGANIZATION_FEATURE_SET", organization.feature_set),
    ]
    about = [
        one("ORGANIZATION", organization.organization, resources=host),
        one("ACCOUNT", handshake.account),
    ]
    if isinstance(handshake, FeatureHandshake):
        about.append(one("PARENT_HANDSHAKE", handshake.parent))
    elif handshake.notes is not None:
        about.append(one("NOTES", handshake.notes))
    return about
