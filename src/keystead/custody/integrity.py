"""What is said of rows that are not what we wrote, or not the newest of what we wrote?"""

from collections.abc import Sequence

from keystead.store.protocol import Value


class RowIntegrityError(Exception):
    """A row that we did not write: refuse what depends on it, and raise an alarm."""

    def __init__(self, table: str, key: Sequence[Value], text: str = "") -> None:
        told = text or "fails its authentication"
        super().__init__(f"row of `{table}` {told}: {list(key)!r}")
        self.table = table


class NotTheNewest(RowIntegrityError):
    """Rows that we wrote, but not the newest: one was put back, removed or doubled.

    Nothing more is served of the account; `account` is empty for the installation's own rows.
    """

    def __init__(self, account: str, table: str, key: Sequence[Value]) -> None:
        super().__init__(table, key, "is not the newest that was written")
        self.account = account
