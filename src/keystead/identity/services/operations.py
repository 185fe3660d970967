"""RegisterService, ListServices, RotateServiceKey, DeregisterService: as the operator may (0051).

Each needs an action of its own, `keystead:RegisterService` and so on, in the account that
administers services: that of the setting `services_account`, or the only one there is. A name is
that of one service for all accounts, so no other account may take one.

Who gets the access key of a service can assume each role that trusts its name. So that needs
`iam:CreateAccessKey` as well: policies as PowerUserAccess allow all actions but those of IAM.
"""

from keystead.arns import spoken
from keystead.call import Target
from keystead.identity import times
from keystead.identity.access_keys import IssuedKey
from keystead.identity.call import ServicesCall
from keystead.identity.repository import ServiceRecord
from keystead.identity.resources import KeyOwner, Named
from keystead.identity.services.registration import (
    BadRegistration,
    Registration,
    deregister,
    draft,
    keys_of,
    new_id,
    owner_of_keys,
    register,
    replace_keys,
    resource_of,
)
from keystead.registry import implements
from keystead.wire.models import keystead as api


@implements(api.RegisterService)
def register_service(
    call: ServicesCall, request: api.RegisterServiceRequest
) -> api.RegisterServiceResponse:
    name, account, service_id = request.service_principal, _administrator(call), new_id()
    permit = call.authorize("keystead:RegisterService", owner_of_keys(name, account, service_id))
    _may_have_key(call, permit.resource)
    asked = Registration(
        name=name,
        account=account,
        source_accounts=request.source_accounts or (),
        source_arns=request.source_arns or (),
        actions=request.forwarded_actions or (),
        scope=request.signing_name or "",
        hosts=request.hosts or (),
        managed_key=request.managed_key is not False,
    )
    repository, transaction = call.repository, call.transaction
    try:
        record = draft(repository, transaction, asked, call.now, service_id)
    except BadRegistration as refusal:
        raise api.InvalidRegistrationException(
            f"The service is not registered: {refusal}"
        ) from None
    key = register(transaction, repository, permit, record, call.now)
    return api.RegisterServiceResponse(service=_shown(call, record), access_key=_key(key))


@implements(api.ListServices)
def list_services(
    call: ServicesCall, _request: api.ListServicesRequest
) -> api.ListServicesResponse:
    account = _administrator(call)
    arn = f"arn:{spoken().name}:keystead::{account}:service/*"
    call.authorize("keystead:ListServices", Target(arn, account))
    every = call.repository.services.every(call.transaction)
    return api.ListServicesResponse(services=[_shown(call, record) for record in every])


@implements(api.RotateServiceKey)
def rotate_service_key(
    call: ServicesCall, request: api.RotateServiceKeyRequest
) -> api.RotateServiceKeyResponse:
    known = _known(call, request.service_principal)
    service_id = "" if known is None else known.service_id
    resource = owner_of_keys(request.service_principal, _administrator(call), service_id)
    permit = call.authorize("keystead:RotateServiceKey", resource)
    _may_have_key(call, resource)
    key = replace_keys(
        call.transaction, call.repository, permit, _there(known), call.now,
        keep_newest=bool(request.keep_newest),
    )  # fmt: skip
    return api.RotateServiceKeyResponse(access_key=_key(key))


@implements(api.DeregisterService)
def deregister_service(call: ServicesCall, request: api.DeregisterServiceRequest) -> None:
    known = _known(call, request.service_principal)
    name, account = request.service_principal, _administrator(call)
    resource = owner_of_keys(name, account, "") if known is None else resource_of(known)
    call.authorize("keystead:DeregisterService", resource)
    deregister(call.transaction, call.repository, _there(known))


def _may_have_key(call: ServicesCall, service: Named[KeyOwner]) -> None:
    call.authorize("iam:CreateAccessKey", Target(service.arn_text, service.owner))


def _administrator(call: ServicesCall) -> str:
    """The account that administers services; "" if there is none, and then nobody may."""
    if call.services_account:
        return call.services_account
    only = call.repository.accounts.only(call.transaction)
    return "" if only is None else only.account


def _known(call: ServicesCall, name: str) -> ServiceRecord | None:
    """The service with this name, of the account that administers services."""
    record = call.repository.services.get(call.transaction, name)
    return record if record is not None and record.account == _administrator(call) else None


def _there(record: ServiceRecord | None) -> ServiceRecord:
    if record is None:
        raise api.NoSuchServiceException("There is no such service in this account.")
    return record


def _key(issued: IssuedKey) -> api.ServiceKey:
    return api.ServiceKey(access_key_id=issued.access_key_id, secret_access_key=issued.secret)


def _shown(call: ServicesCall, record: ServiceRecord) -> api.ServiceDescription:
    keys = keys_of(call.repository, call.transaction, record)
    return api.ServiceDescription(
        service_principal=record.name,
        account_id=record.account,
        source_accounts=list(record.accounts_of_sources),
        source_arns=list(record.arns_of_sources),
        forwarded_actions=list(record.forwarded_actions),
        signing_name=record.scope,
        hosts=list(record.own_hosts),
        managed_key=bool(record.managed_key),
        create_date=times.shown(record.created),
        access_key_ids=[key.access_key_id for key in keys],
    )
