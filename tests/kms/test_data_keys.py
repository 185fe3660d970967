"""Data keys and random bytes."""

import pytest

from tests.kms.world import Kms, World, allow, deny, refused


@pytest.mark.parametrize(
    ("size", "length"),
    [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1}, 1),
     ({"NumberOfBytes": 1024}, 1024)],
)  # fmt: skip
def test_a_data_key(admin: Kms, size: dict[str, object], length: int) -> None:
    """The blob of a data key opens to it, under the same context only."""
    key, context = admin.key(), {"a": "1"}
    made = admin.generate_data_key(KeyId=key, EncryptionContext=context, **size)
    assert len(made.plaintext) == length
    opened = admin.decrypt(CiphertextBlob=made.ciphertext_blob, EncryptionContext=context)
    assert opened.plaintext == made.plaintext
    assert made.key_id == admin.arn(f"key/{key}")
    assert made.key_material_id == opened.key_material_id
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=made.ciphertext_blob)


def test_data_keys_differ(admin: Kms) -> None:
    """Each is new."""
    key = admin.key()
    one, other = (admin.generate_data_key(KeyId=key, KeySpec="AES_256") for _ in range(2))
    assert one.plaintext != other.plaintext


def test_without_plaintext(admin: Kms, world: World) -> None:
    """The plaintext is only in the blob; the two operations are two permissions."""
    key = admin.key()
    alice = world.caller("alice", policies=[allow("kms:GenerateDataKeyWithoutPlaintext")])
    made = alice.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
    assert len(admin.decrypt(CiphertextBlob=made.ciphertext_blob).plaintext) == 32
    assert not hasattr(made, "plaintext")
    with refused("AccessDeniedException"):
        alice.generate_data_key(KeyId=key, KeySpec="AES_256")


@pytest.mark.parametrize("size", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_one_size(admin: Kms, size: dict[str, object]) -> None:
    """Neither size, or both, is refused."""
    with refused("ValidationException", "Please specify either number of bytes or key spec."):
        admin.generate_data_key(KeyId=admin.key(), **size)


def test_refusals_of_data_keys(admin: Kms) -> None:
    """A disabled key, a dry run and an attested recipient get no data key."""
    key = admin.key()
    with refused("DryRunOperationException"):
        admin.generate_data_key(KeyId=key, KeySpec="AES_256", DryRun=True)
    with refused("ValidationException"):
        admin.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient={})
    admin.disable_key(KeyId=key)
    with refused("DisabledException"):
        admin.generate_data_key(KeyId=key, KeySpec="AES_256")
    with refused("DisabledException"):
        admin.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")


def test_random_bytes(admin: Kms, world: World) -> None:
    """GenerateRandom gives as many bytes as asked for, to whom an identity policy allows it."""
    one, other = (admin.generate_random(NumberOfBytes=32).plaintext for _ in range(2))
    assert len(one) == 32
    assert one != other
    with refused("ValidationException", "NumberOfBytes is required."):
        admin.generate_random()
    with refused("AccessDeniedException"):
        world.caller("nobody", policies=[]).generate_random(NumberOfBytes=1)
    with refused("CustomKeyStoreNotFoundException"):
        admin.generate_random(NumberOfBytes=1, CustomKeyStoreId="cks-1")
    with refused("ValidationException"):
        admin.generate_random(NumberOfBytes=1, Recipient={})


def test_random_bytes_have_no_caller_account(world: World) -> None:
    """kms:CallerAccount is absent where there is no key, and present where there is one."""
    condition = {"Null": {"kms:CallerAccount": "false"}}
    alice = world.caller("alice", policies=[allow("kms:*"), deny("kms:*", Condition=condition)])
    alice.generate_random(NumberOfBytes=1)
    alice.list_keys()
    alice.list_aliases()
    with refused("AccessDeniedException"):
        alice.create_key()
