"""Credentials for one program whose host has a certificate: IAM Roles Anywhere (iam.md 8.9).

The key of the certificate signs one request, as `aws_signing_helper` signs it, to this server or to
AWS's. The arithmetic of the canonical request is the server's own (`wire.sigv4`).
"""

import base64
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from keystead.agent.server import Answer, Server, Shown, Unreachable, read_text
from keystead.arns import Arn, NotAnArn
from keystead.custody.files import SealError, read_private
from keystead.failures import Failure
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.sigv4 import TERMINATOR, Scope, Signature, string_to_sign

_SERVICE = "rolesanywhere"
_RSA, _ECDSA = "AWS4-X509-RSA-SHA256", "AWS4-X509-ECDSA-SHA256"
_OF_DENIED = "the record of this call, at the server, says which step failed"
_OF_SIGNATURE = "see the clock of this host"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate with its key, and what stands between it and the trust anchor."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: Sequence[x509.Certificate] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which session?"""

    trust_anchor: str
    profile: str
    role: str
    seconds: int | None = None
    name: str | None = None


class _Credentials(msgspec.Struct, frozen=True, rename="camel"):
    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: str


class _One(msgspec.Struct, frozen=True, rename="camel"):
    credentials: _Credentials


class _Given(msgspec.Struct, frozen=True, rename="camel"):
    credential_set: tuple[_One, ...]


class _Refusal(msgspec.Struct, frozen=True):
    message: str = ""


def of_files(certificate: Path, private_key: Path, intermediates: Path | None) -> Holder:
    """The certificate, its key and the others, from PEM files; raises Failure."""
    own = _certificates(certificate)
    key = _key(private_key)
    if _public(key.public_key()) != _public(own[0].public_key()):
        raise Failure(
            f"`{private_key}` is not the key of `{certificate}`",
            "name the two that belong together",
        )
    others = () if intermediates is None else _certificates(intermediates)
    return Holder(own[0], key, (*own[1:], *others))


def credentials(
    server: Server, holder: Holder, wanted: Wanted, region: str | None, now: datetime | None = None
) -> dict[str, object]:
    """What the command prints for the bearer of a certificate; raises Failure."""
    anchor, role = _arn(wanted.trust_anchor, "a trust anchor"), _arn(wanted.role, "a role")
    _arn(wanted.profile, "a profile")
    members = {"durationSeconds": wanted.seconds, "roleSessionName": wanted.name}
    body = json.dumps({k: v for k, v in members.items() if v is not None}).encode()
    arns = {"profileArn": wanted.profile, "roleArn": wanted.role,
            "trustAnchorArn": wanted.trust_anchor}  # fmt: skip
    query = "&".join(f"{name}={quote(arn, safe='')}" for name, arn in arns.items())
    moment = datetime.now(UTC) if now is None else now
    headers = _signed(server, holder, query, body, region or anchor.region, moment)
    try:
        answer = server.post(headers, body, f"/sessions?{query}")
    except Unreachable as error:
        raise Failure(str(error), "see that the server runs, and that the URL is its own") from None
    given = _read(answer)
    return {
        "Version": 1,
        "AccessKeyId": given.access_key_id,
        "SecretAccessKey": given.secret_access_key,
        "SessionToken": given.session_token,
        "Expiration": given.expiration,
        "AccountId": role.account,
    }


def _signed(  # noqa: PLR0917  # the parts of one request
    server: Server, holder: Holder, query: str, body: bytes, region: str, moment: datetime
) -> dict[str, str]:
    """The headers of the request, with its signature."""
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "amz-sdk-invocation-id": str(uuid.uuid4()),  # no other request is the same
        "content-type": "application/json",
        "host": server.host_header,
        "x-amz-date": stamp,
        "x-amz-x509": _text(holder.certificate),
    }
    if holder.chain:
        headers["x-amz-x509-chain"] = ",".join(map(_text, holder.chain))
    names, serial = tuple(sorted(headers)), str(holder.certificate.serial_number)
    scope = f"{stamp[:8]}/{region}/{_SERVICE}/{TERMINATOR}"
    claim = Scope(serial, scope, stamp[:8], region, _SERVICE, names)
    request = HttpRequest("POST", "/sessions", query, headers, body, "", server.secure, Endpoint())
    algorithm = _RSA if isinstance(holder.key, rsa.RSAPrivateKey) else _ECDSA
    unsigned = Signature(claim, stamp, moment, "", None)
    signature = _signature(holder.key, string_to_sign(request, unsigned, algorithm))
    headers["authorization"] = (
        f"{algorithm} Credential={serial}/{scope}, SignedHeaders={';'.join(names)},"
        f" Signature={signature.hex()}"
    )
    return headers


def _signature(key: PrivateKey, text: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(text, ec.ECDSA(hashes.SHA256()))


def _text(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _public(key: object) -> bytes:
    """A public key as bytes; b"" for one of a kind that signs no such requests."""
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificates(path: Path) -> list[x509.Certificate]:
    text = read_text(path, "the certificate")
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise Failure(f"`{path}` holds no certificate", "name a PEM file with one") from None


def _key(path: Path) -> PrivateKey:
    try:
        text = read_private(path)
    except SealError as error:
        raise Failure(f"the private key: {error}", error.hint) from None
    try:
        key = load_pem_private_key(text, None)
    except (ValueError, TypeError):
        raise Failure(
            f"`{path}` holds no private key that can be read", "name a PEM file without a password"
        ) from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise Failure(f"the key in `{path}` is neither RSA nor EC", "name another")
    return key


def _arn(text: str, what: str) -> Arn:
    try:
        return Arn.parse(text)
    except NotAnArn:
        raise Failure(f"`{text}` is not the ARN of {what}", "copy it once more") from None


def _read(answer: Answer) -> _Credentials:
    try:
        if answer.status in {200, 201}:
            return msgspec.json.decode(answer.body, type=_Given).credential_set[0].credentials
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except (msgspec.MsgspecError, IndexError):
        raise Failure(
            f"the server's answer (status {answer.status}) is none of Roles Anywhere", "see its URL"
        ) from None
    hint = _OF_DENIED if answer.status == 403 else "see the message"
    if "Signature" in refusal.message:
        hint = _OF_SIGNATURE
    raise Failure(f"there is no session: {Shown(refusal.message)}", hint, status=1)
