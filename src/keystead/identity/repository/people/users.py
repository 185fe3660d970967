"""Users: an identity of one person or program in an account."""

from typing import ClassVar

from keystead.custody.rows import RowSeals
from keystead.identity.kinds import USER, EntityKind
from keystead.identity.repository.entities import Entities, Entity
from keystead.store.protocol import Reader


class User(Entity, frozen=True, kw_only=True, gc=False):
    """One user. The unique id stays when the name or the path changes."""

    kind: ClassVar[EntityKind] = USER

    account: str
    user_id: str
    name: str
    name_key: str
    path: str
    boundary: str | None  # ARN of a managed policy
    tags: str
    created: int


class Users(Entities[User]):
    """The users of every account."""

    __slots__ = ()

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, User)

    def members_after(
        self, reader: Reader, account: str, group_id: str, name_key: str, limit: int
    ) -> list[User]:
        """The next users of a group, by name; `Memberships` verifies that they are members."""
        return self._table.find(
            reader,
            "account = ? AND name_key > ? AND user_id IN"
            " (SELECT user_id FROM iam_membership WHERE account = ? AND group_id = ?)"
            " ORDER BY name_key LIMIT ?",
            (account, name_key, account, group_id, limit),
        )
