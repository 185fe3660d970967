"""Encrypt, Decrypt and ReEncrypt with RSA keys (kms.md 5.2, 6.1, 9)."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.kms import usage
from tests.kms.world import OTHER_ACCOUNT, Kms, World, allow, delegation, document, refused

SHA_1, SHA_256 = "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"
OAEPS = {SHA_1: hashes.SHA1(), SHA_256: hashes.SHA256()}  # noqa: S303  # AWS's algorithm
NO_CONTEXT = "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."
CONTEXT = {"EncryptionContext": {"a": "b"}}


def rsa_key(admin: Kms, **members: Any) -> str:
    return admin.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT", **members)


@pytest.mark.parametrize("algorithm", OAEPS)
def test_round_trip(admin: Kms, world: World, algorithm: str) -> None:
    """What is encrypted here or elsewhere with the public key is decrypted here."""
    key = rsa_key(admin)
    public = load_der_public_key(admin.get_public_key(KeyId=key).public_key)
    assert isinstance(public, RSAPublicKey)
    named = {"KeyId": key, "EncryptionAlgorithm": algorithm}
    sealed = admin.encrypt(**named, Plaintext=b"secret")
    padding = OAEP(MGF1(OAEPS[algorithm]), OAEPS[algorithm], None)
    for blob in (sealed.ciphertext_blob, public.encrypt(b"secret", padding)):
        opened = admin.decrypt(**named, CiphertextBlob=blob)
        assert (opened.plaintext, opened.key_material_id) == (b"secret", None)
        assert opened.key_id == sealed.key_id == admin.arn(f"key/{key}")
        assert opened.encryption_algorithm == sealed.encryption_algorithm == algorithm
    assert len(sealed.ciphertext_blob) == 256
    assert all("keyMaterialId" not in each.additional for each in world.events)
    assert world.events[-1].request_parameters == {"encryptionAlgorithm": algorithm}


@pytest.mark.parametrize(
    ("spec", "algorithm", "most"),
    [
        ("RSA_2048", SHA_1, 214), ("RSA_2048", SHA_256, 190), ("RSA_3072", SHA_1, 342),
        ("RSA_3072", SHA_256, 318), ("RSA_4096", SHA_1, 470), ("RSA_4096", SHA_256, 446),
    ],
)  # fmt: skip
def test_the_longest_plaintext(spec: str, algorithm: str, most: int) -> None:
    """RSA encrypts no more than modulus and padding leave (kms.md 9)."""

    class Key:
        arn_text, usage = "arn", "ENCRYPT_DECRYPT"

    key = Key()
    key.spec = spec  # type: ignore[attr-defined]  # of each case
    usage.require_length(key, algorithm, bytes(most))  # type: ignore[arg-type]  # as above
    with refused(
        "ValidationException",
        f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes.",
    ):
        usage.require_length(key, algorithm, bytes(most + 1))  # type: ignore[arg-type]  # as above


def test_the_longest_plaintext_is_encrypted(admin: Kms) -> None:
    """Exactly as much as that; a longer one is refused, by a dry run too."""
    named = {"KeyId": rsa_key(admin), "EncryptionAlgorithm": SHA_256}
    blob = admin.encrypt(**named, Plaintext=bytes(190)).ciphertext_blob
    assert admin.decrypt(**named, CiphertextBlob=blob).plaintext == bytes(190)
    for more in ({}, {"DryRun": True}):
        with refused("ValidationException"):
            admin.encrypt(**named, Plaintext=bytes(191), **more)


def test_other_ciphertexts(admin: Kms) -> None:
    """A ciphertext of another key, padding or length is one error, without a reason (KM-2)."""
    key, other = rsa_key(admin), rsa_key(admin)
    named = {"KeyId": key, "EncryptionAlgorithm": SHA_256}
    blob = admin.encrypt(**named, Plaintext=b"x").ciphertext_blob
    symmetric = admin.encrypt(KeyId=admin.key(), Plaintext=b"x").ciphertext_blob
    for wrong in (
        {"KeyId": other}, {"EncryptionAlgorithm": SHA_1}, {"CiphertextBlob": blob[:-1]},
        {"CiphertextBlob": blob + b"\0"}, {"CiphertextBlob": bytes(256)},
        {"CiphertextBlob": symmetric},
    ):  # fmt: skip
        with refused("InvalidCiphertextException") as told:
            admin.decrypt(**{**named, "CiphertextBlob": blob, **wrong})
        assert told.value.message is None
    assert admin.decrypt(**named, CiphertextBlob=blob).plaintext == b"x"


def test_the_request_names_key_and_algorithm(admin: Kms) -> None:
    """Nothing in the ciphertext tells them."""
    key = rsa_key(admin)
    blob = admin.encrypt(KeyId=key, EncryptionAlgorithm=SHA_256, Plaintext=b"x").ciphertext_blob
    with refused("ValidationException", "KeyId must not be null"):
        admin.decrypt(CiphertextBlob=blob, EncryptionAlgorithm=SHA_256)
    with refused("InvalidCiphertextException"):  # it is no blob of a symmetric key
        admin.decrypt(CiphertextBlob=blob, KeyId=key)
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=blob)
    with refused(
        "InvalidKeyUsageException",
        "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
    ):
        admin.encrypt(KeyId=key, Plaintext=b"x")
    with refused(
        "InvalidKeyUsageException",
        f"Algorithm {SHA_256} is incompatible with key spec SYMMETRIC_DEFAULT.",
    ):
        admin.decrypt(CiphertextBlob=blob, KeyId=admin.key(), EncryptionAlgorithm=SHA_256)


def test_there_is_no_context(admin: Kms) -> None:
    """RSA binds no encryption context; an empty one is none."""
    named = {"KeyId": rsa_key(admin), "EncryptionAlgorithm": SHA_256}
    blob = admin.encrypt(**named, Plaintext=b"x", EncryptionContext={}).ciphertext_blob
    with refused("ValidationException", NO_CONTEXT):
        admin.encrypt(**named, Plaintext=b"x", **CONTEXT)
    with refused("ValidationException", NO_CONTEXT):
        admin.decrypt(**named, CiphertextBlob=blob, **CONTEXT)


def test_states_and_dry_runs(admin: Kms) -> None:
    """States count as for every key; a dry run decrypts nothing, and looks at the length."""
    key = rsa_key(admin)
    named = {"KeyId": key, "EncryptionAlgorithm": SHA_256}
    blob = admin.encrypt(**named, Plaintext=b"x").ciphertext_blob
    for sent in (blob, bytes(256)):
        with refused("DryRunOperationException"):
            admin.decrypt(**named, CiphertextBlob=sent, DryRun=True)
    with refused("InvalidCiphertextException"):
        admin.decrypt(**named, CiphertextBlob=blob[1:], DryRun=True)
    modified = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    with refused("DryRunOperationException"):
        admin.decrypt(**named, **modified)
    admin.disable_key(KeyId=key)
    with refused("DisabledException"):
        admin.encrypt(**named, Plaintext=b"x")
    with refused("DisabledException"):
        admin.decrypt(**named, CiphertextBlob=blob)


def test_across_accounts(admin: Kms, world: World) -> None:
    """The key's policy and the caller's own must both allow it."""
    policy = document(delegation(), delegation(OTHER_ACCOUNT))
    guest = world.caller("guest", OTHER_ACCOUNT, policies=[allow(["kms:Encrypt", "kms:Decrypt"])])
    named = {"EncryptionAlgorithm": SHA_256}
    shared, own = (admin.arn(f"key/{rsa_key(admin, **more)}") for more in ({"Policy": policy}, {}))
    blob = guest.encrypt(KeyId=shared, Plaintext=b"x", **named).ciphertext_blob
    assert guest.decrypt(KeyId=shared, CiphertextBlob=blob, **named).plaintext == b"x"
    with refused("AccessDeniedException"):
        guest.decrypt(KeyId=own, CiphertextBlob=blob, **named)


def test_reencrypt_across_kinds(admin: Kms, world: World) -> None:
    """Either side may be RSA: each has its own algorithm, and only symmetric keys tell material."""
    rsa, symmetric = rsa_key(admin), admin.key()
    material = admin.describe_key(KeyId=symmetric).key_metadata.current_key_material_id
    first = admin.encrypt(KeyId=rsa, Plaintext=b"x", EncryptionAlgorithm=SHA_1).ciphertext_blob
    from_rsa = {"SourceKeyId": rsa, "SourceEncryptionAlgorithm": SHA_1}
    to_rsa = {"DestinationKeyId": rsa, "DestinationEncryptionAlgorithm": SHA_256}
    context = {"SourceEncryptionContext": {"a": "b"}}

    out = admin.re_encrypt(
        CiphertextBlob=first, **from_rsa, DestinationKeyId=symmetric,
        DestinationEncryptionContext={"a": "b"},
    )  # fmt: skip
    assert (out.source_key_material_id, out.destination_key_material_id) == (None, material)
    assert world.events[-1].additional == {"destinationKeyMaterialId": material}
    back = admin.re_encrypt(CiphertextBlob=out.ciphertext_blob, **to_rsa, **context)
    assert (back.source_key_material_id, back.destination_key_material_id) == (material, None)
    told = (back.source_encryption_algorithm, back.destination_encryption_algorithm)
    assert told == ("SYMMETRIC_DEFAULT", SHA_256)
    opened = admin.decrypt(
        CiphertextBlob=back.ciphertext_blob, KeyId=rsa, EncryptionAlgorithm=SHA_256
    )
    assert opened.plaintext == b"x"
    again = admin.re_encrypt(CiphertextBlob=first, **from_rsa, **to_rsa)
    assert len(again.ciphertext_blob) == 256


def test_reencrypt_is_refused(admin: Kms) -> None:
    """A source without a name, contexts of RSA sides, and what RSA cannot hold."""
    rsa, symmetric = rsa_key(admin), admin.key()
    blob = admin.encrypt(KeyId=rsa, Plaintext=b"x", EncryptionAlgorithm=SHA_1).ciphertext_blob
    long = admin.encrypt(KeyId=symmetric, Plaintext=bytes(191)).ciphertext_blob
    from_rsa = {"SourceKeyId": rsa, "SourceEncryptionAlgorithm": SHA_1, "CiphertextBlob": blob}
    to_rsa = {"DestinationKeyId": rsa, "DestinationEncryptionAlgorithm": SHA_256}
    with refused("ValidationException", "SourceKeyId must not be null"):
        admin.re_encrypt(**{**from_rsa, "SourceKeyId": None}, DestinationKeyId=symmetric)
    with refused("ValidationException", NO_CONTEXT):
        admin.re_encrypt(**from_rsa, DestinationKeyId=symmetric, SourceEncryptionContext={"a": "b"})
    with refused("ValidationException", NO_CONTEXT):
        admin.re_encrypt(CiphertextBlob=long, **to_rsa, DestinationEncryptionContext={"a": "b"})
    with refused("ValidationException"):
        admin.re_encrypt(CiphertextBlob=long, **to_rsa)
    with refused("DryRunOperationException"):
        admin.re_encrypt(**from_rsa, DestinationKeyId=symmetric, DryRun=True)
    with refused("InvalidCiphertextException"):
        admin.re_encrypt(
            **{**from_rsa, "SourceEncryptionAlgorithm": SHA_256}, DestinationKeyId=symmetric
        )
