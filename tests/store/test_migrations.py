"""Which schema fits this code."""

import zipfile
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from keystead.store import migrations
from keystead.store.migrations import Migration, SchemaRefused, known, pending
from keystead.store.sqlite.engine import open_store
from tests.store.conftest import KEY

ONE, TWO, THREE = (Migration(n, "room", f"SELECT {n};") for n in (1, 2, 3))


def tables(path: Path) -> set[str]:
    with closing(open_store(path, KEY)) as store:
        return {name for (name,) in store.read().all("SELECT name FROM sqlite_schema")}


def bring(monkeypatch: pytest.MonkeyPatch, *extra: Migration) -> None:
    """Let this code bring more migrations than it has."""
    ours = known()
    monkeypatch.setattr(migrations, "known", lambda: [*ours, *extra])


def test_a_new_store_has_everything(path: Path) -> None:
    """Every migration is applied once, and recorded with its checksum."""
    open_store(path, KEY).close()
    with closing(open_store(path, KEY)) as store:
        rows = store.read().all("SELECT number, checksum FROM schema_migrations ORDER BY number")

    assert rows == [(m.number, m.checksum) for m in known()]


def test_an_older_store_is_brought_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new migration is applied to an existing store; its rows and its epoch stay."""
    with closing(open_store(path, KEY)) as store:
        with store.write() as transaction:
            transaction.run("INSERT INTO audit_outbox VALUES ('t', 1, x'00')")
        store.flush()
        epoch = store.state
    bring(monkeypatch, Migration(9001, "room", "CREATE TABLE added (a TEXT) STRICT;"))

    assert "added" in tables(path)
    with closing(open_store(path, KEY)) as store:
        assert store.state == epoch
        assert store.read().one("SELECT first_index FROM audit_outbox") == (1,)


def test_a_failed_upgrade_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails undoes those before it: the older version starts as before."""
    open_store(path, KEY).close()
    added = Migration(9001, "room", "CREATE TABLE added (a TEXT) STRICT;")
    half = Migration(9002, "room", "CREATE TABLE half (a TEXT) STRICT; SELECT nonsense;")
    with monkeypatch.context() as patch:
        bring(patch, added, half)
        with pytest.raises(apsw.SQLError):
            open_store(path, KEY)
    assert tables(path).isdisjoint({"added", "half"})
    bring(monkeypatch, added)
    assert "added" in tables(path)


def test_a_newer_store_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that does not know the newest migration does not touch the store."""
    with monkeypatch.context() as patch:
        bring(patch, Migration(9001, "room", "CREATE TABLE added (a TEXT) STRICT;"))
        open_store(path, KEY).close()

    with pytest.raises(SchemaRefused, match="newer keystead"):
        open_store(path, KEY)


@pytest.mark.parametrize(
    ("applied", "sentence"),
    [
        ({1: ONE.checksum, 2: "another"}, "0002_room differs from the one that was applied"),
        ({1: ONE.checksum, 3: THREE.checksum}, "0002_room comes late"),
        ({4: "unknown"}, "migration 0004, which this version does not know"),
    ],
)
def test_drift_is_refused(applied: dict[int, str], sentence: str) -> None:
    """An edited file, a late one and an unknown one are each refused, and named."""
    with pytest.raises(SchemaRefused, match=sentence):
        pending([ONE, TWO, THREE], applied)


def test_the_rest_is_pending() -> None:
    """What was applied unchanged is not applied again; what follows is."""
    assert pending([ONE, TWO, THREE], {1: ONE.checksum}) == [TWO, THREE]
    assert pending([ONE], {1: ONE.checksum}) == []


def test_two_files_with_one_number(tmp_path: Path) -> None:
    """Two migrations cannot have the same number; other files are no migrations."""
    (tmp_path / "0001_kms.sql").write_text("SELECT 1;")
    (tmp_path / "README").write_text("no migration")
    assert [m.name for m in known(tmp_path)] == ["kms"]
    (tmp_path / "0001_store.sql").write_text("SELECT 1;")

    with pytest.raises(SchemaRefused, match="two migrations"):
        known(tmp_path)


def test_they_are_found_in_an_archive(tmp_path: Path) -> None:
    """Migrations are package resources: an installation without a source tree has them."""
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("migrations/0001_store.sql", "SELECT 1;")

    assert [m.number for m in known(zipfile.Path(archive, "migrations/"))] == [1]


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    """A store in a directory that is not there is a clear error of the system."""
    with pytest.raises(FileNotFoundError):
        open_store(tmp_path / "missing" / "keystead.db", KEY)
