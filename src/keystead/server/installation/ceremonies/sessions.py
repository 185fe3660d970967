"""Which sessions have people, and how does the operator end those of one of them?

AWS ends the sessions of a role by a policy, and those of a user with its password. This ends them
at once, and changes nothing else: who still has the password and the devices can sign in again.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from keystead.failures import Failure
from keystead.identity import identifiers, times
from keystead.identity.accounts import SEE_ACCOUNTS
from keystead.identity.repository import IdentityRepository
from keystead.server.installation.ceremonies.instances import account_of
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.server.pipeline import new_request_id
from keystead.store.protocol import Reader
from keystead.times import iso_seconds


def listed(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The good sessions of an account, or of one person there; the last used first."""
    held, account = _held(), account_of(installation, arguments)
    identities, reader = installation.identities, installation.store.read()
    subject = _subject(identities, reader, account, arguments)
    found, more = held.held_in(identities, reader, account, subject, installation.clock.now())
    return {"AccountId": account, "Sessions": [_shown(each) for each in found], "More": more}


def end(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """End one session, or all of a person. It is recorded, and so is each session on pages."""
    held, now = _held(), installation.clock.now()
    identities, name = installation.identities, str(arguments.get("session") or "")
    number = identifiers.account_of(name)
    account = number or account_of(installation, arguments)
    with installation.store.write() as transaction:
        if name:
            one = held.with_id(identities, transaction, account, name, now)
            found = [] if one is None else [one]
        else:
            subject = _subject(identities, transaction, account, arguments)
            found, _ = held.held_in(identities, transaction, account, subject, now)
        if not found and name:
            raise Failure(
                f"account {account} has no session `{name}`", "see `keystead session list`"
            )
        ended = held.end(
            identities, transaction, found,
            now=now, request_id=new_request_id(), region=installation.config.regions[0],
        )  # fmt: skip
        details = {"accountId": account, "sessions": ", ".join(each.id for each in found)}
        installation.trail.record(ceremony_event("EndSessions", now, details))
        for event in ended:
            installation.trail.record(event)
    return {"AccountId": account, "Sessions": [_shown(each) for each in found]}


def _held() -> ModuleType:
    """What knows sessions of people. Servers without pages do not load it."""
    try:
        from keystead.identity.signin import held  # noqa: PLC0415  # as said
    except ImportError:
        raise Failure(
            "sessions of people are not known here: the extra `console` is not installed",
            "run `make setup` in the checkout",
        ) from None
    return held


def _subject(
    identities: IdentityRepository, reader: Reader, account: str, arguments: Mapping[str, Any]
) -> str:
    """The unique id of the person that is meant; "" for everybody."""
    if identities.accounts.get(reader, account) is None:
        raise Failure(f"there is no account `{account}`", SEE_ACCOUNTS)
    if arguments.get("root"):
        return account
    name = str(arguments.get("user") or "")
    if not name:
        return ""
    user = identities.users.named(reader, account, name)
    if user is None:
        raise Failure(f"account {account} has no user `{name}`", "see `aws iam list-users`")
    return user.user_id


def _shown(each: Any) -> dict[str, Any]:
    moments = {"Began": each.began, "LastUsed": each.used, "Expires": each.expires}
    return {
        "Id": each.id, "Where": each.where, "Arn": each.arn,
        **{name: iso_seconds(times.shown(second)) for name, second in moments.items()},
    }  # fmt: skip
