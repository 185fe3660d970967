"""A KMS without wire and authentication: real store, real custody, real policies, calls in process.

alice = world.caller("alice", policies=[allow("kms:*")])
alice.encrypt(KeyId=key, Plaintext=b"x")
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import keystead.kms.operations  # noqa: F401  # registers them
from keystead.arns import iam_arn
from keystead.audit.records.event import Event
from keystead.call import NoOrganization
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material.material import Custody
from keystead.custody.seals.root import RootKey
from keystead.custody.state import open_sums
from keystead.errors import AwsError
from keystead.kms.call import KmsCall
from keystead.kms.heard import Heard
from keystead.kms.keys.records import Place
from keystead.kms.keys.repository import KeyRepository
from keystead.kms.keys.uses import LastUses
from keystead.kms.rules import KMS
from keystead.kms.schedule.dated import DatedWork, due, one_by_one
from keystead.kms.schedule.deletion import DESTRUCTION
from keystead.kms.schedule.rotation import ROTATION
from keystead.policy.enforcement import Enforcer
from keystead.policy.evaluation.question import (
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
)
from keystead.policy.language.document import DocumentKind, compile_policy
from keystead.quotas import Quotas
from keystead.registry import implementation
from keystead.store.changes import Changes, Name
from keystead.store.protocol import Reader, Reading, Row, Transaction, Value
from keystead.store.sqlite.engine import SqliteStore
from keystead.wire.http import Endpoint
from keystead.wire.models import kms as api
from tests.store.copies import new_store
from tests.working import performed

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
EVENT_IDS = "0" * 24
ROOT = os.urandom(32)
REGION, OTHER_REGION = "eu-central-1", "us-west-2"
START = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


def statement(effect: str, action: str | list[str], resource: str = "*", **more: Any) -> Any:
    """One statement of an identity policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def allow(action: str | list[str], resource: str = "*", **more: Any) -> Any:
    return statement("Allow", action, resource, **more)


def deny(action: str | list[str], resource: str = "*", **more: Any) -> Any:
    return statement("Deny", action, resource, **more)


