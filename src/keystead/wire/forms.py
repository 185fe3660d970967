"""Which fields does a form or a query string have?  One strict reading (threat-model PA-2).

    name=value&name=value      "+" is a space, "%XX" a byte of UTF-8

The same reading serves a Query body, a query string and the canonical query of a signature. So the
signed request and the executed request cannot differ. These forms are refused:

- a name that occurs twice, in any case
- more than 1,000 fields
- a "%" without two hexadecimal digits
- bytes that are not UTF-8
- U+0000
"""

from binascii import a2b_qp

MAX_FIELDS = 1_000
_SHOWN = 128  # characters of a name that a refusal repeats; no parameter has a longer name

_HEX = b"0123456789ABCDEFabcdef"
# By byte: "%" is itself, "h" a hexadecimal digit, "x" anything else.
_SHAPE = bytes(0x25 if byte == 0x25 else 0x68 if byte in _HEX else 0x78 for byte in range(256))
_AS_QUOTED_PRINTABLE = bytes.maketrans(b"%", b"=")  # `replace` takes four times as long


class NotAForm(ValueError):
    """The text is refused. The caller chooses the AWS error."""


def parse(text: str | bytes) -> dict[str, str]:
    """The fields of a form, in their order; raises NotAForm with the reason."""
    if not text:
        return {}
    plain = _decoded_utf8(text) if isinstance(text, bytes) else text
    parts = plain.split("&", MAX_FIELDS)
    if len(parts) > MAX_FIELDS:
        raise NotAForm(f"more than {MAX_FIELDS} parameters")
    is_encoded = "%" in plain or "+" in plain or "\0" in plain
    fields: dict[str, str] = {}
    names: set[str] = set()
    for part in filter(None, parts):
        name, _, value = part.partition("=")
        if is_encoded:
            name, value = decode(name), decode(value)
        folded = name.casefold()
        if folded in names:
            raise NotAForm(f"the parameter '{name[:_SHOWN]}' occurs twice")
        names.add(folded)
        fields[name] = value
    return fields


def decode(text: str) -> str:
    """One name or value without its escapes; raises NotAForm."""
    if "%" in text:
        text = _decoded_utf8(_unescaped(text.replace("+", " ").encode()))
    elif "+" in text:
        text = text.replace("+", " ")
    if "\0" in text:
        raise NotAForm("a parameter contains U+0000")
    return text


def _unescaped(raw: bytes) -> bytes:
    """The bytes without their escapes; raises NotAForm.

    All of it is done by C, because nobody is known yet when a body is read: a quarter of a megabyte
    of escapes takes a millisecond, with `urllib` thirty. To write "=" for "%" makes it
    quoted-printable (RFC 2045, 6.7). The rules of that format that are different concern a "="
    without two digits, and none is left.
    """
    if raw.translate(_SHAPE).count(b"%hh") != raw.count(b"%"):
        raise NotAForm("a '%' is not followed by two hexadecimal digits")
    return a2b_qp(raw.replace(b"=", b"=3D").translate(_AS_QUOTED_PRINTABLE))


def _decoded_utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAForm("a parameter is not UTF-8") from None
