"""ML-DSA against published vectors, and against another implementation."""

from hashlib import shake_256

import pytest
from Crypto.PublicKey import MLDSA
from Crypto.Signature import mldsa as other
from cryptography.hazmat.primitives.asymmetric import mldsa

from keystead.custody.backends import OpenMaterial, Verb, software
from keystead.custody.backends.software.family import pkcs8
from keystead.custody.backends.software.ml_dsa import OpenMlDsaMaterial
from tests.custody.halves import public_half
from tests.wycheproof import ROOT, read, vectors

ALGORITHM = "ML_DSA_SHAKE_256"
SIZES = {"ML_DSA_44": 44, "ML_DSA_65": 65, "ML_DSA_87": 87}


def opened(spec: str, secret: bytes) -> OpenMaterial:
    return software.open_material(spec, "0" * 64, secret)


def known_by(spec: str, public: bytes) -> OpenMaterial:
    """Material that verifies with this public key."""
    kind = getattr(mldsa, f"MLDSA{SIZES[spec]}PublicKey")
    half = public_half(kind.from_public_bytes(public))
    return OpenMlDsaMaterial(spec, "0" * 64, half)


def of_seed(spec: str, seed: bytes) -> OpenMaterial:
    """The material with this seed."""
    kind = getattr(mldsa, f"MLDSA{SIZES[spec]}PrivateKey")
    return opened(spec, pkcs8(kind.from_seed_bytes(seed)))


def mu_of(public: bytes, message: bytes) -> bytes:
    """What is signed of a message (FIPS 204, algorithms 2 and 7)."""
    return shake_256(shake_256(public).digest(64) + b"\0\0" + message).digest(64)


@pytest.mark.parametrize("spec", SIZES)
def test_published_keys_and_signatures(spec: str) -> None:
    """Wycheproof's keys verify its signatures, of messages and of mu, and sign for others."""
    seen = set()
    for group, test in vectors("Signature", f"mldsa_{SIZES[spec]}_sign_seed"):
        if test["result"] != "valid" or "ctx" in test:
            continue  # there are no contexts here
        public, signature = bytes.fromhex(group["publicKey"]), bytes.fromhex(test["sig"])
        material = of_seed(spec, bytes.fromhex(group["privateSeed"]))
        assert material.public_key().endswith(public)
        of_mu = (ALGORITHM, bytes.fromhex(test["mu"]), "EXTERNAL_MU")
        assert material.verify(*of_mu, signature), test["tcId"]
        assert material.verify(*of_mu, material.sign(*of_mu))
        if "msg" in test:
            message = bytes.fromhex(test["msg"])
            assert mu_of(public, message) == of_mu[1]
            assert material.verify(ALGORITHM, message, "RAW", signature), test["tcId"]
        seen.add(test["tcId"])
    assert len(seen) > 60


@pytest.mark.parametrize("spec", SIZES)
def test_published_verifications(spec: str) -> None:
    """What Wycheproof's file calls valid is valid, and all else is not."""
    results = []
    for group, test in vectors("Signature", f"mldsa_{SIZES[spec]}_verify"):
        if "ctx" in test or "IncorrectPublicKeyLength" in test["flags"]:
            continue
        material = known_by(spec, bytes.fromhex(group["publicKey"]))
        sent = bytes.fromhex(test["msg"]), "RAW", bytes.fromhex(test["sig"])
        assert material.verify(ALGORITHM, *sent) is (test["result"] == "valid"), test["tcId"]
        results.append(test["result"])
    assert results.count("valid") > 60
    assert results.count("invalid") > 60


def test_keys_of_nist() -> None:
    """NIST's seeds give NIST's public keys."""
    for group in read("PublicKey/MLDSA/ML-DSA-keyGen-FIPS204.json")["testGroups"]:
        for test in group["tests"]:
            spec = group["parameterSet"].replace("-", "_")
            material = of_seed(spec, bytes.fromhex(test["seed"]))
            assert material.public_key().endswith(bytes.fromhex(test["pk"]))


@pytest.mark.parametrize("kind", ["sigGen", "sigVer"])
def test_signatures_of_nist(kind: str) -> None:
    """NIST's signatures of mu are valid, or not, as NIST says."""
    seen = []
    for group in read(f"PublicKey/MLDSA/ML-DSA-{kind}-FIPS204.json")["testGroups"]:
        for test in group["tests"]:
            if "mu" not in test:
                continue  # with a context, or internal
            spec = group["parameterSet"].replace("-", "_")
            material = known_by(spec, bytes.fromhex(test["pk"]))
            sent = bytes.fromhex(test["mu"]), "EXTERNAL_MU", bytes.fromhex(test["signature"])
            passed = test.get("testPassed", True)
            assert material.verify(ALGORITHM, *sent) is passed, test["tcId"]
            seen.append(passed)
    assert len(seen) >= 6


@pytest.mark.parametrize("spec", SIZES)
def test_another_implementation(spec: str) -> None:
    """Keys and signatures are the same for another implementation, in both directions."""
    secret = software.generate(spec).reveal()
    material, private = opened(spec, secret), MLDSA.import_key(secret)
    public = MLDSA.import_key(material.public_key())
    assert private.public_key() == public
    other.new(public).verify(b"hello", material.sign(ALGORITHM, b"hello", "RAW"))
    theirs = other.new(private).sign(b"hello")
    assert material.verify(ALGORITHM, b"hello", "RAW", theirs)
    assert not material.verify(ALGORITHM, b"hallo", "RAW", theirs)
    mu = mu_of(material.public_key()[22:], b"hello")
    assert material.verify(ALGORITHM, mu, "EXTERNAL_MU", theirs)
    other.new(public).verify(b"hello", material.sign(ALGORITHM, mu, "EXTERNAL_MU"))


@pytest.mark.parametrize("spec", SIZES)
def test_signatures_are_hedged(spec: str) -> None:
    """Two signatures of one message differ, and both are valid."""
    material = opened(spec, software.generate(spec).reveal())
    one, two = (material.sign(ALGORITHM, b"x", "RAW") for _ in range(2))
    assert one != two
    assert all(material.verify(ALGORITHM, b"x", "RAW", each) for each in (one, two))


@pytest.mark.parametrize("spec", SIZES)
def test_the_examples_of_rfc_9881(spec: str) -> None:
    """Secrets of the form in which they are sealed here stand in RFC 9881."""
    name = f"PublicKey/MLDSA/rfc9881_ml_dsa_{SIZES[spec]}"
    private = MLDSA.import_key((ROOT / f"{name}_seed.pem").read_text())
    public = MLDSA.import_key((ROOT / f"{name}_public.pem").read_text())
    assert opened(spec, private.export_key()).public_key() == public.export_key()


def test_all_verbs_are_slow() -> None:
    """They leave the loop."""
    for spec in SIZES:
        material = opened(spec, software.generate(spec).reveal())
        for verb in (Verb.SIGN, Verb.VERIFY, Verb.PUBLIC_KEY):
            assert material.seconds(verb) > 150e-6
