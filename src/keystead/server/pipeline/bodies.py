"""How long may the body of a request be?  (HF-7, threat-model section 6)

    JSON                                      200,000 bytes (kms.md 1)
    Query                                     256 KiB
    Query, of an operation for long bodies     12 MiB, for a key that could authenticate
    REST-JSON, of a certificate revocation list   512 KiB, as before

The first two are decided when the head has come. The third is decided twice: by the head, whether
the body is read at all, and by the body, whether it is read as a form. The fourth is decided by the
head, which names the operation.
"""

import re
from collections.abc import Mapping

from keystead.identity.rules import IAM
from keystead.wire.http import HttpRequest
from keystead.wire.presented import claimed

FORM = "application/x-www-form-urlencoded"
JSON_LIMIT = 200_000
QUERY_LIMIT = 256 * 1024
LONG_LIMIT = 12 * 1024 * 1024
CRL_LIMIT = 512 * 1024  # 300,000 bytes in base64, and a little more

_LONG = "|".join(name for name, row in IAM.items() if row.long_body)
_ACTION = re.compile(rb"(?:\A|&)Action=(?:" + _LONG.encode() + rb")(?:&|\Z)")
BEGINNING = 4096
"""Bytes of a form that are read before its caller is known. SDKs write the action first."""


def limit(headers: Mapping[str, str]) -> int:
    """The most bytes of an ordinary body."""
    return JSON_LIMIT if "x-amz-target" in headers else QUERY_LIMIT


def could_be_long(request: HttpRequest, length: int) -> bool:
    """Could this head be that of an operation for long bodies?"""
    return _is_of_crl(request, length) or (
        length <= LONG_LIMIT
        and (request.method, request.path) == ("POST", "/")
        and "x-amz-target" not in request.headers
        and media_type(request.headers) == FORM
        and claimed(request).service == "iam"
    )


def _is_of_crl(request: HttpRequest, length: int) -> bool:
    """Is this the head of ImportCrl or UpdateCrl?"""
    method, path = request.method, request.path
    return (
        length <= CRL_LIMIT
        and ((method, path) == ("POST", "/crls") or (method == "PATCH" and path[:5] == "/crl/"))
        and "x-amz-target" not in request.headers
        and claimed(request).service == "rolesanywhere"
    )


def may_be_long(body: bytes) -> bool:
    """Is this a form of an operation for long bodies?

    Each parameter occurs once in a form, so its action is this one or the form is refused.
    """
    return len(body) <= LONG_LIMIT and _ACTION.search(body, 0, BEGINNING) is not None


def beginning(body: bytes) -> bytes:
    """The parameters that stand whole in the beginning of a form that is longer."""
    return body[:BEGINNING].rpartition(b"&")[0]


def too_long(most: int) -> str:
    """AWS's sentence."""
    return f"HTTP content length exceeded {most} bytes."


def media_type(headers: Mapping[str, str]) -> str:
    """The media type of a body, without parameters, lower-case; "" when there is none."""
    return headers.get("content-type", "").partition(";")[0].strip(" \t").lower()
