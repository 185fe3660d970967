"""Directories of people, and which of their people and groups may have which role.

A directory has a revision, which moves with each change of it. An assignment is to a role's unique
id. A session names both, so it ends when one of them goes.
"""

from collections.abc import Sequence

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_TABLE = "ds_directory"
_DIRECTORY, _NAME = ("account", "directory_id"), ("name",)
_ASSIGNMENT = ("account", "assignment_id")


class Directory(Record, frozen=True, kw_only=True, gc=False):
    """One directory."""

    account: str
    directory_id: str  # d-<10 hex>
    name: str  # unique in the installation: people type it
    region: str
    kind: str
    settings: str  # JSON, as the room of federation reads it
    bind_password: bytes  # sealed
    revision: int
    created: int

    @property
    def as_it_is(self) -> str:
        """The name of a directory as it is now: its id, and its revision."""
        return f"{self.directory_id}/{self.revision}"


class Assignment(Record, frozen=True, kw_only=True, gc=False):
    """A person, or the members of a group, may have sessions of a role."""

    account: str
    assignment_id: str
    directory_id: str
    is_group: int
    subject_id: str  # the immutable id in the directory
    subject_name: str  # as it was then, for people who read lists
    role_id: str
    created: int


class Directories:
    """The directories of every account, with their assignments."""

    __slots__ = ("_assignments", "_secrets", "_table")

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(
            seals, _TABLE, Directory, _DIRECTORY,
            (Lookup(_DIRECTORY), Lookup(_NAME, of_installation=True)),
        )  # fmt: skip
        self._assignments = SealedTable(
            seals, "ds_assignment", Assignment, _ASSIGNMENT,
            (Lookup(_ASSIGNMENT), Lookup(_DIRECTORY)),
        )  # fmt: skip
        self._secrets = seals.secrets

    def get(self, reader: Reader, account: str, directory_id: str) -> Directory | None:
        return self._table.get(reader, account, directory_id)

    def named(self, reader: Reader, name: str) -> Directory | None:
        """The directory with this name, in whichever account it is."""
        return self._table.only(reader, _NAME, name)

    def every(self, reader: Reader) -> Sequence[Directory]:
        """All directories, by name: at most `limits.DIRECTORIES`."""
        return self._table.find(reader, "TRUE ORDER BY name")

    def is_as_it_was(self, reader: Reader, account: str, as_it_was: str) -> bool:
        """Is there a directory that still has the revision of this name?"""
        directory = self.get(reader, account, as_it_was.partition("/")[0])
        return directory is not None and directory.as_it_is == as_it_was

    def sealed(self, account: str, directory_id: str, password: str) -> bytes:
        """The column of the bind name's password."""
        key = (account, directory_id)
        return self._secrets.seal(_TABLE, key, "bind_password", password.encode())

    def bind_password(self, directory: Directory) -> str:
        key = (directory.account, directory.directory_id)
        sealed = directory.bind_password
        return self._secrets.unseal(_TABLE, key, "bind_password", sealed).decode()

    def insert(self, transaction: Transaction, directory: Directory) -> None:
        self._table.insert(transaction, directory)

    def revise(self, transaction: Transaction, directory: Directory) -> Directory:
        """Keep a directory that was changed: sessions that began before end."""
        later = msgspec.structs.replace(directory, revision=directory.revision + 1)
        return self._table.update(transaction, later)

    def delete(self, transaction: Transaction, directory: Directory) -> None:
        """Remove a directory, with its assignments."""
        key = (directory.account, directory.directory_id)
        self._assignments.delete_all(transaction, _DIRECTORY, *key)
        self._table.delete(transaction, *key)

    # assignments

    def assignment(self, reader: Reader, account: str, assignment_id: str) -> Assignment | None:
        return self._assignments.get(reader, account, assignment_id)

    def assignments(self, reader: Reader, directory: Directory) -> Sequence[Assignment]:
        """Those of a directory, the oldest first: at most `limits.ASSIGNMENTS_PER_DIRECTORY`."""
        key = (directory.account, directory.directory_id)
        return self._assignments.of(reader, _DIRECTORY, *key, order="created, assignment_id")

    def assign(self, transaction: Transaction, assignment: Assignment) -> None:
        self._assignments.insert(transaction, assignment)

    def unassign(self, transaction: Transaction, assignment: Assignment) -> None:
        self._assignments.delete(transaction, assignment.account, assignment.assignment_id)
