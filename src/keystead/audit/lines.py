"""How does one record stand in the file?  One line, with the hash that the tree holds.

    {"event":{…CloudTrail's fields…},"leaf":"<hex>"}

    leaf = SHA-256(0x00 || the bytes of the event)          RFC 6962, 2.1

INVARIANT: a line is printable ASCII, and has at most 16 KiB (AD-1). What is hashed are the bytes
as they stand in the file, so that nobody has to agree with us on a canonical form.
"""

import hashlib
import re
from binascii import hexlify

import msgspec

from keystead.audit import jsontext, overflow
from keystead.audit.record import Record

LIMIT = 16 * 1024  # bytes of a line
_START, _MIDDLE, _END = b'{"event":', b',"leaf":"', b'"}\n'
_ROOM = LIMIT - len(_START) - len(_MIDDLE) - 64 - len(_END)
_LEAF = hashlib.sha256(b"\0")
_LINE = re.compile(rb'\{"event":(\{[\x20-\x7e]*\}),"leaf":"([0-9a-f]{64})"\}\n')


class BadLine(Exception):
    """A line that we did not write, or not like this; the text says which."""


def leaf_hash(event: bytes) -> bytes:
    """The hash that stands for an event in the tree."""
    leaf = _LEAF.copy()
    leaf.update(event)
    return leaf.digest()


def write(record: Record) -> tuple[bytes, bytes]:
    """The line of a record, and its leaf hash."""
    event = jsontext.encode(record)
    if len(event) > _ROOM:
        event = overflow.shortened(event, _ROOM)
    leaf = leaf_hash(event)
    return b"".join((_START, event, _MIDDLE, hexlify(leaf), _END)), leaf


def read(line: bytes) -> tuple[bytes, bytes]:
    """The event and the leaf hash of a line; raises BadLine unless they belong together."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadLine("this is not a line that keystead writes")
    event = match[1]
    leaf = leaf_hash(event)
    if hexlify(leaf) != match[2]:
        raise BadLine("the record is not the one whose hash was stored with it")
    return event, leaf


def event_bytes(line: bytes) -> bytes:
    """The part of a line where the event stands, unchecked: to name a line that is bad."""
    return line[len(_START) : -(len(_MIDDLE) + 64 + len(_END))]


class Place(msgspec.Struct, gc=False):
    """What names a record for a person, and its place in the log."""

    time: str = msgspec.field(name="eventTime")
    name: str = msgspec.field(name="eventName")
    keystead: "Index"

    @property
    def index(self) -> int:
        return self.keystead.index


class Index(msgspec.Struct, gc=False):
    """The part of our own member that `Place` needs."""

    index: int


_place = msgspec.json.Decoder(Place)


def place(event: bytes) -> Place:
    """Where an event stands, and what it is called; raises BadLine."""
    try:
        return _place.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadLine("the record has no place in the log") from None
