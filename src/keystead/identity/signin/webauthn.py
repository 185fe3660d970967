"""Is this what an authenticator made for us, just now?  (WebAuthn Level 3, 7.1, 7.2; CO-11)

The library reads what a browser sends: a client's JSON, CBOR, and signatures. It checks the type,
the challenge, the RP id, that somebody was present, and the signature. Here it is told which origin
is right: without that it takes every subdomain. Beside it we refuse

(1) what is longer than an authenticator makes, before anything is read,
(2) what was asked for in a frame of another site,
(3) algorithms that we did not offer, and keys that cost more than others,
(4) a copy of a passkey without the mark of those that can be copied.

No attestation is asked for, and none is believed. The caller compares the signature counter.

Everything here is a function of values, and gives a value: it is work of the slow lane.
"""

import base64
import ipaddress
import re
import struct
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2 import cbor
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.webauthn import AttestedCredentialData, AuthenticatorData, CollectedClientData

ALGORITHMS = (ES256.ALGORITHM, EdDSA.ALGORITHM, RS256.ALGORITHM)
CHALLENGE_BYTES = 32
MOST_CLIENT_DATA, MOST_AUTHENTICATOR_DATA, MOST_SIGNATURE = 1_024, 2_048, 512  # bytes
CREDENTIAL_ID_BYTES = range(16, 1_024)

_MOST_KEY = 700  # bytes, which an RSA key of 4,096 bits keeps to
_RSA_BITS, _RSA_EXPONENT = range(2_048, 4_097), 65_537
_ENCODED = re.compile(r"\A[A-Za-z0-9_-]*\Z")
_NO_AAGUID = bytes(16)
_UNREADABLE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError,
    RecursionError, struct.error, UnsupportedAlgorithm,
)  # fmt: skip
"""What the library raises for bytes that it cannot read."""


class Site(msgspec.Struct, frozen=True):
    """The pages for which passkeys are made."""

    origin: str
    rp_id: str


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser gives for a new passkey; all of it is base64url."""

    client_data: str
    attestation: str


class Asserted(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser gives for the use of a passkey; all of it is base64url."""

    credential_id: str
    client_data: str
    authenticator_data: str
    signature: str


class NewCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey that was registered."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


class Refused(msgspec.Struct, frozen=True):
    """It is not that, and why."""

    why: str


class _NotAccepted(Exception):
    """It is not what an authenticator makes for us."""


def site_of(url: str) -> Site | None:
    """The site at this URL; None if browsers make no passkeys for it: its host is an address."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Site(url.rstrip("/"), host) if host else None
    return None


def registered(site: Site, challenge: bytes, given: Attested) -> NewCredential | Refused:
    """The new passkey for this challenge."""
    try:
        return _registered(site, challenge, given)
    except _NotAccepted as error:
        return Refused(str(error))
    except _UNREADABLE as error:
        return Refused(_reason(error))


def asserted(
    site: Site, challenge: bytes, credentials: Sequence[tuple[bytes, bytes]], given: Asserted
) -> int | Refused:
    """The signature counter of this use of one of these passkeys: their ids and public keys."""
    try:
        return _asserted(site, challenge, credentials, given)
    except _NotAccepted as error:
        return Refused(str(error))
    except _UNREADABLE as error:
        return Refused(_reason(error))


def decoded(text: str, most: int) -> bytes:
    """Bytes that a browser encoded, at most so many; raises ValueError."""
    if len(text) > most * 4 // 3 + 4:
        raise ValueError("it is too long")
    if _ENCODED.match(text) is None:
        raise ValueError("it is not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(value: bytes) -> str:
    """Bytes as browsers read and write them here."""
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")


def _registered(site: Site, challenge: bytes, given: Attested) -> NewCredential:
    client_data = decoded(given.client_data, MOST_CLIENT_DATA)  # (1)
    attestation = decoded(given.attestation, MOST_AUTHENTICATOR_DATA)
    _require_own_frame(client_data)
    response = {"clientDataJSON": encoded(client_data), "attestationObject": encoded(attestation)}
    credential = {"rawId": "", "response": response, "type": "public-key"}
    data = _server(site).register_complete(_state(challenge), credential)
    made = data.credential_data
    if made is None:
        raise _NotAccepted("it has no credential")
    _require_backup_flags(data)
    if len(made.credential_id) not in CREDENTIAL_ID_BYTES:
        raise _NotAccepted("the id of the credential is too short or too long")
    return NewCredential(
        credential_id=made.credential_id,
        public_key=_usable(made.public_key),
        sign_count=data.counter,
    )


def _asserted(
    site: Site, challenge: bytes, credentials: Sequence[tuple[bytes, bytes]], given: Asserted
) -> int:
    client_data = decoded(given.client_data, MOST_CLIENT_DATA)  # (1)
    authenticator_data = decoded(given.authenticator_data, MOST_AUTHENTICATOR_DATA)
    signature = decoded(given.signature, MOST_SIGNATURE)
    _require_own_frame(client_data)
    known = [
        AttestedCredentialData.create(_NO_AAGUID, credential_id, _read(public_key))
        for credential_id, public_key in credentials
    ]
    response = {
        "clientDataJSON": encoded(client_data),
        "authenticatorData": encoded(authenticator_data),
        "signature": encoded(signature),
    }
    credential_id = encoded(decoded(given.credential_id, CREDENTIAL_ID_BYTES.stop))
    credential = {"rawId": credential_id, "response": response, "type": "public-key"}
    _server(site).authenticate_complete(_state(challenge), known, credential)
    data = AuthenticatorData(authenticator_data)
    _require_backup_flags(data)
    return data.counter


def _server(site: Site) -> Fido2Server:
    def is_ours(origin: str) -> bool:
        return origin == site.origin

    return Fido2Server({"id": site.rp_id, "name": "Keystead"}, "none", is_ours)  # type: ignore[arg-type]  # as it reads them


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": encoded(challenge), "user_verification": "preferred"}


def _require_own_frame(client_data: bytes) -> None:
    """(2)"""
    if CollectedClientData(client_data).cross_origin is not False:
        raise _NotAccepted("it was asked for in a frame of another site")


def _require_backup_flags(data: AuthenticatorData) -> None:
    """(4)"""
    if data.is_backed_up() and not data.is_backup_eligible():
        raise _NotAccepted("it is backed up, and says that it cannot be")


def _usable(key: CoseKey) -> bytes:
    """A public key as it is stored, if we can use it. (3)"""
    algorithm = key.get(3)
    if type(algorithm) is not int or algorithm not in ALGORITHMS:
        raise _NotAccepted("its algorithm is not one of those that were offered")
    stored = cbor.encode(key)
    if len(stored) > _MOST_KEY:
        raise _NotAccepted("its public key is too long")
    if algorithm == RS256.ALGORITHM:
        modulus, exponent = (int.from_bytes(key[place], "big") for place in (-1, -2))
        if modulus.bit_length() not in _RSA_BITS or exponent != _RSA_EXPONENT:
            raise _NotAccepted("its RSA key is of an unusual form")
    try:
        _read(stored).verify(b"", b"")
    except InvalidSignature:
        return stored
    raise _NotAccepted("its public key takes any signature")


def _read(stored: bytes) -> CoseKey:
    key: Any = cbor.decode(stored)
    return CoseKey.parse(key)


def _reason(error: Exception) -> str:
    """Why the library refused it: its own sentence for what it understood."""
    is_told = type(error) is ValueError and str(error).endswith(".")
    return str(error) if is_told else "It cannot be read."
