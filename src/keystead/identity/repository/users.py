"""Users: an identity of one person or program in an account."""

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.names import canonical, user_arn
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_ID, _NAME = ("account", "user_id"), ("account", "name_key")


class User(Record, frozen=True, kw_only=True, gc=False):
    """One user. The unique id stays when the name or the path changes."""

    account: str
    user_id: str
    name: str
    name_key: str
    path: str
    boundary: str | None  # ARN of a managed policy
    tags: str
    created: int

    @property
    def entity_id(self) -> str:
        return self.user_id

    @property
    def arn(self) -> str:
        return user_arn(self.account, self.path, self.name)

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)


class Users:
    """The users of every account."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "iam_user", User, _ID, (Lookup(_ID), Lookup(_NAME)))

    def get(self, reader: Reader, account: str, user_id: str) -> User | None:
        return self._table.get(reader, account, user_id)

    def named(self, reader: Reader, account: str, name: str) -> User | None:
        return self._table.only(reader, _NAME, account, canonical(name))

    def with_id(self, reader: Reader, user_id: str) -> User | None:
        """The user with this unique id, in whichever account it is; what is shown, not decided.

        An index leads to it: that there is one is proved, that there is none is not.
        """
        found = self._table.find(reader, "user_id = ?", (user_id,))
        return found[0] if found else None

    def after(
        self, reader: Reader, account: str, name_key: str, path_prefix: str, limit: int
    ) -> list[User]:
        """The next users in the order of their names."""
        return self._table.find(
            reader,
            "account = ? AND name_key > ? AND substr(path, 1, ?) = ? ORDER BY name_key LIMIT ?",
            (account, name_key, len(path_prefix), path_prefix, limit),
        )

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

    def bounded_after(
        self, reader: Reader, account: str, policy_arn: str, *, after: str, prefix: str, limit: int
    ) -> list[User]:
        """The next users, by id, that have this policy as their boundary."""
        return self._table.find(
            reader,
            "account = ? AND user_id > ? AND substr(path, 1, ?) = ? AND boundary = ?"
            " ORDER BY user_id LIMIT ?",
            (account, after, len(prefix), prefix, policy_arn, limit),
        )

    def attached_after(
        self, reader: Reader, account: str, policy_arn: str, *, after: str, prefix: str, limit: int
    ) -> list[User]:
        """The next users, by id, to whom this policy is attached; `Attachments` verifies."""
        return self._table.find(
            reader,
            "account = ? AND user_id > ? AND substr(path, 1, ?) = ? AND user_id IN"
            " (SELECT entity_id FROM iam_attachment WHERE account = ? AND policy_arn = ?)"
            " ORDER BY user_id LIMIT ?",
            (account, after, len(prefix), prefix, account, policy_arn, limit),
        )

    def boundary_uses(self, reader: Reader, account: str) -> dict[str, int]:
        """How many users each policy bounds."""
        sql = (
            "SELECT boundary, COUNT(*) FROM iam_user"
            " WHERE account = ? AND boundary IS NOT NULL GROUP BY boundary"
        )
        return dict(reader.all(sql, (account,)))

    def count(self, reader: Reader, account: str) -> int:
        row = reader.one("SELECT COUNT(*) FROM iam_user WHERE account = ?", (account,))
        return row[0] if row else 0

    def insert(self, transaction: Transaction, record: User) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: User) -> User:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: User) -> None:
        self._table.delete(transaction, record.account, record.user_id)
