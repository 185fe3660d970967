"""Which schema does this store have, and which does this code need?  (DB-7)

Migrations are the numbered files in `migrations/`, one room each: `NNNN_room.sql`. They only go
forward; each runs in a transaction of its own together with its entry in `schema_migrations`, so
that an interrupted upgrade continues where it stopped.

Refused, before anything is changed: a schema newer than this code, a file that differs from what
was applied, a file that comes late (a number below one that was applied).

The plan is the same for every engine; the engine applies it. PostgreSQL takes an advisory lock
first, and reads BLOB as BYTEA, INTEGER as BIGINT, and no STRICT.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

_FILE_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")


class SchemaRefused(Exception):
    """The store's schema and this code do not fit; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str  # "store": the room that owns these tables
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, so that a file edited after the fact is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known(folder: Traversable | None = None) -> list[Migration]:
    """The migrations that this code brings, by number."""
    folder = folder or resources.files("keystead.store") / "migrations"
    found: dict[int, Migration] = {}
    for file in folder.iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            continue
        migration = Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        if migration.number in found:
            raise SchemaRefused(f"two migrations have the number {migration.number:04}")
        found[migration.number] = migration
    return [found[number] for number in sorted(found)]


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """What is still to be applied, given number -> checksum of what was; raises SchemaRefused."""
    newest = max(applied, default=0)
    ours = {migration.number: migration for migration in migrations}
    for number in sorted(applied):
        if number not in ours:
            raise SchemaRefused(
                f"the database has migration {number:04}, which this version does not know:"
                " it was used by a newer keystead"
            )
        if ours[number].checksum != applied[number]:
            raise SchemaRefused(
                f"migration {number:04}_{ours[number].name} is not the one that was applied"
            )
    waiting = [migration for migration in migrations if migration.number not in applied]
    for migration in waiting:
        if migration.number < newest:
            raise SchemaRefused(
                f"migration {migration.number:04}_{migration.name} comes late:"
                f" {newest:04} was applied without it"
            )
    return waiting
