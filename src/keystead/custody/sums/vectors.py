"""How are rows added up?  Vectors of four numbers of 40 bits, each added on its own.

A vector is kept as one integer, with 64 bits for each number. So one addition adds all four
numbers, and one mask drops the carries. In SQL a vector is four columns. `SUM` over millions of
them fits into the 64 bits of a number, and an update adds without reading first.
"""

from collections.abc import Sequence
from struct import Struct

NUMBERS = 4
BITS = 40
COLUMNS = tuple(f"s{i}" for i in range(NUMBERS))

_ONES = (1 << BITS) - 1
_MASK = sum(_ONES << 64 * i for i in range(NUMBERS))
_MODULI = sum(1 << BITS + 64 * i for i in range(NUMBERS))
_NUMBERS = Struct(f"<{NUMBERS}Q")
_BYTES = 8 * NUMBERS

SUMS = tuple(f"SUM({c})" for c in COLUMNS)
"""The SQL columns that add up rows."""

ADDED = ", ".join(f"{c} = ({c} + excluded.{c}) & {_ONES}" for c in COLUMNS)
"""The SQL that adds a new row's vector to the one that is there."""


def of_mac(mac: bytes) -> int:
    """The vector of a row with this MAC (32 bytes): 160 of its 256 bits."""
    return int.from_bytes(mac, "little") & _MASK


def plus(left: int, right: int) -> int:
    """The sum."""
    return (left + right) & _MASK


def minus(left: int, right: int) -> int:
    """The difference."""
    return (left + _MODULI - right) & _MASK


def numbers(vector: int) -> tuple[int, ...]:
    """The four numbers, as they are stored."""
    return _NUMBERS.unpack(vector.to_bytes(_BYTES, "little"))


def of_numbers(row: Sequence[int | None] | None) -> int:
    """The vector of four stored numbers, or of a sum in SQL. The sum of no rows is zero."""
    if row is None or row[0] is None:
        return 0
    return int.from_bytes(_NUMBERS.pack(*row), "little") & _MASK


def as_bytes(vector: int) -> bytes:
    """The vector, to be hashed."""
    return vector.to_bytes(_BYTES, "little")
