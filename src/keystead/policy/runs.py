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

FILTERED = 128
"""How many characters of one literal rule places out, one by one."""

_BITS = [bytes(ord("0") + (byte >> bit & 1) for byte in range(256)) for bit in range(8)]


class Text:
    """A text that is searched: its characters by position, its positions by character."""

    __slots__ = ("_places", "_planes", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._places: dict[str, int] = {}
        self._planes: list[tuple[int, int]] = []

    def places(self, char: str) -> int:
        """The set of all positions of a character; what it says of others does not count."""
        found = self._places.get(char)
        if found is None:
            found = self._places[char] = self._select(ord(char))
        return found

    def _select(self, code: int) -> int:
        if not self._planes:
            self._planes = [(~ones, ones) for ones in _planes(self.text)]
        if code >> len(self._planes):
            return 0
        found = -1
        for plane in self._planes:
            found &= plane[code & 1]
            code >>= 1
        return found


def _planes(text: str) -> list[int]:
    """For each bit of a character's code: the set of positions where it is 1."""
    backwards = text[::-1]  # the first digit of a number is its highest bit
    if text.isascii():
        return [int(backwards.encode().translate(bit), 2) for bit in _BITS[:7]]
    encoded = backwards.encode("utf-32-le", "surrogatepass")
    columns = [encoded[byte::4] for byte in range(3)]
    planes = [
        int(column.translate(bit), 2) if any(column) else 0 for column in columns for bit in _BITS
    ]
    while not planes[-1]:
        planes.pop()
    return planes


class Run:
    """What stands between two `*`: literals, and holes where any character may stand."""

    __slots__ = ("_long", "_parts", "length")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._parts: list[tuple[int, str]] = []  # offset, literal
        self.length = 0
        adjacent = False
        for token in tokens:
            if not isinstance(token, str):
                self.length += 1
                adjacent = False
                continue
            if adjacent:
                offset, before = self._parts.pop()
                self._parts.append((offset, before + token))
            else:
                self._parts.append((self.length, token))
            self.length += len(token)
            adjacent = True
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
            return text.text.find(literal, start, end)
        if end - start < self.length:
            return -1
        places = (1 << end - self.length + 1) - (1 << start)
        for offset, part in self._parts:
            for position, char in enumerate(part[:FILTERED], offset):
                places &= text.places(char) >> position
                if not places:
                    return -1
        return self._first_of(places, text.text, end)

    def _first_of(self, places: int, text: str, end: int) -> int:
        """The first of these places where the long literals stand as well, or -1."""
        while places:
            place = (places & -places).bit_length() - 1
            absent = [each for each in self._long if not text.startswith(each[1], place + each[0])]
            if not absent:
                return place
            offset, part = absent[0]
            found = text.find(part, place + offset + 1, end)
            if found < 0:
                return -1
            places = places >> found - offset << found - offset
        return -1
