"""Tags as one column: a JSON object, its keys in order."""

from collections.abc import Mapping

import msgspec

_decode = msgspec.json.Decoder(dict[str, str]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def packed(tags: Mapping[str, str]) -> str:
    """The column of these tags."""
    return _encode(tags).decode()


def unpacked(column: str) -> dict[str, str]:
    """The tags of this column, sorted by key."""
    return _decode(column)
