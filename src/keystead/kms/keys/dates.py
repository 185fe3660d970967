"""Which keys wait for a date?  An index tells; it proves nothing.

A reader of these lists reads the row itself before it does anything about it.
"""

from typing import NamedTuple

from keystead.kms.keys.records import Place
from keystead.store.protocol import Reader

FAR = 2**62
"""Later than every date."""

_BEFORE_ALL = (-1, "", "", "")


class Waiting(NamedTuple):
    """A key, and the date that it seems to wait for."""

    date_us: int
    place: Place


def for_deletion(reader: Reader, after: Waiting | None, until_us: int, count: int) -> list[Waiting]:
    """The keys with a deletion date until then, the earliest first: those after one of them."""
    return _found(reader, _statement("deletion_us", ""), after, until_us, count)


def for_rotation(reader: Reader, after: Waiting | None, until_us: int, count: int) -> list[Waiting]:
    """The same for enabled keys with a rotation date."""
    sql = _statement("next_rotation_us", " AND state = 'Enabled'")
    return _found(reader, sql, after, until_us, count)


def for_expiry(reader: Reader, after: Waiting | None, until_us: int, count: int) -> list[Waiting]:
    """The keys with imported material that expires by then, one for each such material."""
    sql = _statement("valid_to_us", "", table="kms_imported_materials")
    return _found(reader, sql, after, until_us, count)


def _statement(date: str, condition: str, table: str = "kms_keys") -> str:
    """Both bounds of the date are there, because SQLite takes none from the comparison of rows."""
    order = f"{date}, account, region, key_id"
    return (
        f"SELECT {order} FROM {table} WHERE {date} >= ? AND {date} <= ?{condition}"  # noqa: S608  # our own names
        f" AND ({order}) > (?, ?, ?, ?) ORDER BY {order} LIMIT ?"
    )


def _found(
    reader: Reader, sql: str, after: Waiting | None, until_us: int, count: int
) -> list[Waiting]:
    start = _BEFORE_ALL if after is None else (after.date_us, *after.place)
    rows = reader.all(sql, (start[0], until_us, *start, count))
    return [Waiting(when, (account, region, key_id)) for when, account, region, key_id in rows]
