"""Does a client hold the key that it says?  A proof of possession (DPoP, RFC 9449 4.3).

    header    typ "dpop+jwt", alg ES256, jwk: a public key on P-256
    payload   htm POST, htu the URL of the request, iat, jti

A proof is read in two steps. What costs nothing comes first, and the signature is verified only of
a proof whose key and code, or token, belong together. The library verifies it (decision 0046).
"""

import base64
import binascii
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc import errors, jwk, jws

from keystead import strictjson

AGE = 300  # seconds, before and after now

_LONGEST = 4096  # characters
_MOST_VALUES = 64
_COORDINATE = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
_ID = re.compile(r"\A[\x21-\x7e]{8,128}\Z")
_PRIVATE = frozenset({"d", "k", "p", "q"})


class BadProof(Exception):
    """The proof proves nothing. The reason is for the record."""


class Proof(msgspec.Struct, frozen=True):
    """A proof whose signature is still to be verified."""

    text: str
    key: Any  # as the library has it
    thumbprint: str  # RFC 7638
    proof_id: str
    issued: int

    @property
    def forgotten(self) -> int:
        """From this second on it is too old, and need not be remembered."""
        return self.issued + AGE + 1


def read(text: str, urls: Collection[str], now: int) -> Proof:
    """The proof in a header, for a POST to one of these URLs; raises BadProof.

    (1) there, once; (2) three parts; (3) a type and an algorithm; (4) a public key; (5) for this
    method and this URL; (6) of now; (7) with an id.
    """
    if not text or len(text) > _LONGEST or not text.isascii():  # (1)
        raise BadProof("step 1: there is not one proof")
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):  # (2)
        raise BadProof("step 2: it has not three parts")
    header, payload = _object(parts[0]), _object(parts[1])
    _decoded(parts[2])
    if header.get("typ") != "dpop+jwt" or header.get("alg") != "ES256":  # (3)
        raise BadProof("step 3: it is not a dpop+jwt with ES256")
    if "crit" in header or "b64" in header:
        raise BadProof("step 3: it has extensions that must be understood")
    key, thumbprint = _key(header.get("jwk"))  # (4)
    if payload.get("htm") != "POST":  # (5)
        raise BadProof("step 5: it is for another method")
    url = payload.get("htu")
    if not isinstance(url, str) or normal(url) not in urls:
        raise BadProof("step 5: it is for another URL")
    issued = payload.get("iat")
    if type(issued) is not int or abs(issued - now) > AGE:  # (6)
        raise BadProof("step 6: it is not of now")
    proof_id = payload.get("jti")
    if not isinstance(proof_id, str) or not _ID.match(proof_id):  # (7)
        raise BadProof("step 7: it has no usable id")
    return Proof(text, key, thumbprint, proof_id, issued)


def is_signed(proof: Proof) -> bool:
    """Did the key sign the proof?"""
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    try:
        jws.deserialize_compact(proof.text, proof.key, registry=registry)
    except (errors.JoseError, ValueError, TypeError):
        return False
    return True


def normal(url: str) -> str:
    """A URL in its one spelling, without query and fragment (RFC 9449 4.3); "" for none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    named = "" if port in (None, usual) else f":{port}"
    return f"{parts.scheme}://{host}{named}{parts.path}"


def _key(written: object) -> tuple[Any, str]:
    if not isinstance(written, dict) or _PRIVATE & written.keys():
        raise BadProof("step 4: it has no public key")
    key = {name: written.get(name) for name in ("kty", "crv", "x", "y")}
    if key["kty"] != "EC" or key["crv"] != "P-256":
        raise BadProof("step 4: the key is not on P-256")
    if not all(isinstance(key[name], str) and _COORDINATE.match(str(key[name])) for name in "xy"):
        raise BadProof("step 4: the key is no point")
    named = {name: str(value) for name, value in key.items()}
    try:
        imported = jwk.ECKey.import_key(dict(named))
        _ = imported.public_key  # a point that is not on the curve is refused here
        return imported, imported.thumbprint()
    except (errors.JoseError, ValueError, TypeError):
        raise BadProof("step 4: the key is no point") from None


def _object(part: str) -> dict[str, Any]:
    text = _decoded(part)
    if sum(map(text.count, (b":", b",", b"["))) > _MOST_VALUES:
        raise BadProof("step 2: a part has too many values")
    try:
        value = strictjson.loads(text, max_depth=4)
    except strictjson.NotStrictJson:
        raise BadProof("step 2: a part is not JSON with one reading") from None
    if not isinstance(value, dict):
        raise BadProof("step 2: a part is no object")
    return value


def _decoded(part: str) -> bytes:
    """The bytes of a part in base64url, in their only spelling (PA-3)."""
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadProof("step 2: a part is not in base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part.encode():
        raise BadProof("step 2: a part is not in base64url")
    return data
