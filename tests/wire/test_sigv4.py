"""SigV4: what clients sign is what we compute; the rest is refused, in AWS's words."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from keystead.errors import AwsError
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.sigv4 import signature as sigv4
from keystead.wire.sigv4.errors import (
    IncompleteSignature,
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
)
from keystead.wire.sigv4.parsing import is_signed, parse, prefix

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIDEXAMPLE"
HOST = "127.0.0.1:8420"
BODY = b'{"KeyId":"k"}'
NOW = datetime(2024, 1, 31, 12, 0, 0, tzinfo=UTC)


def request(
    headers: dict[str, str],
    method: str = "POST",
    path: str = "/",
    query: str = "",
    body: bytes = BODY,
) -> HttpRequest:
    lower = {name.lower(): value for name, value in headers.items()}
    return HttpRequest(
        method, path, query, {"host": HOST, **lower}, body, "127.0.0.1", False, Endpoint()
    )


def signed_by_botocore(
    *,
    url: str = f"http://{HOST}/",
    method: str = "POST",
    body: bytes = BODY,
    headers: dict[str, str] | None = None,
    token: str | None = None,
) -> HttpRequest:
    """A request signed in its header."""
    sent = AWSRequest(method, url, headers=headers or {}, data=body)
    SigV4Auth(Credentials(KEY_ID, SECRET, token), "kms", "eu-central-1").add_auth(sent)
    parts = urlsplit(url)
    return request(dict(sent.headers), method, parts.path or "/", parts.query, body)


def presigned_by_botocore(expires: int = 60, token: str | None = None) -> HttpRequest:
    """GetCallerIdentity, signed in its query string."""
    url = f"https://{HOST}/?Action=GetCallerIdentity&Version=2011-06-15"
    sent = AWSRequest("GET", url, headers={"x-k8s-aws-id": "cluster"})
    auth = SigV4QueryAuth(Credentials(KEY_ID, SECRET, token), "sts", "eu-central-1", expires)
    auth.add_auth(sent)
    query = urlsplit(sent.url).query
    return request({"x-k8s-aws-id": "cluster"}, "GET", "/", query, b"")


def holds(received: HttpRequest, secret: str = SECRET) -> bool:
    """Does the signature of a request hold for a secret?"""
    signature = parse(received)
    key = sigv4.signing_key(secret, signature.date, signature.region, signature.service)
    return sigv4.matches(key, sigv4.string_to_sign(received, signature), signature)


def changed(received: HttpRequest, **changes: Any) -> HttpRequest:
    """The same request with another field."""
    fields = {name: getattr(received, name) for name in received.__struct_fields__}
    return HttpRequest(**{**fields, **changes})


def test_published_vector() -> None:
    """AWS's published example: key, string to sign and signature."""
    headers = {
        "host": "iam.amazonaws.com",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-amz-date": "20150830T123600Z",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,"
            " SignedHeaders=content-type;host;x-amz-date, Signature="
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        ),
    }
    received = request(headers, "GET", "/", "Action=ListUsers&Version=2010-05-08", b"")
    key = sigv4.signing_key(SECRET, "20150830", "us-east-1", "iam")

    text = sigv4.string_to_sign(received, parse(received))

    published = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    assert key.sign(text) == sigv4.SigningKey(bytes.fromhex(published)).sign(text)
    assert key.sign(text) != sigv4.SigningKey(bytes(32)).sign(text)
    assert text.endswith(b"\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59")
    assert holds(received)


@pytest.mark.parametrize(
    "received",
    [
        signed_by_botocore(),
        signed_by_botocore(token="the+token/with=signs"),
        signed_by_botocore(headers={"X-Amz-Target": "TrentService.Encrypt"}),
        signed_by_botocore(headers={"X-Amz-Meta": "  two   blanks\tand a tab "}),
        signed_by_botocore(headers={"X-Amz-Meta": "größe"}),
        signed_by_botocore(body=b""),
        signed_by_botocore(method="GET", body=b"", url=f"http://{HOST}/?b=2&a=1&a%20b=%2F&c="),
        signed_by_botocore(url=f"http://{HOST}/two%20words/x"),
        presigned_by_botocore(),
        presigned_by_botocore(token="the+token/with=signs"),
    ],
)
def test_botocore_signs_what_we_compute(received: HttpRequest) -> None:
    """A request that botocore signed holds, with its own secret only."""
    assert is_signed(received)
    assert holds(received)
    assert not holds(received, "another secret")


