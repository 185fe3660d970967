"""Where in a text does a piece of a pattern occur?  A piece stands between two `*` (PE-5).

`str.find` finds a piece without `?`. For a piece with `?`, whole sets of positions are compared at
once: bit i of a set stands for position i of the text. Each character of the piece removes every
position where the text has another character.

Only the first `FILTERED` characters of a literal are compared in this way. A longer literal, which
may be the value of a variable, is then searched for as a whole.

INVARIANT: a stored pattern (`patterns.is_too_long`) takes time linear in the text, whatever the
text is. It takes at most one step over sets for each of its characters.
"""

from collections.abc import Iterable
from enum import Enum


class Wild(Enum):
    """A wildcard."""

    ANY = "*"
    ONE = "?"


Token = str | Wild
"""A literal text, or a wildcard."""

Tokens = tuple[Token, ...]

FILTERED = 40
"""How many characters of one literal are compared one by one, over sets of positions."""

SHORT = 128
"""The longest text, in characters, in which `str.find` collects positions fastest."""

QUICK = 20_000
"""Up to this many comparisons of characters (about 10 µs) every search is quick enough."""

LONG = 100
"""A literal of this many characters or more is long, for CPython's search and here."""

_SWAPS = ((4, 0x0F), (2, 0x33), (1, 0x55))  # distance, and which bits of a byte come first


class Text:
    """A text to search. It gives the positions of a character, and keeps those already computed."""

    __slots__ = ("_digits", "_places", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._places: dict[str, int] = {}
        self._digits: list[list[int]] = []  # per hexadecimal digit of a code, the lowest first

    def places(self, char: str) -> int:
        """The set of all positions of a character."""
        places = self._places.get(char)
        if places is None:
            short = len(self.text) <= SHORT
            places = self._places[char] = self._one_by_one(char) if short else self._select(char)
        return places

    def _one_by_one(self, char: str) -> int:
        places, position = 0, self.text.find(char)
        while position >= 0:
            places |= 1 << position
            position = self.text.find(char, position + 1)
        return places

    def _select(self, char: str) -> int:
        code = ord(char)
        if not self._digits:
            planes, everywhere = _planes(self.text), (1 << len(self.text)) - 1
            self._digits = [
                _sixteen(planes[low : low + 4], everywhere) for low in range(0, len(planes), 4)
            ]
        lowest, *others = self._digits
        places = lowest[code & 15]
        for sets in others:
            code >>= 4
            places &= sets[code & 15]
        return places if code < 16 else 0


def _sixteen(planes: list[int], everywhere: int) -> list[int]:
    """For each value of four bits: the set of positions at which the four bits have that value."""
    sets = [everywhere]
    for plane in planes:
        having = [places & plane for places in sets]
        sets = [places ^ with_bit for places, with_bit in zip(sets, having, strict=True)] + having
    return sets


def _planes(text: str) -> list[int]:
    """For each bit of a character's code: the set of positions where it is 1."""
    if text.isascii():
        return _turned(text.encode())
    encoded = text.encode("utf-32-le", "surrogatepass")
    planes = [plane for byte in range(3) for plane in _turned(encoded[byte::4])]
    while not any(planes[-8:]):
        del planes[-8:]
    return planes


def _turned(column: bytes) -> list[int]:
    """For each of the eight bits of a byte: that bit of every byte, as one number.

    This transposes a matrix of bits. The bytes are dealt to eight rows. Then half of the bits of
    each row are exchanged with half of another row's, at distance 4, then 2, then 1.
    """
    rows = [int.from_bytes(column[first::8], "little") for first in range(8)]
    for distance, first in _SWAPS:
        mask = int.from_bytes(bytes((first,)) * (len(column) // 8 + 1), "little")
        for low in range(8):
            if not low & distance:
                high = low | distance
                differing = (rows[low] >> distance ^ rows[high]) & mask
                rows[low] ^= differing << distance
                rows[high] ^= differing
    return rows


class Run:
    """A piece of a pattern between two `*`: literals, and a hole for each `?`."""

    __slots__ = ("_long", "_parts", "length")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.length = 0
        parts: list[tuple[int, list[str]]] = []
        adjacent: list[str] | None = None
        for token in tokens:
            if not isinstance(token, str):
                self.length += 1
                adjacent = None
                continue
            if adjacent is None:
                adjacent = []
                parts.append((self.length, adjacent))
            adjacent.append(token)
            self.length += len(token)
        # offset, literal
        self._parts = [(offset, "".join(texts)) for offset, texts in parts]
        self._long = [part for part in self._parts if len(part[1]) > FILTERED]

    def literal(self) -> str | None:
        """The run as a text, or None if it has holes."""
        if not self._parts:
            return None if self.length else ""
        first = self._parts[0][1]
        return first if len(first) == self.length else None

    def stands_at(self, text: str, start: int) -> bool:
        """Does the run occur at `start`?  The caller knows that the text is long enough."""
        return all(text.startswith(part, start + offset) for offset, part in self._parts)

    def first(self, text: Text, start: int, end: int) -> int:
        """The position of the leftmost occurrence between `start` and `end`, or -1."""
        literal = self.literal()
        if literal is not None:
            return find(text.text, literal, start, end)
        places = (1 << max(end - start - self.length + 1, 0)) - 1  # the lowest is `start`
        for offset, part in self._parts:
            for position, char in enumerate(part[:FILTERED], start + offset):
                if not places:
                    return -1
                places &= text.places(char) >> position
        return self._first_of(places, start, text.text, end)

    def _first_of(self, places: int, lowest: int, text: str, end: int) -> int:
        """The first of these positions at which the long literals occur as well, or -1.

        Bit i of `places` stands for the position `lowest` + i of the text.
        """
        while places:
            step = (places & -places).bit_length() - 1
            places, lowest = places >> step, lowest + step
            absent = [each for each in self._long if not text.startswith(each[1], lowest + each[0])]
            if not absent:
                return lowest
            offset, part = absent[0]
            # Each search begins where the one before it ended. So many searches together take long
            # only for a part that a variable made long, and `find` is linear for such a part.
            search = find if len(part) >= LONG else str.find
            begins = search(text, part, lowest + offset + 1, end) - offset
            if begins <= lowest:
                return -1
            places, lowest = places >> begins - lowest, begins
        return -1


def find(text: str, literal: str, start: int, end: int) -> int:
    """`text.find(literal, start, end)`, in linear time.

    CPython searches linearly only when the text is long, and the literal is neither short nor
    nearly as long as the text. Otherwise it compares the literal with each position. Where that
    would take long, this function makes the text longer.
    """
    length, sought = end - start, len(literal)
    if length * sought <= QUICK:
        return text.find(literal, start, end)
    begins = (text[start:end] + "\0" * (long_enough(sought) - length)).find(literal)
    return start + begins if 0 <= begins <= length - sought else -1


def long_enough(sought: int) -> int:
    """The length of text from which CPython (3.10 and later) finds such a literal linearly."""
    return max(2_500 if sought >= LONG else 30_000, 4 * sought + 16)
