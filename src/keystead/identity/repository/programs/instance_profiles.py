"""Instance profiles. An instance profile gives an instance its role.

A profile has a revision, in a row of its own: it moves when the role is put in or taken out. A
session of an instance names the revision under which it began, and ends with it.
"""

from typing import ClassVar

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.kinds import INSTANCE_PROFILE, EntityKind
from keystead.identity.repository.entities import Entities, Entity
from keystead.store.protocol import Reader, Transaction

_ROLE, _PROFILE = ("account", "role_id"), ("account", "profile_id")


class InstanceProfile(Entity, frozen=True, kw_only=True, gc=False):
    """One instance profile, with one role at most."""

    kind: ClassVar[EntityKind] = INSTANCE_PROFILE

    account: str
    profile_id: str
    name: str
    name_key: str
    path: str
    role_id: str | None
    tags: str
    created: int


class ProfileRevision(Record, frozen=True, kw_only=True, gc=False):
    """How often the role of a profile was changed. One that never had a role has no such row."""

    account: str
    profile_id: str
    revision: int


class InstanceProfiles(Entities[InstanceProfile]):
    """The instance profiles of every account."""

    __slots__ = ("_revisions",)

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, InstanceProfile, Lookup(_ROLE))
        self._revisions = SealedTable(
            seals, "iam_instance_profile_revision", ProfileRevision, _PROFILE, (Lookup(_PROFILE),)
        )

    def revision(self, reader: Reader, profile: InstanceProfile) -> str:
        """The name of a profile with the role that it has: its unique id, and its revision."""
        known = self._revisions.get(reader, profile.account, profile.profile_id)
        return f"{profile.profile_id}/{0 if known is None else known.revision}"

    def is_unrevised(self, reader: Reader, account: str, revision: str) -> bool:
        """Is there a profile that still has the revision of this name?"""
        profile = self.get(reader, account, revision.partition("/")[0])
        return profile is not None and self.revision(reader, profile) == revision

    def hold(self, transaction: Transaction, profile: InstanceProfile, role_id: str | None) -> None:
        """Put a role into a profile, or take it out: sessions that began before end."""
        self.update(transaction, msgspec.structs.replace(profile, role_id=role_id))
        account, profile_id = profile.account, profile.profile_id
        known = self._revisions.get(transaction, account, profile_id)
        if known is None:
            record = ProfileRevision(account=account, profile_id=profile_id, revision=1)
            self._revisions.insert(transaction, record)
        else:
            later = msgspec.structs.replace(known, revision=known.revision + 1)
            self._revisions.update(transaction, later)

    def delete(self, transaction: Transaction, record: InstanceProfile) -> None:
        super().delete(transaction, record)
        self._revisions.delete(transaction, record.account, record.profile_id)

    def of_role(self, reader: Reader, account: str, role_id: str) -> list[InstanceProfile]:
        """The profiles that hold this role, by name."""
        return self._table.of(reader, _ROLE, account, role_id, order="name_key")
