"""A hierarchy over a known root key, a real store, and custody on top of them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material.material import Custody
from keystead.custody.seals.root import RootKey
from keystead.custody.state import open_sums
from keystead.policy.evaluation.decision import Permit
from keystead.store.protocol import Transaction
from keystead.store.sqlite.engine import SqliteStore, open_store

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ROOT = bytes(range(32))


@dataclass(frozen=True, slots=True)
class Key:
    """A key, as custody and policies see it."""

    account: str = ACCOUNT
    key_id: str = "key-1"
    material_id: str = ""
    row_version: int = 1
    row_name: bytes = b"the row of this key"

    @property
    def owner(self) -> str:
        return self.account

    def to(self, action: str) -> "Permit[Key]":
        """A permit for this action on this key."""
        return Permit.for_system(self, action, "a test")


@dataclass(frozen=True, slots=True)
class Clock:
    """A monotonic clock that a test moves."""

    seconds: list[float]

    def __call__(self) -> float:
        return self.seconds[0]

    def advance(self, seconds: float) -> None:
        self.seconds[0] += seconds


def root(key: bytes = ROOT, incarnation: str = "incarnation-1") -> RootKey:
    """An opened root key."""
    return RootKey("installation", incarnation, 1, key)


@pytest.fixture(scope="session")
def hierarchy() -> Hierarchy:
    return Hierarchy(root())


@pytest.fixture
def store(tmp_path: Path, hierarchy: Hierarchy) -> Iterator[SqliteStore]:
    with closing(open_store(tmp_path / "keystead.db", hierarchy.store_key)) as store:
        open_sums(hierarchy.rows, store)
        yield store


@pytest.fixture
def clock() -> Clock:
    return Clock([1000.0])


@pytest.fixture
def custody(hierarchy: Hierarchy, clock: Clock) -> Custody:
    return Custody(hierarchy, clock=clock)


def make(
    custody: Custody,
    transaction: Transaction,
    permit: Permit[Key],
    key: Key,
    spec: str = "SYMMETRIC_DEFAULT",
) -> str:
    """New material of this key; its id."""
    secret = custody.generate(permit, spec).do().value
    return custody.create_material(
        transaction, permit, key.account, key.key_id, NOW, key_spec=spec, secret=secret
    )


def create(store: SqliteStore, custody: Custody, key: Key, spec: str = "SYMMETRIC_DEFAULT") -> Key:
    """The key with new material."""
    with store.write() as transaction:
        material_id = make(custody, transaction, key.to("kms:CreateKey"), key, spec)
    return replace(key, material_id=material_id)


@pytest.fixture
def key(store: SqliteStore, custody: Custody) -> Key:
    return create(store, custody, Key())


def change(store: SqliteStore, sql: str, values: tuple[str | int | bytes, ...] = ()) -> None:
    """What somebody who can write to the database does; exactly one row, and nobody is told."""
    with store.write(quiet=True) as transaction:
        assert transaction.run(sql, values) == 1
