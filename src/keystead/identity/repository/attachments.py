"""What gives an identity its permissions: attached managed policies and inline policies.

The entity is named by its unique id (AIDA…, AGPA…): a user that is deleted and made again under
the same name inherits nothing.
"""

from collections.abc import Sequence

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction


class Attachment(Record, frozen=True, kw_only=True, gc=False):
    """One managed policy attached to one user or group."""

    account: str
    entity_id: str
    policy_arn: str
    created: int


class InlinePolicy(Record, frozen=True, kw_only=True, gc=False):
    """One policy that lives and dies with its user or group."""

    account: str
    entity_id: str
    name: str
    document: str
    created: int


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


class Attachments:
    """Which managed policy is attached to which identity."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(
            seals, "iam_attachment", Attachment, key=("account", "entity_id", "policy_arn")
        )

    def get(
        self, reader: Reader, account: str, entity_id: str, policy_arn: str
    ) -> Attachment | None:
        return self._table.get(reader, account, entity_id, policy_arn)

    def of(self, reader: Reader, account: str, entity_ids: Sequence[str]) -> list[Attachment]:
        """What is attached to these identities, by entity and ARN: a few per entity."""
        where = (
            f"account = ? AND entity_id IN ({_marks(entity_ids)}) ORDER BY entity_id, policy_arn"
        )
        return self._table.find(reader, where, (account, *entity_ids))

    def uses(self, reader: Reader, account: str) -> dict[str, int]:
        """To how many identities each policy is attached."""
        sql = (
            "SELECT policy_arn, COUNT(*) FROM iam_attachment WHERE account = ? GROUP BY policy_arn"
        )
        return dict(reader.all(sql, (account,)))

    def insert(self, transaction: Transaction, record: Attachment) -> None:
        self._table.insert(transaction, record)

    def delete(self, transaction: Transaction, record: Attachment) -> None:
        self._table.delete(transaction, record.account, record.entity_id, record.policy_arn)


class InlinePolicies:
    """The inline policies of users and groups."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(
            seals, "iam_inline_policy", InlinePolicy, key=("account", "entity_id", "name")
        )

    def get(self, reader: Reader, account: str, entity_id: str, name: str) -> InlinePolicy | None:
        return self._table.get(reader, account, entity_id, name)

    def of(self, reader: Reader, account: str, entity_ids: Sequence[str]) -> list[InlinePolicy]:
        """The inline policies of these identities, by entity and name: a few per entity."""
        among = f"entity_id IN ({_marks(entity_ids)})"
        where = f"account = ? AND {among} ORDER BY entity_id, name"
        return self._table.find(reader, where, (account, *entity_ids))

    def insert(self, transaction: Transaction, record: InlinePolicy) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: InlinePolicy) -> InlinePolicy:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: InlinePolicy) -> None:
        self._table.delete(transaction, record.account, record.entity_id, record.name)
