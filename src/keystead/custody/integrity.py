"""Which errors report a row that we did not write, or an old one in place of the newest?"""

from collections.abc import Sequence

from keystead.store.protocol import Value


class RowIntegrityError(Exception):
    """A row that we did not write. Every call that depends on it is refused, with an alarm."""

    def __init__(self, table: str, key: Sequence[Value], text: str = "") -> None:
        told = text or "fails its authentication"
        super().__init__(f"row of `{table}` {told}: {list(key)!r}")
        self.table = table


class NotTheNewest(RowIntegrityError):
    """Rows that we wrote, but not the newest: a row was put back, removed or doubled.

    Calls of the account are refused from now on. `account` is empty for the installation's own
    rows. Its text goes into the log, and tells the operator what to do.
    """

    def __init__(self, account: str, table: str, key: Sequence[Value]) -> None:
        super().__init__(table, key, "is not the newest that was written")
        whose = f"calls of account {account} are refused" if account else "nothing is served"
        advice = "look with `keystead audit verify`, and restore the newest copy"
        why = f"{whose}: somebody wrote to the database, or the disk lost writes"
        self.args = (f"{self.args[0]}; {why}; stop the server, {advice}",)
        self.account = account
