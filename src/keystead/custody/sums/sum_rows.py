"""How are the sums kept in the store?  The only SQL of `sums`.

A turn appends its changes to a journal. From time to time the journal is folded into the sums. A
page that many turns changed is then written once.

A bucket is a range of places. The first 32 bits of its first place name it. Let an account have n
buckets, 2^k <= n < 2^(k+1). Then the first n - 2^k ranges of the level k are split in two, and the
other ranges are whole. So the next split is always known, and n alone gives the bucket of every
place. (W. Litwin, Linear Hashing, VLDB 1980)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from keystead.custody.lookups import Place
from keystead.custody.sums import vectors
from keystead.custody.sums.vectors import plus
from keystead.store.protocol import Reader, Reading, Select, Transaction, Value

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[str, bytes, bytes, int]]).decode
_WIDTH = 32  # bits of a bucket's start
_END = b"\xff" * 17  # after every place

MOST_NEAR = 16
"""Lookups that lie together and are read together: those of an ordinary key, for example."""

_COLUMNS = ", ".join(vectors.COLUMNS)
_MARKS = ", ".join("?" for _ in vectors.COLUMNS)
_IS_ZERO = " AND ".join(f"{c} = 0" for c in vectors.COLUMNS)
# Names of our own, and no values, stand in these.
_LOOKUP = f"SELECT {_COLUMNS} FROM state_lookups WHERE account = ? AND place = ?"  # noqa: S608  # our names
_RANGE = "state_lookups WHERE account = ? AND place >= ? AND place < ?"
# The limit is no placeholder: SQLite takes twice as long for a statement with one.
_NEAR = Select(
    ("place", *vectors.COLUMNS),
    f"(SELECT place, {_COLUMNS} FROM {_RANGE} LIMIT {MOST_NEAR + 1})",  # noqa: S608  # our names
)
_LOOKUPS = Select(vectors.SUMS, _RANGE)
_EVERY = f"SELECT place, {_COLUMNS} FROM state_lookups WHERE account = ?"  # noqa: S608  # our names
_BUCKET = Select(vectors.COLUMNS, "state_buckets WHERE account = ? AND start = ?")
_BUCKETS = f"SELECT {', '.join(vectors.SUMS)} FROM state_buckets WHERE account = ?"  # noqa: S608  # our names
_ACCOUNT = f"SELECT elements, buckets, {_COLUMNS} FROM state_accounts WHERE account = ?"  # noqa: S608  # our names
_ACCOUNTS = f"SELECT {', '.join(vectors.SUMS)} FROM state_accounts"  # noqa: S608  # our names
_ADD_LOOKUP = (
    f"INSERT INTO state_lookups (account, place, {_COLUMNS}) VALUES (?, ?, {_MARKS})"  # noqa: S608  # our names
    f" ON CONFLICT (account, place) DO UPDATE SET {vectors.ADDED}"
)
_DROP_LOOKUP = f"DELETE FROM state_lookups WHERE account = ? AND place = ? AND {_IS_ZERO}"  # noqa: S608  # our names
_ADD_BUCKET = (
    f"INSERT INTO state_buckets (account, start, {_COLUMNS}) VALUES (?, ?, {_MARKS})"  # noqa: S608  # our names
    f" ON CONFLICT (account, start) DO UPDATE SET {vectors.ADDED}"
)
_ADD_ACCOUNT = (
    f"INSERT INTO state_accounts (account, elements, buckets, {_COLUMNS})"  # noqa: S608  # our names
    f" VALUES (?, ?, 1, {_MARKS}) ON CONFLICT (account) DO UPDATE"
    f" SET elements = elements + excluded.elements, {vectors.ADDED}"
)
_JOURNAL = "SELECT changes FROM state_journal ORDER BY number"
_APPEND = "INSERT INTO state_journal (changes) VALUES (?)"
_SET_BUCKETS = "UPDATE state_accounts SET buckets = ? WHERE account = ?"


class Change(NamedTuple):
    """A change of a lookup: the vector to add to its sum, and the change in its number of rows."""

    vector: int
    elements: int

    def plus(self, other: "Change | None") -> "Change":
        """Both changes together."""
        if other is None:
            return self
        return Change(plus(self.vector, other.vector), self.elements + other.elements)


@dataclass(frozen=True, slots=True)
class Account:
    """The sums of an account, as they are stored."""

    total: int
    elements: int
    buckets: int


@dataclass(slots=True)
class Written:
    """The changes that a turn writes to the sums of buckets and accounts."""

    buckets: dict[tuple[str, int], int] = field(default_factory=dict)
    accounts: dict[str, tuple[int, int]] = field(default_factory=dict)  # vector, elements
    after: dict[str, Account] = field(default_factory=dict)  # the accounts as they are then
    split: list[tuple[str, int]] = field(default_factory=list)

    def count(self, account: str, start: int, vector: int, elements: int) -> None:
        """Count a lookup's change in its bucket and in its account."""
        bucket = (account, start)
        self.buckets[bucket] = plus(self.buckets.get(bucket, 0), vector)
        before, number = self.accounts.get(account, (0, 0))
        self.accounts[account] = (plus(before, vector), number + elements)


def bucket(place: bytes, buckets: int) -> tuple[int, int]:
    """Where the bucket of a place begins and ends, in an account with this number of buckets."""
    level = buckets.bit_length() - 1
    first = int.from_bytes(place[:4])
    split = buckets - (1 << level)
    shift = _WIDTH - level - ((first >> _WIDTH - level) < split)
    start = first >> shift << shift
    return start, start + (1 << shift)


