"""How does the operator register a service, and how does it go?  Ceremonies (decision 0051)."""

from collections.abc import Mapping
from typing import Any

from keystead.audit.records import HIGH, EventResource
from keystead.failures import Failure
from keystead.identity import services
from keystead.identity.access_keys import IssuedKey
from keystead.identity.repository import ServiceRecord
from keystead.identity.services import BadRegistration, Registration
from keystead.policy.evaluation import Permit
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.store.protocol import Reader
from keystead.times import from_seconds, iso_seconds


def register(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Register a service; its registration, and its first access key."""
    asked = Registration(
        name=str(arguments["name"]),
        account=str(arguments["account_id"]),
        source_accounts=_texts(arguments, "source_accounts"),
        source_arns=_texts(arguments, "source_arns"),
        actions=_texts(arguments, "actions"),
        scope=str(arguments.get("scope") or ""),
        hosts=_texts(arguments, "hosts"),
        managed_key=bool(arguments.get("managed_key", True)),
    )
    now, repository = installation.clock.now(), installation.identities
    with installation.store.write() as transaction:
        try:
            record = services.draft(repository, transaction, asked, now, services.new_id())
        except BadRegistration as refusal:
            raise Failure(str(refusal), "see docs/services.md") from None
        permit = Permit.for_system(services.resource_of(record), "service register", "operator")
        key = services.register(transaction, repository, permit, record, now)
        _note(installation, "RegisterService", record)
    return {**_shown(record), **_secret(key)}


def listed(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # there are none
    """The services, with their access keys' ids."""
    reader, repository = installation.store.read(), installation.identities
    every = repository.services.every(reader)
    return {
        "Services": [
            {
                **_shown(record),
                "AccessKeyIds": [
                    key.access_key_id for key in services.keys_of(repository, reader, record)
                ],
            }
            for record in every
        ]
    }


def rotate(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A new access key of a service; the others end, and the sessions that they began."""
    now, repository = installation.clock.now(), installation.identities
    with installation.store.write() as transaction:
        record = _service(installation, transaction, str(arguments["name"]))
        permit = Permit.for_system(services.resource_of(record), "service rotate", "operator")
        keep = bool(arguments.get("keep_newest"))
        key = services.replace_keys(transaction, repository, permit, record, now, keep_newest=keep)
        _note(installation, "RotateServiceKey", record)
    return {"ServicePrincipal": record.name, **_secret(key)}


def deregister(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Remove a service, with its access keys and its sessions."""
    with installation.store.write() as transaction:
        record = _service(installation, transaction, str(arguments["name"]))
        services.deregister(transaction, installation.identities, record)
        _note(installation, "DeregisterService", record)
    return {"ServicePrincipal": record.name}


def _service(installation: Installation, reader: Reader, name: str) -> ServiceRecord:
    record = installation.identities.services.get(reader, name)
    if record is None:
        raise Failure(f"there is no service `{name}`", "see `keystead service list`")
    return record


def _texts(arguments: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(map(str, arguments.get(name) or ()))


def _note(installation: Installation, name: str, record: ServiceRecord) -> None:
    """Record what was done. Every change of a service matters to somebody who watches."""
    told = {"servicePrincipal": record.name, "accountId": record.account}
    event = ceremony_event(name, installation.clock.now(), told)
    event.severity = HIGH
    resource = services.resource_of(record)
    event.resources = [EventResource(record.account, resource.resource_type, resource.arn_text)]
    installation.trail.record(event)


def _secret(key: IssuedKey) -> dict[str, str]:
    return {"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret}


def _shown(record: ServiceRecord) -> dict[str, Any]:
    return {
        "ServicePrincipal": record.name,
        "AccountId": record.account,
        "SourceAccounts": list(record.accounts_of_sources),
        "SourceArns": list(record.arns_of_sources),
        "ForwardedActions": list(record.forwarded_actions),
        "SigningName": record.scope,
        "Hosts": list(record.own_hosts),
        "ManagedKey": bool(record.managed_key),
        "CreateDate": iso_seconds(from_seconds(record.created)),
    }
