"""Where in a text does a piece of a pattern stand?  What is between two `*`, `?` among it (PE-5).

A piece without `?` is found by `str.find`. With one, whole sets of places are compared at once: bit
i of a set stands for position i of the text, and a character of the piece rules out every place
where the text has another one. Only a long literal, which a variable may substitute, is looked at
beyond its first `FILTERED` characters; there it is found as a whole, from place to place.

INVARIANT: whatever a stored pattern (`patterns.is_too_long`) meets takes time linear in the text:
at most as many steps over sets as such a pattern has characters.
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
"""How many characters of one literal rule places out, one by one."""

SHORT = 128
"""How long a text is at most whose characters are looked for one by one: that is quicker then."""

QUICK = 20_000
"""How many characters are compared with others at most before it matters how: some 10 µs."""

LONG = 100
"""From how many characters on a literal is long, for CPython's search and here."""

_SWAPS = ((4, 0x0F), (2, 0x33), (1, 0x55))  # distance, and which bits of a byte come first


class Text:
    """A text that is searched: its characters by position, its positions by character."""

    __slots__ = ("_digits", "_places", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._places: dict[str, int] = {}
        self._digits: list[list[int]] = []  # of a character's code, the lowest first

    def places(self, char: str) -> int:
        """The set of all positions of a character."""
        found = self._places.get(char)
        if found is None:
            short = len(self.text) <= SHORT
            found = self._places[char] = self._one_by_one(char) if short else self._select(char)
        return found

    def _one_by_one(self, char: str) -> int:
        found, position = 0, self.text.find(char)
        while position >= 0:
            found |= 1 << position
            position = self.text.find(char, position + 1)
        return found

    def _select(self, char: str) -> int:
        code = ord(char)
        if not self._digits:
            planes, everywhere = _planes(self.text), (1 << len(self.text)) - 1
            self._digits = [
                _sixteen(planes[low : low + 4], everywhere) for low in range(0, len(planes), 4)
            ]
        lowest, *others = self._digits
        found = lowest[code & 15]
        for sets in others:
            code >>= 4
            found &= sets[code & 15]
        return found if code < 16 else 0


def _sixteen(planes: list[int], everywhere: int) -> list[int]:
    """For each value of four bits: the set of positions where they have it."""
    sets = [everywhere]
    for plane in planes:
        ones = [places & plane for places in sets]
        sets = [places ^ one for places, one in zip(sets, ones, strict=True)] + ones
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
    """The eight bits of many bytes, each for all of them: a matrix turned over its diagonal.

    The bytes are dealt to eight rows, and half of the bits of one row are exchanged with those of
    another, at distance 4, 2 and 1.
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
    """What stands between two `*`: literals, and holes where any character may stand."""

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
        """The run as a text, when it has no holes."""
        if not self._parts:
            return None if self.length else ""
        first = self._parts[0][1]
        return first if len(first) == self.length else None

    def stands_at(self, text: str, start: int) -> bool:
        """Does the run begin here?  The text is known to be long enough."""
        return all(text.startswith(part, start + offset) for offset, part in self._parts)

    def first(self, text: Text, start: int, end: int) -> int:
        """Where the leftmost occurrence between two positions begins, or -1."""
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

    def _first_of(self, places: int, place: int, text: str, end: int) -> int:
        """The first of these places where the long literals stand as well, or -1.

        `place` is what the lowest of them stands for.
        """
        while places:
            step = (places & -places).bit_length() - 1
            places, place = places >> step, place + step
            absent = [each for each in self._long if not text.startswith(each[1], place + each[0])]
            if not absent:
                return place
            offset, part = absent[0]
            # Of many searches each goes on where the one before ended: only of a part that a
            # variable made long they take long together.
            search = find if len(part) >= LONG else str.find
            found = search(text, part, place + offset + 1, end) - offset
            if found <= place:
                return -1
            places, place = places >> found - place, found
        return -1


def find(text: str, literal: str, start: int, end: int) -> int:
    """`text.find(literal, start, end)`, in linear time.

    CPython compares each place with the literal, unless the text is long and the literal neither
    short nor nearly as long. So where that would take long the text is made long enough.
    """
    length, sought = end - start, len(literal)
    if length * sought <= QUICK:
        return text.find(literal, start, end)
    found = (text[start:end] + "\0" * (long_enough(sought) - length)).find(literal)
    return start + found if 0 <= found <= length - sought else -1


def long_enough(sought: int) -> int:
    """How long a text is in which CPython (3.10 and later) finds so long a literal linearly."""
    return max(2_500 if sought >= LONG else 30_000, 4 * sought + 16)