def next_split(buckets: int) -> tuple[int, int, int]:
    """The bucket that is split next: its begin, the point that splits it, and its end."""
    level = buckets.bit_length() - 1
    shift = _WIDTH - level
    start = buckets - (1 << level) << shift
    return start, start + (1 << shift - 1), start + (1 << shift)


def reading_of_near(account: str, half: bytes) -> Reading:
    """What `near` asks."""
    return _NEAR, (account, half, half + _END)


def reading_of_bucket(account: str, start: int) -> Reading:
    """What `of_bucket` asks."""
    return _BUCKET, (account, start)


def reading_of_lookups(account: str, start: int, end: int) -> Reading:
    """What `of_lookups` asks."""
    limit = _END if end >> _WIDTH else end.to_bytes(4)
    return _LOOKUPS, (account, start.to_bytes(4), limit)


def _plain(reading: Reading) -> tuple[str, tuple[Value, ...]]:
    return reading[0].sql, reading[1]


def total(reader: Reader) -> int:
    """The sum of all accounts."""
    return vectors.of_numbers(reader.one(_ACCOUNTS))


def of_account(reader: Reader, account: str) -> Account:
    """The sums of an account."""
    row = reader.one(_ACCOUNT, (account,))
    return Account(0, 0, 1) if row is None else Account(vectors.of_numbers(row[2:]), *row[:2])


def of_buckets(reader: Reader, account: str) -> int:
    """The sum of an account's buckets."""
    return vectors.of_numbers(reader.one(_BUCKETS, (account,)))


def of_bucket(reader: Reader, account: str, start: int) -> int:
    """The sum of a bucket, as it is stored."""
    return vectors.of_numbers(reader.one(*_plain(reading_of_bucket(account, start))))


def of_lookups(reader: Reader, account: str, start: int, end: int) -> int:
    """The sum of the lookups from one place to another."""
    return vectors.of_numbers(reader.one(*_plain(reading_of_lookups(account, start, end))))


def of_lookup(reader: Reader, account: str, place: bytes) -> int:
    """The sum of one lookup."""
    return vectors.of_numbers(reader.one(_LOOKUP, (account, place)))


def near(reader: Reader, account: str, half: bytes) -> dict[bytes, int] | None:
    """The sums of all lookups whose places begin with this half; None if they are many."""
    rows = reader.all(*_plain(reading_of_near(account, half)))
    if len(rows) > MOST_NEAR:
        return None
    return {row[0]: vectors.of_numbers(row[1:]) for row in rows}


def accounts(reader: Reader) -> list[str]:
    """The accounts that have a sum."""
    return [name for (name,) in reader.all("SELECT account FROM state_accounts")]


def lookups(reader: Reader, account: str) -> list[tuple[bytes, int]]:
    """The places of an account's lookups, and their sums."""
    rows = reader.all(_EVERY, (account,))
    return [(row[0], vectors.of_numbers(row[1:])) for row in rows]


def adds_up(reader: Reader, name: str, account: Account) -> bool:
    """Is the account's sum that of its buckets, and each bucket's sum that of its lookups?"""
    if of_buckets(reader, name) != account.total:
        return False
    start = 0
    while start < 1 << _WIDTH:
        _, end = bucket(start.to_bytes(4), account.buckets)
        if of_lookups(reader, name, start, end) != of_bucket(reader, name, start):
            return False
        start = end
    return True


def journal(reader: Reader) -> dict[Place, Change]:
    """The changes since the journal was last folded into the sums."""
    changes: dict[Place, Change] = {}
    for (text,) in reader.all(_JOURNAL):
        for account, where, vector, elements in _unpack(text):
            place = (account, where)
            change = Change(int.from_bytes(vector), elements)
            changes[place] = change.plus(changes.get(place))
    return changes


def append(transaction: Transaction, changes: Mapping[Place, Change]) -> None:
    """Append the changes of a turn to the journal."""
    rows = [
        (*place, change.vector.to_bytes(32), change.elements) for place, change in changes.items()
    ]
    transaction.run(_APPEND, (_pack(rows),))


def empty_journal(transaction: Transaction) -> None:
    """Remove all changes from the journal: they are in the sums now."""
    transaction.run("DELETE FROM state_journal")


def write(transaction: Transaction, changes: Mapping[Place, Change], written: Written) -> None:
    """Add these changes to the sums, in the order of the places."""
    transaction.run_many(
        _ADD_LOOKUP,
        [(*place, *vectors.numbers(changes[place].vector)) for place in sorted(changes)],
    )
    gone = [place for place, change in changes.items() if change.elements < 0]
    if gone:  # a lookup that finds no rows any more keeps no sum
        transaction.run_many(_DROP_LOOKUP, gone)
    transaction.run_many(
        _ADD_BUCKET,
        [(*at, *vectors.numbers(vector)) for at, vector in written.buckets.items()],
    )
    transaction.run_many(
        _ADD_ACCOUNT,
        [
            (name, elements, *vectors.numbers(vector))
            for name, (vector, elements) in written.accounts.items()
        ],
    )


def split(transaction: Transaction, account: str, start: int, middle: int, upper: int) -> None:
    """Move the upper half of a bucket into a bucket of its own."""
    rest = vectors.minus(0, upper)
    rows: list[tuple[Value, ...]] = [
        (account, start, *vectors.numbers(rest)),
        (account, middle, *vectors.numbers(upper)),
    ]
    transaction.run_many(_ADD_BUCKET, rows)


def set_buckets(transaction: Transaction, account: str, buckets: int) -> None:
    """Remember how many buckets an account has."""
    transaction.run(_SET_BUCKETS, (buckets, account))
