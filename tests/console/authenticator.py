"""A software authenticator of the tests' own: it makes passkeys and signs, rightly or wrongly.

It knows nothing of the library that verifies: its CBOR is its own.
"""

import base64
import json
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

UP, UV, BE, BS, AT = 1, 4, 8, 16, 64
ES256, EDDSA, RS256 = -7, -8, -257
Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def raw(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    for bits, size in ((24, "B"), (25, "H"), (26, "I")):
        if number < 1 << 8 * struct.calcsize(size):
            return bytes([kind << 5 | bits]) + struct.pack(f">{size}", number)
    raise ValueError(number)


def cbor(value: Any) -> bytes:
    """CBOR of integers, bytes, texts, lists and dicts."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(cbor(each) for each in value)
    return _head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


@dataclass
class Authenticator:
    """One passkey. Each attribute may be set to something wrong."""

    origin: str = "http://localhost:8421"
    rp_id: str = "localhost"
    algorithm: int = ES256
    flags: int = UP | UV
    counter: int = 1
    credential_id: bytes = field(default_factory=lambda: urandom(32))
    client: dict[str, Any] = field(default_factory=dict)
    format: str = "none"
    statement: dict[str, Any] = field(default_factory=dict)
    key: Private | None = None
    cose: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.key is None:
            self.key = _new_key(self.algorithm)

    def client_data(self, kind: str, challenge: str) -> bytes:
        said = {
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False,
        }  # fmt: skip
        return json.dumps({**said, **self.client}).encode()

    def data(self, *, attested: bool = False) -> bytes:
        flags = self.flags | (AT if attested else 0)
        head = sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)
        if not attested:
            return head
        length = struct.pack(">H", len(self.credential_id))
        return head + bytes(16) + length + self.credential_id + cbor(self.public())

    def public(self) -> dict[int, Any]:
        public = self.key.public_key()  # type: ignore[union-attr]  # set above
        known: dict[int, Any]
        if isinstance(public, ec.EllipticCurvePublicKey):
            point = public.public_numbers()
            known = {
                1: 2, 3: self.algorithm, -1: 1,
                -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big"),
            }  # fmt: skip
        elif isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            size = (numbers.n.bit_length() + 7) // 8
            known = {
                1: 3, 3: self.algorithm, -1: numbers.n.to_bytes(size, "big"),
                -2: numbers.e.to_bytes(3, "big"),
            }  # fmt: skip
        else:
            known = {1: 1, 3: self.algorithm, -1: 6, -2: public.public_bytes_raw()}
        return {**known, **self.cose}

    def create(self, options: dict[str, Any]) -> dict[str, str]:
        """The fields of a form that registers this passkey."""
        made = {"fmt": self.format, "attStmt": self.statement, "authData": self.data(attested=True)}
        client = self.client_data("webauthn.create", options["challenge"])
        return {"client": text(client), "attestation": text(cbor(made)), "transports": "usb,nfc"}

    def get(self, options: dict[str, Any]) -> dict[str, str]:
        """The fields of a form that uses this passkey."""
        self.counter += 1 if self.counter else 0
        client, data = self.client_data("webauthn.get", options["challenge"]), self.data()
        return {
            "id": text(self.credential_id), "client": text(client), "data": text(data),
            "signature": text(self.sign(data + sha256(client).digest())),
        }  # fmt: skip

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        assert isinstance(self.key, ed25519.Ed25519PrivateKey)
        return self.key.sign(message)


def _new_key(algorithm: int) -> Private:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())
