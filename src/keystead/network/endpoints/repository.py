"""How are endpoints stored and found?"""

from collections.abc import Sequence

from keystead.custody.rows import Lookup, RowSeals, SealedTable
from keystead.network.endpoints.endpoint import Endpoint
from keystead.store.protocol import Reader, Transaction

_ID, _PLACE, _VPC = ("endpoint_id",), ("account", "region"), ("vpc_id",)


class EndpointRepository:
    """The endpoints of every account. A listener knows the id alone."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookups = (
            Lookup(_ID, of_installation=True),
            Lookup(_PLACE),
            Lookup(_VPC, of_installation=True),
        )
        self._table = SealedTable(seals, "vpc_endpoint", Endpoint, _ID, lookups)

    def get(self, reader: Reader, endpoint_id: str) -> Endpoint | None:
        """The endpoint with this id."""
        return self._table.get(reader, endpoint_id)

    def own(self, reader: Reader, account: str, region: str, endpoint_id: str) -> Endpoint | None:
        """The endpoint with this id, if it is of this account and Region."""
        endpoint = self.get(reader, endpoint_id)
        if endpoint is None or (endpoint.account, endpoint.region) != (account, region):
            return None
        return endpoint

    def of(self, reader: Reader, account: str, region: str) -> Sequence[Endpoint]:
        """The endpoints of an account in a Region, the oldest first."""
        return self._table.of(reader, _PLACE, account, region, order="created_us, endpoint_id")

    def in_vpc(self, reader: Reader, vpc_id: str) -> Sequence[Endpoint]:
        """The endpoints in a VPC. All of them are of one account and Region."""
        return self._table.of(reader, _VPC, vpc_id, order="endpoint_id")

    def insert(self, transaction: Transaction, endpoint: Endpoint) -> None:
        """Keep a new endpoint."""
        self._table.insert(transaction, endpoint)

    def update(self, transaction: Transaction, endpoint: Endpoint) -> None:
        """Keep a changed endpoint."""
        self._table.update(transaction, endpoint)

    def delete(self, transaction: Transaction, endpoint: Endpoint) -> None:
        """Forget an endpoint. From now on no request comes through it."""
        self._table.delete(transaction, endpoint.endpoint_id)
