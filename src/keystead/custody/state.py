"""Are all rows the newest?  A walk over every counted row: to sum them up, or to examine them.

An installation from before sums were kept is summed up once, when it is opened. The examination
adds up every row again and compares the result on every level: rows, lookups, buckets, accounts.
Where the results differ, it names the lookups.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from keystead.custody.integrity import RowIntegrityError
from keystead.custody.lookups import Place
from keystead.custody.rows import RowSeals
from keystead.custody.sums import Account, Change, plus, sum_rows
from keystead.store.protocol import Reader, Store

_TOGETHER = 100_000  # lookups that are summed up before they are written
_TOLD = 20  # lookups that are named for each account
_TOLD_EVERY = 10_000  # rows between two reports of progress

Progress = Callable[[int], None]
"""Told how many rows were read."""


def open_sums(seals: RowSeals, store: Store) -> None:
    """Keep the sums of this store; make them first if there are none yet.

    Every counted table has to exist by then.
    """
    seals.sums.open(store)
    if not is_summed(store):
        _sum_up(seals, store)


def is_summed(store: Store) -> bool:
    """Are there sums?  After an upgrade from a version without sums there are none."""
    return store.read().one("SELECT id FROM state_summed") is not None


def _sum_up(seals: RowSeals, store: Store) -> None:
    """Make the sums of rows that were there before sums were kept."""
    with store.write(quiet=True) as transaction:
        changes: dict[Place, Change] = {}
        for place, vector in _counted(seals, transaction):
            changes[place] = Change(vector, 1).plus(changes.get(place))
            if len(changes) >= _TOGETHER:
                seals.sums.add(transaction, changes)
                changes = {}
        seals.sums.add(transaction, changes)
        transaction.run("INSERT INTO state_summed (id) VALUES (1)")
    store.flush()


def _counted(seals: RowSeals, reader: Reader) -> Iterator[tuple[Place, int]]:
    for table in seals.tables.values():
        for row in table.walk(reader):
            yield from table.counted(row)


@dataclass(slots=True)
class Examined:
    """The result of an examination."""

    rows: int = 0
    accounts: int = 0
    tombstones: int = 0  # signed statements about keys that were destroyed
    problems: list[str] = field(default_factory=list)


def examine(seals: RowSeals, reader: Reader, progress: Progress) -> Examined:
    """Is every row ours and the newest, and is none missing?  Reads all of them.

    (1) Add up every row, for each account. (2) For each account compare the sum of its rows, that
    of its buckets, and those of the lookups in each bucket. (3) Where sums differ, name lookups.
    """
    examined = Examined()
    counted: dict[str, Change] = {}
    for table in seals.tables.values():  # (1)
        for row in table.walk(reader):
            examined.rows += 1
            try:
                for (account, _), vector in table.counted(row):
                    counted[account] = Change(vector, 1).plus(counted.get(account))
            except RowIntegrityError as error:
                examined.problems.append(str(error))
            if examined.rows % _TOLD_EVERY == 0:
                progress(examined.rows)
    journal = sum_rows.journal(reader)
    names = sorted({*counted, *sum_rows.accounts(reader), *(name for name, _ in journal)})
    # Rows of the installation have no account, and those of strangers one of zeros.
    examined.accounts = sum(1 for name in names if name.strip("0"))
    for name in names:  # (2)
        stored = sum_rows.of_account(reader, name)
        same = counted.get(name, Change(0, 0)) == _with_journal(stored, name, journal)
        if not (same and sum_rows.adds_up(reader, name, stored)):
            examined.problems += _differing(seals, reader, name, journal)  # (3)
    return examined


def _with_journal(stored: Account, name: str, journal: Mapping[Place, Change]) -> Change:
    """The sum that the rows of an account must have: the stored one, and the journal's changes."""
    total = Change(stored.total, stored.elements)
    for (account, _), change in journal.items():
        total = total.plus(change) if account == name else total
    return total


def _differing(
    seals: RowSeals, reader: Reader, name: str, journal: Mapping[Place, Change]
) -> list[str]:
    """The lookups of an account that do not find the newest rows."""
    counted: dict[Place, int] = {}
    texts: dict[Place, str] = {}
    for table in seals.tables.values():
        for row in table.walk(reader):
            for place, vector, text in table.named(row):
                if place[0] == name:
                    counted[place] = plus(counted.get(place, 0), vector)
                    texts[place] = text
    expected = {(name, where): vector for where, vector in sum_rows.lookups(reader, name)}
    for place, change in journal.items():
        if place[0] == name:
            expected[place] = plus(expected.get(place, 0), change.vector)
    whose = f"account `{name}`" if name else "the installation"
    wrong = [
        f"{whose}: a row is not the newest that was written: {texts[place]}"
        for place, vector in counted.items()
        if expected.get(place, 0) != vector
    ]
    missing = sum(1 for place, vector in expected.items() if vector and place not in counted)
    if missing:
        wrong.append(f"{whose}: the rows of {missing} lookups are missing")
    if len(wrong) > _TOLD:
        wrong[_TOLD:] = [f"{whose}: {len(wrong) - _TOLD} lookups more"]
    return wrong or [f"{whose}: its sums are not the newest"]
