"""Data key pairs: GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext."""

from typing import get_args

import pytest
from Crypto.PublicKey import MLKEM
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from keystead.wire.models import kms as api
from tests.kms.world import Kms, World, allow, deny, refused

SPECS = [spec for spec in get_args(api.DataKeyPairSpec) if spec != "SM2"]
SLOW = {"RSA_3072", "RSA_4096"}
CONTEXT = {"app": "orders"}


@pytest.mark.parametrize("spec", SPECS)
def test_a_pair(admin: Kms, spec: str) -> None:
    """The private key in clear is in its blob, under the same context only, and fits the public."""
    key = admin.key()
    made = admin.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, EncryptionContext=CONTEXT)
    assert made.key_id == admin.arn(f"key/{key}")
    assert made.key_pair_spec == spec
    blob = made.private_key_ciphertext_blob
    opened = admin.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert opened.plaintext == made.private_key_plaintext
    assert opened.key_material_id == made.key_material_id
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=blob)
    if spec == "ML_KEM_512":
        private = MLKEM.import_key(made.private_key_plaintext)
        assert private.param_set is MLKEM.ML_KEM_512
        assert private.public_key() == MLKEM.import_key(made.public_key)
        return
    loaded = load_der_private_key(made.private_key_plaintext, None)
    public = loaded.public_key()
    assert public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == made.public_key
    assert load_der_public_key(made.public_key) == public
    assert described(public) == spec


def described(public: object) -> str:
    """The KeyPairSpec of a public key."""
    match public:
        case rsa.RSAPublicKey():
            return f"RSA_{public.key_size}"
        case ec.EllipticCurvePublicKey():
            return {
                "secp256r1": "ECC_NIST_P256", "secp384r1": "ECC_NIST_P384",
                "secp521r1": "ECC_NIST_P521", "secp256k1": "ECC_SECG_P256K1",
            }[public.curve.name]  # fmt: skip
        case ed25519.Ed25519PublicKey():
            return "ECC_NIST_EDWARDS25519"
        case mlkem.MLKEM768PublicKey():
            return "ML_KEM_768"
        case mlkem.MLKEM1024PublicKey():
            return "ML_KEM_1024"
    raise AssertionError(public)


@pytest.mark.parametrize("spec", ["ML_KEM_768", "ML_KEM_1024"])
def test_pairs_of_ml_kem_have_seeds(admin: Kms, spec: str) -> None:
    """Their private keys are in seed form, so that both are equally long (kms.md 5.2)."""
    made = admin.generate_data_key_pair(KeyId=admin.key(), KeyPairSpec=spec)
    assert len(made.private_key_plaintext) == 86
    assert MLKEM.import_key(made.private_key_plaintext).seed


def test_pairs_differ(admin: Kms) -> None:
    """Each is new."""
    key = admin.key()
    pairs = [admin.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256") for _ in range(2)]
    assert pairs[0].private_key_plaintext != pairs[1].private_key_plaintext


def test_without_plaintext(admin: Kms, world: World) -> None:
    """The private key is only in the blob; the two operations are two permissions."""
    key = admin.key()
    alice = world.caller("alice", policies=[allow("kms:GenerateDataKeyPairWithoutPlaintext")])
    made = alice.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P384")
    assert not hasattr(made, "private_key_plaintext")
    private = load_der_private_key(
        admin.decrypt(CiphertextBlob=made.private_key_ciphertext_blob).plaintext, None
    )
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.public_key() == load_der_public_key(made.public_key)
    with refused("AccessDeniedException"):
        alice.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P384")


@pytest.mark.parametrize("name", ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"])
def test_who_may_and_when(admin: Kms, world: World, name: str) -> None:
    """Only of an enabled symmetric key, with a usable token, and for real."""
    key = admin.key()
    asked = {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}
    nobody = world.caller("nobody", policies=[])
    admin.call(name, asked)
    with refused("AccessDeniedException"):
        nobody.call(name, asked)
    with refused("DryRunOperationException"):
        admin.call(name, {**asked, "DryRun": True})
    with refused("AccessDeniedException"):
        nobody.call(name, {**asked, "DryRun": True})
    with refused("InvalidGrantTokenException"):
        admin.call(name, {**asked, "GrantTokens": ["x"]})
    with refused("NotFoundException"):
        admin.call(name, {**asked, "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"})
    with refused("ValidationException"):
        admin.call(name, {**asked, "KeyPairSpec": "SM2"})
    signing = admin.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("InvalidKeyUsageException"):
        admin.call(name, {**asked, "KeyId": signing})
    admin.disable_key(KeyId=key)
    with refused("DisabledException"):
        admin.call(name, asked)
    admin.schedule_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException"):
        admin.call(name, asked)


def test_a_policy_may_name_the_spec(admin: Kms, world: World) -> None:
    """kms:DataKeyPairSpec says which pairs somebody may have, also by an alias."""
    key = admin.key()
    admin.create_alias(AliasName="alias/pairs", TargetKeyId=key)
    elliptic = {"StringLike": {"kms:DataKeyPairSpec": "ECC_*"}}
    alice = world.caller("alice", policies=[allow("kms:GenerateDataKeyPair", Condition=elliptic)])
    alice.generate_data_key_pair(KeyId="alias/pairs", KeyPairSpec="ECC_NIST_P256")
    with refused("AccessDeniedException"):
        alice.generate_data_key_pair(KeyId="alias/pairs", KeyPairSpec="ML_KEM_768")
    elsewhere = {"StringNotEquals": {"kms:EncryptionContext:app": "orders"}}
    bound = world.caller("bob", policies=[allow("kms:*"), deny("kms:*", Condition=elsewhere)])
    asked = {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}
    bound.generate_data_key_pair(**asked, EncryptionContext=CONTEXT)
    with refused("AccessDeniedException"):
        bound.generate_data_key_pair(**asked, EncryptionContext={"app": "payroll"})


def test_recipients_of_pairs_are_refused(admin: Kms) -> None:
    """A private key is not given in clear to whoever asks for it to be wrapped."""
    asked = {"KeyId": admin.key(), "KeyPairSpec": "ECC_NIST_P256"}
    with refused("ValidationException"):
        admin.generate_data_key_pair(**asked, Recipient={})
    admin.generate_data_key_pair(**asked)
