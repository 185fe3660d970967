"""Which schema does this store have, and which does this code need?  (DB-7)

Migrations are the numbered files `NNNN_room.sql` in `migrations/`. Each file belongs to one room.
They only go forward. All that are missing run in one transaction, together with their entries in
`schema_migrations`. So an interrupted upgrade has changed nothing, and the older version still
starts.

Three cases are refused before anything is changed:

- a schema that is newer than this code
- a file that differs from the applied one
- a file that comes late: its number is below that of an applied one

The plan is the same for every engine, and the engine applies it. PostgreSQL takes an advisory lock
first. It reads BLOB as BYTEA and INTEGER as BIGINT, and ignores STRICT.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

_FILE_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")


class SchemaRefused(Exception):
    """The store's schema and this code do not fit. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str  # "store": the room that owns these tables
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text. It shows whether the file was edited after it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known(folder: Traversable | None = None) -> list[Migration]:
    """The migrations in this code, in the order of their numbers."""
    folder = folder or resources.files("keystead.store") / "migrations"
    numbered: dict[int, Migration] = {}
    for file in folder.iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            continue
        migration = Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        if migration.number in numbered:
            raise SchemaRefused(f"two migrations have the number {migration.number:04}")
        numbered[migration.number] = migration
    return [numbered[number] for number in sorted(numbered)]


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """The migrations that are still to be applied; raises SchemaRefused.

    `applied` gives the checksum of each applied migration, by number.
    """
    newest = max(applied, default=0)
    ours = {migration.number: migration for migration in migrations}
    for number in sorted(applied):
        if number not in ours:
            raise SchemaRefused(
                f"the database has migration {number:04}, which this version does not know:"
                " a newer keystead has used it, so start that version"
            )
        if ours[number].checksum != applied[number]:
            raise SchemaRefused(
                f"migration {number:04}_{ours[number].name} differs from the one that was applied"
                " to this database: install an unchanged keystead"
            )
    waiting = [migration for migration in migrations if migration.number not in applied]
    for migration in waiting:
        if migration.number < newest:
            raise SchemaRefused(
                f"migration {migration.number:04}_{migration.name} comes late:"
                f" {newest:04} was applied without it"
            )
    return waiting
