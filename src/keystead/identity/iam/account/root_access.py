"""Central root access: which features has the caller's organization?  (iam.md 1.8, 2.8)

What they are for is in `permissions/root_access`.
"""

from typing import Any

from keystead.custody.randomness import unique_id
from keystead.identity import times
from keystead.identity.call import IamCall
from keystead.identity.permissions import root_access
from keystead.identity.repository import Organization, RootFeature, RootFeatureName
from keystead.registry import implements
from keystead.wire.models import iam as api


def _organization(call: IamCall) -> Organization:
    """The caller's organization, whose root access the caller's account administers."""
    call.ask_any()
    repository, reader = call.repository, call.transaction
    organization = repository.organizations.of_account(reader, call.account)
    if organization is None:
        raise api.OrganizationNotFoundException("No organization is associated with your account.")
    if not root_access.is_administrator(repository, reader, organization, call.account):
        raise api.AccountNotManagementOrDelegatedAdministratorException(
            "The account making the request is not the management account or delegated"
            " administrator account for centralized root access."
        )
    if organization.feature_set != "ALL":
        raise api.OrganizationNotInAllFeaturesModeException(
            "Your organization does not have all features enabled."
        )
    if not root_access.is_trusted(repository, reader, organization):
        raise api.ServiceAccessNotEnabledException(
            "Trusted access is not enabled for IAM in Organizations."
        )
    return organization


def _enabled(call: IamCall, organization: Organization) -> list[Any]:
    """The names of the features that are enabled now."""
    found = root_access.enabled(call.repository, call.transaction, organization)
    return [feature.feature for feature in found]


def _enable(call: IamCall, feature: RootFeatureName) -> dict[str, Any]:
    """Enable a feature that is not; its sessions of before stay ended."""
    organization = _organization(call)
    if feature not in _enabled(call, organization):
        record = RootFeature(
            organization=organization.organization,
            feature=feature,
            enabling=unique_id("rf-", 16).lower(),
            enabled=times.stored(call.now),
        )
        call.repository.root_features.insert(call.transaction, record)
    return _shown(call, organization)


def _disable(call: IamCall, feature: RootFeatureName) -> dict[str, Any]:
    """Disable a feature: its sessions end at once."""
    organization = _organization(call)
    call.repository.root_features.delete(call.transaction, organization.organization, feature)
    return _shown(call, organization)


def _shown(call: IamCall, organization: Organization) -> dict[str, Any]:
    """The members of every answer."""
    return {
        "organization_id": organization.organization,
        "enabled_features": _enabled(call, organization),
    }


@implements(api.EnableOrganizationsRootCredentialsManagement)
def enable_organizations_root_credentials_management(
    call: IamCall, _request: api.EnableOrganizationsRootCredentialsManagementRequest
) -> api.EnableOrganizationsRootCredentialsManagementResponse:
    shown = _enable(call, root_access.CREDENTIALS)
    return api.EnableOrganizationsRootCredentialsManagementResponse(**shown)


@implements(api.DisableOrganizationsRootCredentialsManagement)
def disable_organizations_root_credentials_management(
    call: IamCall, _request: api.DisableOrganizationsRootCredentialsManagementRequest
) -> api.DisableOrganizationsRootCredentialsManagementResponse:
    shown = _disable(call, root_access.CREDENTIALS)
    return api.DisableOrganizationsRootCredentialsManagementResponse(**shown)


@implements(api.EnableOrganizationsRootSessions)
def enable_organizations_root_sessions(
    call: IamCall, _request: api.EnableOrganizationsRootSessionsRequest
) -> api.EnableOrganizationsRootSessionsResponse:
    return api.EnableOrganizationsRootSessionsResponse(**_enable(call, root_access.SESSIONS))


@implements(api.DisableOrganizationsRootSessions)
def disable_organizations_root_sessions(
    call: IamCall, _request: api.DisableOrganizationsRootSessionsRequest
) -> api.DisableOrganizationsRootSessionsResponse:
    return api.DisableOrganizationsRootSessionsResponse(**_disable(call, root_access.SESSIONS))


@implements(api.ListOrganizationsFeatures)
def list_organizations_features(
    call: IamCall, _request: api.ListOrganizationsFeaturesRequest
) -> api.ListOrganizationsFeaturesResponse:
    return api.ListOrganizationsFeaturesResponse(**_shown(call, _organization(call)))
