r"""Is this the right signature of a request?  The arithmetic of SigV4 (iam.md 3, threat-model AU).

    CanonicalRequest = method \n path \n query \n headers \n signed headers \n payload hash
    StringToSign     = "AWS4-HMAC-SHA256" \n time \n date/region/service/aws4_request \n
                       hex(sha256(CanonicalRequest))
    SigningKey       = HMAC chain over date, region, service, "aws4_request"
    Signature        = hex(HMAC(SigningKey, StringToSign))

These are pure functions over one request. Nothing here knows users, stored secrets or caches.
`parsing.parse` reads the signature, and refuses one that is not well-formed. `require_scope` and
`require_fresh` judge it by service, Regions and clock. The verifier then asks `matches` with a
signing key, which it may keep for the day. If it does not match, it raises `errors.mismatch()`.
"""

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from urllib.parse import quote

import msgspec
from msgspec.structs import force_setattr

from keystead.wire import forms
from keystead.wire.http import HttpRequest
from keystead.wire.sigv4.errors import IncompleteSignature, SignatureDoesNotMatch

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

# Effective lifetime of a presigned request to the services here (threat-model AU-6).
PRESIGNED_SECONDS = 900
PRESIGNED_EARLY_SECONDS = 300

_TIMESTAMP = re.compile(
    r"\A([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z\Z", re.ASCII
)
_RUN_OF_BLANKS = re.compile(r"[ \t]+")
_UNRESERVED = "-_.~"
_SHA256 = sha256()  # a copy of it is made more quickly than a new one


class Scope(msgspec.Struct, frozen=True):
    """The part of a signature that is the same in many requests of a client.

    Such requests are from one day, to one service, with the same signed headers. Three members are
    derived: `values` takes the values of the signed headers from a request's headers. `lines` is
    the end of the canonical request, without the payload's hash, with a gap for each value.
    `amz_headers` is the number of signed x-amz-* headers.
    """

    access_key_id: str
    scope: str  # "20240131/eu-central-1/kms/aws4_request"
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]  # lower-case, sorted, with "host"
    values: Callable[[Mapping[str, str]], tuple[str, ...]] = tuple
    lines: str = ""
    amz_headers: int = 0
    received: tuple[str, ...] = ()  # the names of all headers of a request that proved to be true

    def __post_init__(self) -> None:
        names = self.signed_headers
        if len(names) > 1:
            force_setattr(self, "values", itemgetter(*names))
        else:
            force_setattr(self, "values", lambda headers: (headers[names[0]],))
        literal = [name.replace("%", "%%") for name in names]
        lines = "".join(f"{name}:%s\n" for name in literal)
        force_setattr(self, "lines", f"{lines}\n{';'.join(literal)}\n")
        force_setattr(self, "amz_headers", sum(name.startswith("x-amz-") for name in names))


class Signature(msgspec.Struct, frozen=True):
    """A well-formed signature, as a request carries it. It may be true or false."""

    claim: Scope
    timestamp: str  # "20240131T120000Z", on the day of the claim
    time: datetime
    signature: str  # 64 lower-case hexadecimal digits; of a certificate's key more
    security_token: str | None
    presigned: bool = False
    expires: int = 0  # seconds, of a presigned request
    payload: str = ""  # the hash of the body, of a request whose body is not here

    def __repr__(self) -> str:
        """The key id, the time and the scope, without token and signature."""
        return f"Signature({self.access_key_id}, {self.timestamp}, {self.scope})"

    @property
    def access_key_id(self) -> str:
        return self.claim.access_key_id

    @property
    def scope(self) -> str:
        return self.claim.scope

    @property
    def date(self) -> str:
        return self.claim.date

    @property
    def region(self) -> str:
        return self.claim.region

    @property
    def service(self) -> str:
        return self.claim.service

    @property
    def signed_headers(self) -> tuple[str, ...]:
        return self.claim.signed_headers


# Judging


def require_scope(signature: Signature, service: str, regions: Collection[str]) -> None:
    """Refuse a signature for another service or Region (iam.md 3.5)."""
    claim, wrong = signature.claim, []
    if claim.region not in regions:
        wrong.append(f"Credential should be scoped to a valid Region, not '{claim.region}'.")
    if claim.service != service:
        wrong.append(f"Credential should be scoped to correct service: '{service}'.")
    if wrong:
        raise SignatureDoesNotMatch(
            " ".join(wrong), recorded="Credential should be scoped to a valid Region and service"
        )


def require_fresh(
    signature: Signature, now: datetime, skew_seconds: int, *, whatever_expires: bool = False
) -> None:
    """Refuse a signature outside of its time (iam.md 3.7, threat-model AU-6).

    A presigned request is valid for 15 minutes, or for its own shorter time. With
    `whatever_expires` it is always valid for 15 minutes.
    """
    if signature.presigned:
        early = PRESIGNED_EARLY_SECONDS
        late = PRESIGNED_SECONDS
        if not whatever_expires:
            late = min(signature.expires, late)
    else:
        late = early = skew_seconds
    age = (now - signature.time).total_seconds()
    if age > late:
        edge = f"{_basic(now - timedelta(seconds=late))} ({_basic(now)} - {_span(late)})"
        raise SignatureDoesNotMatch(
            f"Signature expired: {signature.timestamp} is now earlier than {edge}"
        )
    if -age > early:
        edge = f"{_basic(now + timedelta(seconds=early))} ({_basic(now)} + {_span(early)})"
        raise SignatureDoesNotMatch(
            f"Signature not yet current: {signature.timestamp} is still later than {edge}"
        )


