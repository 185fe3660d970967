"""Groups, and the users in them. A group is never a principal: it only carries policies."""

from typing import ClassVar

from keystead.custody.rows import Lookup, Record, RowIntegrityError, RowSeals, SealedTable
from keystead.identity.kinds import GROUP, EntityKind
from keystead.identity.repository.entities import Entities, Entity
from keystead.identity.repository.people.users import User, Users
from keystead.store.protocol import Reader, Transaction

_MEMBER = ("account", "user_id")


class Group(Entity, frozen=True, kw_only=True, gc=False):
    """One group."""

    kind: ClassVar[EntityKind] = GROUP

    account: str
    group_id: str
    name: str
    name_key: str
    path: str
    created: int


class Membership(Record, frozen=True, kw_only=True, gc=False):
    """One user in one group."""

    account: str
    user_id: str
    group_id: str
    created: int


class Memberships:
    """Which user is in which group."""

    __slots__ = ("_groups", "_table", "_users")

    def __init__(self, seals: RowSeals, users: Users, groups: Entities[Group]) -> None:
        key = (*_MEMBER, "group_id")
        self._table = SealedTable(seals, "iam_membership", Membership, key, (Lookup(_MEMBER),))
        self._users = users
        self._groups = groups

    def get(self, reader: Reader, user: User, group: Group) -> Membership | None:
        memberships = self._of(reader, user)
        return next((each for each in memberships if each.group_id == group.group_id), None)

    def groups_of(self, reader: Reader, user: User) -> list[Group]:
        """The groups of a user, by name: at most `limits.GROUPS_PER_USER`."""
        groups = (self._group_of(reader, membership) for membership in self._of(reader, user))
        return sorted(groups, key=lambda group: group.name_key)

    def _of(self, reader: Reader, user: User) -> list[Membership]:
        """The memberships of a user: at most `limits.GROUPS_PER_USER`."""
        return self._table.of(reader, _MEMBER, user.account, user.user_id, order="group_id")

    def _group_of(self, reader: Reader, membership: Membership) -> Group:
        group = self._groups.get(reader, membership.account, membership.group_id)
        if group is None:  # it may have carried a Deny: refuse rather than forget it
            raise RowIntegrityError("iam_group", (membership.account, membership.group_id))
        return group

    def users_after(self, reader: Reader, group: Group, name_key: str, limit: int) -> list[User]:
        """The next members of a group in the order of their names."""
        users = self._users.members_after(reader, group.account, group.group_id, name_key, limit)
        return [user for user in users if self.get(reader, user, group)]

    def is_empty(self, reader: Reader, group: Group) -> bool:
        sql = "SELECT 1 FROM iam_membership WHERE account = ? AND group_id = ? LIMIT 1"
        return reader.one(sql, (group.account, group.group_id)) is None

    def insert(self, transaction: Transaction, record: Membership) -> None:
        self._table.insert(transaction, record)

    def delete(self, transaction: Transaction, record: Membership) -> None:
        self._table.delete(transaction, record.account, record.user_id, record.group_id)
