"""How does an Ed25519 key sign with Ed25519ph?  RFC 8032 section 5.1: SHA-512 before, no context.

The DIGEST of a caller is the message here, and is hashed once more. AWS does so (kms.md 5.2).
libsodium signs: the library of all other primitives does not have it.
"""

from nacl.bindings import (
    crypto_sign_ed25519ph_final_create,
    crypto_sign_ed25519ph_final_verify,
    crypto_sign_ed25519ph_state,
    crypto_sign_ed25519ph_update,
)
from nacl.exceptions import BadSignatureError

_SIGNATURE_BYTES = 64


def _hashing(message: bytes) -> crypto_sign_ed25519ph_state:
    state = crypto_sign_ed25519ph_state()
    crypto_sign_ed25519ph_update(state, message)
    return state


def sign(seed: bytes, public: bytes, message: bytes) -> bytes:
    """The signature, with the key of this seed and public key."""
    return crypto_sign_ed25519ph_final_create(_hashing(message), seed + public)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Is this the signature?"""
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        return crypto_sign_ed25519ph_final_verify(_hashing(message), signature, public)
    except BadSignatureError:
        return False
