"""Which signature does a request carry?  Exactly one, well-formed, that covers what it must.

    Authorization: AWS4-HMAC-SHA256 Credential=key/date/region/service/aws4_request,
                   SignedHeaders=a;b;c, Signature=<64 hex>
    ?X-Amz-Algorithm=…&X-Amz-Credential=…&X-Amz-Date=…&X-Amz-Expires=…&X-Amz-SignedHeaders=…
     &X-Amz-Signature=…[&X-Amz-Security-Token=…]

These are refused with AWS's words (iam.md 3.8):

- credentials from two sources, or incomplete ones (threat-model AU-2)
- another algorithm
- a parameter that is missing or occurs twice
- a scope without exactly five parts, or of another day than the signature
- signed headers that are not sorted, or that leave out host or a received x-amz-* header (AU-3)
- a time that is not in ISO 8601's basic format
"""

import re
from collections.abc import Container, Mapping
from typing import Protocol

from keystead.wire.http import HttpRequest
from keystead.wire.sigv4.errors import (
    IncompleteSignature,
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
    mismatch,
)
from keystead.wire.sigv4.signature import (
    ALGORITHM,
    TERMINATOR,
    Scope,
    Signature,
    parse_query,
    parse_timestamp,
)

MAX_EXPIRES = 604_800
MAX_HEADERS = 100  # no request has more (threat-model 6)

_SIGNATURE = re.compile(r"\A[0-9a-f]{64}\Z", re.ASCII)
_OF_CERTIFICATE = re.compile(r"\A(?:[0-9a-f]{2}){8,1024}\Z", re.ASCII)
_SECONDS = re.compile(r"\A[0-9]{1,7}\Z", re.ASCII)
_SIGNATURE_LENGTH = 64
_HEADER_NAME = re.compile(r"\A[!#$%&'*+.^_`|~0-9a-z-]+\Z", re.ASCII)

_PARAMETERS = ("Credential", "Signature", "SignedHeaders")
_REQUIRED_IN_QUERY = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "X-Amz-Expires",
)
_IN_QUERY = {name.lower(): name for name in (*_REQUIRED_IN_QUERY, "X-Amz-Security-Token")}


class Known(Protocol):
    """Claims by their `prefix`. A verifier keeps them."""

    def get(self, key: str, /) -> Scope | None:
        """The claim, or None."""


NOTHING_KNOWN: Mapping[str, Scope] = {}


def is_signed(request: HttpRequest) -> bool:
    """Does a request claim any credentials, even in a wrong form?"""
    return "authorization" in request.headers or bool(request.query and _query_credentials(request))


def prefix(request: HttpRequest) -> str | None:
    """The part of the Authorization header under which a verifier may keep its claim.

    It is everything before the signature if the signature stands last, and otherwise None. It
    belongs in a bounded cache, and only after a signature proved to be true.
    """
    text = request.headers.get("authorization", "")[:-_SIGNATURE_LENGTH]
    return text if text.endswith(", Signature=") else None


def parse(request: HttpRequest, known: Known = NOTHING_KNOWN) -> Signature:
    """The signature of a request; raises MissingAuthenticationToken if it has none.

    `known` holds claims by their `prefix`.
    """
    authorization = request.headers.get("authorization")
    in_query = _query_credentials(request) if request.query else {}
    if authorization is None:
        if in_query:
            return _from_query(request.headers, in_query)
        raise MissingAuthenticationToken
    if in_query:
        raise IncompleteSignature(
            "Only one form of authentication is allowed: either the Authorization header or the"
            " X-Amz-* query-string parameters."
        )
    return _from_header(request.headers, authorization, known)


def parse_certified(request: HttpRequest, algorithms: Container[str]) -> tuple[str, Signature]:
    """The algorithm and the signature of a request that the key of a certificate signed.

    It stands in the Authorization header, whose credential begins with a serial number.
    """
    headers = request.headers
    authorization = headers.get("authorization")
    if authorization is None:
        raise MissingAuthenticationToken
    if request.query and _query_credentials(request):
        raise IncompleteSignature("Only one form of authentication is allowed.")
    timestamp = headers.get("x-amz-date") or headers.get("date", "")
    parameters = _parameters(authorization, timestamp, algorithms)
    claim = _claim(parameters["Credential"], parameters["SignedHeaders"])
    signature = _signature(
        headers, claim, timestamp, parameters["Signature"], None, form=_OF_CERTIFICATE
    )
    return authorization.partition(" ")[0], signature


def _query_credentials(request: HttpRequest) -> dict[str, str]:
    """The parameters in the query string that belong to a signature."""
    fields = parse_query(request.query)
    parameters = {name: value for name, value in fields.items() if name.lower() in _IN_QUERY}
    for name in parameters:
        if _IN_QUERY[name.lower()] != name:
            raise IncompleteSignature(f"The query-string parameter '{name}' is misspelled.")
    return parameters


def _from_header(headers: Mapping[str, str], authorization: str, known: Known) -> Signature:
    timestamp = headers.get("x-amz-date") or headers.get("date", "")
    claim = known.get(authorization[:-_SIGNATURE_LENGTH])
    token = headers.get("x-amz-security-token")
    if claim is not None and timestamp:
        signature = authorization[-_SIGNATURE_LENGTH:]
        return _signature(headers, claim, timestamp, signature, token, known=True)
    parameters = _parameters(authorization, timestamp)
    claim = _claim(parameters["Credential"], parameters["SignedHeaders"])
    return _signature(headers, claim, timestamp, parameters["Signature"], token)


