"""Keys of every spec: made by CreateKey, and told by DescribeKey (kms.md 5.1, 9.1)."""

import pytest

from keystead.kms import usage
from tests.kms.world import Kms, World, refused

LISTS = {
    "ENCRYPT_DECRYPT": "encryption_algorithms",
    "SIGN_VERIFY": "signing_algorithms",
    "GENERATE_VERIFY_MAC": "mac_algorithms",
    "KEY_AGREEMENT": "key_agreement_algorithms",
    "ENCAPSULATE_DECAPSULATE": "encapsulation_algorithms",
}
KINDS = [
    (spec, use)
    for spec, uses in usage.ALGORITHMS.items()
    for use in uses
    if spec not in ("RSA_3072", "RSA_4096", "SM2")
]


@pytest.mark.parametrize(("spec", "use"), KINDS)
def test_every_kind_is_made(admin: Kms, spec: str, use: str) -> None:
    """A new key has its spec and usage, and the list of algorithms that belongs to them, alone."""
    made = admin.create_key(KeySpec=spec, KeyUsage=use).key_metadata
    told = admin.describe_key(KeyId=made.key_id).key_metadata

    assert told == made
    assert (told.key_spec, told.key_usage, told.key_state) == (spec, use, "Enabled")
    assert getattr(told, LISTS[use]) == list(usage.algorithms(spec, use))
    assert all(getattr(told, name) is None for name in LISTS.values() if name != LISTS[use])
    old = None if spec == "ECC_NIST_EDWARDS25519" or spec.startswith("ML_") else spec
    assert told.customer_master_key_spec == old
    assert (told.current_key_material_id is not None) == (spec == "SYMMETRIC_DEFAULT")


def test_a_refused_key_leaves_nothing(world: World, admin: Kms) -> None:
    """What was made for a key that is refused at last is dropped, and no record has it."""
    other = world.caller("other", policies=[])
    with refused("AccessDeniedException"):
        other.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    assert admin.list_keys().keys == []


@pytest.mark.parametrize("spec", ["HMAC_256", "ECC_NIST_P256"])
def test_only_symmetric_keys_rotate(admin: Kms, spec: str) -> None:
    """Other keys have no rotation, and AWS gives no reason; a symmetric key has it."""
    key = admin.key(KeySpec=spec, KeyUsage=next(iter(usage.ALGORITHMS[spec])))
    for method in ("enable_key_rotation", "disable_key_rotation", "rotate_key_on_demand",
                   "list_key_rotations"):  # fmt: skip
        with refused("UnsupportedOperationException") as told:
            getattr(admin, method)(KeyId=key)
        assert told.value.message is None
        getattr(admin, method)(KeyId=admin.key())
    status = admin.get_key_rotation_status(KeyId=key)
    assert (status.key_rotation_enabled, status.next_rotation_date) == (False, None)


def test_aliases_stay_with_their_kind(admin: Kms) -> None:
    """An alias moves to a key of its kind and usage only (kms.md 6.4)."""
    ecc, rsa, mac = (
        admin.key(KeySpec=spec, KeyUsage=use)
        for spec, use in (
            ("ECC_NIST_P256", "SIGN_VERIFY"),
            ("RSA_2048", "SIGN_VERIFY"),
            ("HMAC_256", "GENERATE_VERIFY_MAC"),
        )
    )
    agreement = admin.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    admin.create_alias(AliasName="alias/a", TargetKeyId=ecc)
    for other in (mac, agreement, admin.key()):
        with refused("ValidationException"):
            admin.update_alias(AliasName="alias/a", TargetKeyId=other)
    admin.update_alias(AliasName="alias/a", TargetKeyId=rsa)
