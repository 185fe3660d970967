"""What is a family of key specs?  How its secrets are made, how they are opened, how long it takes.

A secret has one form, in which it is sealed: the bytes of a symmetric key, and the DER of a
PrivateKeyInfo (PKCS#8, RFC 5958) for all that has a public key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from keystead.custody.backends.shape import OpenMaterial


@dataclass(frozen=True, slots=True)
class Family:
    """Specs that differ in their sizes."""

    generate: Callable[[str], bytes]
    """A new secret for this spec."""

    open: Callable[[str, str, bytes], OpenMaterial]
    """The material of this spec, with this id and secret."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    """Spec → how long it takes to make a secret, approximately."""


def pkcs8(key: PrivateKeyTypes) -> bytes:
    """The secret of a private key, as it is sealed."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki(key: PublicKeyTypes) -> bytes:
    """A public key, as callers get it."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_key(kind: type[Any], secret: bytes) -> Any:
    """The key of this kind in a secret.

    The secret was checked before it was sealed, and the seal is authentic. So the primes of an RSA
    key are not tested again, which would take 50 ms and more.
    """
    key = load_der_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, kind):
        raise TypeError(f"the secret is no {kind.__name__}")
    return key
