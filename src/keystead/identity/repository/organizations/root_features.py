"""Which features of central root access has an organization enabled?  (iam.md 2.8)

A feature that is disabled and enabled again has another `enabling`, so that no session of before
lives on.
"""

from typing import Literal

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_ORGANIZATION, _FEATURE = ("organization",), ("organization", "feature")

RootFeatureName = Literal["RootCredentialsManagement", "RootSessions"]


class RootFeature(Record, frozen=True, kw_only=True, gc=False):
    """One feature that is enabled."""

    organization: str
    feature: RootFeatureName
    enabling: str
    enabled: int


class RootFeatures:
    """The enabled features of every organization."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookups = [Lookup(_ORGANIZATION, of_installation=True)]
        self._table = SealedTable(seals, "org_root_feature", RootFeature, _FEATURE, lookups)

    def of(self, reader: Reader, organization: str) -> list[RootFeature]:
        """The features that an organization has enabled, by name."""
        return self._table.of(reader, _ORGANIZATION, organization, order="feature")

    def insert(self, transaction: Transaction, record: RootFeature) -> None:
        self._table.insert(transaction, record)

    def delete(self, transaction: Transaction, organization: str, feature: str) -> None:
        self._table.delete(transaction, organization, feature)

    def delete_all(self, transaction: Transaction, organization: str) -> None:
        """Disable every feature of an organization."""
        self._table.delete_all(transaction, _ORGANIZATION, organization)
