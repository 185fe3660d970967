"""The resource policy of an organization: there is one at most (iam.md 1.12)."""

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_ORGANIZATION = ("organization",)


class ResourcePolicy(Record, frozen=True, kw_only=True, gc=False):
    """The resource policy of one organization."""

    organization: str
    policy: str
    content: str
    meant: str  # packed: the unique ids of the principals that it names
    tags: str
    created: int

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)

    @property
    def meant_ids(self) -> dict[str, str]:
        return unpacked(self.meant)


class ResourcePolicies:
    """The resource policies of all organizations."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookups = [Lookup(_ORGANIZATION, of_installation=True)]
        self._table = SealedTable(
            seals, "org_resource_policy", ResourcePolicy, _ORGANIZATION, lookups
        )

    def get(self, reader: Reader, organization: str) -> ResourcePolicy | None:
        return self._table.get(reader, organization)

    def insert(self, transaction: Transaction, record: ResourcePolicy) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: ResourcePolicy) -> ResourcePolicy:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, organization: str) -> None:
        self._table.delete(transaction, organization)
