"""Which members of a record are omitted when it does not fit into a line?  (AD-1)

    (1) userAgent, errorMessage, tlsDetails: a caller need not sign them
    (2) members of `requestParameters`, `responseElements` and the like
    (3) `requestParameters`, `responseElements` and the like as a whole
    (4) the statements that decided
    (5) members of `userIdentity` and `keystead`, and `resources`, to which decisions refer

In (2) a policy text goes, for example, and the key id stays. A step is taken only if the steps
before it do not suffice. Within a step the largest members go first. A member is replaced by its
size and its SHA-256, as in CloudTrail:

    "policy": {"omitted": true, "originalSize": 31744, "sha256": "…"}

INVARIANT: unsigned data never pushes out the request, its caller and its decisions.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from keystead.audit.records import jsontext

Fields = dict[str, Any]
Member = tuple[Fields, str]  # the object that has the member, and the member's name

_UNSIGNED = ("userAgent", "errorMessage", "tlsDetails")
_OURS = ("userIdentity", "keystead")


def shortened(event: bytes, limit: int) -> bytes:
    """The event with some of its members omitted, at most `limit` bytes long."""
    fields: Fields = msgspec.json.decode(event)
    for members in (_unsigned, _inner, _whole, _statements, _ours):
        _omit(members(fields), len(event) - limit)
        event = jsontext.encode(fields)
        if len(event) <= limit:
            break
    return event


def _unsigned(fields: Fields) -> Iterator[Member]:  # (1)
    return ((fields, name) for name in _UNSIGNED if name in fields)


def _inner(fields: Fields) -> Iterator[Member]:  # (2)
    return (
        (member, name)
        for holder, member in fields.items()
        if holder not in _OURS and isinstance(member, dict) and not _is_omitted(member)
        for name in member
    )


def _whole(fields: Fields) -> Iterator[Member]:  # (3)
    return ((fields, name) for name in fields if name not in (*_OURS, "resources"))


def _statements(fields: Fields) -> Iterator[Member]:  # (4)
    decisions = fields["keystead"]["decisions"]
    return ((decision, "statements") for decision in decisions if "statements" in decision)


def _ours(fields: Fields) -> Iterator[Member]:  # (5)
    yield from ((fields[holder], name) for holder in _OURS for name in fields[holder])
    yield fields, "resources"


def _omit(members: Iterator[Member], excess: int) -> None:
    """Omit the largest members until `excess` bytes are saved, or nothing more can be saved."""
    texts = [(jsontext.encode(holder[name]), holder, name) for holder, name in members]
    texts.sort(key=lambda entry: len(entry[0]), reverse=True)
    for text, holder, name in texts:
        replaced = marker(text)
        saved = len(text) - len(jsontext.encode(replaced))
        if saved <= 0 or excess <= 0:
            return
        holder[name] = replaced
        excess -= saved


def marker(text: bytes) -> Fields:
    """The value that replaces an omitted member."""
    return {
        "omitted": True,
        "originalSize": len(text),
        "sha256": hashlib.sha256(text).hexdigest(),
    }


def _is_omitted(member: Fields) -> bool:
    return member.get("omitted") is True
