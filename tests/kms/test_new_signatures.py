"""Signatures of ML-DSA, and Ed25519ph: what may be signed, and what others verify (kms.md 5.2)."""

import hashlib

import pytest
from Crypto.Hash import SHA512
from Crypto.PublicKey import ECC, MLDSA
from Crypto.Signature import eddsa, mldsa

from tests.kms.world import Kms, World, allow, refused

ML_DSA = ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")
LENGTHS = {"ML_DSA_44": 2420, "ML_DSA_65": 3309, "ML_DSA_87": 4627}
SHAKE, PURE, PREHASH = "ML_DSA_SHAKE_256", "ED25519_SHA_512", "ED25519_PH_SHA_512"
DIGEST = hashlib.sha512(b"a long message").digest()


def signing_key(admin: Kms, spec: str) -> str:
    return admin.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")


def signed(client: Kms, key: str, message: bytes, algorithm: str, **more: object) -> bytes:
    given = client.sign(KeyId=key, Message=message, SigningAlgorithm=algorithm, **more)
    assert given.signing_algorithm == algorithm
    signature: bytes = given.signature
    return signature


def require_valid(
    client: Kms, key: str, message: bytes, algorithm: str, signature: bytes, **more: object
) -> None:
    given = client.verify(
        KeyId=key, Message=message, SigningAlgorithm=algorithm, Signature=signature, **more
    )
    assert given.signature_valid


def mu_of(public: bytes, message: bytes) -> bytes:
    """What ML-DSA signs of a message (FIPS 204, algorithms 2 and 7)."""
    hashed = hashlib.shake_256(public).digest(64)
    return hashlib.shake_256(hashed + b"\0\0" + message).digest(64)


@pytest.mark.parametrize("spec", ML_DSA)
def test_ml_dsa(admin: Kms, spec: str) -> None:
    """Somebody else verifies what is signed here, and here is verified what others signed of mu."""
    key = signing_key(admin, spec)
    public = MLDSA.import_key(admin.get_public_key(KeyId=key).public_key)
    signature = signed(admin, key, b"hello", SHAKE)
    assert len(signature) == LENGTHS[spec]
    mldsa.new(public).verify(b"hello", signature)
    require_valid(admin, key, b"hello", SHAKE, signature)
    mu = mu_of(public.pk, b"hello")
    require_valid(admin, key, mu, SHAKE, signature, MessageType="EXTERNAL_MU")
    of_mu = signed(admin, key, mu, SHAKE, MessageType="EXTERNAL_MU")
    mldsa.new(public).verify(b"hello", of_mu)
    require_valid(admin, key, b"hello", SHAKE, of_mu)
    with refused("KMSInvalidSignatureException"):
        require_valid(admin, key, b"hallo", SHAKE, signature)
    with refused("KMSInvalidSignatureException"):
        require_valid(admin, key, mu, SHAKE, signature)


def test_ed25519ph(admin: Kms) -> None:
    """For a verifier of Ed25519ph the digest is the message; for pure Ed25519 it is another one."""
    key = signing_key(admin, "ECC_NIST_EDWARDS25519")
    public = ECC.import_key(admin.get_public_key(KeyId=key).public_key)
    signature = signed(admin, key, DIGEST, PREHASH, MessageType="DIGEST")
    eddsa.new(public, "rfc8032").verify(SHA512.new(DIGEST), signature)
    require_valid(admin, key, DIGEST, PREHASH, signature, MessageType="DIGEST")
    with refused("KMSInvalidSignatureException"):
        require_valid(admin, key, DIGEST, PURE, signature)
    with refused("KMSInvalidSignatureException"):
        require_valid(
            admin, key, hashlib.sha512(b"x").digest(), PREHASH, signature, MessageType="DIGEST"
        )
    with refused("KMSInvalidSignatureException"):
        require_valid(admin, key, DIGEST, PREHASH, b"x", MessageType="DIGEST")


@pytest.mark.parametrize(("spec", "algorithm", "good", "wrong"), [
    ("ML_DSA_44", SHAKE, {"MessageType": "EXTERNAL_MU"}, {"MessageType": "DIGEST"}),
    ("ECC_NIST_EDWARDS25519", PREHASH, {"MessageType": "DIGEST"}, {"MessageType": "RAW"}),
    ("ECC_NIST_EDWARDS25519", PREHASH, {"MessageType": "DIGEST"}, {}),
    ("ECC_NIST_EDWARDS25519", PREHASH, {"MessageType": "DIGEST"}, {"MessageType": "EXTERNAL_MU"}),
    ("ECC_NIST_EDWARDS25519", PURE, {"MessageType": "RAW"}, {"MessageType": "DIGEST"}),
    ("ECC_NIST_P256", "ECDSA_SHA_256", {}, {"MessageType": "EXTERNAL_MU"}),
])  # fmt: skip
def test_types_of_messages(
    admin: Kms, spec: str, algorithm: str, good: dict[str, str], wrong: dict[str, str]
) -> None:
    """Each algorithm takes certain types of messages, to sign and to verify."""
    key = signing_key(admin, spec)
    signature = signed(admin, key, DIGEST, algorithm, **good)
    for dry_run in (False, True):
        with refused("ValidationException"):
            signed(admin, key, DIGEST, algorithm, **wrong, DryRun=dry_run)
        with refused("ValidationException"):
            require_valid(admin, key, DIGEST, algorithm, signature, **wrong, DryRun=dry_run)


@pytest.mark.parametrize(("spec", "algorithm", "message_type"), [
    ("ML_DSA_65", SHAKE, "EXTERNAL_MU"), ("ECC_NIST_EDWARDS25519", PREHASH, "DIGEST"),
])  # fmt: skip
def test_both_are_64_bytes(admin: Kms, spec: str, algorithm: str, message_type: str) -> None:
    """A digest, and mu, of another length is refused, also by a dry run."""
    key = signing_key(admin, spec)
    said = f"Digest is invalid length for algorithm {algorithm}."
    for length in (1, 32, 63, 65, 4096):
        for dry_run in (False, True):
            with refused("ValidationException", said):
                signed(
                    admin, key, bytes(length), algorithm, MessageType=message_type, DryRun=dry_run
                )
    signed(admin, key, bytes(64), algorithm, MessageType=message_type)


def test_a_policy_may_name_the_type(admin: Kms, world: World) -> None:
    """kms:MessageType and kms:SigningAlgorithm say what somebody may sign."""
    key = signing_key(admin, "ML_DSA_44")
    condition = {"StringEquals": {"kms:MessageType": "EXTERNAL_MU", "kms:SigningAlgorithm": SHAKE}}
    alice = world.caller("alice", policies=[allow("kms:Sign", Condition=condition)])
    signed(alice, key, bytes(64), SHAKE, MessageType="EXTERNAL_MU")
    with refused("AccessDeniedException"):
        signed(alice, key, bytes(64), SHAKE)