def test_a_signature_is_a_value() -> None:
    """What a header says arrives in the value; token and signature stay out of its repr."""
    signature = parse(signed_by_botocore(token="the-token"))

    assert (signature.access_key_id, signature.region) == (KEY_ID, "eu-central-1")
    assert (signature.service, signature.security_token) == ("kms", "the-token")
    assert signature.signed_headers == ("host", "x-amz-date", "x-amz-security-token")
    assert not signature.presigned
    assert "the-token" not in repr(signature)
    assert signature.signature not in repr(signature)


def test_a_presigned_signature_is_a_value() -> None:
    """What a query string says arrives in the value."""
    signature = parse(presigned_by_botocore(expires=60, token="the-token"))

    assert (signature.presigned, signature.expires) == (True, 60)
    assert signature.security_token == "the-token"
    assert signature.signed_headers == ("host", "x-k8s-aws-id")


def mutations() -> Iterator[HttpRequest]:
    """The same request with one signed thing changed."""
    received = signed_by_botocore(headers={"X-Amz-Target": "TrentService.Encrypt"})
    headers = received.headers
    yield changed(received, body=BODY + b" ")
    yield changed(received, method="PUT")
    yield changed(received, path="/x")
    yield changed(received, query="a=1")
    yield changed(received, headers={**headers, "host": "example.com"})
    yield changed(received, headers={**headers, "x-amz-target": "TrentService.Decrypt"})
    authorization = headers["authorization"]
    for old, new in (("eu-central-1", "eu-west-1"), ("/kms/", "/sts/")):
        other = authorization.replace(old, new)
        yield changed(received, headers={**headers, "authorization": other})
    query = presigned_by_botocore().query
    for old, new in (("2011-06-15", "2011-06-16"), ("Expires=60", "Expires=61")):
        yield changed(presigned_by_botocore(), query=query.replace(old, new))


@pytest.mark.parametrize("received", list(mutations()))
def test_nothing_signed_can_be_changed(received: HttpRequest) -> None:
    """A change to anything that was signed breaks the signature."""
    assert not holds(received)


def test_a_signed_plus_cannot_become_a_space() -> None:
    """The canonical query means what the parameters mean."""
    assert sigv4.canonical_query("a=1%2B1") != sigv4.canonical_query("a=1+1")
    assert sigv4.canonical_query("a=1+1") == sigv4.canonical_query("a=1%201")


def authorization(
    credential: str = "AKIDEXAMPLE/20240131/eu-central-1/kms/aws4_request",
    signed_headers: str = "host;x-amz-date",
    signature: str = "0" * 64,
) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers},"
        f" Signature={signature}"
    )


