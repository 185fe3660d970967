"""At which place does a document say something?  A JSON text as a tree of nodes with locations.

The reader accepts exactly the texts that `strictjson` accepts. For every other text it gives the
offset of the first mistake.

A location is a path and a span, as in ValidatePolicy. Lines count from 1. Columns and offsets count
characters, from 0. A span ends behind its last character.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from json import JSONDecodeError, decoder
from typing import Any

import msgspec

from keystead.pauses import OFTEN, pause
from keystead.policy.language import DEEPEST
from keystead.strictjson import MAX_VALUES, NotStrictJson, loads

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


# The standard library's own function. From the offset behind the first quote of a string it gives
# the string, and the offset behind its last quote.
_string: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]  # stubs lack it


class NotJson(ValueError):
    """The text is refused. `offset` is the place of the mistake."""

    def __init__(self, offset: int) -> None:
        super().__init__(str(offset))
        self.offset = offset


class Step(msgspec.Struct, frozen=True):
    """One step of a path; exactly one member is given."""

    value: str | None = None  # the name of a member; the step leads to its value
    index: int | None = None  # the index of an item
    key: str | None = None  # the name of a member; the step leads to the name
    substring: tuple[int, int] | None = None  # start and length of a part of a string


Path = tuple[Step, ...]


class Position(msgspec.Struct, frozen=True):
    """A point between two characters."""

    line: int
    column: int
    offset: int


class Location(msgspec.Struct, frozen=True):
    """A part of a document."""

    path: Path
    start: Position
    end: Position


class Node(msgspec.Struct, frozen=True, eq=False):
    """One value. An object has members, an array has items, every other value is a scalar."""

    path: Path
    start: int
    end: int
    kind: str  # "object", "array", "string", "number", "boolean" or "null"
    scalar: Any = None
    members: tuple["Member", ...] = ()
    items: tuple["Node", ...] = ()

    def get(self, name: str) -> "Member | None":
        """The member with this name."""
        return next((member for member in self.members if member.name == name), None)

    def plain(self) -> Any:
        """The value without its locations."""
        if self.kind == "object":
            return {member.name: member.node.plain() for member in self.members}
        if self.kind == "array":
            return [item.plain() for item in self.items]
        return self.scalar

    def walk(self) -> Iterator["Node"]:
        """The node itself, and every node below it."""
        yield self
        for member in self.members:
            yield from member.node.walk()
        for item in self.items:
            yield from item.walk()


class Member(msgspec.Struct, frozen=True, eq=False):
    """A member of an object: its name, the place of the name, and its value."""

    name: str
    start: int
    end: int
    node: Node


class Text:
    """The text of a document. It turns offsets into lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1], offset)

    def location(self, path: Path, start: int, end: int) -> Location:
        return Location(path, self.position(start), self.position(end))

    def of(self, node: Node) -> Location:
        """The location of a value."""
        return self.location(node.path, node.start, node.end)

    def of_name(self, member: Member) -> Location:
        """The location of a member's name."""
        path = (*member.node.path[:-1], Step(key=member.name))
        return self.location(path, member.start, member.end)

    def of_part(self, node: Node, start: int, length: int) -> Location:
        """The location of a part of a string.

        For a string with escapes it is the location of the whole string.
        """
        path = (*node.path, Step(substring=(start, length)))
        if self.text.find("\\", node.start, node.end) >= 0:
            return self.location(path, node.start, node.end)
        first = node.start + 1 + start
        return self.location(path, first, first + length)


def read(text: str) -> Node:
    """The tree of a JSON text; raises NotJson."""
    reader = _Reader(text)
    start = reader.space(0)
    root, end = reader.value((), start, 1)
    end = reader.space(end)
    if end != len(text):
        raise NotJson(end)
    return root


class _Reader:
    """Reads values. Each method takes the offset to read from, and gives the offset behind it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.values = 0

    def space(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        return match.end() if match else offset

    def value(self, path: Path, offset: int, depth: int) -> tuple[Node, int]:
        self.values += 1
        if self.values > MAX_VALUES:
            raise NotJson(offset)
        if not self.values % OFTEN:
            pause()
        first = self.text[offset : offset + 1]
        if first in ("{", "["):
            if depth > DEEPEST:
                raise NotJson(offset)
            return (self.object if first == "{" else self.array)(path, offset, depth)
        if first == '"':
            string, end = self.string(offset)
            return Node(path, offset, end, "string", string), end
        return self.word(path, offset)

    def object(self, path: Path, start: int, depth: int) -> tuple[Node, int]:
        members: dict[str, Member] = {}
        offset = self.space(start + 1)
        while not (self._at(offset, "}") and not members):
            name, end = self.string(offset)
            if name in members:
                raise NotJson(offset)
            colon = self._require(self.space(end), ":")
            node, behind = self.value((*path, Step(value=name)), self.space(colon), depth + 1)
            members[name] = Member(name, offset, end, node)
            offset = self.space(behind)
            if self._at(offset, "}"):
                break
            offset = self.space(self._require(offset, ","))
        node = Node(path, start, offset + 1, "object", members=tuple(members.values()))
        return node, offset + 1

    def array(self, path: Path, start: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        offset = self.space(start + 1)
        while not (self._at(offset, "]") and not items):
            node, behind = self.value((*path, Step(index=len(items))), offset, depth + 1)
            items.append(node)
            offset = self.space(behind)
            if self._at(offset, "]"):
                break
            offset = self.space(self._require(offset, ","))
        return Node(path, start, offset + 1, "array", items=tuple(items)), offset + 1

    def string(self, offset: int) -> tuple[str, int]:
        if not self._at(offset, '"'):
            raise NotJson(offset)
        try:
            string, end = _string(self.text, offset + 1)
            string.encode()
        except JSONDecodeError as error:
            raise NotJson(error.pos) from None
        except UnicodeEncodeError:  # half of a surrogate pair
            raise NotJson(offset) from None
        if "\0" in string:
            raise NotJson(offset)
        return string, end

    def word(self, path: Path, offset: int) -> tuple[Node, int]:
        for word, value in _WORDS.items():
            if self.text.startswith(word, offset):
                kind = "null" if value is None else "boolean"
                end = offset + len(word)
                return Node(path, offset, end, kind, value), end
        match = _NUMBER.match(self.text, offset)
        if match is None:
            raise NotJson(offset)
        try:
            number = loads(match[0])
        except NotStrictJson:
            raise NotJson(offset) from None
        return Node(path, offset, match.end(), "number", number), match.end()

    def _at(self, offset: int, character: str) -> bool:
        return self.text.startswith(character, offset)

    def _require(self, offset: int, character: str) -> int:
        if not self._at(offset, character):
            raise NotJson(offset)
        return offset + 1
