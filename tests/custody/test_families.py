"""Each family of key specs on its own: what custody seals of a key does what its spec says.

The other side of each operation is the library, which has only the public key or the secret.
"""

from functools import cache
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.custody.backends import OpenMaterial, Verb, WrongMaterial, software
from keystead.custody.backends.software.families import FAMILIES
from keystead.kms import usage
from keystead.work import QUICK

ID = "ab" * 32
RSA = ("RSA_2048", "RSA_3072", "RSA_4096")
CURVES = {
    "ECC_NIST_P256": "secp256r1",
    "ECC_NIST_P384": "secp384r1",
    "ECC_NIST_P521": "secp521r1",
    "ECC_SECG_P256K1": "secp256k1",
}
SPECS = [spec for spec in FAMILIES if not spec.startswith("ML_")]
"""The others have tests of their own: `test_ml_dsa`, `test_ml_kem`."""
SIGNING = [
    (spec, algorithm)
    for spec in SPECS
    for algorithm in usage.algorithms(spec, "SIGN_VERIFY")
    if algorithm != "ED25519_PH_SHA_512"
]
MACS = [
    (spec, algorithm)
    for spec in FAMILIES
    for algorithm in usage.algorithms(spec, "GENERATE_VERIFY_MAC")
]
HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_1": hashes.SHA1(),  # noqa: S303  # AWS's algorithm
    "SHA_224": hashes.SHA224(),
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}
MESSAGE = bytes(range(256)) * 16


@cache
def secret(spec: str) -> bytes:
    return software.generate(spec).reveal()


@cache
def material(spec: str) -> OpenMaterial:
    return software.open_material(spec, ID, secret(spec))


def hash_of(algorithm: str) -> hashes.HashAlgorithm:
    return next(used for name, used in HASHES.items() if algorithm.endswith(name))


def digest(algorithm: str) -> bytes:
    hashed = hashes.Hash(hash_of(algorithm))
    hashed.update(MESSAGE)
    return hashed.finalize()


def verify(spec: str, algorithm: str, signature: bytes) -> None:
    """Verify a signature of the message as somebody does who has the public key alone."""
    public: Any = load_der_public_key(material(spec).public_key())
    if isinstance(public, Ed25519PublicKey):
        public.verify(signature, MESSAGE)
    elif isinstance(public, EllipticCurvePublicKey):
        public.verify(signature, MESSAGE, ECDSA(hash_of(algorithm)))
    else:
        used = hash_of(algorithm)
        padding = PSS(MGF1(used), used.digest_size) if "PSS" in algorithm else PKCS1v15()
        public.verify(signature, MESSAGE, padding, used)


@pytest.mark.parametrize("spec", [spec for spec in FAMILIES if spec not in RSA[1:]])
def test_secrets_are_random(spec: str) -> None:
    """No two secrets are alike."""
    assert software.generate(spec).reveal() != secret(spec)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if "HMAC" not in spec][1:])
def test_public_keys(spec: str) -> None:
    """A public key is of its spec's kind and size, and is the same each time it is opened."""
    public = load_der_public_key(material(spec).public_key())
    again = software.open_material(spec, ID, secret(spec))

    assert again.public_key() == material(spec).public_key()
    if isinstance(public, RSAPublicKey):
        assert (f"RSA_{public.key_size}", public.public_numbers().e) == (spec, 65537)
    elif isinstance(public, EllipticCurvePublicKey):
        assert public.curve.name == CURVES[spec]
    else:
        assert isinstance(public, Ed25519PublicKey)
        assert spec == "ECC_NIST_EDWARDS25519"


