"""The policies of identities: attached managed policies, and inline policies.

A row names the entity by its unique id (AIDA…, AGPA…). So a user that is deleted and made again
under the same name inherits nothing.
"""

from collections.abc import Sequence

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_ENTITY = ("account", "entity_id")


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


class Attachments:
    """Which managed policy is attached to which identity."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        key = (*_ENTITY, "policy_arn")
        self._table = SealedTable(seals, "iam_attachment", Attachment, key, (Lookup(_ENTITY),))

    def get(
        self, reader: Reader, account: str, entity_id: str, policy_arn: str
    ) -> Attachment | None:
        attached = self.of(reader, account, (entity_id,))
        return next((each for each in attached if each.policy_arn == policy_arn), None)

    def of(self, reader: Reader, account: str, entity_ids: Sequence[str]) -> list[Attachment]:
        """The attachments of these identities, by entity and ARN: a few per entity."""
        return [
            attachment
            for entity_id in sorted(entity_ids)
            for attachment in self._table.of(
                reader, _ENTITY, account, entity_id, order="policy_arn"
            )
        ]

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
        key = (*_ENTITY, "name")
        self._table = SealedTable(seals, "iam_inline_policy", InlinePolicy, key, (Lookup(_ENTITY),))

    def get(self, reader: Reader, account: str, entity_id: str, name: str) -> InlinePolicy | None:
        inline = self.of(reader, account, (entity_id,))
        return next((each for each in inline if each.name == name), None)

    def of(self, reader: Reader, account: str, entity_ids: Sequence[str]) -> list[InlinePolicy]:
        """The inline policies of these identities, by entity and name: a few per entity."""
        return [
            inline
            for entity_id in sorted(entity_ids)
            for inline in self._table.of(reader, _ENTITY, account, entity_id, order="name")
        ]

    def insert(self, transaction: Transaction, record: InlinePolicy) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: InlinePolicy) -> InlinePolicy:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: InlinePolicy) -> None:
        self._table.delete(transaction, record.account, record.entity_id, record.name)
