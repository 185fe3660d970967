"""What of a record is left out when it does not fit into a line?  (AD-1)

    (1) userAgent, errorMessage, tlsDetails: what nobody has to sign
    (2) members of `requestParameters`, `responseElements` and the like: the key id stays where the
        policy text goes
    (3) these as a whole
    (4) the statements that decided
    (5) members of `userIdentity` and `keystead`, and `resources`, which decisions refer to

A step is taken only when those before it do not suffice, and within a step the largest go first,
each replaced by its size and its SHA-256, in CloudTrail's manner:

    "policy": {"omitted": true, "originalSize": 31744, "sha256": "…"}

INVARIANT: nothing unsigned pushes out what was asked, by whom and how it was decided.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from keystead.audit import jsontext

Fields = dict[str, Any]
Member = tuple[Fields, str]  # where it stands, and its name

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
    """Omit the largest members until `excess` bytes are saved, or there is nothing to save."""
    texts = [(jsontext.encode(holder[name]), holder, name) for holder, name in members]
    texts.sort(key=lambda one: len(one[0]), reverse=True)
    for text, holder, name in texts:
        marker = _marker(text)
        saved = len(text) - len(jsontext.encode(marker))
        if saved <= 0 or excess <= 0:
            return
        holder[name] = marker
        excess -= saved


def _marker(text: bytes) -> Fields:
    """What stands for an omitted member."""
    return {
        "omitted": True,
        "originalSize": len(text),
        "sha256": hashlib.sha256(text).hexdigest(),
    }


def _is_omitted(member: Fields) -> bool:
    return member.get("omitted") is True
