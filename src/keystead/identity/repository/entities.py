"""Entities: the named things of an account. All kinds of them are stored alike.

An entity has a unique id for ever. Its name is unique in its account, in upper or lower case.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from keystead.custody import randomness
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.kinds import EntityKind
from keystead.identity.names import canonical
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_NAME = ("account", "name_key")
_MOST_BOUNDS = 1024  # accounts, for each kind


class Entity(Record, frozen=True, kw_only=True, gc=False):
    """One entity. Each kind lists its columns itself: a MAC is over them in their order."""

    kind: ClassVar[EntityKind]

    if TYPE_CHECKING:
        account: str
        name: str
        name_key: str
        path: str
        created: int

    @property
    def tags(self) -> str:
        """The column of the tags; a kind without tags has none."""
        return "{}"

    @property
    def boundary(self) -> str | None:
        """The ARN of the managed policy that bounds it; most kinds have none."""
        return None

    @property
    def protected(self) -> bool:
        """Is it protected from changes by its owner?  Only entities of a service are."""
        return False

    @property
    def entity_id(self) -> str:
        unique_id: str = getattr(self, self.kind.id_column)
        return unique_id

    @property
    def arn(self) -> str:
        return self.kind.arn(self.account, self.path, self.name)

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)


E = TypeVar("E", bound=Entity)

LAST_ID = "~"
"""It comes after every unique id."""


def new(record: type[E], account: str, path: str, name: str, now: int, **columns: Any) -> E:
    """A new entity with its own unique id; `columns` are those that only its kind has."""
    kind = record.kind
    columns[kind.id_column] = randomness.unique_id(kind.id_prefix)
    return record(
        account=account, name=name, name_key=canonical(name), path=path, created=now, **columns
    )


class Entities(Generic[E]):
    """The entities of one kind, of every account."""

    __slots__ = ("_bounds", "_epoch", "_table", "record")

    def __init__(self, seals: RowSeals, record: type[E], *more: Lookup, by_id: bool = True) -> None:
        """Decisions find it by its name, by its id unless that is denied, and by `more`."""
        kind, key = record.kind, ("account", record.kind.id_column)
        lookups = (*((Lookup(key),) if by_id else ()), Lookup(_NAME), *more)
        self.record = record
        self._bounds: dict[str, int] = {}  # by account: at least its number of entities
        self._epoch = 0  # of the changes since which the bounds hold
        self._table = SealedTable(seals, kind.table, record, key, lookups)

    def get(self, reader: Reader, account: str, entity_id: str) -> E | None:
        return self._table.get(reader, account, entity_id)

    def named(self, reader: Reader, account: str, name: str) -> E | None:
        return self._table.only(reader, _NAME, account, canonical(name))

    def is_free(self, transaction: Transaction, account: str, name: str) -> bool:
        """Has no entity this name?  Asked before one gets it, so that no row needs to be read."""
        if self._table.has_none(transaction, _NAME, account, canonical(name)):
            return True
        return self.named(transaction, account, name) is None

    def with_id(self, reader: Reader, entity_id: str) -> E | None:
        """The entity with this unique id, in any account. It may be shown, but decides nothing.

        An index leads to it. The entity is proved to be ours; that there is none is not proved.
        """
        entities = self._table.find(reader, f"{self._id} = ?", (entity_id,))
        return entities[0] if entities else None

    def after(
        self, reader: Reader, account: str, name_key: str, path_prefix: str, limit: int
    ) -> list[E]:
        """The next entities in the order of their names."""
        return self._table.find(
            reader,
            "account = ? AND name_key > ? AND substr(path, 1, ?) = ? ORDER BY name_key LIMIT ?",
            (account, name_key, len(path_prefix), path_prefix, limit),
        )

    def below_after(
        self, reader: Reader, account: str, after: tuple[str, str], path_prefix: str, limit: int
    ) -> list[E]:
        """The next entities below a path, by path and name: none of the others is looked at.

        The path is not that of all, `/`.
        """
        end = path_prefix[:-1] + chr(ord(path_prefix[-1]) + 1)  # after every path with this prefix
        return self._table.find(
            reader,
            "account = ? AND path <> '/' AND (path, name_key) > (?, ?) AND path < ?"
            " ORDER BY path, name_key LIMIT ?",
            (account, *max(after, (path_prefix, "")), end, limit),
        )

    def bounded_after(
        self, reader: Reader, account: str, policy_arn: str, *, after: str, prefix: str,
        limit: int, until: str = LAST_ID,
    ) -> list[E]:  # fmt: skip
        """The next entities, by id, that have this policy as their boundary."""
        return self._table.find(
            reader,
            f"account = ? AND {self._id} > ? AND {self._id} <= ? AND substr(path, 1, ?) = ?"
            f" AND boundary = ? ORDER BY {self._id} LIMIT ?",
            (account, after, until, len(prefix), prefix, policy_arn, limit),
        )

    def bounded_until(
        self, reader: Reader, account: str, policy_arn: str, after: str, count: int
    ) -> str | None:
        """The last of the next `count` entities that the policy bounds; None if there are fewer."""
        sql = (
            f"SELECT {self._id} FROM {self._table.name} WHERE account = ?"  # noqa: S608  # our own
            f" AND boundary = ? AND {self._id} > ? ORDER BY {self._id} LIMIT 1 OFFSET ?"
        )
        row = reader.one(sql, (account, policy_arn, after, count - 1))
        return row[0] if row else None

    def attached_after(
        self, reader: Reader, account: str, policy_arn: str, *, after: str, prefix: str,
        limit: int, until: str = LAST_ID,
    ) -> list[E]:  # fmt: skip
        """The next entities, by id, to which this policy is attached; `Attachments` verifies.

        An index gives as many attachments of this kind as are wanted. Below a path all up to
        `until` are looked at, because the path stands elsewhere.
        """
        kind = self.record.kind.id_prefix
        looked_at = limit if prefix == "/" else -1
        return self._table.find(
            reader,
            f"account = ? AND substr(path, 1, ?) = ? AND {self._id} IN"  # noqa: S608  # our own name
            " (SELECT entity_id FROM iam_attachment WHERE account = ? AND policy_arn = ?"
            " AND entity_id > ? AND entity_id <= ? ORDER BY entity_id LIMIT ?)"
            f" ORDER BY {self._id} LIMIT ?",
            (
                account, len(prefix), prefix, account, policy_arn, max(after, kind),
                min(until, kind + LAST_ID), looked_at, limit,
            ),
        )  # fmt: skip

    def attached_until(
        self, reader: Reader, account: str, policy_arn: str, after: str, count: int
    ) -> str | None:
        """The last of the next `count` entities with this policy attached; None: there are fewer.

        It is where a page ends, and decides nothing.
        """
        kind = self.record.kind.id_prefix
        sql = (
            "SELECT entity_id FROM iam_attachment WHERE account = ? AND policy_arn = ?"
            " AND entity_id > ? AND entity_id <= ? ORDER BY entity_id LIMIT 1 OFFSET ?"
        )
        last = kind + LAST_ID
        row = reader.one(sql, (account, policy_arn, max(after, kind), last, count - 1))
        return row[0] if row else None

    def boundary_uses(self, reader: Reader, account: str) -> dict[str, int]:
        """How many entities each policy bounds."""
        sql = (
            f"SELECT boundary, COUNT(*) FROM {self._table.name}"  # noqa: S608  # our own name
            " WHERE account = ? AND boundary IS NOT NULL GROUP BY boundary"
        )
        return dict(reader.all(sql, (account,)))

    def count(self, reader: Reader, account: str) -> int:
        sql = f"SELECT COUNT(*) FROM {self._table.name} WHERE account = ?"  # noqa: S608  # as above
        row = reader.one(sql, (account,))
        return row[0] if row else 0

    def count_all(self, reader: Reader) -> int:
        """Those of all accounts together."""
        row = reader.one(f"SELECT COUNT(*) FROM {self._table.name}")  # noqa: S608  # as above
        return row[0] if row else 0

    def has_room(self, transaction: Transaction, account: str, most: int) -> bool:
        """Has the account less than `most` entities of this kind?

        To count takes longer for every entity. So a bound is kept in memory, to which each new
        entity adds one, and deletions and undone calls nothing. Only a bound that reaches `most` is
        counted again. It holds because one process alone writes, and through `insert` only.
        """
        epoch = transaction.changes.epoch
        if epoch != self._epoch or len(self._bounds) > _MOST_BOUNDS:
            self._bounds, self._epoch = {}, epoch
        bound = self._bounds.get(account)
        if bound is None or bound >= most:
            bound = self._bounds[account] = self.count(transaction, account)
        return bound < most

    def insert(self, transaction: Transaction, record: E) -> None:
        self._table.insert(transaction, record)
        bound = self._bounds.get(record.account)
        if bound is not None:
            self._bounds[record.account] = bound + 1

    def update(self, transaction: Transaction, record: E) -> E:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: E) -> None:
        self._table.delete(transaction, record.account, record.entity_id)

    @property
    def _id(self) -> str:
        return self.record.kind.id_column
