"""An installation inside of the test: a real store, a real hierarchy, calls without a network."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import Mock, patch

import keystead.identity.analyzer  # registers the operations
import keystead.identity.iam
import keystead.identity.organizations
import keystead.identity.sts  # noqa: F401  # registers its operations
from keystead.arns import partition_of
from keystead.audit.records.event import Event
from keystead.call import Principals
from keystead.custody import randomness
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.proofs.passwords import Cost, Passwords
from keystead.custody.seals.root import RootKey
from keystead.custody.state import open_sums
from keystead.identity import accounts
from keystead.identity.access_keys import IssuedKey
from keystead.identity.anywhere import AnywhereCall
from keystead.identity.authentication import callers
from keystead.identity.authentication.authenticate import Authenticator
from keystead.identity.authentication.callers import Caller
from keystead.identity.authentication.last_used import LastUsed
from keystead.identity.call import AnalyzerCall, IamCall, StsCall
from keystead.identity.federation import Internet, KeyMemory, Outside, Reachable, ServiceProvider
from keystead.identity.instances import Hosts, InstanceCall
from keystead.identity.organizations import OrganizationsCall
from keystead.identity.permissions import StoredGuardrails
from keystead.identity.principals import StoredPrincipals
from keystead.identity.repository.accounts import Account
from keystead.identity.repository.repository import IdentityRepository
from keystead.identity.sessions import Session
from keystead.network import EndpointRepository, NetworkCall, Vpcs
from keystead.policy.enforcement import Enforcer
from keystead.refusals.memory import Refusals
from keystead.refusals.queue import Capacity
from keystead.refusals.repository import Bounds, RefusalRepository
from keystead.registry import implementation
from keystead.server.installation.services import ROWS
from keystead.store.protocol import Transaction
from keystead.store.sqlite.engine import SqliteStore
from keystead.wire.http import Endpoint
from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from keystead.work import Done, Preparations, Work
from tests.store.copies import new_store

REGION = "eu-central-1"
ROOT = os.urandom(32)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

Change = tuple[str, Operation[Any, Any], dict[str, Any]]
"""What a step is about, the operation, and its members."""

In = TypeVar("In")
Out = TypeVar("Out")


def allow(*actions: str, resource: str | list[str] = "*", **statement: Any) -> str:
    """A policy with one Allow."""
    return document({"Effect": "Allow", "Action": list(actions), "Resource": resource, **statement})


def deny(*actions: str, resource: str = "*", **statement: Any) -> str:
    """A policy with one Deny."""
    return document({"Effect": "Deny", "Action": list(actions), "Resource": resource, **statement})


def document(*statements: Mapping[str, Any]) -> str:
    """A policy with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def cheap_passwords() -> Passwords:
    """Hashes passwords at the least cost that is allowed."""
    return Passwords(b"pepper", Cost(passes=2, memory_kib=19 * 1024, lanes=1))


@cache
def _first_password() -> tuple[str, str]:
    """A password and its hash."""
    password = "the first password of a root user"
    return password, cheap_passwords().hash_password(password)


