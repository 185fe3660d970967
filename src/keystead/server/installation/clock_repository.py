"""The time as the store remembers it: one row with the newest time seen, and the hold.

The hold is the time for which irreversible work still waits after a jump of the clock.
"""

import math
from datetime import timedelta

import msgspec

from keystead.clock import Known
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction
from keystead.times import from_microseconds, microseconds


class ClockRecord(Record, frozen=True, kw_only=True, gc=False):
    """The newest time that was seen, and how long irreversible work still waits."""

    id: int = 1
    mark_us: int
    hold_seconds: int


class ClockRepository:
    """The one row of the clock."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookup = Lookup(("id",), of_installation=True)
        self._table = SealedTable(seals, "server_clock", ClockRecord, ("id",), (lookup,))

    def get(self, reader: Reader) -> Known | None:
        """The values that were put last; None before the first."""
        record = self._table.get(reader, 1)
        if record is None:
            return None
        return Known(from_microseconds(record.mark_us), timedelta(seconds=record.hold_seconds))

    def put(self, transaction: Transaction, known: Known) -> None:
        """Remember these values in place of the former ones."""
        mark_us = microseconds(known.mark)
        seconds = math.ceil(known.hold.total_seconds())
        record = self._table.get(transaction, 1)
        if record is None:
            new = ClockRecord(mark_us=mark_us, hold_seconds=seconds)
            self._table.insert(transaction, new)
        else:
            changed = msgspec.structs.replace(record, mark_us=mark_us, hold_seconds=seconds)
            self._table.update(transaction, changed)
