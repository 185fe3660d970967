"""How is one record written in the file?  As one line, with the hash that the tree holds.

    {"event":{…CloudTrail's fields…},"leaf":"<hex>","tag":"<hex>"}

    leaf = SHA-256(0x00 || the bytes of the event)          RFC 6962, 2.1
    tag  = MAC(index (8 bytes) || leaf || turn), 16 bytes
    turn = 0x01 if the store was changed together with the line, else 0x00

Everybody can check the leaf. The next start checks the tag, whose key is in custody. So it signs
only lines that a holder of the key wrote, and it notices every change that they record.

INVARIANT: a line is printable ASCII, and has at most 16 KiB (AD-1). The hash covers the bytes as
they stand in the file. So a reader needs no canonical form.
"""

import hashlib
import hmac
import re
from binascii import hexlify
from collections.abc import Callable
from struct import Struct

import msgspec

from keystead.audit.records import jsontext, overflow
from keystead.audit.records.record import Record

LIMIT = 16 * 1024  # bytes of a line
TAG_BYTES = 16
_START, _LEAF_IS, _TAG_IS, _END = b'{"event":', b',"leaf":"', b'","tag":"', b'"}\n'
_TAG_AT = -2 * TAG_BYTES - len(_END)
_AFTER_EVENT = len(_LEAF_IS) + 64 + len(_TAG_IS) - _TAG_AT
_ROOM = LIMIT - len(_START) - _AFTER_EVENT
_INDEX = Struct(">Q").pack
_LEAF = hashlib.sha256(b"\0")
_LINE = re.compile(
    rb'\{"event":(\{[\x20-\x7e]*\}),"leaf":"([0-9a-f]{64})","tag":"[0-9a-f]{32}"\}\n'
)

Tag = Callable[[bytes], bytes]
"""The MAC of a message; `custody.signing.signer.AuditTags`."""


class BadLine(Exception):
    """A line that we did not write, or that was changed. The text tells which."""


def leaf_hash(event: bytes) -> bytes:
    """The hash that stands for an event in the tree."""
    leaf = _LEAF.copy()
    leaf.update(event)
    return leaf.digest()


def write(record: Record, index: int, tag: Tag, *, changed: bool) -> tuple[bytes, bytes]:
    """The line of record number `index`, and its leaf hash.

    `changed` tells whether the store was changed together with the record.
    """
    event = jsontext.encode(record)
    if len(event) > _ROOM:
        event = overflow.shortened(event, _ROOM)
    hashed = _LEAF.copy()  # as `leaf_hash`, and then as `_message`, for every record
    hashed.update(event)
    leaf = hashed.digest()
    mac = tag(_INDEX(index) + leaf + (b"\1" if changed else b"\0"))
    return b"".join((_START, event, _LEAF_IS, hexlify(leaf), _TAG_IS, hexlify(mac), _END)), leaf


def _message(index: int, leaf: bytes, *, changed: bool) -> bytes:
    return _INDEX(index) + leaf + (b"\1" if changed else b"\0")


def read(line: bytes) -> tuple[bytes, bytes]:
    """The event and the leaf hash of a line; raises BadLine unless they belong together."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadLine("this is not a line that keystead writes")
    event = match[1]
    leaf = leaf_hash(event)
    if hexlify(leaf) != match[2]:
        raise BadLine("the record was changed: it does not match the hash beside it")
    return event, leaf


def event_bytes(line: bytes) -> bytes:
    """The event's part of a line, unchecked. It serves to name a bad line."""
    return line[len(_START) : -_AFTER_EVENT]


def came_with_change(line: bytes, index: int, leaf: bytes, tag: Tag) -> bool:
    """Was the store changed together with this line?  `read` has accepted the line before.

    Raises BadLine if no holder of the key wrote it.
    """
    stated = line[_TAG_AT : -len(_END)]
    for changed in (False, True):
        mac = tag(_message(index, leaf, changed=changed))
        if hmac.compare_digest(stated, hexlify(mac)):
            return changed
    raise BadLine("this server did not write it")


class Entry(msgspec.Struct, gc=False):
    """The time and the name of a record, for a person, and its position in the log."""

    time: str = msgspec.field(name="eventTime")
    name: str = msgspec.field(name="eventName")
    keystead: "Index"

    @property
    def index(self) -> int:
        return self.keystead.index

    @property
    def state(self) -> str | None:
        """The digest of all stored rows, if a change came with the record."""
        return self.keystead.state.newest if self.keystead.state else None


class Newest(msgspec.Struct, gc=False):
    """The part of the state that `Entry` needs."""

    newest: str


class Index(msgspec.Struct, gc=False):
    """The part of our own member that `Entry` needs."""

    index: int
    state: Newest | None = None


_entry = msgspec.json.Decoder(Entry)


def entry(event: bytes) -> Entry:
    """The position, name, time and state of an event; raises BadLine."""
    try:
        return _entry.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadLine("the record does not give its position in the log") from None
