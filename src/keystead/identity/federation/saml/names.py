"""How are things called and written in SAML 2.0?  Namespaces, times, and whole texts."""

import re
from contextlib import suppress
from datetime import UTC, datetime

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"

MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
SAMLP = f"{{{PROTOCOL}}}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
XENC = "{http://www.w3.org/2001/04/xmlenc#}"
XENC11 = "{http://www.w3.org/2009/xmlenc11#}"

_DATE = re.compile(
    r"\A([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,12})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)


def read_date(text: str) -> datetime | None:
    """A time of XML Schema, in whole seconds. SAML has all times in UTC (SAML 2.0 Core 1.3.3)."""
    match = _DATE.match(text)
    if match is not None:
        with suppress(ValueError, OverflowError):  # no such day, or far from our times
            return datetime.fromisoformat(match[1] + (match[2] or "Z")).astimezone(UTC)
    return None
