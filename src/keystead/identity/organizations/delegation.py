"""Which services work with the organization, and which accounts administer them?"""

import re

from keystead.identity import times
from keystead.identity.organizations import limits, shapes
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import cut, walk
from keystead.identity.organizations.resources import NO_ACCOUNT
from keystead.identity.permissions import root_access
from keystead.identity.repository import Delegate, Organization, ServiceAccess
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.wire.models import organizations as api

_PRINCIPAL = re.compile(r"\A[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?\Z")


def _service_keys(service: str | None) -> dict[str, ContextValue]:
    """`organizations:ServicePrincipal`, when the request names one."""
    return {} if service is None else {"organizations:serviceprincipal": service}


def _require_recognized(service: str) -> None:
    if not _PRINCIPAL.match(service):
        raise api.InvalidInputException(
            "You specified a service principal that isn't recognized.",
            reason="UNRECOGNIZED_SERVICE_PRINCIPAL",
        )


@implements(api.EnableAWSServiceAccess)
def enable_aws_service_access(
    call: OrganizationsCall, request: api.EnableAWSServiceAccessRequest
) -> None:
    organization = call.organization()
    service = request.service_principal
    call.ask_any(organization, _service_keys(service))
    _require_recognized(service)
    table, name = call.repository.delegations, organization.organization
    if table.service(call.transaction, name, service) is None:
        access = ServiceAccess(organization=name, service=service, enabled=times.stored(call.now))
        table.insert_service(call.transaction, access)


@implements(api.DisableAWSServiceAccess)
def disable_aws_service_access(
    call: OrganizationsCall, request: api.DisableAWSServiceAccessRequest
) -> None:
    organization = call.organization()
    service = request.service_principal
    call.ask_any(organization, _service_keys(service))
    _require_recognized(service)
    call.repository.delegations.delete_service(call.transaction, organization.organization, service)
    if service == root_access.SERVICE:
        call.repository.root_features.delete_all(call.transaction, organization.organization)


@implements(api.ListAWSServiceAccessForOrganization)
def list_aws_service_access_for_organization(
    call: OrganizationsCall, request: api.ListAWSServiceAccessForOrganizationRequest
) -> api.ListAWSServiceAccessForOrganizationResponse:
    organization = call.organization()
    call.ask_any(organization)

    def after(last: str, count: int) -> list[ServiceAccess]:
        return call.repository.delegations.services_after(
            call.transaction, organization.organization, last, count
        )

    page = walk(call, request, after, lambda access: access.service)
    enabled = [
        api.EnabledServicePrincipal(
            service_principal=access.service, date_enabled=times.shown(access.enabled)
        )
        for access in page.items
    ]
    return api.ListAWSServiceAccessForOrganizationResponse(
        enabled_service_principals=enabled, next_token=page.marker
    )


@implements(api.RegisterDelegatedAdministrator)
def register_delegated_administrator(
    call: OrganizationsCall, request: api.RegisterDelegatedAdministratorRequest
) -> None:
    organization = call.organization()
    service = request.service_principal
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    call.ask(organization, part, _service_keys(service))
    account = part.existing()
    _require_recognized(service)
    if account.id == organization.management:
        raise limits.exceeded(
            "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
            "You can't register the management account as a delegated administrator.",
        )
    if not shapes.stored_account(call, account.id).is_open:
        raise limits.exceeded(
            "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
            "You can't register a suspended account as a delegated administrator.",
        )
    table, name = call.repository.delegations, organization.organization
    if table.service(call.transaction, name, service) is None:
        raise limits.exceeded(
            "SERVICE_ACCESS_NOT_ENABLED",
            "You attempted to register a delegated administrator before you enabled service"
            " access. Call the EnableAWSServiceAccess API first.",
        )
    if any(each.service == service for each in table.of(call.transaction, account.id)):
        raise api.AccountAlreadyRegisteredException(
            "The provided account is already a delegated administrator for your organization."
        )
    delegate = Delegate(
        account=account.id, service=service, organization=name, enabled=times.stored(call.now)
    )
    table.insert(call.transaction, delegate)


@implements(api.DeregisterDelegatedAdministrator)
def deregister_delegated_administrator(
    call: OrganizationsCall, request: api.DeregisterDelegatedAdministratorRequest
) -> None:
    organization = call.organization()
    service = request.service_principal
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    call.ask(organization, part, _service_keys(service))
    registered = _registered(call, part.existing().id)
    for delegate in registered:
        if delegate.service == service:
            call.repository.delegations.delete(call.transaction, delegate)
            return
    raise _not_registered()


def _registered(call: OrganizationsCall, account: str) -> list[Delegate]:
    return call.repository.delegations.of(call.transaction, account)


def _not_registered() -> api.AccountNotRegisteredException:
    return api.AccountNotRegisteredException(
        "The provided account is not a registered delegated administrator for your organization."
    )


@implements(api.ListDelegatedAdministrators)
def list_delegated_administrators(
    call: OrganizationsCall, request: api.ListDelegatedAdministratorsRequest
) -> api.ListDelegatedAdministratorsResponse:
    organization = call.organization()
    service = request.service_principal
    call.ask_any(organization, _service_keys(service))

    def after(last: str, count: int) -> list[str]:
        return call.repository.delegations.accounts_after(
            call.transaction, organization.organization, service, last, count
        )

    page = walk(call, request, after, lambda account: account)
    return api.ListDelegatedAdministratorsResponse(
        delegated_administrators=[_shown(call, organization, each) for each in page.items],
        next_token=page.marker,
    )


def _shown(
    call: OrganizationsCall, organization: Organization, account: str
) -> api.DelegatedAdministrator:
    member = call.node(organization, account, NO_ACCOUNT).existing().member()
    known = shapes.account(call, organization, member)
    first = min(each.enabled for each in _registered(call, account))
    return api.DelegatedAdministrator(
        id=known.id,
        arn=known.arn,
        email=known.email,
        name=known.name,
        status=known.status,
        state=known.state,
        joined_method=known.joined_method,
        joined_timestamp=known.joined_timestamp,
        delegation_enabled_date=times.shown(first),
    )


@implements(api.ListDelegatedServicesForAccount)
def list_delegated_services_for_account(
    call: OrganizationsCall, request: api.ListDelegatedServicesForAccountRequest
) -> api.ListDelegatedServicesForAccountResponse:
    organization = call.organization()
    part = call.node(organization, request.account_id, NO_ACCOUNT)
    call.ask(organization, part)
    registered = _registered(call, part.existing().id)
    if not registered:
        raise _not_registered()
    services = [
        api.DelegatedService(
            service_principal=each.service, delegation_enabled_date=times.shown(each.enabled)
        )
        for each in registered
    ]
    page = cut(call, request, services)
    return api.ListDelegatedServicesForAccountResponse(
        delegated_services=page.items, next_token=page.marker
    )
