"""Which services work with an organization, and which accounts act for it in them?

A delegated administrator is a member account that may read what the management account may
(iam.md 1.12), for as long as it is registered for at least one service.
"""

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_ACCOUNT = ("account",)
_SERVICE, _DELEGATE = ("organization", "service"), ("account", "service")


class ServiceAccess(Record, frozen=True, kw_only=True, gc=False):
    """One service that works with an organization."""

    organization: str
    service: str
    enabled: int


class Delegate(Record, frozen=True, kw_only=True, gc=False):
    """One account that administers one service for its organization."""

    account: str
    service: str
    organization: str
    enabled: int


class Delegations:
    """The services and delegated administrators of every organization."""

    __slots__ = ("_delegates", "_services")

    def __init__(self, seals: RowSeals) -> None:
        self._services = SealedTable(
            seals, "org_service", ServiceAccess, _SERVICE, [Lookup(_SERVICE, of_installation=True)]
        )
        self._delegates = SealedTable(
            seals, "org_delegate", Delegate, _DELEGATE, [Lookup(_ACCOUNT, of_installation=True)]
        )

    # services

    def service(self, reader: Reader, organization: str, service: str) -> ServiceAccess | None:
        return self._services.get(reader, organization, service)

    def services_after(
        self, reader: Reader, organization: str, service: str, limit: int
    ) -> list[ServiceAccess]:
        """The next services that work with an organization, by name."""
        return self._services.find(
            reader,
            "organization = ? AND service > ? ORDER BY service LIMIT ?",
            (organization, service, limit),
        )

    def insert_service(self, transaction: Transaction, record: ServiceAccess) -> None:
        self._services.insert(transaction, record)

    def delete_service(self, transaction: Transaction, organization: str, service: str) -> None:
        self._services.delete(transaction, organization, service)

    # delegated administrators

    def of(self, reader: Reader, account: str) -> list[Delegate]:
        """The services that an account administers."""
        return self._delegates.of(reader, _ACCOUNT, account, order="service")

    def accounts_after(
        self, reader: Reader, organization: str, service: str | None, account: str, limit: int
    ) -> list[str]:
        """The next accounts that administer this service, or any, by number."""
        rows = reader.all(
            "SELECT DISTINCT account FROM org_delegate WHERE organization = ? AND account > ?"
            " AND (? = '' OR service = ?) ORDER BY account LIMIT ?",
            (organization, account, service or "", service or "", limit),
        )
        return [str(row[0]) for row in rows]

    def insert(self, transaction: Transaction, record: Delegate) -> None:
        self._delegates.insert(transaction, record)

    def delete(self, transaction: Transaction, record: Delegate) -> None:
        self._delegates.delete(transaction, record.account, record.service)

    def delete_all(self, transaction: Transaction, organization: str) -> None:
        """Remove the services of an organization that ends; it has no members any more."""
        for record in self._services.find(transaction, "organization = ?", (organization,)):
            self.delete_service(transaction, organization, record.service)
