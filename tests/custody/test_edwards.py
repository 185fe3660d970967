"""Ed25519 and Ed25519ph against published vectors, and against another implementation."""

import hashlib
import os

import pytest
from Crypto.Hash import SHA512
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keystead.custody.backends import OpenMaterial, software
from keystead.custody.backends.software.edwards import OpenEdwardsMaterial
from keystead.custody.backends.software.family import pkcs8
from tests.custody.halves import public_half
from tests.wycheproof import vectors

PURE, PREHASH = "ED25519_SHA_512", "ED25519_PH_SHA_512"


def of_seed(seed: bytes) -> OpenMaterial:
    """The material with this seed."""
    secret = pkcs8(Ed25519PrivateKey.from_private_bytes(seed))
    return software.open_material("ECC_NIST_EDWARDS25519", "0" * 64, secret)


def test_the_example_of_rfc_8032() -> None:
    """RFC 8032 section 7.3: Ed25519ph of `abc`. Signatures have nothing random."""
    material = of_seed(
        bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
    )
    signature = bytes.fromhex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    )
    assert (
        material.public_key()
        .hex()
        .endswith("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
    )
    assert material.sign(PREHASH, b"abc", "DIGEST") == signature
    assert material.verify(PREHASH, b"abc", "DIGEST", signature)
    assert not material.verify(PREHASH, b"abd", "DIGEST", signature)
    assert not material.verify(PURE, b"abc", "RAW", signature)


def test_another_implementation() -> None:
    """The digest of a caller is hashed once more: it is the message of an Ed25519ph verifier."""
    for _ in range(50):
        seed, digest = os.urandom(32), hashlib.sha512(os.urandom(20)).digest()
        material = of_seed(seed)
        signature = material.sign(PREHASH, digest, "DIGEST")
        theirs = eddsa.new(ECC.construct(curve="Ed25519", seed=seed), "rfc8032")
        assert theirs.sign(SHA512.new(digest)) == signature
        assert material.verify(PREHASH, digest, "DIGEST", signature)
        changed = bytes([signature[0] ^ 1]) + signature[1:]
        assert not material.verify(PREHASH, digest, "DIGEST", changed)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 6144])
def test_signatures_of_another_length(length: int) -> None:
    """They are not valid, and no error."""
    material = of_seed(bytes(32))
    for algorithm, message_type in ((PURE, "RAW"), (PREHASH, "DIGEST")):
        assert not material.verify(algorithm, bytes(64), message_type, bytes(length))


def test_points_of_small_order() -> None:
    """A signature that would be valid for every message is not valid."""
    material = of_seed(bytes(32))
    neutral = b"\1" + bytes(31)
    assert not material.verify(PREHASH, bytes(64), "DIGEST", neutral + bytes(32))


def test_wycheproof() -> None:
    """What its file calls valid is valid, and what it calls invalid is not."""
    seen = []
    for group, test in vectors("Signature", "ed25519"):
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        material = OpenEdwardsMaterial("0" * 64, public_half(public))
        sent = bytes.fromhex(test["msg"]), "RAW", bytes.fromhex(test["sig"])
        if test["result"] != "acceptable":
            assert material.verify(PURE, *sent) is (test["result"] == "valid"), test
            seen.append(test["result"])
    assert seen.count("valid") > 80
    assert seen.count("invalid") > 50
