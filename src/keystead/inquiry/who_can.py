"""Which principals can do this here?  Every principal of the installation is considered.

For each the question of its own request is asked (`question.asked`), with the known facts about it
and the resource. Keys that only a request has stay open, except for those that are given. The clock
is such a key: a permission that is limited in time is told with that condition.

An answer is one page of the principals. The server answers requests between two pages, and the
operator sees the progress. The first page has also the principals that the resource's policy names
and that are not known here.
"""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any

import msgspec

from keystead.call import Resource, Target
from keystead.identity.authentication import Caller, callers
from keystead.inquiry import unknown_principals
from keystead.inquiry.question import asked, given_keys, named_resource, require_known
from keystead.inquiry.view import InstallationView
from keystead.kms.keys import Key
from keystead.policy.evaluation import NO_KEYS, ContextValue
from keystead.policy.language import OF_KEY, OF_PRINCIPAL, OF_RESOURCE, SERVED, is_supplied
from keystead.policy.reasons import Possibility, Supposed, Unknown, Verdict, possible
from keystead.policy.text import ascii_lower
from keystead.request_keys import ANY_TIME

PAGE_SECONDS = 0.02
_USERS_READ = 100

_OF_SESSIONS = frozenset({"aws:federatedprovider", "aws:sourceidentity"})  # of roles


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last principal of a page: a user of an account by name, or "" for its root user."""

    account: int  # its position in the order of accounts
    name_key: str


def who_can(installation: InstallationView, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One page: the principals that can, or could, and where the next page begins."""
    asking = _Asking(installation, arguments)
    after = arguments.get("after")
    start = None if after is None else msgspec.convert(after, Place)
    ends, asked, last = monotonic() + PAGE_SECONDS, 0, start
    rows = [] if start else list(asking.strangers())
    following = None
    for last, caller in asking.callers_after(start):
        asked += 1
        if (row := asking.row(caller)) is not None:
            rows.append(row)
        if monotonic() >= ends:
            following = last
            break
    return {
        "principals": rows,
        "after": msgspec.to_builtins(following),
        "asked": asked,
        "whole": asking.count(),
        "epoch": installation.store.state,
    }


class _Asking:
    """The question of one `who-can`, without its principal."""

    def __init__(self, installation: InstallationView, arguments: Mapping[str, Any]) -> None:
        self._installation = installation
        self._repository = installation.identities
        self._reader = installation.store.read()
        self._accounts = installation.identities.accounts.every(self._reader)
        self._action = str(arguments["action"])
        self._named = str(arguments["resource"])
        given, without = arguments.get("context") or {}, arguments.get("without") or ()
        require_known(self._action, (*given, *without))
        self._given = given_keys(given)
        self._without = frozenset(ascii_lower(str(name)) for name in without)
        self._resources: dict[str, Resource] = {}

    def callers_after(self, start: Place | None) -> Iterator[tuple[Place, Caller]]:
        """The root users and users after a principal, account by account."""
        for number, account in enumerate(self._accounts):
            if start is not None and number < start.account:
                continue
            if start is None or number > start.account:
                yield Place(number, ""), callers.root(account)
            begin = start.name_key if start is not None and number == start.account else ""
            for user in self._users(account.account, begin):
                caller = callers.user(self._repository, self._reader, user)
                yield Place(number, user.name_key), caller

    def _users(self, account: str, name_key: str) -> Iterator[Any]:
        """The users of an account after this name, a few at a time."""
        while users := self._repository.users.after(
            self._reader, account, name_key, "", _USERS_READ
        ):
            yield from users
            name_key = users[-1].name_key

    def count(self) -> int:
        """How many principals there are."""
        users = self._repository.users
        counts = [users.count(self._reader, account.account) for account in self._accounts]
        return len(counts) + sum(counts)

    def row(self, caller: Caller) -> dict[str, Any] | None:
        """The ways in which a principal of the installation can do this; None if it cannot."""
        resource = self._resource(caller)
        unknown = self._unknown(resource, OF_PRINCIPAL)
        possibility = self._possible(caller, resource, unknown, ANY_TIME)
        if possibility.verdict is Verdict.CANNOT:
            return None
        return {
            "principal": caller.principal.arn,
            "known": True,
            "gone": False,
            "former": "",
            **as_data(possibility),
        }

    def strangers(self) -> Iterator[dict[str, Any]]:
        """The rows of principals that the resource's policy names and that are not known here."""
        resource = self._resource(callers.root(self._accounts[0]))
        unknown = self._unknown(resource, ())
        for stranger in unknown_principals.named(self._installation, resource, self._action):
            possibility = self._possible(stranger.caller, resource, unknown, NO_KEYS)
            if possibility.verdict is not Verdict.CANNOT:
                yield {
                    "principal": stranger.name,
                    "known": False,
                    "gone": stranger.gone,
                    "former": stranger.former,
                    **as_data(possibility),
                }

    def _possible(
        self,
        caller: Caller,
        resource: Resource,
        unknown: Unknown,
        keys: Mapping[str, ContextValue],
    ) -> Possibility:
        guardrails = self._installation.guardrails
        question = asked(
            caller, self._action, resource, self._given, keys=keys, guardrails=guardrails
        )
        return possible(question, unknown)

    def _resource(self, caller: Caller) -> Resource:
        """The resource; a name without an account means the caller's own."""
        account = caller.principal.account
        if account not in self._resources:
            resource = named_resource(self._installation, self._named, self._action, caller)
            self._resources[account] = resource
        return self._resources[account]

    def _unknown(self, resource: Resource, known: tuple[str, ...]) -> Unknown:
        """Which condition keys stay open?  Not those whose names begin with one of `known`."""
        service = ascii_lower(self._action).partition(":")[0]
        is_key = isinstance(resource, Key)
        services = {"aws", service} & SERVED
        unread = isinstance(resource, Target) and resource.arn_text != "*"
        described = known if unread else (*known, *OF_RESOURCE)
        without = self._without | _OF_SESSIONS | (OF_KEY if is_key else frozenset())

        def unknown(name: str) -> bool:
            return (
                name.partition(":")[0] in services
                and name not in without
                and not name.startswith(described)
                and is_supplied(name)
            )

        return unknown


def as_data(possibility: Possibility) -> dict[str, Any]:
    """A possibility, for machines."""
    return {
        "verdict": possibility.verdict.value,
        "ways": [
            {
                "by": way.route.value,
                "certain": way.certain,
                "needs": [
                    {
                        "step": need.step,
                        "oneOf": [_statement(statement) for statement in need.statements],
                    }
                    for need in way.needs
                ],
            }
            for way in possibility.ways
        ],
        "unless": [_statement(statement) for statement in possibility.unless],
    }


def _statement(supposed: Supposed) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(supposed.statement)
    conditions = [
        {
            "operator": condition.operator,
            "key": condition.key,
            "values": condition.expected,
            "actual": condition.actual,
        }
        for condition in supposed.remaining
    ]
    return {**data, "level": supposed.level, "conditions": conditions}
