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

import re
from urllib.parse import unquote_to_bytes

MAX_FIELDS = 1_000
_SHOWN = 128  # characters of a name that a refusal repeats; no parameter has a longer name

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


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
    fields: dict[str, str] = {}
    names: set[str] = set()
    for part in filter(None, parts):
        name, _, value = part.partition("=")
        name = decode(name)
        folded = name.casefold()
        if folded in names:
            raise NotAForm(f"the parameter '{name[:_SHOWN]}' occurs twice")
        names.add(folded)
        fields[name] = decode(value)
    return fields


def decode(text: str) -> str:
    """One name or value without its escapes; raises NotAForm."""
    if "%" in text:
        if _BAD_ESCAPE.search(text):
            raise NotAForm("a '%' is not followed by two hexadecimal digits")
        text = _decoded_utf8(unquote_to_bytes(text.replace("+", " ")))
    elif "+" in text:
        text = text.replace("+", " ")
    if "\0" in text:
        raise NotAForm("a parameter contains U+0000")
    return text


def _decoded_utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAForm("a parameter is not UTF-8") from None
