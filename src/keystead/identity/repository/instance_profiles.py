"""Instance profiles. An instance profile gives an instance its role."""

from typing import ClassVar

from keystead.custody.rows import Lookup, RowSeals
from keystead.identity.kinds import INSTANCE_PROFILE, EntityKind
from keystead.identity.repository.entities import Entities, Entity
from keystead.store.protocol import Reader

_ROLE = ("account", "role_id")


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


class InstanceProfiles(Entities[InstanceProfile]):
    """The instance profiles of every account."""

    __slots__ = ()

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, InstanceProfile, Lookup(_ROLE))

    def of_role(self, reader: Reader, account: str, role_id: str) -> list[InstanceProfile]:
        """The profiles that hold this role, by name."""
        return self._table.of(reader, _ROLE, account, role_id, order="name_key")
