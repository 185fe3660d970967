"""Customer-managed policies and their versions. AWS's own are in `identity.managed_policies`."""

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.names import canonical, policy_arn
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_NAME, _POLICY = ("account", "name_key"), ("account", "policy_id")
_VERSION = (*_POLICY, "version")


class ManagedPolicy(Record, frozen=True, kw_only=True, gc=False):
    """One managed policy. Name and path, and so the ARN, never change."""

    account: str  # "aws" for AWS's own, which are not in the table
    policy_id: str
    name: str
    name_key: str
    path: str
    description: str | None
    default_version: int
    last_version: int  # the highest number ever given: numbers never repeat
    tags: str
    created: int
    updated: int

    @property
    def arn(self) -> str:
        return policy_arn(self.account, self.path, self.name)

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)


class PolicyVersion(Record, frozen=True, kw_only=True, gc=False):
    """One version of a managed policy; the document as it was written."""

    account: str
    policy_id: str
    version: int
    document: str
    created: int


class Policies:
    """The customer-managed policies of every account."""

    __slots__ = ("_table", "_versions")

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "iam_policy", ManagedPolicy, _POLICY, (Lookup(_NAME),))
        versions = (Lookup(_VERSION, near="policy_id"), Lookup(_POLICY))
        self._versions = SealedTable(seals, "iam_policy_version", PolicyVersion, _VERSION, versions)

    def named(self, reader: Reader, account: str, name: str) -> ManagedPolicy | None:
        return self._table.only(reader, _NAME, account, canonical(name))

    def after(
        self, reader: Reader, account: str, name_key: str, path_prefix: str, limit: int
    ) -> list[ManagedPolicy]:
        """The next policies in the order of their names."""
        return self._table.find(
            reader,
            "account = ? AND name_key > ? AND substr(path, 1, ?) = ? ORDER BY name_key LIMIT ?",
            (account, name_key, len(path_prefix), path_prefix, limit),
        )

    def count(self, reader: Reader, account: str) -> int:
        row = reader.one("SELECT COUNT(*) FROM iam_policy WHERE account = ?", (account,))
        return row[0] if row else 0

    def insert(self, transaction: Transaction, record: ManagedPolicy) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: ManagedPolicy) -> ManagedPolicy:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: ManagedPolicy) -> None:
        """Remove the policy together with its versions."""
        for version in self.versions(transaction, record):
            self.delete_version(transaction, version)
        self._table.delete(transaction, record.account, record.policy_id)

    def version(self, reader: Reader, policy: ManagedPolicy, number: int) -> PolicyVersion | None:
        return self._versions.get(reader, policy.account, policy.policy_id, number)

    def versions(self, reader: Reader, policy: ManagedPolicy) -> list[PolicyVersion]:
        """Every version, the newest first: at most `limits.VERSIONS_PER_POLICY`."""
        key = (policy.account, policy.policy_id)
        return self._versions.of(reader, _POLICY, *key, order="version DESC")

    def version_count(self, reader: Reader, account: str) -> int:
        """How many versions of policies the account has."""
        sql = "SELECT COUNT(*) FROM iam_policy_version WHERE account = ?"
        row = reader.one(sql, (account,))
        return row[0] if row else 0

    def insert_version(self, transaction: Transaction, record: PolicyVersion) -> None:
        self._versions.insert(transaction, record)

    def delete_version(self, transaction: Transaction, record: PolicyVersion) -> None:
        self._versions.delete(transaction, record.account, record.policy_id, record.version)
