"""What does the registration of a service say, and how does a service come and go?  (decision 0051)

It says which sources the service may name, and what it may do for callers whose requests it
forwards. Its access keys are made here. A service that goes takes its keys with it, and so all
sessions that it began.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from keystead.arns import is_account_id, spoken
from keystead.custody.randomness import unique_id
from keystead.identity import access_keys, identifiers, limits, times
from keystead.identity.access_keys import IssuedKey
from keystead.identity.repository import EVERY, AccessKey, IdentityRepository, ServiceRecord
from keystead.identity.resources import KeyOwner, Named
from keystead.identity.services import names
from keystead.policy.evaluation import Permit
from keystead.policy.text import is_too_long, segments, wildcards
from keystead.store.protocol import Reader, Transaction

RESOURCE_TYPE = "Keystead::Service"
_SECOND = timedelta(seconds=1)

_ACTION = re.compile(r"\A(?:kms:[A-Za-z*?]{1,64}|iam:PassRole)\Z")
_SCOPE = re.compile(r"\A[a-z0-9][a-z0-9-]{0,62}\Z")
_HOST = re.compile(r"\A(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


class BadRegistration(ValueError):
    """A service cannot be registered so; the message says why."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What is asked for. What is empty is what most services need."""

    name: str
    account: str  # that administers it
    source_accounts: Sequence[str] = ()  # its own account
    source_arns: Sequence[str] = ()  # ARNs of its own kind: arn:aws:<label>:…
    actions: Sequence[str] = ()  # nothing is forwarded
    scope: str = ""  # its label
    hosts: Sequence[str] = ()  # its name
    managed_key: bool = True


def draft(
    repository: IdentityRepository,
    reader: Reader,
    asked: Registration,
    now: datetime,
    service_id: str,
) -> ServiceRecord:
    """The record of a new service, not stored yet, with this `new_id`; raises BadRegistration."""
    why = names.problem(asked.name)
    if why:
        raise BadRegistration(why)
    label = names.label_of(asked.name)
    record = ServiceRecord(
        name=asked.name,
        service_id=service_id,
        account=asked.account,
        label=label,
        source_accounts=_packed(asked.source_accounts or (asked.account,)),
        source_arns=_packed(asked.source_arns or (f"arn:{spoken().name}:{label}:*:*:*",)),
        actions=_packed(asked.actions),
        scope=asked.scope or label,
        hosts=_packed(asked.hosts or (asked.name,)),
        managed_key=int(asked.managed_key),
        created=times.stored(now),
    )
    _require_readable(record)
    _require_accounts(repository, reader, record)
    _require_free(repository, reader, record)
    return record


def _packed(texts: Sequence[str]) -> str:
    return msgspec.json.encode([*dict.fromkeys(texts)]).decode()


def _require_readable(record: ServiceRecord) -> None:
    """Is each part of it understood?"""
    for title, texts, most in (
        ("accounts of sources", record.accounts_of_sources, limits.SOURCES_PER_SERVICE),
        ("patterns of sources", record.arns_of_sources, limits.SOURCES_PER_SERVICE),
        ("actions", record.forwarded_actions, limits.ACTIONS_PER_SERVICE),
        ("hosts", record.own_hosts, limits.HOSTS_PER_SERVICE),
    ):
        if len(texts) > most:
            raise BadRegistration(f"a service has at most {most} {title}")
    for pattern in record.arns_of_sources:
        tokens = wildcards(pattern)
        if not pattern.startswith("arn:") or len(segments(tokens)) != 6 or is_too_long(tokens):
            raise BadRegistration(f"`{pattern}` is not a pattern of ARNs: arn:…:…:…:…:…")
    for action in record.forwarded_actions:
        if not _ACTION.match(action):
            raise BadRegistration(
                f"`{action}` cannot be forwarded: only actions of kms, and iam:PassRole"
            )
    if not _SCOPE.match(record.scope) or record.scope in names.OWN_SERVICES:
        raise BadRegistration(f"requests for a service cannot be signed for `{record.scope}`")
    for host in record.own_hosts:
        if not _HOST.match(host):
            raise BadRegistration(f"`{host}` is not a host, which is in lower case")


def _require_accounts(
    repository: IdentityRepository, reader: Reader, record: ServiceRecord
) -> None:
    """Are the accounts there?"""
    for account in (record.account, *record.accounts_of_sources):
        if account == EVERY and account != record.account:
            continue
        if not is_account_id(account) or repository.accounts.get(reader, account) is None:
            raise BadRegistration(f"there is no account `{account}`")


def _require_free(repository: IdentityRepository, reader: Reader, record: ServiceRecord) -> None:
    """Has no other service its name, its label, or its hosts?"""
    services = repository.services
    if services.get(reader, record.name) is not None:
        raise BadRegistration(f"the service `{record.name}` is registered already")
    other = services.with_label(reader, record.label)
    if other is not None:
        raise BadRegistration(f"the name of `{other.name}` begins with `{record.label}`, too")
    every = services.every(reader)
    if len(every) >= limits.SERVICES:
        raise BadRegistration(f"there are {limits.SERVICES} services, and no more are possible")
    for host in record.own_hosts:
        if same := [each.name for each in every if host in each.own_hosts]:
            raise BadRegistration(f"`{host}` is the host of `{same[0]}`")


def new_id() -> str:
    """The unique id of a new service."""
    return unique_id(identifiers.SERVICE)


def owner_of_keys(name: str, account: str, service_id: str) -> Named[KeyOwner]:
    """A service as the resource of questions, and as the owner of access keys."""
    arn = f"arn:{spoken().name}:keystead::{account}:service/{name}"
    return Named(arn, account, RESOURCE_TYPE, "", KeyOwner(service_id, None))


def resource_of(record: ServiceRecord) -> Named[KeyOwner]:
    """The same of a service that is registered."""
    return owner_of_keys(record.name, record.account, record.service_id)


def register(
    transaction: Transaction,
    repository: IdentityRepository,
    permit: Permit[Named[KeyOwner]],
    record: ServiceRecord,
    now: datetime,
) -> IssuedKey:
    """Keep the record of a new service; its first access key. The permit is about the service."""
    repository.services.insert(transaction, record)
    return access_keys.issue(transaction, repository.access_keys, permit, now)


def keys_of(
    repository: IdentityRepository, reader: Reader, record: ServiceRecord
) -> Sequence[AccessKey]:
    """The access keys of a service, the oldest first."""
    return repository.access_keys.of(reader, record.account, record.service_id)


def replace_keys(
    transaction: Transaction,
    repository: IdentityRepository,
    permit: Permit[Named[KeyOwner]],
    record: ServiceRecord,
    now: datetime,
    *,
    keep_newest: bool,
) -> IssuedKey:
    """A new access key in the place of the others; with `keep_newest` the newest of them stays.

    Sessions that were begun with a key that goes end with it.
    """
    known = keys_of(repository, transaction, record)
    stays = limits.KEYS_PER_SERVICE - 1 if keep_newest else 0
    for key in known[: max(0, len(known) - stays)]:
        repository.access_keys.delete(transaction, key)
    # Times are kept in seconds, and the newest must be later than every other.
    latest = max((times.shown(key.created) for key in known), default=now - _SECOND)
    return access_keys.issue(
        transaction, repository.access_keys, permit, max(now, latest + _SECOND)
    )


def deregister(
    transaction: Transaction, repository: IdentityRepository, record: ServiceRecord
) -> None:
    """Remove a service with its access keys. Policies and grants that name it stay."""
    for key in keys_of(repository, transaction, record):
        repository.access_keys.delete(transaction, key)
    repository.services.delete(transaction, record)