def with_header(text: str, **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request({"authorization": text, "x-amz-date": "20240131T120000Z", **named})


@pytest.mark.parametrize(
    "text",
    [
        authorization(),
        authorization().replace(", ", ","),
        authorization().replace(", ", " ,  "),
        (
            f"AWS4-HMAC-SHA256 Signature={'0' * 64}, SignedHeaders=host;x-amz-date,"
            " Credential=AKIDEXAMPLE/20240131/eu-central-1/kms/aws4_request"
        ),
    ],
)
def test_forms_of_the_header(text: str) -> None:
    """Blanks between the parameters and their order do not matter."""
    assert parse(with_header(text)).scope == "20240131/eu-central-1/kms/aws4_request"


CREDENTIAL = "Credential=AKIDEXAMPLE/20240131/eu-central-1/kms/aws4_request"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("AWS4-ECDSA-P256-SHA256 x=y", IncompleteSignature, "algorithm': 'AWS4-ECDSA-P256-SHA256'"),
        ("Bearer secret", IncompleteSignature, "Unsupported AWS 'algorithm': 'Bearer'"),
        ("", IncompleteSignature, "Unsupported AWS 'algorithm'"),
        (
            "AWS4-HMAC-SHA256 Credential",
            IncompleteSignature,
            (
                "'Credential' not a valid key=value pair (missing equal-sign) in Authorization"
                " header: 'AWS4-HMAC-SHA256 Credential'."
            ),
        ),
        (
            "AWS4-HMAC-SHA256 ",
            IncompleteSignature,
            (
                "Authorization header requires 'Credential' parameter. Authorization header"
                " requires 'Signature' parameter. Authorization header requires 'SignedHeaders'"
                " parameter. Authorization=AWS4-HMAC-SHA256 "
            ),
        ),
        (
            f"AWS4-HMAC-SHA256 {CREDENTIAL}, Signature=a",
            IncompleteSignature,
            (
                "Authorization header requires 'SignedHeaders' parameter."
                f" Authorization=AWS4-HMAC-SHA256 {CREDENTIAL}, Signature=a"
            ),
        ),
        (f"{authorization()}, {CREDENTIAL}", IncompleteSignature, "more than once"),
        (f"{authorization()},", IncompleteSignature, "'' not a valid key=value pair"),
        (
            authorization(credential="AKID/20240131/eu-central-1/kms"),
            IncompleteSignature,
            (
                "Credential must have exactly 5 slash-delimited elements, e.g."
                " keyid/date/region/service/term, got 'AKID/20240131/eu-central-1/kms'"
            ),
        ),
        (
            authorization(credential="AKID/20240131/eu-central-1/kms/aws5_request"),
            SignatureDoesNotMatch,
            "Credential should be scoped with a valid terminator: 'aws4_request'",
        ),
        (
            authorization(credential="AKID/20240130/eu-central-1/kms/aws4_request"),
            SignatureDoesNotMatch,
            (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date"
                " from HTTP: '20240130' != '20240131', from '20240131T120000Z'."
            ),
        ),
        (authorization(signed_headers="x-amz-date"), SignatureDoesNotMatch, "'Host' or"),
        (authorization(signed_headers="host"), SignatureDoesNotMatch, "not signed: x-amz-date"),
        (authorization(signed_headers="x-amz-date;host"), IncompleteSignature, "sorted"),
        (authorization(signed_headers="Host;x-amz-date"), IncompleteSignature, "lower-case"),
        (authorization(signed_headers="host;host;x-amz-date"), IncompleteSignature, "duplicates"),
        (authorization(signed_headers="host;;x-amz-date"), IncompleteSignature, "sorted"),
        (
            authorization(signed_headers=";".join([f"a{n:03}" for n in range(99)] + ["host", "x"])),
            IncompleteSignature,
            "SignedHeaders",
        ),
        (authorization(signature="0" * 63), SignatureDoesNotMatch, "does not match the signature"),
        (authorization(signature="A" * 64), SignatureDoesNotMatch, "does not match the signature"),
    ],
)
def test_malformed_headers(text: str, error: type[AwsError], message: str) -> None:
    """Each way in which a header is malformed has AWS's text (iam.md 3.8)."""
    with pytest.raises(error) as refused:
        parse(with_header(text))

    assert message in str(refused.value.message)


def test_a_lone_word_is_not_quoted() -> None:
    """A secret that someone puts in the wrong place is not repeated."""
    with pytest.raises(IncompleteSignature) as refused:
        parse(with_header("my-secret-key"))

    assert "my-secret-key" not in str(refused.value.message)


def test_no_signature() -> None:
    """A request without any credentials says so, in each protocol's words."""
    received = request({})

    with pytest.raises(MissingAuthenticationToken) as refused:
        parse(received)

    assert not is_signed(received)
    assert refused.value.message == "Missing Authentication Token"
    assert refused.value.query_message == "Request is missing Authentication Token"


def test_every_amazon_header_must_be_signed() -> None:
    """A header that a forwarder could add may not carry meaning (threat-model AU-3)."""
    received = signed_by_botocore()
    added = changed(received, headers={**received.headers, "x-amz-security-token": "t"})
    traced = changed(received, headers={**received.headers, "x-amzn-trace-id": "t"})

    with pytest.raises(SignatureDoesNotMatch):
        parse(added)
    assert holds(traced)


def test_a_listed_header_must_be_there() -> None:
    """A header that is listed as signed but absent is refused, not taken as empty."""
    received = signed_by_botocore(headers={"X-Custom": "1"})
    without = {name: value for name, value in received.headers.items() if name != "x-custom"}

    with pytest.raises(SignatureDoesNotMatch, match="x-custom"):
        holds(changed(received, headers=without))


