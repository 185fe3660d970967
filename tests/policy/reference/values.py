"""What a number, a date, an address, a byte string is, in a policy or in a request.

Each function answers None for a text that is not one.
"""

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
# Four to eight digits may be a date without hyphens, and twelve may hold a time as well.
SECONDS = re.compile(r"-[0-9]+|[0-9]{1,3}|[0-9]{9,11}")
DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}:[0-5][0-9]))?"
)


def number(text: str) -> Fraction | None:
    """A decimal integer or fraction with an optional sign."""
    return Fraction(text) if NUMBER.fullmatch(text) else None


def moment(text: str) -> Fraction | None:
    """Seconds since the epoch, from an ISO 8601 date and time or from epoch seconds."""
    if NUMBER.fullmatch(text) and SECONDS.fullmatch(text.partition(".")[0]):
        return Fraction(text)
    found = DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        whole = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=_zone(zone),
        )
    except ValueError:
        return None
    since = whole - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(since // timedelta(seconds=1)) + Fraction(f"0.{fraction or 0}")


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def network(text: str) -> Network | None:
    """An address or a CIDR block; a bare address is a block of one."""
    if re.fullmatch(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", text) is None:
        return None  # neither a network mask nor an interface is part of a CIDR block
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def address(text: str) -> Address | None:
    found = None if "/" in text else network(text)
    return None if found is None else found.network_address


def octets(text: str) -> bytes | None:
    """The bytes that a base64 text stands for; each byte string has one text."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())
