"""Which principals can do this here?  Every principal of the installation is considered.

For each the question of its own request is asked (`question.asked`), with the known facts about it
and the resource. Keys that only a request has stay open, except for those that are given. The clock
is such a key: a permission that is limited in time is told with that condition.

An answer is one page of the principals. The server answers requests between two pages, and the
operator sees the progress. The first page has also the principals that the resource's policy names
and that are not known here.

`organization` is false in a question whether anybody could do it if the organization forbade
nothing and the account were open: both can change. (So does the lock-out check of a key policy.)
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

import msgspec

from keystead.call import Guardrails, Resource, Target
from keystead.identity.authentication import Caller, callers
from keystead.identity.permissions import trust
from keystead.identity.repository import E, Entities
from keystead.inquiry import unknown_principals
from keystead.inquiry.granted import with_grants
from keystead.inquiry.question import asked, given_keys, named_resource, require_known
from keystead.inquiry.sessions import narrowed, scopes
from keystead.inquiry.view import InstallationView
from keystead.kms.keys import Key
from keystead.policy.evaluation import NO_KEYS, ContextValue, OverAccount, is_by_proof
from keystead.policy.language import (
    OF_KEY,
    OF_PRINCIPAL,
    OF_RESOURCE,
    SERVED,
    PrincipalType,
    is_supplied,
)
from keystead.policy.reasons import Possibility, Supposed, Unknown, Verdict, possible
from keystead.policy.text import ascii_lower
from keystead.request_keys import ANY_TIME

PAGE_SECONDS = 0.008  # others wait meanwhile
_READ = 100

_OF_SESSIONS = frozenset({"aws:federatedprovider", "aws:sourceidentity"})  # of roles


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last principal of a page: a user or a role of an account by name."""

    account: str  # they come by number
    section: int  # 0 for users, 1 for roles
    name_key: str  # "" for the root user, who comes before the users


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
        "whole": asking.count() if start is None else 0,
        "epoch": installation.store.state,
    }


class _Unforbidden:
    """What stands over an open account's resources, without policies. (call.Guardrails)"""

    def __init__(self, guardrails: Guardrails) -> None:
        self._guardrails = guardrails

    def over(self, account: str) -> OverAccount:
        over = self._guardrails.over(account)
        return msgspec.structs.replace(over, resource_control=(), is_open=True)


