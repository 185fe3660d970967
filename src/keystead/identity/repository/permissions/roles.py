"""Roles. The principals that a role's trust policy names can assume it for a time."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.identity.kinds import ROLE, EntityKind
from keystead.identity.names import canonical
from keystead.identity.repository.entities import Entities, Entity
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_ID, _NAME = ("account", "role_id"), ("account", "name_key")


class Role(Entity, frozen=True, kw_only=True, gc=False):
    """One role. Name and path never change."""

    kind: ClassVar[EntityKind] = ROLE

    account: str
    role_id: str
    name: str
    name_key: str
    path: str
    description: str | None
    trust_policy: str
    trusted: str  # the principals that it names -> their unique ids, a JSON object
    longest_session: int  # seconds: MaxSessionDuration
    service: str | None  # the service of a service-linked role
    boundary: str | None  # ARN of a managed policy
    tags: str
    created: int

    @property
    def protected(self) -> bool:
        return self.service is not None

    @property
    def meant(self) -> Mapping[str, str]:
        """The unique ids that the names in the trust policy meant when it was written (ST-8)."""
        return unpacked(self.trusted)


class RoleUse(Record, frozen=True, kw_only=True, gc=False):
    """When and where a session of a role last authenticated a request."""

    account: str
    role_id: str
    used: int
    region: str


class Roles(Entities[Role]):
    """The roles of every account."""

    __slots__ = ("_uses",)

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, Role)
        # No decision depends on a last use, and no record tells of it: it is not counted.
        self._uses = SealedTable(seals, "iam_role_use", RoleUse, _ID, ())

    def delete(self, transaction: Transaction, record: Role) -> None:
        super().delete(transaction, record)
        self._uses.delete(transaction, record.account, record.role_id)

    def last_use(self, reader: Reader, role: Role) -> RoleUse | None:
        return self._uses.get(reader, role.account, role.role_id)

    def record_use(self, transaction: Transaction, use: RoleUse) -> None:
        """Keep a last use, if its role still exists."""
        if self.get(transaction, use.account, use.role_id) is None:
            return
        known = self._uses.get(transaction, use.account, use.role_id)
        if known is None:
            self._uses.insert(transaction, use)
        else:
            versioned = msgspec.structs.replace(use, row_version=known.row_version)
            self._uses.update(transaction, versioned)


class RoleDeletion(Record, frozen=True, kw_only=True, gc=False):
    """The last deletion of a service-linked role with this name."""

    account: str
    name_key: str
    task_id: str


class RoleDeletions:
    """The deletions of service-linked roles: one for each name."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        # No decision depends on the row of a deletion, so it is not counted.
        self._table = SealedTable(seals, "iam_role_deletion", RoleDeletion, _NAME, ())

    def of(self, reader: Reader, account: str, name: str) -> RoleDeletion | None:
        return self._table.get(reader, account, canonical(name))

    def record(self, transaction: Transaction, role: Role, task_id: str) -> None:
        """Remember this deletion, in the place of an earlier one."""
        self._table.delete(transaction, role.account, role.name_key)
        deletion = RoleDeletion(account=role.account, name_key=role.name_key, task_id=task_id)
        self._table.insert(transaction, deletion)
