"""The credential report of an account: the last one, and the one that is being made.

A report is made in memory, slice by slice, and kept when it is complete. So a restart forgets one
that is not. No decision depends on it: its rows are authenticated, and not counted.
"""

import msgspec

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

MOST_BEGUN = 16  # reports that are made at a time, each of some 2 MB at most


class CredentialReport(Record, frozen=True, kw_only=True, gc=False):
    """A complete report."""

    account: str
    content: str  # CSV
    finished: int


class BegunReport(msgspec.Struct):
    """A report that is being made."""

    lines: list[str]
    after: str = ""  # the last user in it, by `name_key`


class CredentialReports:
    """The reports of every account."""

    __slots__ = ("_table", "begun")

    def __init__(self, seals: RowSeals) -> None:
        key = ("account",)
        self._table = SealedTable(seals, "iam_credential_report", CredentialReport, key, ())
        self.begun: dict[str, BegunReport] = {}
        """The reports that are being made, by account, in the order in which they were begun."""

    def of(self, reader: Reader, account: str) -> CredentialReport | None:
        """The last complete report of an account, or None."""
        return self._table.get(reader, account)

    def keep(self, transaction: Transaction, report: CredentialReport) -> None:
        """Keep a report, in the place of an earlier one."""
        self._table.delete(transaction, report.account)
        self._table.insert(transaction, report)
