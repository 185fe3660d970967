"""What can a key of this spec and usage do?"""

from dataclasses import dataclass
from typing import get_args

import pytest

from keystead.errors import AwsError
from keystead.kms import usage
from keystead.kms.rules import KMS
from keystead.wire.models import kms as api
from tests.kms.world import Kms, refused


@dataclass
class Key:
    spec: str
    usage: str
    arn_text: str = "arn"


def test_every_spec_usage_and_algorithm_of_the_api_is_listed() -> None:
    """The matrix knows every spec and usage that the model names, and every algorithm."""
    assert set(usage.ALGORITHMS) == set(get_args(api.KeySpec))
    usages = {name for row in usage.ALGORITHMS.values() for name in row}
    assert usages == set(get_args(api.KeyUsageType))
    listed = {a for row in usage.ALGORITHMS.values() for cell in row.values() for a in cell}
    named = (
        *get_args(api.EncryptionAlgorithmSpec),
        *get_args(api.SigningAlgorithmSpec),
        *get_args(api.MacAlgorithmSpec),
        *get_args(api.KeyAgreementAlgorithmSpec),
        *get_args(api.EncapsulationAlgorithmSpec),
    )
    assert listed == set(named)


@pytest.mark.parametrize(
    ("spec", "key_usage", "operation", "algorithm"),
    [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "GenerateDataKey", "SYMMETRIC_DEFAULT"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "Encrypt", "RSAES_OAEP_SHA_256"),
        ("ECC_NIST_P384", "KEY_AGREEMENT", "DeriveSharedSecret", "ECDH"),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "VerifyMac", "HMAC_SHA_256"),
    ],
)
def test_what_belongs_together(spec: str, key_usage: str, operation: str, algorithm: str) -> None:
    """A key does what its row says."""
    usage.require(KMS[operation].use, operation, Key(spec, key_usage), algorithm)


@pytest.mark.parametrize(
    ("spec", "key_usage", "operation", "algorithm", "message"),
    [
        ("RSA_2048", "SIGN_VERIFY", "Encrypt", "RSAES_OAEP_SHA_256",
         "arn key usage is SIGN_VERIFY which is not valid for Encrypt."),
        ("RSA_2048", "ENCRYPT_DECRYPT", "GenerateDataKey", "SYMMETRIC_DEFAULT",
         "arn key usage is ENCRYPT_DECRYPT which is not valid for GenerateDataKey."),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "GenerateMac", "HMAC_SHA_256",
         "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Encrypt", "RSAES_OAEP_SHA_256",
         "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."),
    ],
)  # fmt: skip
def test_what_does_not(
    spec: str, key_usage: str, operation: str, algorithm: str, message: str
) -> None:
    """Everything else is InvalidKeyUsageException."""
    with pytest.raises(AwsError) as caught:
        usage.require(KMS[operation].use, operation, Key(spec, key_usage), algorithm)
    assert (caught.value.code, caught.value.message) == ("InvalidKeyUsageException", message)


def test_encrypt_with_another_algorithm(admin: Kms) -> None:
    """A symmetric key encrypts with SYMMETRIC_DEFAULT, said or not, and nothing else."""
    key = admin.key()
    admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="SYMMETRIC_DEFAULT")
    with refused("InvalidKeyUsageException"):
        admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")


def test_only_keys_that_rotate_have_rotation() -> None:
    """Rotation is for symmetric keys, and AWS gives no reason for the others."""

    @dataclass
    class Rotating(Key):
        origin: str = "AWS_KMS"

    usage.require_rotation(Rotating("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"))  # type: ignore[arg-type]  # state is not read
    with pytest.raises(api.UnsupportedOperationException) as caught:
        usage.require_rotation(Rotating("HMAC_256", "GENERATE_VERIFY_MAC"))  # type: ignore[arg-type]  # as above
    assert caught.value.message is None
