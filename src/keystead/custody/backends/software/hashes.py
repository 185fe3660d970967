"""Which hash has a signing algorithm, and what is signed of a message?  (kms.md 5.2)"""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, Hash, HashAlgorithm

_HASHES: Mapping[str, HashAlgorithm] = {
    "SHA_256": SHA256(),
    "SHA_384": SHA384(),
    "SHA_512": SHA512(),
}


def hash_of(algorithm: str) -> HashAlgorithm:
    """The hash at the end of an algorithm's name."""
    return _HASHES[algorithm[-7:]]


def digest(algorithm: str, message: bytes, message_type: str) -> tuple[bytes, Prehashed]:
    """The digest to be signed, as the library takes it: of a RAW message, or the DIGEST itself."""
    used = hash_of(algorithm)
    if message_type == "DIGEST":
        return message, Prehashed(used)
    hashed = Hash(used)
    hashed.update(message)
    return hashed.finalize(), Prehashed(used)
