"""Material of every kind: which spec is wrapped how, and which private keys a key takes."""

import hmac
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from keystead.custody import wrapping
from tests.conftest import refused
from tests.importing import How, bring
from tests.kms.importer import Client
from tests.kms.test_imports import ALGORITHMS, made_before
from tests.server.installations import OTHER_REGION, open_local

CURVES: Mapping[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
BYTES = {"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
USAGES = {"S": "ENCRYPT_DECRYPT", "H": "GENERATE_VERIFY_MAC"}
SPECS = (*BYTES, *BITS, *CURVES, "ECC_NIST_EDWARDS25519")

# kms.md 13.3, written once more
OAEP, RSA_AES = set(ALGORITHMS[:2]), set(ALGORITHMS[2:])


def is_allowed(spec: str, how: How) -> bool:
    """May material of this spec be wrapped so?"""
    if spec in BYTES:
        return how.algorithm in OAEP
    if spec in BITS:
        return how.algorithm in RSA_AES
    return how.algorithm in RSA_AES or (spec, how.spec) != ("ECC_NIST_P521", "RSA_2048")


def der(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def private_key(spec: str) -> PrivateKeyTypes:
    """Some private key of this spec; of RSA always the same, because to make one is slow."""
    if spec in BITS:
        return made_before(65537, BITS[spec])
    if spec in CURVES:
        return ec.generate_private_key(CURVES[spec])
    return ed25519.Ed25519PrivateKey.generate()


@cache
def secret(spec: str) -> bytes:
    """The material that the tests bring into keys of this spec."""
    return bytes(range(BYTES[spec])) if spec in BYTES else der(private_key(spec))


def usage(spec: str) -> str:
    return USAGES.get(spec[0], "SIGN_VERIFY")


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The administrator of an installation."""
    local = open_local(tmp_path_factory.mktemp("kinds") / "data")
    yield Client(local, local.admin)
    local.installation.close()


def key_of(kms: Client, spec: str) -> str:
    return kms.key(KeySpec=spec, KeyUsage=usage(spec))


@pytest.mark.parametrize("spec", SPECS)
def test_every_wrapping(kms: Client, spec: str) -> None:
    """Each algorithm with each wrapping key: what the table allows brings the same material in."""
    key = key_of(kms, spec)
    for how in [How(a, w) for a in ALGORITHMS for w in BITS]:
        if is_allowed(spec, how):
            bring(kms, key, secret(spec), how)
            assert kms.state(key) == "Enabled"
            kms.delete_imported_key_material(KeyId=key)
        else:
            with refused("UnsupportedOperationException", how.algorithm):
                bring(kms, key, secret(spec), how)
    assert kms.state(key) == "PendingImport"


def how_to(spec: str) -> How:
    """A way in which material of this spec may be wrapped."""
    return How(ALGORITHMS[1] if spec in BYTES else ALGORITHMS[3])


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec != "SYMMETRIC_DEFAULT"])
def test_one_material_for_ever(kms: Client, spec: str) -> None:
    """HMAC and private keys take their first material, and then no other; nor do they rotate."""
    key, how = key_of(kms, spec), how_to(spec)
    first, other = secret(spec), _another(spec)
    answer = bring(kms, key, first, how)
    assert "KeyMaterialId" not in answer
    found = kms.described(key)
    assert found["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert "CurrentKeyMaterialId" not in found
    for deleted in (False, True):
        if deleted:
            assert "KeyMaterialId" not in kms.delete_imported_key_material(KeyId=key)
        with refused("IncorrectKeyMaterialException"):
            bring(kms, key, other, how)
    assert kms.state(key) == "PendingImport"
    bring(kms, key, first, how)
    assert kms.state(key) == "Enabled"
    for attempt in (kms.rotate_key_on_demand, kms.list_key_rotations):
        with refused("UnsupportedOperationException"):
            attempt(KeyId=key)


def _another(spec: str) -> bytes:
    if spec in BYTES:
        return bytes(BYTES[spec])
    return der(rsa.generate_private_key(65537, 2048) if spec in BITS else private_key(spec))


@pytest.mark.parametrize("spec", SPECS)
def test_material_of_another_spec(kms: Client, spec: str) -> None:
    """A private key is of the key's own spec, and other material has its length."""
    key, how = key_of(kms, spec), how_to(spec)
    for other in SPECS:
        same = len(secret(other)) == BYTES.get(spec)
        fits_in = spec not in BYTES or len(secret(other)) <= 190  # bytes that OAEP carries
        if other != spec and not same and fits_in:
            with refused("IncorrectKeyMaterialException"):
                bring(kms, key, secret(other), how)
    bring(kms, key, secret(spec), how)


@pytest.mark.parametrize(
    "members",
    [
        {"ImportType": "NEW_KEY_MATERIAL"},
        {"KeyMaterialDescription": "x"},
        {"KeyMaterialId": "0" * 64},
    ],
)
def test_parameters_of_symmetric_keys(kms: Client, members: dict[str, Any]) -> None:
    """What tells several materials apart is for symmetric keys alone."""
    key = key_of(kms, "HMAC_256")
    [name] = members
    with refused("UnsupportedOperationException", name):
        bring(kms, key, secret("HMAC_256"), **members)
    bring(kms, key, secret("HMAC_256"))


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_KEM_768"])
def test_kinds_that_take_no_material(kms: Client, spec: str) -> None:
    """Post-quantum keys are made here or not at all."""
    wanted = "SIGN_VERIFY" if "DSA" in spec else "ENCAPSULATE_DECAPSULATE"
    with refused("UnsupportedOperationException", spec):
        kms.key(KeySpec=spec, KeyUsage=wanted)


def test_expiry_of_other_kinds(kms: Client) -> None:
    """A private key expires as other material does, and comes back."""
    key, how = key_of(kms, "ECC_NIST_P256"), how_to("ECC_NIST_P256")
    date = kms.in_days(1)
    bring(kms, key, secret("ECC_NIST_P256"), how, ValidTo=date)
    assert kms.described(key)["ValidTo"] == date
    kms.local.time.passes(date - kms.local.time.wall())
    assert kms.state(key) == "PendingImport"
    kms.local.installation.upkeep.expire_due()
    bring(kms, key, secret("ECC_NIST_P256"), how)
    assert kms.state(key) == "Enabled"


def spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key(spec: str) -> bytes:
    """The public half of the material that the tests bring."""
    private = load_der_private_key(secret(spec), None)
    return spki(private.public_key())


PRIVATE = tuple(spec for spec in SPECS if spec not in BYTES)


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048", "ECC_NIST_EDWARDS25519"])
def test_a_public_key_stays_while_its_material_is_away(kms: Client, spec: str) -> None:
    """GetPublicKey answers alike before, while and after the material is deleted or expired."""
    key, date = key_of(kms, spec), kms.in_days(1)
    with refused("KMSInvalidStateException", "pending import"):
        kms.get_public_key(KeyId=key)  # there never was one
    bring(kms, key, secret(spec), how_to(spec), ValidTo=date)

    def told() -> dict[str, Any]:
        answer = kms.get_public_key(KeyId=key)
        return {name: answer[name] for name in answer if name != "ResponseMetadata"}

    whole = told()
    assert whole["PublicKey"] == public_key(spec)
    kms.delete_imported_key_material(KeyId=key)
    assert kms.state(key) == "PendingImport"
    assert told() == whole
    bring(kms, key, secret(spec), how_to(spec), ValidTo=date)
    kms.local.time.passes(date - kms.local.time.wall())
    for _ in ("at its date", "after the job"):
        assert kms.state(key) == "PendingImport"
        assert told() == whole
        kms.local.installation.upkeep.expire_due()
    bring(kms, key, secret(spec), how_to(spec))
    assert told() == whole


def test_a_replica_has_the_public_key_of_its_set(kms: Client) -> None:
    """A replica that waits for its material tells it; with the last member it is forgotten."""
    there = Client(kms.local, kms.who, region=OTHER_REGION)
    key = kms.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", MultiRegion=True)
    bring(kms, key, secret("ECC_NIST_P256"), how_to("ECC_NIST_P256"))
    kms.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    assert there.state(key) == "PendingImport"
    told = there.get_public_key(KeyId=key)["PublicKey"]
    assert told == kms.get_public_key(KeyId=key)["PublicKey"] == public_key("ECC_NIST_P256")
    for member, left in ((there, 1), (kms, 0)):
        member.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        kms.local.time.passes(timedelta(days=8))
        kms.local.installation.upkeep.destroy_due()
        counting = "SELECT count(*) FROM kms_public_keys WHERE key_id = ?"
        assert kms.local.installation.store.read().one(counting, (key,)) == (left,)


def test_a_kept_public_key_is_proved(kms: Client) -> None:
    """Nobody is told a public key that somebody wrote into the store."""
    key = key_of(kms, "ECC_NIST_P256")
    bring(kms, key, secret("ECC_NIST_P256"), how_to("ECC_NIST_P256"))
    kms.delete_imported_key_material(KeyId=key)
    other = spki(private_key("ECC_NIST_P256").public_key())
    with kms.local.installation.store.write() as transaction:
        edit = "UPDATE kms_public_keys SET public_key = ? WHERE key_id = ?"
        transaction.run(edit, (other, key))
    with refused("KMSInternalException"):
        kms.get_public_key(KeyId=key)


@pytest.mark.parametrize("spec", PRIVATE)
def test_an_imported_private_key_signs(kms: Client, spec: str) -> None:
    """The key's public half is that of the material, and verifies what the key signs."""
    key = key_of(kms, spec)
    with refused("KMSInvalidStateException", "is pending import."):
        kms.get_public_key(KeyId=key)
    bring(kms, key, secret(spec), how_to(spec))
    given = kms.get_public_key(KeyId=key)
    assert given["PublicKey"] == public_key(spec)
    for algorithm in given["SigningAlgorithms"]:
        kind = "DIGEST" if "_PH_" in algorithm else "RAW"
        message = bytes(64)
        signed = {"KeyId": key, "Message": message, "MessageType": kind,
                  "SigningAlgorithm": algorithm}  # fmt: skip
        signature = kms.sign(**signed)["Signature"]
        assert kms.verify(**signed, Signature=signature)["SignatureValid"] is True
        if kind == "RAW":
            _verify(load_der_public_key(given["PublicKey"]), algorithm, message, signature)
    kms.delete_imported_key_material(KeyId=key)
    with refused("KMSInvalidStateException", "is pending import."):
        kms.sign(**signed)


def _verify(public: PublicKeyTypes, algorithm: str, message: bytes, signature: bytes) -> None:
    """Raises InvalidSignature unless the library agrees."""
    if isinstance(public, ed25519.Ed25519PublicKey):
        return public.verify(signature, message)
    used = {"256": SHA256(), "384": SHA384(), "512": SHA512()}[algorithm[-3:]]
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.verify(signature, message, ec.ECDSA(used))
    assert isinstance(public, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(used), used.digest_size)
    return public.verify(
        signature, message, pss if "_PSS_" in algorithm else padding.PKCS1v15(), used
    )


@pytest.mark.parametrize("size", ["224", "256", "384", "512"])
def test_an_imported_mac_key(kms: Client, size: str) -> None:
    """An imported HMAC key makes the MACs of RFC 2104 with that very key."""
    spec = f"HMAC_{size}"
    key = key_of(kms, spec)
    bring(kms, key, secret(spec))
    made = kms.generate_mac(KeyId=key, Message=b"x", MacAlgorithm=f"HMAC_SHA_{size}")["Mac"]
    assert made == hmac.digest(secret(spec), b"x", f"sha{size}")


def test_an_imported_rsa_key_decrypts(kms: Client) -> None:
    """What somebody encrypted for the private key long ago is decrypted by the server."""
    key = kms.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    bring(kms, key, secret("RSA_2048"), how_to("RSA_2048"))
    public = load_der_public_key(public_key("RSA_2048"))
    assert isinstance(public, rsa.RSAPublicKey)
    sealed = public.encrypt(b"x", padding.OAEP(padding.MGF1(SHA256()), SHA256(), None))
    opened = kms.decrypt(KeyId=key, CiphertextBlob=sealed, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert opened["Plaintext"] == b"x"


def test_an_imported_key_agrees(kms: Client) -> None:
    """An imported key of ECDH derives what its holder derives."""
    key = kms.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    bring(kms, key, secret("ECC_NIST_P256"), how_to("ECC_NIST_P256"))
    ours, peer = load_der_private_key(secret("ECC_NIST_P256"), None), private_key("ECC_NIST_P256")
    assert isinstance(ours, ec.EllipticCurvePrivateKey)
    assert isinstance(peer, ec.EllipticCurvePrivateKey)
    theirs = peer.public_key()
    given = kms.derive_shared_secret(
        KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=spki(theirs)
    )
    assert given["SharedSecret"] == ours.exchange(ec.ECDH(), theirs)
    assert given["KeyOrigin"] == "EXTERNAL"
