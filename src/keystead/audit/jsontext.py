"""How is a value written into the log?  JSON of printable ASCII only; whatever it is, it can be.

A record must never be lost because of what a caller put into it: text that is no text (a lone
surrogate) and values of types that JSON does not have are written as the nearest thing that it
has. Control characters, and everything else that a terminal might obey, are escaped (AD-1).
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec


def _nearest(value: Any) -> Any:
    """What stands for a value of a type that JSON does not know."""
    return dict(value) if isinstance(value, Mapping) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_nearest).encode


def encode(value: Any) -> bytes:
    """The value as JSON in one line of printable ASCII. Never fails."""
    try:
        text = _encode(value)
    except (TypeError, ValueError):
        text = _encode(_encodable(msgspec.to_builtins(value, enc_hook=_nearest)))
    if text.isascii() and b"\x7f" not in text:
        return text
    return _escaped(text)


def printable(text: str) -> str:
    """The text with everything escaped that a terminal might obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _escaped(text: bytes) -> bytes:
    """The same JSON with everything escaped that is not printable ASCII.

    Read and written as a whole by encoders in C: escaping each place by itself would let a
    caller choose how long it takes.
    """
    return json.dumps(msgspec.json.decode(text), separators=(",", ":")).encode("ascii")


def _encodable(value: Any) -> Any:
    """The same value with texts that can be encoded."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {str(_encodable(name)): _encodable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(member) for member in value]
    return value
