"""How a customer wraps key material, and brings it: with the `cryptography` library alone."""

import os
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

FOR_EVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


class How(NamedTuple):
    """How material is wrapped."""

    algorithm: str = "RSAES_OAEP_SHA_256"
    spec: str = "RSA_2048"


PLAINLY = How()


def wrapped(public_key: bytes, algorithm: str, secret: bytes) -> bytes:
    """The secret, wrapped for the holder of the private key."""
    key = load_der_public_key(public_key)
    assert isinstance(key, RSAPublicKey)
    used = SHA1() if algorithm.endswith("SHA_1") else SHA256()  # noqa: S303  # the algorithm is AWS's
    padding = OAEP(MGF1(used), used, None)
    if algorithm.startswith("RSAES_OAEP"):
        return key.encrypt(secret, padding)
    aes = os.urandom(32)
    return key.encrypt(aes, padding) + aes_key_wrap_with_padding(aes, secret)


def prepared(kms: Any, key: str, secret: bytes, how: How = PLAINLY) -> dict[str, Any]:
    """The members of a request that brings this secret into a key, without an expiration."""
    given = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=how.algorithm, WrappingKeySpec=how.spec
    )
    sent = wrapped(given["PublicKey"], how.algorithm, secret)
    return {"KeyId": key, "ImportToken": given["ImportToken"], "EncryptedKeyMaterial": sent}


def bring(kms: Any, key: str, secret: bytes, how: How = PLAINLY, **members: Any) -> Any:
    """Import a secret, without a date unless the members say one."""
    expiration = {} if "ValidTo" in members else FOR_EVER
    return kms.import_key_material(**prepared(kms, key, secret, how), **expiration, **members)