@pytest.mark.parametrize(("spec", "algorithm"), SIGNING)
def test_signatures(spec: str, algorithm: str) -> None:
    """A signature is what the library verifies; that of a digest, as that of its message."""
    opened = material(spec)
    signature = opened.sign(algorithm, MESSAGE, "RAW")

    verify(spec, algorithm, signature)
    assert opened.verify(algorithm, MESSAGE, "RAW", signature)
    assert not opened.verify(algorithm, MESSAGE + b"!", "RAW", signature)
    for wrong in (b"x", signature[:-1], signature + b"\0", bytes(len(signature))):
        assert not opened.verify(algorithm, MESSAGE, "RAW", wrong)
        with pytest.raises(InvalidSignature):
            verify(spec, algorithm, wrong)
    if algorithm != "ED25519_SHA_512":
        verify(spec, algorithm, opened.sign(algorithm, digest(algorithm), "DIGEST"))
        assert opened.verify(algorithm, digest(algorithm), "DIGEST", signature)


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
@pytest.mark.parametrize("spec", RSA)
def test_rsa_encryption(spec: str, algorithm: str) -> None:
    """What the library encrypts with the public key is decrypted, in the same padding only."""
    opened, used = material(spec), hash_of(algorithm)
    public = load_der_public_key(opened.public_key())
    assert isinstance(public, RSAPublicKey)
    theirs = public.encrypt(b"secret", OAEP(MGF1(used), used, None))
    ours = opened.encrypt_asymmetric(algorithm, b"secret")

    assert len(ours) == public.key_size // 8
    for ciphertext in (theirs, ours):
        assert opened.decrypt_asymmetric(algorithm, ciphertext) == b"secret"
    [other] = {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"} - {algorithm}
    for wrong in (ours[:-1], ours + b"\0", bytes(len(ours)), b"\xff" * len(ours)):
        assert opened.decrypt_asymmetric(algorithm, wrong) is None
    assert opened.decrypt_asymmetric(other, ours) is None


@pytest.mark.parametrize(("spec", "algorithm"), MACS)
def test_macs(spec: str, algorithm: str) -> None:
    """A MAC is HMAC under the secret, which is as long as the hash; only its full length counts."""
    opened, used = material(spec), hash_of(algorithm)
    reference = HMAC(secret(spec), used)
    reference.update(MESSAGE)
    mac = reference.finalize()

    assert len(secret(spec)) == used.digest_size
    assert opened.mac(algorithm, MESSAGE) == mac
    assert opened.verify_mac(algorithm, MESSAGE, mac)
    for wrong in (mac[:-1], mac + b"\0", bytes(len(mac)), b"\0"):
        assert not opened.verify_mac(algorithm, MESSAGE, wrong)
    assert not opened.verify_mac(algorithm, MESSAGE + b"!", mac)


def test_a_family_has_its_own_verbs() -> None:
    """A verb that a family does not have is refused, whatever a caller forgot to check."""
    with pytest.raises(WrongMaterial, match="has no sign"):
        material("SYMMETRIC_DEFAULT").sign("ECDSA_SHA_256", b"x", "RAW")
    with pytest.raises(WrongMaterial, match="has no encrypt"):
        material("HMAC_256").encrypt(b"x", b"")
    with pytest.raises(WrongMaterial, match="has no public_key"):
        material("HMAC_256").public_key()
    with pytest.raises(WrongMaterial, match="has no mac"):
        material("ECC_NIST_P256").mac("HMAC_SHA_256", b"x")


@pytest.mark.parametrize(
    ("spec", "verb", "slow"),
    [
        ("SYMMETRIC_DEFAULT", Verb.ENCRYPT, False),
        ("HMAC_512", Verb.MAC, False),
        ("RSA_2048", Verb.SIGN, True),
        ("RSA_2048", Verb.DECRYPT, True),
        ("RSA_4096", Verb.VERIFY, False),
        ("RSA_4096", Verb.ENCRYPT, False),
        ("ECC_NIST_P256", Verb.SIGN, False),
        ("ECC_NIST_P256", Verb.VERIFY, False),
        ("ECC_NIST_P521", Verb.SIGN, True),
        ("ECC_SECG_P256K1", Verb.VERIFY, True),
        ("ECC_NIST_EDWARDS25519", Verb.VERIFY, False),
    ],
)
def test_what_is_slow(spec: str, verb: Verb, slow: bool) -> None:
    """What the loop cannot wait for is declared."""
    assert (material(spec).seconds(verb) > QUICK) == slow


def test_a_secret_of_another_kind_does_not_open() -> None:
    """The row of a key cannot make a signature with a key of another kind."""
    with pytest.raises(TypeError):
        software.open_material("RSA_2048", ID, secret("ECC_NIST_P256")).public_key()