@pytest.mark.parametrize("date", ["", "20240131", "2024-01-31T12:00:00Z", "20240231T120000Z"])
def test_dates_in_another_form(date: str) -> None:
    """The time must be there, in ISO 8601's basic format."""
    with pytest.raises(IncompleteSignature, match="Date"):
        parse(with_header(authorization(), x_amz_date=date))


def test_the_date_header_will_do() -> None:
    """Where there is no X-Amz-Date, Date in the same format counts."""
    headers = {"authorization": authorization(signed_headers="date;host")}

    signature = parse(request({**headers, "date": "20240131T120000Z"}))

    assert signature.time == NOW


@pytest.mark.parametrize(
    "payload", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64, ""]
)
def test_only_our_own_hash_counts(payload: str) -> None:
    """What a client says about the body must be what we compute (threat-model AU-4)."""
    received = signed_by_botocore(headers={"X-Amz-Content-SHA256": payload})

    with pytest.raises(SignatureDoesNotMatch, match="x-amz-content-sha256"):
        holds(received)


@pytest.mark.parametrize("path", ["//", "/a//b", "/./", "/a/../b", "/a/.", "/.."])
def test_paths_that_need_normalising(path: str) -> None:
    """A path that client and server could normalise differently is refused (AU-7)."""
    received = signed_by_botocore(url=f"http://{HOST}{path}")

    with pytest.raises(SignatureDoesNotMatch, match="path"):
        holds(changed(received, path=path))


def test_one_source_of_credentials() -> None:
    """A header and a query string together are refused, and so is half a query string."""
    presigned = presigned_by_botocore()
    header = signed_by_botocore().headers["authorization"]

    with pytest.raises(IncompleteSignature, match="Only one"):
        parse(changed(presigned, headers={**presigned.headers, "authorization": header}))
    with pytest.raises(IncompleteSignature, match="Only one"):
        parse(changed(signed_by_botocore(), query="X-Amz-Security-Token=t"))


@pytest.mark.parametrize(
    "name",
    [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ],
)
def test_a_presigned_request_has_everything_once(name: str) -> None:
    """A missing, misspelled or repeated parameter is refused."""
    presigned = presigned_by_botocore()
    parts = presigned.query.split("&")
    (own,) = [part for part in parts if part.startswith(f"{name}=")]
    without = "&".join(part for part in parts if part != own)

    with pytest.raises(IncompleteSignature, match=f"must include '{name}'"):
        parse(changed(presigned, query=without))
    with pytest.raises(IncompleteSignature, match="misspelled"):
        parse(changed(presigned, query=presigned.query.replace(name, name.lower())))
    with pytest.raises(IncompleteSignature, match="twice"):
        parse(changed(presigned, query=f"{presigned.query}&{own}"))
    with pytest.raises(IncompleteSignature, match="twice"):
        parse(changed(presigned, query=f"{presigned.query}&{own.lower()}"))


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "99999999", "1.5", "x"])
def test_expiry_is_a_week_at_most(expires: str) -> None:
    """Expires is an integer from 1 to 604,800."""
    presigned = presigned_by_botocore(expires=60)
    query = presigned.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")

    with pytest.raises(IncompleteSignature, match="X-Amz-Expires"):
        parse(changed(presigned, query=query))


def test_a_presigned_request_has_its_date_in_the_query() -> None:
    """Date and token in a header beside a presigned query are refused."""
    presigned = presigned_by_botocore()
    for name in ("x-amz-date", "x-amz-security-token"):
        with pytest.raises(IncompleteSignature, match=name):
            parse(changed(presigned, headers={**presigned.headers, name: "x"}))


def signature_at(time: datetime, expires: int = 0) -> sigv4.Signature:
    stamp = time.strftime("%Y%m%dT%H%M%SZ")
    claim = sigv4.Scope(KEY_ID, "", stamp[:8], "eu-central-1", "kms", ("host",))
    return sigv4.Signature(claim, stamp, time, "0" * 64, None, expires > 0, expires)


