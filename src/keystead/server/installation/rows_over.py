"""Rows that go some time after a date in them, as dated work waits for them.

A place of such work is (account, table, id); a row without an account has "".
"""

from collections.abc import Callable

from keystead.identity.repository import Due
from keystead.kms.keys import Place, Waiting
from keystead.store.protocol import Reader

_FIRST = Due(0, "", "", "")
_SECOND = 1_000_000  # microseconds


def waiting_of(
    due: Callable[[Reader, Due, int, int], list[Due]],
) -> Callable[[Reader, Waiting | None, int, int], list[Waiting]]:
    """What waits, from a list of rows by their dates."""

    def waiting(reader: Reader, after: Waiting | None, until_us: int, count: int) -> list[Waiting]:
        start = _FIRST if after is None else Due(after.date_us // _SECOND, *after.place)
        return [
            Waiting(each.date * _SECOND, (each.first, each.table, each.second))
            for each in due(reader, start, until_us // _SECOND, count)
        ]

    return waiting


def row_at(place: Place) -> Due:
    return Due(0, *place)
