"""How does an organization get all features, if it began with consolidated billing alone?

The management account requests it. Each account that was invited once has to approve, for it joined
another kind of organization; accounts that were made in it need not. Then the management account
accepts its own request, and policies can be enabled (iam.md 1.12).
"""

import msgspec

from keystead.identity import times
from keystead.identity.organizations import handshakes, ids
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.repository import FeatureHandshake, Member, Organization
from keystead.registry import implements
from keystead.wire.models import organizations as api

_PAGE = 1_000  # members that are read at once


@implements(api.EnableAllFeatures)
def enable_all_features(
    call: OrganizationsCall, _request: api.EnableAllFeaturesRequest
) -> api.EnableAllFeaturesResponse:
    organization = call.organization()
    call.ask_any(organization)
    if organization.feature_set == "ALL":
        raise handshakes.violation(
            "ORGANIZATION_ALREADY_HAS_ALL_FEATURES", "The organization has all features already."
        )
    if handshakes.is_pending(call, organization):
        raise handshakes.violation(
            "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION",
            "The organization waits for the approval of all features already.",
        )
    table = call.repository.handshakes
    table.forget_features(call.transaction, organization.organization)
    asked = _invited(call, organization)
    request = FeatureHandshake(
        handshake=ids.handshake(),
        organization=organization.organization,
        account="",
        parent="",
        state="REQUESTED" if asked else "OPEN",
        requested=times.stored(call.now),
    )
    table.insert(call.transaction, request)
    for member in asked:
        approval = msgspec.structs.replace(
            request,
            handshake=ids.handshake(),
            account=member.account,
            parent=request.handshake,
            state="OPEN",
        )
        table.insert(call.transaction, approval)
    shown = handshakes.shown(call, organization, request)
    return api.EnableAllFeaturesResponse(handshake=shown)


def _invited(call: OrganizationsCall, organization: Organization) -> list[Member]:
    """The accounts that joined by an invitation, but for the management account."""
    table, invited, last = call.repository.organizations, list[Member](), ""
    while members := table.members_after(call.transaction, organization.organization, last, _PAGE):
        last = members[-1].account
        invited += [each for each in members if each.joined_method == "INVITED"]
    return [each for each in invited if each.account != organization.management]
