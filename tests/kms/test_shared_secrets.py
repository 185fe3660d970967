"""Secrets that two parties share: Encapsulate, Decapsulate and DeriveSharedSecret."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from keystead.custody.backends.software import ml_kem_512
from keystead.custody.backends.software.families import FAMILIES
from tests.kms.world import Kms, World, allow, refused

KEMS = {"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
}


def kem_key(admin: Kms, spec: str = "ML_KEM_768") -> str:
    return admin.key(KeySpec=spec, KeyUsage="ENCAPSULATE_DECAPSULATE")


def agreement_key(admin: Kms, spec: str = "ECC_NIST_P256") -> str:
    return admin.key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")


def encapsulated(client: Kms, key: str, **more: object) -> tuple[bytes, bytes]:
    made = client.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM", **more)
    assert made.encapsulation_algorithm == "ML_KEM"
    return made.shared_secret, made.shared_secret_ciphertext_blob


def decapsulated(client: Kms, key: str, ciphertext: bytes, **more: object) -> bytes:
    given = client.decapsulate(
        KeyId=key, SharedSecretCiphertextBlob=ciphertext, EncapsulationAlgorithm="ML_KEM", **more
    )
    shared: bytes = given.shared_secret
    return shared


def derived(client: Kms, key: str, peer: bytes, **more: object) -> bytes:
    given = client.derive_shared_secret(
        KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=peer, **more
    )
    shared: bytes = given.shared_secret
    return shared


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("spec", KEMS)
def test_two_parties_share_a_secret(admin: Kms, spec: str) -> None:
    """What Encapsulate gives to one, Decapsulate gives to the other."""
    key = kem_key(admin, spec)
    shared, ciphertext = encapsulated(admin, key)
    assert (len(shared), len(ciphertext)) == (32, KEMS[spec])
    assert decapsulated(admin, key, ciphertext) == shared
    assert encapsulated(admin, key)[0] != shared


@pytest.mark.parametrize(("spec", "kind"), [
    ("ML_KEM_768", MLKEM768PublicKey), ("ML_KEM_1024", MLKEM1024PublicKey),
])  # fmt: skip
def test_who_has_the_public_key_encapsulates_elsewhere(
    admin: Kms, spec: str, kind: type[MLKEM768PublicKey | MLKEM1024PublicKey]
) -> None:
    """Decapsulate finds a secret that was encapsulated outside with the public key."""
    key = kem_key(admin, spec)
    given = admin.get_public_key(KeyId=key)
    assert given.encapsulation_algorithms == ["ML_KEM"]
    public = load_der_public_key(given.public_key)
    assert isinstance(public, kind)
    shared, ciphertext = public.encapsulate()
    assert decapsulated(admin, key, ciphertext) == shared


def test_other_ciphertexts(admin: Kms) -> None:
    """One of the wrong length is refused; all others give a secret that nobody shares."""
    key, other = kem_key(admin), kem_key(admin)
    shared, ciphertext = encapsulated(admin, key)
    for rejected in (
        decapsulated(admin, other, ciphertext),
        decapsulated(admin, key, ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])),
        decapsulated(admin, key, bytes(1088)),
    ):
        assert len(rejected) == 32
        assert rejected != shared
    for wrong in (ciphertext[:-1], ciphertext + b"\0", bytes(768), bytes(1568)):
        with refused("InvalidCiphertextException"):
            decapsulated(admin, key, wrong)
        with refused("InvalidCiphertextException"):
            decapsulated(admin, key, wrong, DryRun=True)


def test_the_smallest_parameter_set_is_optional(
    admin: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its package, ML_KEM_512 is neither made nor used, and the others are."""
    assert ml_kem_512.IS_SERVED  # it is among the developers' packages
    key = kem_key(admin, "ML_KEM_512")
    _, ciphertext = encapsulated(admin, key)
    monkeypatch.delitem(cast("dict[str, Any]", FAMILIES), "ML_KEM_512")
    unsupported = "Keys with the KeySpec ML_KEM_512 are not supported."
    with refused("UnsupportedOperationException", unsupported):
        kem_key(admin, "ML_KEM_512")
    with refused("UnsupportedOperationException", unsupported):
        encapsulated(admin, key)
    with refused("UnsupportedOperationException", unsupported):
        decapsulated(admin, key, ciphertext)
    with refused("UnsupportedOperationException", unsupported):
        admin.get_public_key(KeyId=key)
    with refused("UnsupportedOperationException", unsupported):
        admin.generate_data_key_pair(KeyId=admin.key(), KeyPairSpec="ML_KEM_512")
    encapsulated(admin, kem_key(admin, "ML_KEM_768"))


@pytest.mark.parametrize("spec", CURVES)
def test_two_keys_agree(admin: Kms, spec: str) -> None:
    """Each side derives the same secret: two KMS keys, and a KMS key and a key outside."""
    one, two = agreement_key(admin, spec), agreement_key(admin, spec)
    publics = [admin.get_public_key(KeyId=key).public_key for key in (one, two)]
    shared = derived(admin, one, publics[1])
    assert shared == derived(admin, two, publics[0])
    assert len(shared) == (CURVES[spec].key_size + 7) // 8
    outside = ec.generate_private_key(CURVES[spec])
    theirs = load_der_public_key(publics[0])
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    assert derived(admin, one, spki(outside)) == outside.exchange(ec.ECDH(), theirs)