@pytest.mark.parametrize(
    ("age", "skew", "expires", "message"),
    [
        (300, 300, 0, None),
        (-300, 300, 0, None),
        (
            301,
            300,
            0,
            (
                "Signature expired: 20240131T115459Z is now earlier than 20240131T115500Z"
                " (20240131T120000Z - 5 min.)"
            ),
        ),
        (
            -301,
            300,
            0,
            (
                "Signature not yet current: 20240131T120501Z is still later than"
                " 20240131T120500Z (20240131T120000Z + 5 min.)"
            ),
        ),
        (900, 900, 0, None),
        (
            901,
            900,
            0,
            (
                "Signature expired: 20240131T114459Z is now earlier than 20240131T114500Z"
                " (20240131T120000Z - 15 min.)"
            ),
        ),
        (59, 900, 60, None),
        (61, 900, 60, "Signature expired"),
        (900, 900, 604_800, None),
        (901, 900, 604_800, "Signature expired"),
        (-300, 900, 60, None),
        (-301, 900, 60, "Signature not yet current"),
    ],
)
def test_the_clock(age: int, skew: int, expires: int, message: str | None) -> None:
    """A signature holds inside of its window, and not a second longer (iam.md 3.7, AU-6)."""
    signature = signature_at(NOW - timedelta(seconds=age), expires)
    if message is None:
        sigv4.require_fresh(signature, NOW, skew)
        return
    with pytest.raises(SignatureDoesNotMatch) as refused:
        sigv4.require_fresh(signature, NOW, skew)
    assert str(refused.value.message).startswith(message)


def test_the_scope() -> None:
    """A signature is for one service and one of our Regions (iam.md 3.5)."""
    signature = signature_at(NOW)

    sigv4.require_scope(signature, "kms", {"eu-central-1", "us-east-1"})
    with pytest.raises(SignatureDoesNotMatch) as refused:
        sigv4.require_scope(signature, "sts", {"us-east-1"})

    assert refused.value.message == (
        "Credential should be scoped to a valid Region, not 'eu-central-1'."
        " Credential should be scoped to correct service: 'sts'."
    )


def test_a_known_claim_changes_nothing_but_the_time_it_takes() -> None:
    """A claim that is kept under its prefix gives the same value, and guards as before."""
    received = signed_by_botocore()
    name = prefix(received)
    assert name is not None
    known = {name: parse(received).claim}
    added = changed(received, headers={**received.headers, "x-amz-target": "t"})
    longer = received.headers["authorization"] + "0"

    first, again = parse(received), parse(received, known)
    assert again.claim is known[name]
    assert (again.timestamp, again.signature) == (first.timestamp, first.signature)
    assert sigv4.string_to_sign(received, again) == sigv4.string_to_sign(received, first)
    with pytest.raises(SignatureDoesNotMatch):
        parse(added, known)
    with pytest.raises(SignatureDoesNotMatch):
        parse(changed(received, headers={**received.headers, "authorization": longer}), known)


def test_only_a_trailing_signature_has_a_prefix() -> None:
    """Where the signature does not stand last, there is no prefix to keep anything under."""
    text = f"AWS4-HMAC-SHA256 Signature={'0' * 64}, SignedHeaders=host;x-amz-date, {CREDENTIAL}"

    assert prefix(with_header(text)) is None
    assert prefix(request({})) is None


header_parts = st.lists(
    st.sampled_from(
        [
            "AWS4-HMAC-SHA256",
            " ",
            ",",
            ", ",
            "=",
            "/",
            CREDENTIAL,
            "SignedHeaders=host",
            "Signature=",
        ]
    )
    | st.text(max_size=8),
    max_size=12,
).map("".join)


@given(header_parts, st.text(max_size=20))
def test_any_header_is_parsed_or_refused(text: str, date: str) -> None:
    """Whatever a header says, it is parsed or refused with AWS's error."""
    with suppress(AwsError):
        parse(with_header(text, x_amz_date=date))


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60), st.integers(0, 400)
)
def test_any_query_is_parsed_or_refused(noise: str, place: int) -> None:
    """Whatever a query string says, it is parsed or refused with AWS's error."""
    presigned = presigned_by_botocore()
    for query in (noise, presigned.query[:place] + noise + presigned.query[place:]):
        with suppress(AwsError):
            holds(changed(presigned, query=query))