class _Asking:
    """The question of one `who-can`, without its principal."""

    def __init__(self, installation: InstallationView, arguments: Mapping[str, Any]) -> None:
        self._installation = installation
        self._repository = installation.identities
        self._reader = installation.store.read()
        self._action = str(arguments["action"])
        self._named = str(arguments["resource"])
        given, without = arguments.get("context") or {}, arguments.get("without") or ()
        require_known(self._action, (*given, *without))
        self._given = given_keys(given)
        self._scopes = scopes(arguments.get("scope_down_policies") or ())
        self._without = frozenset(ascii_lower(str(name)) for name in without)
        self._resources: dict[str, Resource] = {}
        self._by_proof = is_by_proof(ascii_lower(self._action))
        self._binding = bool(arguments.get("organization", True))
        guardrails = installation.guardrails
        self._guardrails = guardrails if self._binding else _Unforbidden(guardrails)

    def callers_after(self, start: Place | None) -> Iterator[tuple[Place, Caller]]:
        """The root users, users and roles after a principal, account by account.

        None of them, if the action is asked with a proof from elsewhere.
        """
        if self._by_proof:
            return
        last = ""
        if start is not None:
            yield from self._of_account(start)
            last = start.account
        while some := self._repository.accounts.after(self._reader, last, _READ):
            for account in some:
                last = account.account
                root = Place(last, 0, "")
                yield root, callers.root(self._repository, self._reader, account)
                yield from self._of_account(root)

    def _of_account(self, place: Place) -> Iterator[tuple[Place, Caller]]:
        """The users and then the roles of an account, after a place in it."""
        account, begin = place.account, place.name_key
        if place.section == 0:
            for user in self._walk(self._repository.users, account, begin):
                caller = callers.user(self._repository, self._reader, user)
                yield Place(account, 0, user.name_key), caller
            begin = ""
        for role in self._walk(self._repository.roles, account, begin):
            caller = callers.any_session(self._repository, self._reader, role)
            yield Place(account, 1, role.name_key), caller

    def _walk(self, entities: Entities[E], account: str, name_key: str) -> Iterator[E]:
        """The entities of an account after this name, a few at a time."""
        while batch := entities.after(self._reader, account, name_key, "", _READ):
            yield from batch
            name_key = batch[-1].name_key

    def count(self) -> int:
        """How many principals there are to be asked about."""
        if self._by_proof:
            return 0
        repository, reader = self._repository, self._reader
        users, roles = (each.count_all(reader) for each in (repository.users, repository.roles))
        return len(repository.accounts.numbers(reader)) + users + roles

    def row(self, caller: Caller) -> dict[str, Any] | None:
        """The ways in which a principal of the installation can do this; None if it cannot."""
        session = self._of_session(caller)
        if session:
            known = {k: v for k, v in caller.keys.items() if not k.startswith(session)}
            caller = replace(caller, keys=known)
        named = self._resource(caller)
        resource = with_grants(self._installation, named, self._action, caller, self._given)
        unknown = self._unknown(resource, OF_PRINCIPAL, session)
        possibility = self._possible(caller, resource, unknown, ANY_TIME)
        if possibility.verdict is Verdict.CANNOT:
            return None
        return {
            "principal": caller.principal.principal_arn or caller.principal.arn,
            "known": True,
            "gone": False,
            "former": "",
            **as_data(possibility),
        }

    def strangers(self) -> Iterator[dict[str, Any]]:
        """The rows of principals that the resource's policy names and that are not known here."""
        repository, reader = self._repository, self._reader
        oldest = repository.accounts.get(reader, repository.accounts.numbers(reader)[0])
        if oldest is None:
            return
        resource = self._resource(callers.root(repository, reader, oldest))
        unknown = self._unknown(resource, (), ())
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
        caller = narrowed(caller, self._scopes)
        if not self._binding:
            policies = msgspec.structs.replace(caller.policies, service_control=())
            caller = replace(caller, policies=policies)
        question = asked(
            caller, self._action, resource, self._given, keys=keys, guardrails=self._guardrails
        )
        return possible(question, unknown)

    def _resource(self, caller: Caller) -> Resource:
        """The resource; a name without an account means the caller's own."""
        account = caller.principal.account
        if account not in self._resources:
            resource = named_resource(self._installation, self._named, self._action, caller)
            self._resources[account] = resource
        return self._resources[account]

    def _unknown(
        self, resource: Resource, known: tuple[str, ...], session: tuple[str, ...]
    ) -> Unknown:
        """Which condition keys stay open?

        Not those whose names begin with one of `known`, unless they begin with one of `session`.
        """
        service = ascii_lower(self._action).partition(":")[0]
        is_key = isinstance(resource, Key)
        services = {"aws", service} & SERVED
        unread = isinstance(resource, Target) and resource.arn_text != "*"
        described = known if unread else (*known, *OF_RESOURCE)
        of_sessions = frozenset() if session else _OF_SESSIONS
        without = self._without | of_sessions | (OF_KEY if is_key else frozenset())

        def unknown(name: str) -> bool:
            prefix = name.partition(":")[0]
            of_proof = self._by_proof and (prefix == "saml" or prefix not in SERVED)
            return (
                (of_proof or prefix in services)
                and name not in without
                and (name.startswith(session) or not name.startswith(described))
                and is_supplied(name)
            )

        return unknown

    def _of_session(self, caller: Caller) -> tuple[str, ...]:
        """Which keys of a role depend on its session; none for a caller who is no role.

        Its tags do if the trust policy lets anybody set some.
        """
        if caller.principal.type is not PrincipalType.ASSUMED_ROLE:
            return ()
        account, role_id = caller.principal.account, caller.principal.unique_id
        role = self._repository.roles.get(self._reader, account, role_id)
        if role is not None and trust.may_be_tagged(self._repository, role):
            return ("aws:userid", "aws:principaltag/")
        return ("aws:userid",)


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
