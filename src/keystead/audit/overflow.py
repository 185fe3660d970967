"""What of a record is left out when it does not fit into a line?  (AD-1)

The largest members go first, each replaced by its size and its SHA-256, in CloudTrail's manner:

    "policy": {"omitted": true, "originalSize": 31744, "sha256": "…"}

The members of `requestParameters`, `responseElements` and the like are taken one by one, so that
the key id stays where the policy text goes; when that does not suffice, they go as a whole.
"""

import hashlib
from typing import Any

import msgspec

from keystead.audit import jsontext

_KEPT = frozenset({"keystead", "userIdentity"})  # never omitted as a whole, only their members


def shortened(event: bytes, limit: int) -> bytes:
    """The event with its largest members omitted, at most `limit` bytes long."""
    fields: dict[str, Any] = msgspec.json.decode(event)
    inner = [member for member in fields.values() if isinstance(member, dict)]
    for level in (inner, [fields]):
        while len(event) > limit:
            found = _largest(level)
            if found is None:
                break
            holder, name = found
            holder[name] = _omitted(holder[name])
            event = jsontext.encode(fields)
    return event


def _largest(holders: list[dict[str, Any]]) -> tuple[dict[str, Any], str] | None:
    """The holder and name of the largest member that omitting would shorten."""
    sizes = [
        (len(jsontext.encode(member)), position, name)
        for position, holder in enumerate(holders)
        for name, member in holder.items()
        if name not in _KEPT
    ]
    size, position, name = max(sizes, default=(0, 0, ""))
    return (holders[position], name) if size > _MARKER else None


def _omitted(member: Any) -> dict[str, Any]:
    text = jsontext.encode(member)
    return {
        "omitted": True,
        "originalSize": len(text),
        "sha256": hashlib.sha256(text).hexdigest(),
    }


_MARKER = len(jsontext.encode(_omitted(None))) + 8  # what a replacement takes, with a long size