def test_a_peer_whose_point_is_compressed(admin: Kms) -> None:
    """Both forms of a point that RFC 5480 knows give the same secret."""
    key = agreement_key(admin)
    peer = ec.generate_private_key(ec.SECP256R1()).public_key()
    plain = peer.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = peer.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    short = b"\x30\x39" + plain[2:23] + b"\x03\x22\x00" + point
    assert derived(admin, key, short) == derived(admin, key, plain)


def test_the_answer_tells_the_origin(admin: Kms) -> None:
    """DeriveSharedSecret tells whether the key was made here, and nothing of a recipient."""
    key = agreement_key(admin)
    peer = spki(ec.generate_private_key(ec.SECP256R1()))
    given = admin.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=peer)
    assert given.key_id == admin.arn(f"key/{key}")
    assert (given.key_agreement_algorithm, given.key_origin) == ("ECDH", "AWS_KMS")
    assert given.ciphertext_for_recipient is None


def off_the_curve() -> bytes:
    """A public key whose point is not on P-256."""
    good = spki(ec.generate_private_key(ec.SECP256R1()))
    return good[:-32] + bytes(31) + b"\5"


def hybrid() -> bytes:
    """A public key whose point is written in the form that RFC 5480 forbids."""
    good = spki(ec.generate_private_key(ec.SECP256R1()))
    return good[:-65] + bytes([6 + (good[-1] & 1)]) + good[-64:]


PEERS: Mapping[str, Callable[[], bytes]] = {
    "no DER": lambda: b"x",
    "zeros": lambda: bytes(91),
    "off the curve": off_the_curve,
    "hybrid": hybrid,
    "P-384": lambda: spki(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": lambda: spki(ec.generate_private_key(ec.SECP256K1())),
    "Ed25519": lambda: spki(ed25519.Ed25519PrivateKey.generate()),
    "RSA": lambda: spki(rsa.generate_private_key(65537, 2048)),
}


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_on_no_curve_or_on_another(admin: Kms, peer: str) -> None:
    """A public key that is none, or of another curve, is refused without a message (kms.md 9)."""
    key = agreement_key(admin)
    for dry_run in (False, True):
        with refused("ValidationException") as caught:
            derived(admin, key, PEERS[peer](), DryRun=dry_run)
        assert caught.value.message is None


USES: Mapping[str, tuple[Callable[[Kms], str], Mapping[str, object]]] = {
    "Encapsulate": (kem_key, {"EncapsulationAlgorithm": "ML_KEM"}),
    "Decapsulate": (
        kem_key, {"EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": bytes(1088)},
    ),
    "DeriveSharedSecret": (
        agreement_key, {
            "KeyAgreementAlgorithm": "ECDH",
            "PublicKey": spki(ec.generate_private_key(ec.SECP256R1())),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USES)
def test_who_may_and_when(admin: Kms, world: World, name: str) -> None:
    """Only with its own permission, of an enabled key, with a usable token, and for real."""
    make, members = USES[name]
    key = make(admin)
    asked = {"KeyId": key, **members}
    alice = world.caller("alice", policies=[allow(f"kms:{name}")])
    mallory = world.caller(
        "mallory", policies=[allow(f"kms:{each}") for each in USES if each != name]
    )
    alice.call(name, asked)
    with refused("AccessDeniedException"):
        mallory.call(name, asked)
    with refused("DryRunOperationException"):
        alice.call(name, {**asked, "DryRun": True})
    with refused("AccessDeniedException"):
        mallory.call(name, {**asked, "DryRun": True})
    with refused("InvalidGrantTokenException"):
        alice.call(name, {**asked, "GrantTokens": ["x"]})
    with refused("NotFoundException"):
        alice.call(name, {**asked, "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"})
    admin.disable_key(KeyId=key)
    with refused("DisabledException"):
        alice.call(name, asked)
    admin.enable_key(KeyId=key)
    alice.call(name, asked)
    admin.schedule_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException"):
        alice.call(name, asked)


@pytest.mark.parametrize("name", USES)
def test_other_keys_do_not_share(admin: Kms, name: str) -> None:
    """A key with another usage is refused by its usage."""
    make, members = USES[name]
    for other in (admin.key(), next(each for each, _ in USES.values() if each is not make)(admin)):
        usage = admin.describe_key(KeyId=other).key_metadata.key_usage
        said = f"{admin.arn(f'key/{other}')} key usage is {usage} which is not valid for {name}."
        with refused("InvalidKeyUsageException", said):
            admin.call(name, {"KeyId": other, **members})
    signing = admin.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("InvalidKeyUsageException"):
        admin.call(name, {"KeyId": signing, **members})


def test_no_key_agreement_on_the_other_curves(admin: Kms) -> None:
    """secp256k1 and Ed25519 keys are for signatures only (kms.md 5.1)."""
    for spec in ("ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "RSA_2048"):
        said = f"KeyUsage KEY_AGREEMENT is not compatible with KeySpec {spec}"
        with refused("ValidationException", said):
            agreement_key(admin, spec)


def test_recipients_of_shared_secrets_are_refused(admin: Kms) -> None:
    """A shared secret is not given in clear to whoever asks for it to be wrapped."""
    key = agreement_key(admin)
    peer = spki(ec.generate_private_key(ec.SECP256R1()))
    with refused("ValidationException"):
        derived(admin, key, peer, Recipient={"AttestationDocument": b"x"})
    derived(admin, key, peer)