@dataclass
class World:
    """One installation."""

    store: SqliteStore
    hierarchy: Hierarchy
    repository: IdentityRepository
    last_used: LastUsed = field(default_factory=LastUsed)
    enforcer: Enforcer = field(default_factory=Enforcer)
    now: datetime = NOW
    last_event: Event | None = None
    passwords: Passwords = field(default_factory=cheap_passwords)
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        repository = RefusalRepository(self.hierarchy.rows, Bounds())
        self.refusals = Refusals(repository, self.hierarchy.tokens, Capacity())

    @classmethod
    def create(cls, directory: Path) -> "World":
        hierarchy = Hierarchy(RootKey("test", "test", 1, ROOT))
        directory.mkdir(exist_ok=True)
        store = new_store(directory / "keystead.db", hierarchy.store_key)
        open_sums(hierarchy.rows, store)
        return cls(store, hierarchy, IdentityRepository(hierarchy.rows))

    def account(self, email: str = "root@example.com", account_id: str | None = None) -> "Tenant":
        """A new account. Its root's password was hashed before: that takes longer than the rest."""
        password, hashed = _first_password()
        known = Mock(spec=Passwords, hash_password=lambda _: hashed)
        drawn = patch.object(randomness, "one_time_password", lambda: password)
        with drawn, self.store.write() as transaction:
            made = accounts.create_account(
                transaction, self.repository, known,
                email=email, account_id=account_id, now=self.now,
            )  # fmt: skip
        return Tenant(self, made.account, made.root_password)

    def authenticator(self) -> Authenticator:
        tokens = self.hierarchy.session_tokens
        return Authenticator(self.repository, tokens, {REGION, "us-east-1"}, self.last_used)

    def run(
        self,
        caller: Caller,
        operation: Operation[In, Out],
        session: Session | None = None,
        **members: Any,
    ) -> Out:
        """One call, as the pipeline makes it; `session` is the one behind its credentials."""
        found = implementation(operation.service.name, operation.name)
        assert found is not None, operation.name
        request = operation.input(**members)
        outcomes: tuple[Done[Any], ...] = ()
        while True:  # the first run may leave work; what it wrote stands, as in a turn of its own
            with self.store.write() as transaction:
                call = self._call(caller, operation, transaction)
                call.session = session
                call.outcomes = outcomes
                try:
                    answer: Out | Work[Any] = found.function(call, request)
                finally:
                    self.last_event = call.event
                if not isinstance(answer, Work):
                    assert call.asked or not call.rules.asks
                    return answer
            outcomes = (*outcomes, answer.do())

    def _call(
        self, caller: Caller, operation: Operation[Any, Any], transaction: Transaction
    ) -> (
        AnalyzerCall
        | AnywhereCall
        | IamCall
        | InstanceCall
        | NetworkCall
        | OrganizationsCall
        | StsCall
    ):
        principals: Principals = StoredPrincipals(self.repository, transaction)
        event = Event("request", self.now, operation.service.event_source, operation.name)
        common: dict[str, Any] = {
            "operation": operation,
            "rules": ROWS[operation.service.name][operation.name],
            "event": event,
            "principal": caller.principal,
            "policies": caller.policies,
            "now": self.now,
            "region": REGION,
            "endpoint": Endpoint(),
            "transaction": transaction,
            "keys": caller.keys,
            "principals": principals,
            "guardrails": StoredGuardrails(self.repository, transaction),
            "enforcer": self.enforcer,
        }
        if operation.service.name == "access-analyzer":
            return AnalyzerCall(**common, tokens=self.hierarchy.tokens)
        if operation.service.name == "ec2":
            return NetworkCall(
                **common, tokens=self.hierarchy.tokens, regions=frozenset({REGION}),
                endpoints=EndpointRepository(self.hierarchy.rows), preparations=Preparations(),
                hosts=Hosts(self.repository), vpcs=Vpcs({}),
            )  # fmt: skip
        if operation.service.name == "keystead-instances":
            return InstanceCall(
                **common,
                repository=self.repository,
                session_tokens=self.hierarchy.session_tokens,
                tokens=self.hierarchy.tokens,
            )
        if operation.service.name == "rolesanywhere":
            return AnywhereCall(
                **common,
                repository=self.repository,
                session_tokens=self.hierarchy.session_tokens,
                tokens=self.hierarchy.tokens,
            )
        if operation.service.name == "organizations":
            return OrganizationsCall(
                **common, repository=self.repository, tokens=self.hierarchy.tokens
            )
        if operation.service.name == "sts":
            return StsCall(
                **common,
                authorization_messages=self.refusals,
                repository=self.repository,
                session_tokens=self.hierarchy.session_tokens,
                regions=frozenset({REGION}),
                one_time_codes=self.hierarchy.one_time_codes,
                provider_keys=KeyMemory(lambda: 0.0),
                service_provider=ServiceProvider.of((), partition_of(REGION), (REGION,)),
                outside=Outside(Reachable(), Internet()),
            )
        return IamCall(
            **common,
            repository=self.repository,
            tokens=self.hierarchy.tokens,
            passwords=self.passwords,
            one_time_codes=self.hierarchy.one_time_codes,
            last_used=self.last_used,
        )


@dataclass
class Tenant:
    """One account of the installation."""

    world: World
    record: Account
    root_password: str

    @property
    def id(self) -> str:
        return self.record.account

    @property
    def root(self) -> "Person":
        return Person(self, None)

    def root_key(self) -> IssuedKey:
        with self.world.store.write() as transaction:
            return accounts.create_root_access_key(
                transaction, self.world.repository, self.record, now=self.world.now
            )

    def administrator(self, name: str = "admin") -> "Person":
        with self.world.store.write() as transaction:
            made = accounts.create_administrator(
                transaction, self.world.repository, self.record, name=name, now=self.world.now
            )
        return Person(self, made.user.name, made.access_key)

    def user(self, name: str, *policies: str, path: str = "/") -> "Person":
        """A new user with these inline policies, and an access key."""
        self.root(api.CreateUser, user_name=name, path=path)
        for number, policy in enumerate(policies):
            self.root(
                api.PutUserPolicy,
                user_name=name, policy_name=f"inline{number}", policy_document=policy,
            )  # fmt: skip
        made = self.root(api.CreateAccessKey, user_name=name).access_key
        return Person(self, name, IssuedKey(made.access_key_id, made.secret_access_key))


@dataclass
class Person:
    """Somebody who calls."""

    tenant: Tenant
    name: str | None  # None: root
    key: IssuedKey | None = None

    @property
    def caller(self) -> Caller:
        world = self.tenant.world
        if self.name is None:
            return callers.root(world.repository, world.store.read(), self.tenant.record)
        user = world.repository.users.named(world.store.read(), self.tenant.id, self.name)
        assert user is not None
        return callers.user(world.repository, world.store.read(), user)

    def __call__(self, operation: Operation[In, Out], **members: Any) -> Out:
        return self.tenant.world.run(self.caller, operation, **members)
