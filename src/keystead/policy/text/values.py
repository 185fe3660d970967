"""Which number, date, address or bytes does a text mean?  (iam.md 4.7; PE-10, PA-5)

Every function returns None for a text that is not of its kind. Spaces are refused, and so are
digits outside ASCII and every text that two readers could read differently.
"""

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]{1,19}(?:\.[0-9]{1,19})?")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2})))?"
)
_EPOCH = re.compile(r"(?:-[0-9]{1,11}|[0-9]{1,3}|[0-9]{9,11})(?:\.[0-9]{1,9})?")
_START = datetime(1970, 1, 1, tzinfo=UTC)

Network = tuple[int, int]
"""The first address and the mask. The number of an address includes its IP version."""

LONGEST_ADDRESS = 45  # characters, as text


def number(text: str) -> Decimal | None:
    """A whole number or a fraction, with a sign."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def boolean(text: str) -> bool | None:
    """One of the two words, in any case."""
    return {"true": True, "false": False}.get(text.lower()) if len(text) <= 5 else None


def binary(text: str) -> bytes | None:
    """The bytes of canonical base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def date(text: str) -> int | None:
    """Nanoseconds since the epoch: ISO 8601 as AWS documents it, or seconds since the epoch.

        2026-03-01   2026-03-01T12:00Z   2026-03-01T12:00:00.5+01:00   1772366400   -1.5

    A time of day needs a zone. A text of four to eight digits is no date: its author may have
    meant a year, or a date without hyphens. A text of twelve digits or more is no date either: it
    may mean milliseconds, or a date with its time. Read as seconds, such a text would make a Deny
    match nothing.
    """
    if _EPOCH.fullmatch(text):
        return int(Decimal(text).scaleb(9))
    match = _DATE.fullmatch(text)
    return None if match is None else _calendar_date(*match.groups())


def _calendar_date(year: str, month: str, day: str, *time: str | None) -> int | None:
    hour, minute, second, fraction, sign, *offset = time
    hours, minutes = (int(part or 0) for part in offset)
    if hours > 23 or minutes > 59:
        return None
    clock = int(hour or 0), int(minute or 0), int(second or 0)
    try:
        moment = datetime(int(year), int(month), int(day), *clock, tzinfo=UTC)
    except ValueError:
        return None
    east = (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)
    seconds = (moment - _START) // timedelta(seconds=1) - east
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))


def network(text: str) -> Network | None:
    """The network of one address, or of a block in CIDR form. Bits after the prefix are ignored."""
    written, slash, prefix = text.partition("/")
    first = address(written)
    if first is None:
        return None
    bits = 128 if first >> 128 == 6 else 32
    length = bits
    if slash:
        if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3):
            return None
        length = int(prefix)
        if length > bits:
            return None
    mask = -1 << bits - length
    return first & mask, mask


def address(text: str) -> int | None:
    """One address. IPv4-mapped IPv6 addresses are IPv6 (iam.md 4.7)."""
    if "%" in text or len(text) > LONGEST_ADDRESS:
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return parsed.version << 128 | int(parsed)
