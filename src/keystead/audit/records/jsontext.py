"""How is a value written into the log?  As JSON of printable ASCII. Every value can be written.

A caller's data must never prevent a record. A lone surrogate is no valid text, and some types do
not exist in JSON. Such a value is written as the nearest JSON value. Control characters are
escaped, and so is everything else that a terminal might obey (AD-1).
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec


def _nearest(value: Any) -> Any:
    """The nearest JSON value for a value of a type that JSON does not have."""
    return dict(value) if isinstance(value, Mapping) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_nearest).encode


def encode(value: Any) -> bytes:
    """The value as JSON in one line of printable ASCII. It never fails."""
    try:
        text = _encode(value)
    except (TypeError, ValueError):
        text = _encode(_encodable(msgspec.to_builtins(value, enc_hook=_nearest)))
    if text.isascii() and b"\x7f" not in text:
        return text
    return _escaped(text)


def printable(text: str) -> str:
    """The text, in which every character that a terminal might obey is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _escaped(text: bytes) -> bytes:
    """The same JSON, in which everything but printable ASCII is escaped.

    Encoders in C read and write it as a whole. If each character were escaped by itself, a caller
    could choose how long it takes.
    """
    return json.dumps(msgspec.json.decode(text), separators=(",", ":")).encode("ascii")


def _encodable(value: Any) -> Any:
    """The same value, in which every text can be encoded."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {str(_encodable(name)): _encodable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(member) for member in value]
    return value
