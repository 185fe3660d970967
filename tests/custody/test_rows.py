"""Authenticated rows: a row that we did not write, there, is refused; its twin passes."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from keystead.custody.hierarchy import Hierarchy
from keystead.custody.rows.rows import Lookup, Record, RowConflict, RowIntegrityError, SealedTable
from keystead.custody.state import open_sums
from keystead.store.sqlite.engine import SqliteStore, open_store

from .conftest import ACCOUNT, OTHER_ACCOUNT, ROOT, change, root


class Note(Record, frozen=True, kw_only=True, gc=False):
    """A record with a column of every type."""

    account: str
    name: str
    text: str
    number: int
    rate: float
    blob: bytes
    maybe: str | None = None


KEY, TEXT = ("account", "name"), ("account", "text")
NOTE = Note(account=ACCOUNT, name="a", text="x", number=1, rate=0.5, blob=b"\x01")
COLUMNS = (
    "(account TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, number INTEGER NOT NULL,"
    " rate REAL NOT NULL, blob BLOB NOT NULL, maybe TEXT, row_version INTEGER NOT NULL,"
    " mac BLOB NOT NULL) STRICT"
)


@pytest.fixture
def store(tmp_path: Path, hierarchy: Hierarchy) -> Iterator[SqliteStore]:
    with closing(open_store(tmp_path / "keystead.db", bytes(32))) as store:
        with store.write() as transaction:
            for table in ("notes", "drafts"):
                transaction.run(f"CREATE TABLE {table} {COLUMNS}")
        open_sums(hierarchy.rows, store)
        yield store


@pytest.fixture
def notes(hierarchy: Hierarchy) -> SealedTable[Note]:
    return SealedTable(hierarchy.rows, "notes", Note, KEY, (Lookup(KEY), Lookup(TEXT)))


@pytest.fixture
def kept(store: SqliteStore, notes: SealedTable[Note]) -> SqliteStore:
    """The store with two notes in it."""
    with store.write() as transaction:
        notes.insert(transaction, NOTE)
        notes.insert(transaction, msgspec.structs.replace(NOTE, name="b", text="y"))
    return store


def test_a_row_is_read_as_it_was_written(kept: SqliteStore, notes: SealedTable[Note]) -> None:
    """The record comes back, by key, by lookup, by condition and by walk."""
    reader = kept.read()

    assert notes.get(reader, ACCOUNT, "a") == NOTE
    assert notes.get(reader, ACCOUNT, "c") is None
    assert notes.only(reader, TEXT, ACCOUNT, "x") == NOTE
    assert [note.name for note in notes.find(reader, "number = ? ORDER BY name", (1,))] == [
        "a",
        "b",
    ]
    assert [row[1] for row in notes.walk(reader)] == ["a", "b"]


@pytest.mark.parametrize(
    "edit",
    [
        "text = 'y'", "text = ''", "number = 2", "rate = 0.25", "blob = x'02'", "maybe = ''",
        "row_version = 2", "mac = zeroblob(32)", "mac = x''", "name = 'c'",
        f"account = '{OTHER_ACCOUNT}'",
    ],
)  # fmt: skip
def test_an_edited_row_is_refused(kept: SqliteStore, notes: SealedTable[Note], edit: str) -> None:
    """No column can be edited, the key, the version and the MAC among them."""
    change(kept, f"UPDATE notes SET {edit} WHERE name = 'a'")  # from above

    with pytest.raises(RowIntegrityError):
        [list(notes.counted(row)) for row in notes.walk(kept.read())]
    assert notes.get(kept.read(), ACCOUNT, "b") is not None


def test_every_bit_of_a_mac_counts(kept: SqliteStore, notes: SealedTable[Note]) -> None:
    """A MAC with one bit changed is refused; put back, it passes."""
    [(mac,)] = kept.read().all("SELECT mac FROM notes WHERE name = 'a'")
    for i in range(256):
        wrong = bytearray(mac)
        wrong[i // 8] ^= 1 << i % 8
        change(kept, "UPDATE notes SET mac = ? WHERE name = 'a'", (bytes(wrong),))
        with pytest.raises(RowIntegrityError):
            notes.get(kept.read(), ACCOUNT, "a")

    change(kept, "UPDATE notes SET mac = ? WHERE name = 'a'", (mac,))
    assert notes.get(kept.read(), ACCOUNT, "a") == NOTE


def test_rows_cannot_change_places(kept: SqliteStore, notes: SealedTable[Note]) -> None:
    """One row's content and MAC under the key of another are refused."""
    change(
        kept,
        "UPDATE notes SET (text, row_version, mac) ="
        " (SELECT text, row_version, mac FROM notes WHERE name = 'b') WHERE name = 'a'",
    )

    with pytest.raises(RowIntegrityError):
        notes.get(kept.read(), ACCOUNT, "a")


