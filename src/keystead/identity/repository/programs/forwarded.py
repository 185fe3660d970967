"""The requests that were forwarded: each of them once, also across a restart.

They are as many as services may forward in the minutes for which a request is good. Each new one
removes some that are stale.
"""

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Transaction

_KEY = ("account", "digest")
_AT_ONCE = 8  # stale rows that go with each new one


class ForwardedRequest(Record, frozen=True, kw_only=True, gc=False):
    """One request of a caller."""

    account: str
    digest: str
    stale: int


class ForwardedRequests:
    """The requests that are still good, had they not been forwarded."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "iam_forwarded", ForwardedRequest, _KEY, [Lookup(_KEY)])

    def add(self, transaction: Transaction, record: ForwardedRequest, now: int) -> bool:
        """Keep a request; False if it was kept before."""
        if self._table.get(transaction, record.account, record.digest) is not None:
            return False
        self._table.insert(transaction, record)
        for old in self._table.find(
            transaction, "stale < ? ORDER BY stale LIMIT ?", (now, _AT_ONCE)
        ):
            self._table.delete(transaction, old.account, old.digest)
        return True
