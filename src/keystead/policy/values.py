"""What number, date, address or bytes does a text stand for?  (iam.md 4.7; PE-10, PA-5)

Every function gives None for a text that is not of its kind: no spaces, no other digits than
ASCII's, nothing that two readers could read differently.
"""

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]{1,19}(?:\.[0-9]{1,19})?")
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_EPOCH = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,9}))?")
_START = datetime(1970, 1, 1, tzinfo=UTC)

Network = tuple[int, int]
"""First address and mask. An address is a number that says its IP version too."""

LONGEST_ADDRESS = 45  # characters, as text

_VERSION = 0xF << 128


def number(text: str) -> Decimal | None:
    """A whole number or a fraction, with a sign."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def binary(text: str) -> bytes | None:
    """The bytes of canonical base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def date(text: str) -> int | None:
    """Nanoseconds since the epoch: ISO 8601 in W3C's profile, or seconds since the epoch.

    Four digits alone are a year only by way of a `-` or `T`: AWS reads them as seconds.
    """
    if match := _EPOCH.fullmatch(text):
        seconds, fraction = match.groups()
        return int(seconds) * 10**9 + _nanoseconds(fraction)
    if match := _DATE.fullmatch(text):
        return _calendar_date(*match.groups())
    return None


def _nanoseconds(fraction: str | None) -> int:
    return int((fraction or "").ljust(9, "0"))


def _calendar_date(year: str, *parts: str | None) -> int | None:
    month, day, hour, minute, second, fraction, zone = parts
    clock = int(hour or 0), int(minute or 0), int(second or 0)
    try:
        moment = datetime(int(year), int(month or 1), int(day or 1), *clock, tzinfo=UTC)
    except ValueError:
        return None
    offset = _offset(zone)
    if offset is None:
        return None
    seconds = (moment - _START) // timedelta(seconds=1) - offset
    return seconds * 10**9 + _nanoseconds(fraction)


def _offset(zone: str | None) -> int | None:
    """Seconds east of UTC; without a zone it is UTC."""
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        return None
    seconds = hours * 3600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds


def network(text: str) -> Network | None:
    """An address, or a block in CIDR form; bits behind the prefix do not matter."""
    written, slash, prefix = text.partition("/")
    first = address(written)
    if first is None:
        return None
    bits = 128 if first & _VERSION == 6 << 128 else 32
    length = bits
    if slash:
        if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3):
            return None
        length = int(prefix)
        if length > bits:
            return None
    mask = ((1 << length) - 1) << (bits - length) | _VERSION
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