def test_a_row_of_another_table_is_refused(
    kept: SqliteStore, notes: SealedTable[Note], hierarchy: Hierarchy
) -> None:
    """A row copied to a table of the same form is refused; one written there passes."""
    drafts = SealedTable(hierarchy.rows, "drafts", Note, KEY, (Lookup(KEY),))
    change(kept, "INSERT INTO drafts SELECT * FROM notes WHERE name = 'a'")
    with pytest.raises(RowIntegrityError):
        drafts.get(kept.read(), ACCOUNT, "a")

    with kept.write() as transaction:
        drafts.delete(transaction, ACCOUNT, "a")
        drafts.insert(transaction, NOTE)
    assert drafts.get(kept.read(), ACCOUNT, "a") == NOTE


def test_an_old_row_does_not_pass_as_a_new_version(
    kept: SqliteStore, notes: SealedTable[Note]
) -> None:
    """The content of an earlier version is refused under the number of the present one."""
    [(mac,)] = kept.read().all("SELECT mac FROM notes WHERE name = 'a'")
    with kept.write() as transaction:
        notes.update(transaction, msgspec.structs.replace(NOTE, text="newer"))

    change(kept, "UPDATE notes SET text = 'x', mac = ? WHERE name = 'a'", (mac,))
    with pytest.raises(RowIntegrityError):
        notes.get(kept.read(), ACCOUNT, "a")


def test_a_row_of_another_installation_is_refused(kept: SqliteStore) -> None:
    """Another root key authenticates nothing here."""
    other = Hierarchy(root(bytes(32)))
    assert bytes(32) != ROOT

    notes = SealedTable(other.rows, "notes", Note, KEY, (Lookup(KEY),))
    with pytest.raises(RowIntegrityError):
        notes.get(kept.read(), ACCOUNT, "a")


def test_an_authentic_row_of_another_key_is_refused(
    kept: SqliteStore, notes: SealedTable[Note]
) -> None:
    """A table that was rebuilt to answer `A` with the row of `a` is noticed."""
    loose = COLUMNS.replace("name TEXT NOT NULL", "name TEXT NOT NULL COLLATE NOCASE")
    with kept.write() as transaction:
        transaction.run(f"CREATE TABLE loose {loose}")
        transaction.run("INSERT INTO loose SELECT * FROM notes")
        transaction.run("DROP TABLE notes")
        transaction.run("ALTER TABLE loose RENAME TO notes")

    assert notes.get(kept.read(), ACCOUNT, "a") == NOTE
    with pytest.raises(RowIntegrityError):
        notes.get(kept.read(), ACCOUNT, "A")


def test_updates_do_not_overwrite_each_other(kept: SqliteStore, notes: SealedTable[Note]) -> None:
    """An update needs the version that was read: the second of two is refused."""
    with kept.write() as transaction:
        newer = notes.update(transaction, msgspec.structs.replace(NOTE, text="first"))
        with pytest.raises(RowConflict):
            notes.update(transaction, msgspec.structs.replace(NOTE, text="second"))
        newest = notes.update(transaction, msgspec.structs.replace(newer, text="third"))

    assert notes.get(kept.read(), ACCOUNT, "a") == newest
    assert (newest.text, newest.row_version) == ("third", 3)


def test_deleting_says_whether_there_was_one(kept: SqliteStore, notes: SealedTable[Note]) -> None:
    """The first deletion finds the row, the second does not."""
    with kept.write() as transaction:
        assert notes.delete(transaction, ACCOUNT, "a")
        assert not notes.delete(transaction, ACCOUNT, "a")
    assert notes.get(kept.read(), ACCOUNT, "a") is None


def test_a_version_that_is_given_again_is_another_row(
    kept: SqliteStore, notes: SealedTable[Note]
) -> None:
    """What was read before an undo is not taken for the row that an update replaces."""
    kept.flush()
    reader = kept.read()
    with kept.write() as transaction:
        notes.update(transaction, msgspec.structs.replace(NOTE, text="undone"))
    assert notes.get(reader, ACCOUNT, "a") is not None
    kept.undo()
    with kept.write() as transaction:
        second = notes.update(transaction, msgspec.structs.replace(NOTE, text="second"))
    with kept.write() as transaction:
        notes.update(transaction, msgspec.structs.replace(second, text="third"))

    found = {
        text: notes.only(reader, TEXT, ACCOUNT, text) for text in ("undone", "second", "third")
    }
    assert [text for text, note in found.items() if note] == ["third"]
