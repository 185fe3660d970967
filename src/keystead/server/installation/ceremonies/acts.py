"""Which acts may the operator do on this machine, and no caller over the network?

Each ceremony is one transaction with one event in it. The running server performs it, asked
through the control socket; without a server the command line itself does. The result, secrets
included, goes to the operator's terminal and nowhere else.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from keystead.audit.log import archive
from keystead.failures import Failure
from keystead.identity import accounts, identifiers, times
from keystead.identity.accounts import SEE_ACCOUNTS, CeremonyRefused
from keystead.identity.repository import AccountState
from keystead.inquiry import past_refusals, question, simulate, who_can
from keystead.server.installation import jobs
from keystead.server.installation.ceremonies import (
    digests,
    directories,
    federation,
    instances,
    keys,
    registrations,
    sessions,
)
from keystead.server.installation.ceremonies.instances import PART, account_of
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.times import iso_seconds

Ceremony = Callable[[Installation, Mapping[str, Any]], dict[str, Any]]


class _Arguments(dict[str, Any]):
    """The arguments of a ceremony. A missing one is a Failure."""

    def __missing__(self, name: str) -> Any:
        raise Failure(
            f"the argument `{name}` is missing",
            "command line and server may differ in version: compare `keystead version` with"
            " `keystead status`",
        )


def perform(installation: Installation, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Perform one ceremony and make it durable; raises Failure."""
    ceremony = CEREMONIES.get(command)
    if ceremony is None:
        raise Failure(
            f"the server does not know `{command}`",
            "it may be of an older version: see `keystead status`, and restart it",
        )
    try:
        result = ceremony(installation, _Arguments(arguments))
    except CeremonyRefused as refusal:
        raise Failure(str(refusal), refusal.hint) from None
    if ceremony not in _LOOKING:  # they change nothing, and must answer when a disk is full
        installation.commit()
    return result


