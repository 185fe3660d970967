"""Which events does somebody look up?  A bounded part of the log is read, the newest events first.

The log is divided by size, and has no index. But the position of a record and its time grow through
the log, so both are found by halving. One search reads at most `PART` bytes, backwards, and tells
where the next one goes on. A line is decoded only if it has the account and the value in it. Each
line that is shown has the MAC of this server: a line of somebody else ends the search.

The search runs in a worker, beside the loop. It needs only files, and pauses often.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from keystead.audit.cloudtrail.records import Delivered, Fields, delivered
from keystead.audit.log import Segment, segments
from keystead.audit.records import Tag, jsontext, lines
from keystead.pauses import pausing
from keystead.times import iso_seconds

PART = 16 << 20
"""Bytes of the log that one search reads at most. Those of a line that is decoded as a whole count
`_DECODED` times, because that takes so much longer."""
PAGE_BYTES = 256 << 10
"""Bytes of events after which a page takes nothing more."""
STEPS_BACK = timedelta(minutes=5)
"""How far the times of the log go back: answers that took long, and a clock that was set."""
_BLOCK = 256 << 10
_ID_HEAD = 24  # characters of an event id before the position in the log
_DECODED = 8
_EVERY = 64  # lines, between two looks at the time
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Place(NamedTuple):
    """A position in the log: the file whose first record is `first`, and an offset in it."""

    first: int
    offset: int

    def __str__(self) -> str:
        return f"{self.first}/{self.offset}"

    @classmethod
    def read(cls, text: str) -> "Place":
        first, _, offset = text.partition("/")
        return cls(int(first), int(offset))


NOWHERE = ""
"""The position where there is nothing more to read."""


class Wanted(msgspec.Struct, frozen=True):
    """What is looked up."""

    account: str
    region: str
    home: str  # the Region of events that have none
    since: str  # "2026-11-30T06:45:00Z"
    until: str
    most: int
    key: str = ""  # a name of `KEYS`; "": everything
    value: str = ""


class _Head(msgspec.Struct, gc=False):
    """The part of a record that rules most of them out."""

    time: str = msgspec.field(name="eventTime")
    region: str = msgspec.field(name="awsRegion")


_head = msgspec.json.Decoder(_Head).decode


class Found(NamedTuple):
    """The records, the newest first, and where the next search goes on (`NOWHERE`: nowhere)."""

    records: list[Fields]
    place: str


def user_name(fields: Fields) -> str:
    """The name of who asked, as LookupEvents tells it: of a user, of a session, or `root`."""
    identity = fields["userIdentity"]
    if identity.get("type") == "Root":
        return "root"
    arn = str(identity.get("arn", ""))
    return str(identity.get("userName") or arn.rpartition("/")[2])


def _names(resources: list[Fields]) -> set[str]:
    arns = {str(resource.get("ARN", "")) for resource in resources}
    return arns | {arn.rpartition("/")[2] for arn in arns}


KEYS: Mapping[str, Callable[[Fields, str], bool]] = {
    "AccessKeyId": lambda fields, value: fields["userIdentity"].get("accessKeyId") == value,
    "EventId": lambda fields, value: fields.get("eventID") == value,
    "EventName": lambda fields, value: fields.get("eventName") == value,
    "EventSource": lambda fields, value: fields.get("eventSource") == value,
    "ReadOnly": lambda fields, value: str(fields.get("readOnly")).lower() == value,
    "ResourceName": lambda fields, value: value in _names(fields["resources"]),
    "ResourceType": lambda fields, value: any(
        resource.get("type") == value for resource in fields["resources"]
    ),
    "Username": lambda fields, value: user_name(fields) == value,
}
"""The attributes of LookupEvents: does a record have this value?"""


def search(directory: Path, wanted: Wanted, place: str, tag: Tag) -> Found:
    """The next events of a search, at most `wanted.most`; raises BadLine, OSError.

    `place` is where an earlier search of the same ended, or `NOWHERE` for the first.
    """
    files = segments(directory)
    if wanted.key == "EventId":
        line = _with_id(files, wanted.value)
        matching = _matching(line, wanted, tag) if line else ()
        return Found(list(matching), NOWHERE)
    latest = _shifted(wanted.until, STEPS_BACK)
    earliest = _shifted(wanted.since, -STEPS_BACK)
    start = Place.read(place) if place else _end(files, lambda entry: entry.time <= latest)
    clues, records = _clues(wanted), list[Fields]()
    size = read = 0
    for number, (at, line) in enumerate(pausing(_backwards(files, start))):
        if read >= PART or size >= PAGE_BYTES or len(records) == wanted.most:
            return Found(records, str(Place(at.first, at.offset + len(line))))
        if not number % _EVERY and _entry(line).time < earliest:
            break
        read += len(line)
        if not _may_match(line, clues, wanted):
            continue
        read += len(line) * _DECODED
        for record in _matching(line, wanted, tag):
            records.append(record)
            size += len(line)
    return Found(records, NOWHERE)


def _clues(wanted: Wanted) -> tuple[bytes, ...]:
    """Texts that stand in the line of each record that is wanted."""
    if not wanted.key:
        return (wanted.account.encode(),)
    value = jsontext.encode(wanted.value)[1:-1]
    return (wanted.account.encode(), b'"readOnly":' + value if wanted.key == "ReadOnly" else value)


def _may_match(line: bytes, clues: tuple[bytes, ...], wanted: Wanted) -> bool:
    """Is this line worth to be decoded?"""
    if not all(clue in line for clue in clues):
        return False
    try:
        head = _head(lines.event_bytes(line))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True  # a member was too long, or the line is not ours: see it as a whole
    region = wanted.region in (head.region, wanted.home)
    return region and wanted.since <= head.time <= wanted.until


def _matching(line: bytes, wanted: Wanted, tag: Tag) -> Iterator[Fields]:
    """The record of a line, if it is wanted; raises BadLine if this server did not write it."""
    event, leaf = lines.read(line)
    lines.came_with_change(line, lines.entry(event).index, leaf, tag)
    for record in delivered(event, wanted.home):
        if _is_wanted(record, wanted):
            yield record.fields


def _is_wanted(record: Delivered, wanted: Wanted) -> bool:
    return (
        record.account == wanted.account
        and record.region == wanted.region
        and wanted.since <= record.time <= wanted.until
        and (not wanted.key or KEYS[wanted.key](record.fields, wanted.value))
    )


def _backwards(files: list[Segment], start: Place) -> Iterator[tuple[Place, bytes]]:
    """The whole lines before a position, the last one first, each with its own position."""
    for segment in reversed([each for each in files if each.first <= start.first]):
        with segment.path.open("rb") as file:
            size = file.seek(0, 2)
            position = min(start.offset, size) if segment.first == start.first else size
            rest, whole = b"", False  # the text after the last newline is still being written
            while position > 0:
                begin = max(0, position - _BLOCK)
                file.seek(begin)
                parts = (file.read(position - begin) + rest).split(b"\n")
                end = begin + sum(len(part) + 1 for part in parts) - 1
                for part in reversed(parts[1:]):
                    end -= len(part)
                    if whole:
                        yield Place(segment.first, end), part + b"\n"
                    whole, end = True, end - 1
                position, rest = begin, parts[0]
            if whole:
                yield Place(segment.first, 0), rest + b"\n"


def _end(files: list[Segment], holds: Callable[[lines.Entry], bool]) -> Place:
    """Where the first record begins for which this does not hold. It holds for all before it."""
    candidates = files
    while len(candidates) > 1:
        middle = len(candidates) // 2
        line = _line_at(candidates[middle].path, 0)
        later = line and holds(_entry(line))
        candidates = candidates[middle:] if later else candidates[:middle]
    if not candidates:
        return Place(0, 0)
    return Place(candidates[0].first, _halved(candidates[0].path, holds))


def _halved(path: Path, holds: Callable[[lines.Entry], bool]) -> int:
    """The offset of the first line of a file for which this does not hold."""
    with path.open("rb") as file:
        low, high = 0, file.seek(0, 2)
        while high - low > _BLOCK:
            middle = (low + high) // 2
            file.seek(middle)
            file.readline()
            at, line = file.tell(), file.readline()
            if at < high and line.endswith(b"\n") and holds(_entry(line)):
                low = at
            else:
                high = middle
        file.seek(low)
        while (line := file.readline()).endswith(b"\n") and holds(_entry(line)):
            low += len(line)
        return low


def _with_id(files: list[Segment], event_id: str) -> bytes:
    """The line of the record with this id, or of another at its position; b"" if there is none.

    An id ends with the position in the log.
    """
    if not _ID.fullmatch(event_id):
        return b""
    index = int(event_id[_ID_HEAD:], 16)
    holding = [segment for segment in files if segment.first <= index]
    if not holding:
        return b""
    path = holding[-1].path
    offset = _halved(path, lambda entry: entry.index < index)
    return _line_at(path, offset)


def _line_at(path: Path, offset: int) -> bytes:
    """The whole line at this offset; b"" if there is none."""
    with path.open("rb") as file:
        file.seek(offset)
        line = file.readline()
    return line if line.endswith(b"\n") else b""


def _entry(line: bytes) -> lines.Entry:
    """Time and position of a line. It decodes, since callers choose some texts of a record."""
    return lines.entry(lines.event_bytes(line))


def _shifted(time: str, by: timedelta) -> str:
    return iso_seconds(datetime.fromisoformat(time) + by)