def matches(key: "SigningKey", text: bytes, signature: Signature) -> bool:
    """Is this the signature that the key gives?  The comparison takes constant time (AU-8).

    `compare_digest` takes texts only if they are ASCII. `parsing` has checked that.
    """
    return hmac.compare_digest(key.sign(text), signature.signature)


# Computing


class SigningKey:
    """A key that signs one day's requests to one service in one Region.

    It is kept as the two hashes of HMAC-SHA256 that have absorbed the key (FIPS 198-1). That costs
    a fraction of starting an HMAC for every request. Its repr shows nothing of the key.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes(b ^ 0x36 for b in block))
        self._outer = sha256(bytes(b ^ 0x5C for b in block))

    def sign(self, text: bytes) -> str:
        """The signature of a string to sign."""
        inner = self._inner.copy()
        inner.update(text)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def signing_key(secret: str, date: str, region: str, service: str) -> SigningKey:
    """The key that signs one day's requests to one service in one Region."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return SigningKey(key)


def string_to_sign(request: HttpRequest, signature: Signature, algorithm: str = ALGORITHM) -> bytes:
    """The text over which the signature of this request is computed."""
    hashed = _SHA256.copy()
    hashed.update(canonical_request(request, signature).encode())
    scope, digest = signature.claim.scope, hashed.hexdigest()
    return f"{algorithm}\n{signature.timestamp}\n{scope}\n{digest}".encode()


def canonical_request(request: HttpRequest, signature: Signature) -> str:
    """The request in its canonical form, on which client and server agree (iam.md 3.3)."""
    claim = signature.claim
    try:
        values = claim.values(request.headers)
    except KeyError as missing:
        raise SignatureDoesNotMatch(
            f"The header '{missing.args[0]}' is listed as signed but was not received."
        ) from None
    lines = claim.lines % values
    if "  " in lines or "\t" in lines:
        lines = claim.lines % tuple(map(_trimmed, values))
    path = "/" if request.path == "/" else _canonical_path(request.path, claim.service)
    query = canonical_query(request.query) if request.query else ""
    return f"{request.method}\n{path}\n{query}\n{lines}{_payload_hash(request, signature.payload)}"


def canonical_query(query: str) -> str:
    """The query string, decoded like parameters, then encoded again and sorted.

    A "+" counts as a space, as it does in parameters. So nobody can turn a signed plus sign into a
    space.
    """
    fields = parse_query(query)
    fields.pop("X-Amz-Signature", None)
    encoded = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in fields.items()
    )
    return "&".join(f"{name}={value}" for name, value in encoded)


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a query string; raises IncompleteSignature for an ambiguous one."""
    try:
        return forms.parse(query)
    except forms.NotAForm as reason:
        raise IncompleteSignature(f"The query string is refused: {reason}.") from None


@lru_cache(maxsize=64)  # most requests of one second carry the same text
def parse_timestamp(timestamp: str) -> datetime:
    """The time of "20240131T120000Z"; raises IncompleteSignature."""
    match = _TIMESTAMP.match(timestamp)
    if match is not None:
        year, month, day, hour, minute, second = map(int, match.groups())
        with suppress(ValueError):  # no such day, hour or minute
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    raise IncompleteSignature(
        f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'."
        " See http://en.wikipedia.org/wiki/ISO_8601",
        recorded="Date must be in ISO-8601 'basic format'",
    )


def _basic(time: datetime) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ")


def _span(seconds: int) -> str:
    return f"{seconds // 60} min." if seconds % 60 == 0 else f"{seconds} s."


def _trimmed(value: str) -> str:
    """A header's value without outer blanks, and with single inner blanks."""
    return _RUN_OF_BLANKS.sub(" ", value.strip(" \t"))


def _canonical_path(path: str, service: str) -> str:
    """The raw path, encoded once more. A path that is not in its normal form is refused (AU-7).

    S3's signers do neither: any path is a key there. Such requests are only forwarded.
    """
    if service == "s3":
        return path
    if any(segment in ("", ".", "..") for segment in path.split("/")[1:-1]) or path.endswith(
        ("/.", "/..")
    ):
        raise SignatureDoesNotMatch("The path of a signed request must be in its normal form.")
    return quote(path, safe="/" + _UNRESERVED)


def _payload_hash(request: HttpRequest, known: str) -> str:
    """The hash of the received body. A hash that the client sends never replaces it (AU-4).

    `known` is that of a body that somebody else received, who forwards the request.
    """
    computed = known
    if not computed:
        hashed = _SHA256.copy()
        hashed.update(request.body)
        computed = hashed.hexdigest()
    stated = request.headers.get("x-amz-content-sha256")
    if stated is not None and stated.strip(" \t") != computed:
        raise SignatureDoesNotMatch(
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    return computed
