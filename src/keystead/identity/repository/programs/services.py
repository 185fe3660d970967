"""Services of the site, each with a name that policies can trust, and its own account.

A name is that of one service in the whole installation. So is its first part, by which its key is
called (`alias/aws/<label>`). The unique id is never given again: access keys and sessions of a
service that was deregistered are not those of a later one with its name.
"""

from collections.abc import Sequence

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_NAME, _ID, _LABEL = ("name",), ("service_id",), ("label",)
_read = msgspec.json.Decoder(list[str]).decode

EVERY = "*"
"""Stands for every account of the installation."""


class ServiceRecord(Record, frozen=True, kw_only=True, gc=False):
    """One service, with all that its registration says."""

    name: str
    service_id: str
    account: str
    label: str
    source_accounts: str
    source_arns: str
    actions: str
    scope: str
    hosts: str
    managed_key: int
    created: int

    @property
    def accounts_of_sources(self) -> Sequence[str]:
        """The accounts in which its sources may be."""
        return _read(self.source_accounts)

    @property
    def arns_of_sources(self) -> Sequence[str]:
        """The patterns of the sources that it may name."""
        return _read(self.source_arns)

    @property
    def forwarded_actions(self) -> Sequence[str]:
        """The actions that it may do for a caller whose request it forwards."""
        return _read(self.actions)

    @property
    def own_hosts(self) -> Sequence[str]:
        """The values of Host that requests for it have."""
        return _read(self.hosts)


class Services:
    """The services of the installation."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookups = [Lookup(columns, of_installation=True) for columns in (_NAME, _ID, _LABEL)]
        self._table = SealedTable(seals, "iam_service", ServiceRecord, _NAME, lookups)

    def get(self, reader: Reader, name: str) -> ServiceRecord | None:
        """The service with this name."""
        return self._table.get(reader, name)

    def with_id(self, reader: Reader, service_id: str) -> ServiceRecord | None:
        """The service with this unique id."""
        return self._table.only(reader, _ID, service_id)

    def with_label(self, reader: Reader, label: str) -> ServiceRecord | None:
        """The service whose name begins with this label."""
        return self._table.only(reader, _LABEL, label)

    def every(self, reader: Reader) -> Sequence[ServiceRecord]:
        """All services, by name: at most `limits.SERVICES`."""
        return self._table.find(reader, "TRUE ORDER BY name")

    def insert(self, transaction: Transaction, record: ServiceRecord) -> None:
        self._table.insert(transaction, record)

    def delete(self, transaction: Transaction, record: ServiceRecord) -> None:
        self._table.delete(transaction, record.name)
