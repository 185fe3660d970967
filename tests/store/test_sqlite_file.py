"""What a reader or writer of the file can and cannot do."""

import stat
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from keystead.store.lock import DirectoryInUse, DirectoryLock
from keystead.store.protocol import StoreCorrupt, StoreUnavailable
from keystead.store.sqlite import file as sqlite_file
from keystead.store.sqlite.engine import open_store
from tests.store.conftest import KEY, add, create_table, names

PAGE = 4096
CANARY = "canary-in-a-row"


@pytest.fixture
def written(path: Path) -> bytes:
    """The bytes of a database with some rows in it."""
    with closing(open_store(path, KEY)) as store:
        create_table(store)
        for number in range(200):
            add(store, f"{CANARY}-{number}")
    return path.read_bytes()


def read_all(path: Path) -> list[str]:
    with closing(open_store(path, KEY)) as store:
        return names(store)


def test_nothing_is_readable(path: Path) -> None:
    """Neither the file nor its log shows a name of a table or a row."""
    with closing(open_store(path, KEY)) as store:
        create_table(store)
        add(store, CANARY)
        store.flush()
        found = path.read_bytes() + path.with_name("keystead.db-wal").read_bytes()

    for clear in (b"SQLite format", b"CREATE TABLE", b"item", CANARY.encode()):
        assert clear not in found


def test_another_key_does_not_open_it(path: Path, written: bytes) -> None:
    """With another key there is an error, not an empty store; with its own it opens."""
    with pytest.raises(StoreCorrupt, match="key does not open"):
        open_store(path, bytes(32))

    assert len(read_all(path)) == 200


@pytest.mark.parametrize("offset", [*range(0, 100, 3), *range(100, 8 * PAGE, 1999)])
def test_every_flipped_bit_is_found(path: Path, written: bytes, offset: int) -> None:
    """A page with one bit changed, wherever, is refused when it is read."""
    changed = bytearray(written)
    changed[offset] ^= 1
    path.write_bytes(changed)

    with pytest.raises(StoreCorrupt):
        _read_every_page(path)


def test_pages_cannot_be_exchanged(path: Path, written: bytes) -> None:
    """A page is refused at another page's place."""
    pages = [written[i : i + PAGE] for i in range(0, len(written), PAGE)]
    pages[2], pages[3] = pages[3], pages[2]
    path.write_bytes(b"".join(pages))

    with pytest.raises(StoreCorrupt):
        _read_every_page(path)


def test_an_untouched_copy_is_whole(path: Path, written: bytes) -> None:
    """The same walk over a file that nobody touched finds nothing."""
    path.write_bytes(written)

    _read_every_page(path)


def _read_every_page(path: Path) -> None:
    with closing(open_store(path, KEY)) as store:
        [(verdict,)] = store.read().all("SELECT integrity_check FROM pragma_integrity_check")
        # The walk tells of a page that it could not get, if that is not a page of the schema.
        if verdict != "ok":
            raise StoreCorrupt(verdict)


def test_a_corrupt_page_stops_everything(path: Path, written: bytes) -> None:
    """After one page that we did not write, nothing is answered from the others."""
    changed = bytearray(written)
    for page in range(2, len(written) // PAGE):
        changed[page * PAGE + 77] ^= 1
    path.write_bytes(changed)
    with pytest.raises(StoreCorrupt), closing(open_store(path, KEY)) as store:
        with pytest.raises(StoreCorrupt):
            names(store)
        assert isinstance(store.failure, StoreCorrupt)
        store.read().one("SELECT 1")


def test_files_are_the_owners(path: Path) -> None:
    """Database, log and lock have mode 0600, whatever they had before."""
    path.touch(mode=0o644)
    with closing(open_store(path, KEY)) as store:
        create_table(store)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {"keystead.db": 0o600, "keystead.db-wal": 0o600, "lock": 0o600}


def test_a_missing_database_can_be_an_error(path: Path) -> None:
    """An installation whose database vanished does not quietly get an empty one."""
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(path, KEY, must_exist=True)
    path.touch()
    with pytest.raises(StoreCorrupt, match="empty"):
        open_store(path, KEY, must_exist=True)
    open_store(path, KEY).close()

    open_store(path, KEY, must_exist=True).close()


def test_the_key_has_32_bytes(path: Path) -> None:
    """A key of another length is a bug, and never stretched to fit."""
    with pytest.raises(ValueError, match="32 bytes"):
        open_store(path, b"short")


def test_settings_are_read_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that SQLite did not take refuses the start."""
    monkeypatch.setattr(sqlite_file, "_SETTINGS", (("page_size", 1, 1),))

    with pytest.raises(StoreUnavailable, match="page_size"):
        open_store(path, KEY)


def test_a_failed_start_releases_everything(path: Path, written: bytes) -> None:
    """After a refused start the directory is free, and the right start works."""
    with pytest.raises(StoreCorrupt):
        open_store(path, bytes(32))

    assert len(read_all(path)) == 200


def test_one_store_for_a_directory(path: Path) -> None:
    """A second store in the directory is refused, also within the process; then it is free."""
    with closing(open_store(path, KEY)), pytest.raises(DirectoryInUse):
        open_store(path, KEY)

    open_store(path, KEY).close()


def test_a_lock_is_taken_over(path: Path) -> None:
    """A caller that locked the directory already hands its lock on, and the store lets go of it."""
    open_store(path, KEY, lock=DirectoryLock(path.parent)).close()

    DirectoryLock(path.parent).release()


def test_the_library_is_new_enough() -> None:
    """The bundled SQLite has the fix of the race at the reset of the log (DB-1)."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))

    assert version >= (3, 51, 3)


def test_what_was_deleted_is_nowhere_after_a_purge(path: Path, tmp_path: Path) -> None:
    """Until then the file alone has the row still; afterwards neither it nor the log has."""

    def in_the_file_alone() -> list[str]:
        copy = tmp_path / "copy" / "keystead.db"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        return read_all(copy)

    with closing(open_store(path, KEY)) as store:
        create_table(store)
        add(store, CANARY)
    with closing(open_store(path, KEY)) as store:
        with store.write() as transaction:
            transaction.run("DELETE FROM item")
        store.flush()
        assert in_the_file_alone() == [CANARY]

        store.purge()

        assert in_the_file_alone() == []
        assert path.with_name("keystead.db-wal").stat().st_size == 0
        add(store, "later")
        store.flush()
        assert names(store) == ["later"]
