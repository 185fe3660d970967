"""ML-KEM against published vectors, and against another implementation."""

import pytest
from Crypto.PublicKey import MLKEM
from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM1024PrivateKey,
)

from keystead.custody.backends import OpenMaterial, Verb, software
from keystead.custody.backends.software.family import pkcs8
from tests.wycheproof import ROOT, vectors

SIZES = {"ML_KEM_512": 512, "ML_KEM_768": 768, "ML_KEM_1024": 1024}


def of_seed(spec: str, seed: bytes) -> bytes:
    """The secret of the key with this seed."""
    if spec == "ML_KEM_768":
        return pkcs8(MLKEM768PrivateKey.from_seed_bytes(seed))
    if spec == "ML_KEM_1024":
        return pkcs8(MLKEM1024PrivateKey.from_seed_bytes(seed))
    key = MLKEM.construct(param_set=MLKEM.ML_KEM_512, seed=seed)
    expanded = MLKEM.construct(param_set=MLKEM.ML_KEM_512, expanded_dk=key.expanded_dk)
    secret: bytes = expanded.export_key()
    return secret


def opened(spec: str, secret: bytes) -> OpenMaterial:
    return software.open_material(spec, "0" * 64, secret)


@pytest.mark.parametrize("spec", SIZES)
def test_published_decapsulations(spec: str) -> None:
    """Each ciphertext gives the published secret, those that are rejected implicitly included."""
    given = refused = 0
    for _, test in vectors("Protocol", f"mlkem_{SIZES[spec]}"):
        seed = bytes.fromhex(test["seed"])
        if len(seed) != 64:
            continue  # keys are made here, or checked when they are imported
        material = opened(spec, of_seed(spec, seed))
        shared = material.decapsulate(bytes.fromhex(test["c"]))
        if test["result"] == "valid":
            assert material.public_key().endswith(bytes.fromhex(test["ek"])), test["tcId"]
            assert shared == bytes.fromhex(test["K"]), test["tcId"]
            given += 1
        else:
            assert shared is None, test
            refused += 1
    assert given > 100
    assert refused > 10


@pytest.mark.parametrize("spec", SIZES)
def test_another_implementation(spec: str) -> None:
    """Keys, ciphertexts and secrets are the same for another implementation, in both directions."""
    secret = software.generate(spec).reveal()
    material = opened(spec, secret)
    private = MLKEM.import_key(secret)
    public = MLKEM.import_key(material.public_key())
    assert private.param_set.value == f"ML-KEM-{SIZES[spec]}"
    assert private.ek == public.ek
    shared, ciphertext = material.encapsulate()
    assert len(shared) == 32
    assert private._decaps(ciphertext) == shared
    other_shared, other_ciphertext = public._encaps()
    assert material.decapsulate(other_ciphertext) == other_shared


@pytest.mark.parametrize("spec", SIZES)
def test_every_ciphertext_of_the_right_length_gives_a_secret(spec: str) -> None:
    """A changed ciphertext gives another secret, always the same; another length gives none."""
    material = opened(spec, software.generate(spec).reveal())
    shared, ciphertext = material.encapsulate()
    changed = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    rejected = material.decapsulate(changed)
    assert rejected is not None
    assert len(rejected) == 32
    assert rejected != shared
    assert material.decapsulate(changed) == rejected
    for wrong in (ciphertext[:-1], ciphertext + b"\0", b""):
        assert material.decapsulate(wrong) is None


@pytest.mark.parametrize("spec", SIZES)
def test_the_examples_of_rfc_9935(spec: str) -> None:
    """Secrets of the form in which they are sealed here stand in RFC 9935."""
    name = f"PublicKey/MLKEM/rfc9935_ml_kem_{SIZES[spec]}"
    form = "expanded" if spec == "ML_KEM_512" else "seed"
    private = MLKEM.import_key((ROOT / f"{name}_{form}.pem").read_text())
    public = MLKEM.import_key((ROOT / f"{name}_public.pem").read_text())
    material = opened(spec, private.export_key())
    assert material.public_key() == public.export_key()
    shared, ciphertext = public._encaps()
    assert material.decapsulate(ciphertext) == shared


def test_all_verbs_are_slow() -> None:
    """They leave the loop: to load a key takes more than the loop can wait."""
    for spec in SIZES:
        material = opened(spec, software.generate(spec).reveal())
        for verb in (Verb.ENCAPSULATE, Verb.DECAPSULATE, Verb.PUBLIC_KEY):
            assert material.seconds(verb) > 150e-6