def _parameters(
    authorization: str, timestamp: str, algorithms: Container[str] = (ALGORITHM,)
) -> dict[str, str]:
    """The parameters of an Authorization header. All necessary ones are there, each once."""
    algorithm, _, text = authorization.partition(" ")
    if algorithm not in algorithms:
        # A single word is not a scheme. It may be a secret in the wrong place, so it is not quoted.
        shown = f": '{algorithm}'" if text else ""
        raise IncompleteSignature(
            f"Unsupported AWS 'algorithm'{shown}", recorded="Unsupported AWS 'algorithm'"
        )
    parameters: dict[str, str] = {}
    for part in text.split(",") if text.strip(" ") else ():
        name, equals, value = part.strip(" ").partition("=")
        if not equals:
            raise IncompleteSignature(
                f"'{name}' not a valid key=value pair (missing equal-sign) in Authorization"
                f" header: '{authorization}'.",
                recorded="Not a valid key=value pair (missing equal-sign) in Authorization header",
            )
        if name in parameters:
            raise IncompleteSignature(
                f"Authorization header has '{name}' more than once.",
                recorded="Authorization header has a parameter more than once",
            )
        parameters[name] = value
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in _PARAMETERS
        if not parameters.get(name)
    ]
    if not timestamp:
        missing.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if missing:
        text = " ".join(missing)
        raise IncompleteSignature(f"{text} Authorization={authorization}", recorded=text)
    return parameters


def _from_query(headers: Mapping[str, str], fields: Mapping[str, str]) -> Signature:
    for name in _REQUIRED_IN_QUERY:
        if not fields.get(name):
            raise IncompleteSignature(
                f"AWS query-string parameters must include '{name}'."
                " Re-examine the query-string parameters."
            )
    if fields["X-Amz-Algorithm"] != ALGORITHM:
        raise IncompleteSignature(
            f"Unsupported AWS 'algorithm': '{fields['X-Amz-Algorithm']}'",
            recorded="Unsupported AWS 'algorithm'",
        )
    for name in ("x-amz-date", "x-amz-security-token"):
        if name in headers:
            raise IncompleteSignature(
                f"The header '{name}' must not accompany the X-Amz-* query-string parameters."
            )
    return _signature(
        headers,
        _claim(fields["X-Amz-Credential"], fields["X-Amz-SignedHeaders"]),
        fields["X-Amz-Date"],
        fields["X-Amz-Signature"],
        fields.get("X-Amz-Security-Token"),
        expires=_expires(fields["X-Amz-Expires"]),
    )


def _expires(text: str) -> int:
    if not _SECONDS.match(text):
        raise IncompleteSignature("X-Amz-Expires should be a number of seconds.")
    if not 1 <= int(text) <= MAX_EXPIRES:
        raise IncompleteSignature(
            f"X-Amz-Expires must be at least 1 and at most {MAX_EXPIRES} seconds."
        )
    return int(text)


def _claim(credential: str, signed_headers: str) -> Scope:
    parts = credential.split("/")
    if len(parts) != 5:
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, e.g."
            f" keyid/date/region/service/term, got '{credential}'",
            recorded="Credential must have exactly 5 slash-delimited elements",
        )
    access_key_id, date, region, service, terminator = parts
    if terminator != TERMINATOR:
        raise SignatureDoesNotMatch(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}'"
        )
    names = signed_headers.split(";", MAX_HEADERS - 1)
    if not all(map(_HEADER_NAME.match, names)) or names != sorted(set(names)):
        raise IncompleteSignature(
            "SignedHeaders must be lower-case, sorted and without duplicates, got"
            f" '{signed_headers}'",
            recorded="SignedHeaders must be lower-case, sorted and without duplicates",
        )
    if "host" not in names:
        raise SignatureDoesNotMatch(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    scope = f"{date}/{region}/{service}/{TERMINATOR}"
    return Scope(access_key_id, scope, date, region, service, tuple(names))


def _signature(
    headers: Mapping[str, str],
    claim: Scope,
    timestamp: str,
    signature: str,
    security_token: str | None,
    *,
    expires: int = 0,
    known: bool = False,
    form: re.Pattern[str] = _SIGNATURE,
) -> Signature:
    """The signature of this request. It must fit its claim, and cover every x-amz-* header."""
    time = parse_timestamp(timestamp)
    if timestamp[:8] != claim.date:
        raise SignatureDoesNotMatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from"
            f" HTTP: '{claim.date}' != '{timestamp[:8]}', from '{timestamp}'.",
            recorded="Date in Credential scope does not match the date from HTTP",
        )
    # The names that this client sent before were found right. Of others, counting is enough if all
    # signed headers were received. `canonical_request` checks that.
    if (
        tuple(headers) != claim.received
        and "\n".join(("", *headers)).count("\nx-amz-") != claim.amz_headers
    ):
        _require_signed(headers, claim)
    # The signature of a known client may be any ASCII text: a wrong text does not match later.
    if not (signature.isascii() if known else form.match(signature)):
        raise mismatch()
    return Signature(claim, timestamp, time, signature, security_token, expires > 0, expires)


def _require_signed(headers: Mapping[str, str], claim: Scope) -> None:
    """Is every x-amz-* header of this request signed?"""
    names = claim.signed_headers
    unsigned = [name for name in headers if name.startswith("x-amz-") and name not in names]
    if unsigned:
        raise SignatureDoesNotMatch(
            "There were headers present in the request which were not signed: "
            + ", ".join(sorted(unsigned))
        )
