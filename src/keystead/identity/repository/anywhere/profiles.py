"""Profiles: which roles the bearers of certificates may have, and how their sessions are limited.

A profile has a revision, which moves with what limits its sessions, and when it is disabled. Each
of its roles came under a number of its own. A session names both, so it ends when its role is taken
out, for ever, and goes on when another role is put in.
"""

from collections.abc import Iterable, Mapping

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "profile_id")


class ProfileRole(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A role of a profile."""

    arn: str
    number: int  # under which it came


_roles = msgspec.json.Decoder(tuple[ProfileRole, ...]).decode
_texts = msgspec.json.Decoder(tuple[str, ...]).decode
_mappings = msgspec.json.Decoder(dict[str, tuple[str, ...]]).decode
_write = msgspec.json.Encoder(order="sorted").encode


class AnywhereProfile(Record, frozen=True, kw_only=True, gc=False):
    """One profile."""

    account: str
    profile_id: str  # a UUID
    region: str
    name: str
    enabled: int
    roles: str  # JSON
    next_role: int
    session_policy: str  # "" = none
    managed_policies: str  # JSON
    duration: int  # seconds
    takes_session_names: int
    needs_properties: int
    mappings: str  # JSON
    created_by: str
    revision: int
    tags: str
    created: int
    updated: int

    @property
    def record_id(self) -> str:
        return self.profile_id

    @property
    def role_list(self) -> tuple[ProfileRole, ...]:
        return _roles(self.roles)

    @property
    def policy_arns(self) -> tuple[str, ...]:
        return _texts(self.managed_policies)

    @property
    def mapping_rules(self) -> Mapping[str, tuple[str, ...]]:
        """The specifiers, by the field of a certificate."""
        return _mappings(self.mappings)

    @property
    def tag_map(self) -> Mapping[str, str]:
        return unpacked(self.tags)

    def as_it_is(self, role: ProfileRole) -> str:
        """The name of a role in a profile as they are now."""
        return f"{self.profile_id}/{self.revision}/{role.number}"

    def with_roles(self, arns: Iterable[str]) -> "AnywhereProfile":
        """The same with these roles, of which those that it had keep their numbers."""
        known = {role.arn: role for role in self.role_list}
        roles, number = [], self.next_role
        for arn in dict.fromkeys(arns):
            role = known.get(arn)
            if role is None:
                role, number = ProfileRole(arn, number), number + 1
            roles.append(role)
        return msgspec.structs.replace(self, roles=written(roles), next_role=number)


def written(value: object) -> str:
    """A column of JSON."""
    return _write(value).decode()


class AnywhereProfiles:
    """The profiles of every account."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "ra_profile", AnywhereProfile, _KEY, (Lookup(_KEY),))

    def get(self, reader: Reader, account: str, profile_id: str) -> AnywhereProfile | None:
        return self._table.get(reader, account, profile_id)

    def after(
        self, reader: Reader, account: str, region: str, profile_id: str, limit: int
    ) -> list[AnywhereProfile]:
        """The next profiles of a Region, in the order of their ids."""
        return self._table.find(
            reader, "account = ? AND region = ? AND profile_id > ? ORDER BY profile_id LIMIT ?",
            (account, region, profile_id, limit),
        )  # fmt: skip

    def count(self, reader: Reader, account: str, region: str) -> int:
        """How many has an account in a Region?"""
        sql = "SELECT COUNT(*) FROM ra_profile WHERE account = ? AND region = ?"
        row = reader.one(sql, (account, region))
        return row[0] if row else 0

    def is_as_it_was(self, reader: Reader, account: str, as_it_was: str) -> bool:
        """Is there an enabled profile that still has the revision and the role of this name?"""
        profile = self.get(reader, account, as_it_was.partition("/")[0])
        if profile is None or not profile.enabled:
            return False
        return any(profile.as_it_is(role) == as_it_was for role in profile.role_list)

    def insert(self, transaction: Transaction, profile: AnywhereProfile) -> None:
        self._table.insert(transaction, profile)

    def update(self, transaction: Transaction, profile: AnywhereProfile) -> AnywhereProfile:
        return self._table.update(transaction, profile)

    def revise(self, transaction: Transaction, profile: AnywhereProfile) -> AnywhereProfile:
        """Keep a profile that changed: sessions that began before end."""
        later = msgspec.structs.replace(profile, revision=profile.revision + 1)
        return self.update(transaction, later)

    def delete(self, transaction: Transaction, profile: AnywhereProfile) -> None:
        self._table.delete(transaction, profile.account, profile.profile_id)