def document(*statements: Any) -> str:
    """A policy document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def identity_policy(*statements: Any, attached_to: str = "") -> PolicySource:
    """An identity policy with these statements, ready to be attached."""
    compiled = compile_policy(document(*statements), DocumentKind.IDENTITY)
    return PolicySource(compiled, "test", attached_to)


def delegation(account: str = ACCOUNT) -> Any:
    """The statement of a key policy that lets the account decide."""
    return allow("kms:*", Principal={"AWS": iam_arn(account, "root")})


@contextmanager
def refused(code: str, message: str | None = None) -> Iterator[pytest.ExceptionInfo[AwsError]]:
    """The block is refused with this code, and this text when one is given."""
    with pytest.raises(AwsError) as caught:
        yield caught
    assert caught.value.code == code, caught.value.message
    if message is not None:
        assert caught.value.message == message


class People:
    """Who exists: a directory of ARNs and unique ids that a test changes."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self._made = 0

    def add(self, arn: str) -> str:
        """Make a user or role with this ARN; its unique id."""
        self._made += 1
        self.ids[arn] = f"AIDA{self._made:017d}"
        return self.ids[arn]

    def unique_id(self, arn: str) -> str | None:
        account = re.fullmatch(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", arn)
        return account[1] if account else self.ids.get(arn)

    def arn(self, unique_id: str) -> str | None:
        if unique_id.isdigit():
            return iam_arn(unique_id, "root")
        return next((arn for arn, known in self.ids.items() if known == unique_id), None)


@dataclass
class Watched:
    """A view of the store that remembers what was asked of it."""

    reader: Reader
    statements: list[str]

    @property
    def changes(self) -> Changes:
        return self.reader.changes

    def one(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> Row | None:
        self.statements.append(sql)
        return self.reader.one(sql, values, name)

    def all(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> list[Row]:
        self.statements.append(sql)
        return self.reader.all(sql, values, name)

    def ahead(self, readings: Sequence[Reading]) -> None:
        self.reader.ahead(readings)


@dataclass
class World:
    """Everything under a call."""

    directory: Path
    now: datetime = START
    people: People = field(default_factory=People)
    quotas: Quotas = field(default_factory=Quotas)
    events: list[Event] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)  # of calls that only read
    seem_due: list[Place] = field(default_factory=list)  # what an index leads jobs to, if it lies
    failed: list[tuple[str, type[Exception]]] = field(default_factory=list)  # keys, by jobs

    def __post_init__(self) -> None:
        self.hierarchy = Hierarchy(RootKey("test", "test", 1, ROOT))
        self.store = self._open()
        self.custody = Custody(self.hierarchy)
        self.repository = KeyRepository(self.hierarchy.rows, material=self.custody.asks)
        self.heard = Heard()
        self.enforcer = Enforcer()
        self.last_uses = LastUses(START)

    def _open(self) -> SqliteStore:
        store = new_store(self.directory / "keystead.db", self.hierarchy.store_key)
        open_sums(self.hierarchy.rows, store)
        return store

    def restart(self) -> None:
        """Close everything and open it again."""
        self.store.close()
        self.store = self._open()
        self.custody = Custody(self.hierarchy)
        self.repository = KeyRepository(self.hierarchy.rows, material=self.custody.asks)
        self.heard = Heard()
        self.enforcer = Enforcer()

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def destroy_due(self) -> list[Any]:
        """What the server's job does about deletions."""
        return self.do_due(DESTRUCTION)

    def rotate_due(self) -> list[Any]:
        """What the server's job does about rotations."""
        return self.do_due(ROTATION)

    def do_due(self, work: DatedWork) -> list[Any]:
        """What the server does about work that waits for a date."""

        def do(transaction: Transaction, place: Place) -> Any:
            return work.do(transaction, self.repository, self.custody, place, self.now)

        def failed(place: Place, error: Exception) -> None:
            self.failed.append((place[2], type(error)))

        seem_due = self.seem_due or [each.place for each in due(work, self.store.read, self.now)]
        return one_by_one(self.store, seem_due, do, failed)

    def caller(
        self,
        name: str = "admin",
        account: str = ACCOUNT,
        policies: Sequence[Any] = (allow("*"),),
        region: str = REGION,
        **keys: str,
    ) -> "Kms":
        """A user with these statements as identity policy; made when it is new."""
        arn = iam_arn(account, f"user/{name}")
        unique_id = self.people.ids.get(arn) or self.people.add(arn)
        principal = Principal(
            type=PrincipalType.USER,
            arn=arn,
            account=account,
            user_id=unique_id,
            unique_id=unique_id,
            name=name,
            principal_arn=arn,
        )
        attached = (identity_policy(*policies, attached_to=arn),) if policies else ()
        return Kms(self, principal, PrincipalPolicies(attached), region, keys)


@dataclass
class Kms:
    """A client of one principal in one Region: `client.describe_key(KeyId=…)`."""

    world: World
    principal: Principal
    policies: PrincipalPolicies
    region: str = REGION
    keys: Mapping[str, str] = field(default_factory=dict)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        name = "".join(word.capitalize() for word in method.split("_"))
        return lambda **members: self.call(name, members)

    def call(self, name: str, members: Mapping[str, Any]) -> Any:
        """Make the call as the pipeline does, without its wire."""
        operation = api.OPERATIONS[name]
        implemented = implementation("kms", name)
        assert implemented is not None, f"{name} is not served"
        request = msgspec.convert(
            members, operation.input, builtin_types=(bytes, datetime), strict=True
        )
        store = self.world.store
        event = Event("request", self.world.now, "kms.amazonaws.com", name, self.region)
        self.world.events.append(event)
        watched = Watched(store.read(), self.world.statements)
        with nullcontext(watched) if operation.read_only else store.write() as transaction:
            call = KmsCall(
                operation=operation,
                rules=KMS[name],
                event=event,
                principal=self.principal,
                policies=self.policies,
                now=self.world.now,
                region=self.region,
                endpoint=Endpoint(),
                transaction=transaction,  # type: ignore[arg-type]  # read-only calls only read
                keys={"aws:principalarn": self.principal.arn, **self.keys},
                principals=self.world.people,
                guardrails=NoOrganization(),
                enforcer=self.world.enforcer,
                repository=self.world.repository,
                heard=self.world.heard,
                custody=self.world.custody,
                tokens=self.world.hierarchy.tokens,
                last_uses=self.world.last_uses,
                quotas=self.world.quotas,
                regions=frozenset({REGION, OTHER_REGION, "ap-south-1"}),
            )
            answer = performed(implemented, call, request)
        assert call.asked
        self.world.last_uses.note([event], EVENT_IDS, len(self.world.events) - 1)
        self.world.events.extend(event.also)
        return answer

    def key(self, **members: Any) -> str:
        """Make a key; its id."""
        key_id: str = self.create_key(**members).key_metadata.key_id
        return key_id

    def arn(self, resource: str) -> str:
        """The ARN of `key/…` or `alias/…` of this caller."""
        return f"arn:aws:kms:{self.region}:{self.principal.account}:{resource}"