def _status(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # there are none
    return installation.status()


def _jobs(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # there are none
    """What the server does on its own: what is due, what was done, and what failed."""
    clock = installation.status()["clock"]
    return jobs.shown(installation.agenda, installation.upkeep.outcomes, clock)


def _create_account(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make another account, with an access key for its root user."""
    number = str(arguments.get("account_id") or identifiers.account_id())
    email = str(arguments.get("email") or f"root+{number}@localhost")
    now = installation.clock.now()
    repository = installation.identities
    with installation.store.write() as transaction:
        made = accounts.create_account(
            transaction,
            repository,
            installation.hierarchy.passwords,
            email=email,
            now=now,
            account_id=number,
        )
        key = accounts.create_root_access_key(transaction, repository, made.account, now=now)
        installation.trail.record(ceremony_event("CreateAccount", now, {"accountId": number}))
    return {
        "AccountId": number,
        "Email": email,
        "RootPassword": made.root_password,
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret,
    }


def _root_access_key(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make an access key for the root user of an account."""
    number = account_of(installation, arguments)
    now = installation.clock.now()
    repository = installation.identities
    with installation.store.write() as transaction:
        account = repository.accounts.get(transaction, number)
        if account is None:
            raise Failure(f"there is no account `{number}`", SEE_ACCOUNTS)
        key = accounts.create_root_access_key(transaction, repository, account, now=now)
        details = {"accountId": number, "accessKeyId": key.access_key_id}
        installation.trail.record(ceremony_event("CreateRootAccessKey", now, details))
    return {
        "AccountId": number,
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret,
    }


def _reset_root(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the root user of an account a new one-time password, and take its MFA devices."""
    number = account_of(installation, arguments)
    now, repository = installation.clock.now(), installation.identities
    with installation.store.write() as transaction:
        password = accounts.reset_root(
            transaction, repository, installation.hierarchy.passwords, number
        )
        installation.trail.record(ceremony_event("ResetRootUser", now, {"accountId": number}))
    return {"AccountId": number, "RootPassword": password}


def _list_accounts(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The accounts by number, with their state and their organization.

    At most `PART` at a time, because others wait meanwhile; `Next` says where to go on.
    """
    reader, identities = installation.store.read(), installation.identities
    listed = []
    found = identities.accounts.after(reader, str(arguments.get("next") or ""), PART)
    for account in found:
        member = identities.organizations.member(reader, account.account)
        listed.append(
            {
                "AccountId": account.account,
                "Email": account.email,
                "State": account.state,
                "Organization": member.organization if member else "",
                "Created": iso_seconds(times.shown(account.created)),
            }
        )
    more = {"Next": found[-1].account} if len(found) == PART else {}
    return {"Accounts": listed, **more}


def _set_state(
    event: str, state: AccountState, installation: Installation, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Suspend an account, or open a suspended or closed one again; the next request knows it."""
    number = str(arguments["account_id"])
    now = installation.clock.now()
    with installation.store.write() as transaction:
        accounts.change_state(transaction, installation.identities, number, state, now=now)
        installation.trail.record(ceremony_event(event, now, {"accountId": number}))
    return {"AccountId": number, "State": state}


def _acknowledge_clock(
    installation: Installation,
    arguments: Mapping[str, Any],  # noqa: ARG001  # there are none
) -> dict[str, Any]:
    """Believe the clock again: the operator looked, and the time is right (TM-2, TM-4)."""
    clock = installation.clock
    before = clock.acknowledge()
    held = round(before.hold.total_seconds())
    told = {
        "time": clock.now().isoformat(timespec="seconds"),
        "formerMark": before.mark.isoformat(timespec="seconds"),
        "formerHoldSeconds": str(held),
    }
    with installation.store.write() as transaction:
        installation.clocks.put(transaction, clock.known())
        installation.trail.record(ceremony_event("AcknowledgeClock", clock.now(), told))
    return {**told, "formerHoldSeconds": held}


def _register_service(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Register a service, in the account that is named or in the only one there is."""
    account = account_of(installation, arguments)
    return registrations.register(installation, _Arguments({**arguments, "account_id": account}))


def _forget_archived(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Let the log begin with a later record. The records before it were archived."""
    before = int(arguments["before"])
    if not archive.begins(installation.trail.directory, before):
        raise Failure(
            f"the audit log cannot begin with record {before}",
            "run `keystead audit archive` again",
        )
    now = installation.clock.now()
    details = {archive.BEFORE: str(before)}
    installation.trail.forget(before, ceremony_event(archive.EVENT, now, details))
    return {"before": before}


CEREMONIES: Mapping[str, Ceremony] = {
    "status": _status,
    "explain": question.explain_one,
    "explain refusal": past_refusals.explain_refusal,
    "simulate": simulate.simulate,
    "who-can": who_can.who_can,
    "account create": _create_account,
    "account list": _list_accounts,
    "account reset-root": _reset_root,
    "account reopen": partial(_set_state, "ReopenAccount", "ACTIVE"),
    "account suspend": partial(_set_state, "SuspendAccount", "SUSPENDED"),
    "audit archive": _forget_archived,
    "audit digest-key": digests.key,
    "audit sign-digest": digests.sign,
    "account root-access-key": _root_access_key,
    "clock acknowledge": _acknowledge_clock,
    "directory assign": directories.assign,
    "directory create": directories.create,
    "directory delete": directories.delete,
    "directory list": directories.listed,
    "directory show": directories.show,
    "directory try": directories.attempt,
    "directory unassign": directories.unassign,
    "directory update": directories.update,
    "federation list": federation.every,
    "federation oidc": federation.oidc,
    "federation remove": federation.remove,
    "federation saml": federation.saml,
    "instance certificate": instances.certificate,
    "instance deregister": instances.deregister,
    "instance list": instances.every,
    "instance register": instances.register,
    "jobs": _jobs,
    "key orphaned": keys.orphaned,
    "key rescue": keys.rescue,
    "key schedule-deletion": keys.delete,
    "key tombstone": keys.tombstone,
    "session end": sessions.end,
    "session list": sessions.listed,
    "service deregister": registrations.deregister,
    "service list": registrations.listed,
    "service register": _register_service,
    "service rotate": registrations.rotate,
}

_LOOKING = frozenset(
    {
        _status, _list_accounts, _jobs, directories.attempt, directories.listed, directories.show,
        federation.every, instances.certificate, instances.every, keys.orphaned,
        keys.tombstone, registrations.listed, sessions.listed,
    }
)  # fmt: skip
