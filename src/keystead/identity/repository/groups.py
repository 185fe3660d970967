"""Groups, and who is in them. A group is never a principal: it only carries policies."""

from keystead.custody.rows import Lookup, Record, RowIntegrityError, RowSeals, SealedTable
from keystead.identity.names import canonical, group_arn
from keystead.identity.repository.users import User, Users
from keystead.store.protocol import Reader, Transaction

_ID, _NAME = ("account", "group_id"), ("account", "name_key")
_MEMBER = ("account", "user_id")


class Group(Record, frozen=True, kw_only=True, gc=False):
    """One group."""

    account: str
    group_id: str
    name: str
    name_key: str
    path: str
    created: int

    @property
    def entity_id(self) -> str:
        return self.group_id

    @property
    def arn(self) -> str:
        return group_arn(self.account, self.path, self.name)


class Membership(Record, frozen=True, kw_only=True, gc=False):
    """One user in one group."""

    account: str
    user_id: str
    group_id: str
    created: int


class Groups:
    """The groups of every account."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "iam_group", Group, _ID, (Lookup(_ID), Lookup(_NAME)))

    def get(self, reader: Reader, account: str, group_id: str) -> Group | None:
        return self._table.get(reader, account, group_id)

    def named(self, reader: Reader, account: str, name: str) -> Group | None:
        return self._table.only(reader, _NAME, account, canonical(name))

    def after(
        self, reader: Reader, account: str, name_key: str, path_prefix: str, limit: int
    ) -> list[Group]:
        """The next groups in the order of their names."""
        return self._table.find(
            reader,
            "account = ? AND name_key > ? AND substr(path, 1, ?) = ? ORDER BY name_key LIMIT ?",
            (account, name_key, len(path_prefix), path_prefix, limit),
        )

    def attached_after(
        self, reader: Reader, account: str, policy_arn: str, *, after: str, prefix: str, limit: int
    ) -> list[Group]:
        """The next groups, by id, to which this policy is attached; `Attachments` verifies."""
        return self._table.find(
            reader,
            "account = ? AND group_id > ? AND substr(path, 1, ?) = ? AND group_id IN"
            " (SELECT entity_id FROM iam_attachment WHERE account = ? AND policy_arn = ?)"
            " ORDER BY group_id LIMIT ?",
            (account, after, len(prefix), prefix, account, policy_arn, limit),
        )

    def count(self, reader: Reader, account: str) -> int:
        row = reader.one("SELECT COUNT(*) FROM iam_group WHERE account = ?", (account,))
        return row[0] if row else 0

    def insert(self, transaction: Transaction, record: Group) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: Group) -> Group:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: Group) -> None:
        self._table.delete(transaction, record.account, record.group_id)


class Memberships:
    """Which user is in which group."""

    __slots__ = ("_groups", "_table", "_users")

    def __init__(self, seals: RowSeals, users: Users, groups: Groups) -> None:
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
        """In which groups a user is: at most `limits.GROUPS_PER_USER`."""
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
