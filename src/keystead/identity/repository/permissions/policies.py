"""Customer-managed policies and their versions. AWS's own are in `identity.managed_policies`."""

from typing import ClassVar

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.kinds import POLICY, EntityKind
from keystead.identity.repository.entities import Entities, Entity
from keystead.store.protocol import Reader, Transaction

_POLICY = ("account", "policy_id")
_VERSION = (*_POLICY, "version")


class ManagedPolicy(Entity, frozen=True, kw_only=True, gc=False):
    """One managed policy. Name and path, and so the ARN, never change."""

    kind: ClassVar[EntityKind] = POLICY

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


class PolicyVersion(Record, frozen=True, kw_only=True, gc=False):
    """One version of a managed policy; the document as it was written."""

    account: str
    policy_id: str
    version: int
    document: str
    created: int


class Policies(Entities[ManagedPolicy]):
    """The customer-managed policies of every account."""

    __slots__ = ("_versions",)

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, ManagedPolicy, by_id=False)
        versions = (Lookup(_VERSION, near="policy_id"), Lookup(_POLICY))
        self._versions = SealedTable(seals, "iam_policy_version", PolicyVersion, _VERSION, versions)

    def delete(self, transaction: Transaction, record: ManagedPolicy) -> None:
        """Remove the policy together with its versions."""
        for version in self.versions(transaction, record):
            self.delete_version(transaction, version)
        super().delete(transaction, record)

    def version(self, reader: Reader, policy: ManagedPolicy, number: int) -> PolicyVersion | None:
        return self._versions.get(reader, policy.account, policy.policy_id, number)

    def versions(self, reader: Reader, policy: ManagedPolicy) -> list[PolicyVersion]:
        """Every version, the newest first: at most `limits.VERSIONS_PER_POLICY`."""
        key = (policy.account, policy.policy_id)
        return self._versions.of(reader, _POLICY, *key, order="version")[::-1]

    def version_count(self, reader: Reader, account: str) -> int:
        """How many versions of policies the account has."""
        sql = "SELECT COUNT(*) FROM iam_policy_version WHERE account = ?"
        row = reader.one(sql, (account,))
        return row[0] if row else 0

    def insert_version(self, transaction: Transaction, record: PolicyVersion) -> None:
        self._versions.insert(transaction, record)

    def delete_version(self, transaction: Transaction, record: PolicyVersion) -> None:
        self._versions.delete(transaction, record.account, record.policy_id, record.version)
