"""Key material that callers bring: what a key takes, what becomes of it, and what is refused."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keystead.custody import wrapping
from tests.conftest import refused
from tests.importing import FOR_EVER, How, bring, prepared
from tests.kms.importer import Client
from tests.server.installations import open_local

SECRET, OTHER = bytes(range(32)), bytes(range(32, 64))
ID = re.compile(r"\A[0-9a-f]{64}\Z")
_made: dict[int, rsa.RSAPrivateKey] = {}


def made_before(exponent: int, bits: int) -> rsa.RSAPrivateKey:
    """A wrapping key of this size, the same for all tests of this module: to make one is slow."""
    if bits not in _made:
        _made[bits] = rsa.generate_private_key(exponent, bits)
    return _made[bits]


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The administrator of an installation."""
    local = open_local(tmp_path_factory.mktemp("imports") / "data")
    yield Client(local, local.admin)
    local.installation.close()


@pytest.fixture
def key(kms: Client) -> str:
    """A symmetric key that waits for its material."""
    return kms.key()


def test_a_key_that_waits(kms: Client, key: str) -> None:
    """It has no material and none of its dates, and nothing can be done with it but import."""
    found = kms.described(key)
    assert (found["KeyState"], found["Enabled"], found["Origin"]) == (
        "PendingImport", False, "EXTERNAL",
    )  # fmt: skip
    assert not {"CurrentKeyMaterialId", "ExpirationModel", "ValidTo"} & set(found)
    pending = f"{found['Arn']} is pending import."
    with refused("KMSInvalidStateException", pending):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("KMSInvalidStateException", pending):
        kms.rotate_key_on_demand(KeyId=key)
    with refused("UnsupportedOperationException", "origin is EXTERNAL"):
        kms.enable_key_rotation(KeyId=key)
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    assert kms.materials(key) == []
    kms.create_alias(AliasName=f"alias/{key}", TargetKeyId=key)


def test_the_first_material(kms: Client, key: str) -> None:
    """With its material a key is enabled; what it is made of can be seen, and is no secret."""
    answer = bring(kms, key, SECRET, KeyMaterialDescription="from the HSM")
    assert answer["KeyId"] == kms.arn(key)
    assert ID.match(answer["KeyMaterialId"])
    found = kms.described(key)
    assert (found["KeyState"], found["Enabled"]) == ("Enabled", True)
    assert found["CurrentKeyMaterialId"] == answer["KeyMaterialId"]
    assert found["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert "ValidTo" not in found
    assert kms.materials(key) == [
        {
            "KeyMaterialId": answer["KeyMaterialId"],
            "KeyMaterialState": "CURRENT",
            "KeyMaterialDescription": "from the HSM",
            "ImportState": "IMPORTED",
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
    ]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"x", answer["KeyMaterialId"])
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []


def test_ids_of_material(kms: Client) -> None:
    """The same secret has another id in another key, so nobody sees that two keys share one."""
    ids = [bring(kms, kms.key(), SECRET)["KeyMaterialId"] for _ in range(2)]
    assert ids[0] != ids[1]


ALGORITHMS = (
    "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256",
)  # fmt: skip


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096"])
@pytest.mark.parametrize("algorithm", ALGORITHMS[:2])
def test_symmetric_material_is_wrapped_with_oaep(kms: Client, algorithm: str, spec: str) -> None:
    """With either hash, and a wrapping key of every size."""
    key = kms.key()
    bring(kms, key, SECRET, How(algorithm, spec))
    assert kms.state(key) == "Enabled"


@pytest.mark.parametrize(
    ("algorithm", "spec"),
    [
        *((algorithm, "RSA_4096") for algorithm in ALGORITHMS[2:]),
        ("RSAES_PKCS1_V1_5", "RSA_2048"),
        ("SM2PKE", "RSA_2048"),
        ("SM2PKE", "SM2"),
        ("RSAES_OAEP_SHA_256", "SM2"),
    ],
)
def test_other_wrappings_are_refused(kms: Client, key: str, algorithm: str, spec: str) -> None:
    """PKCS#1 v1.5 as AWS does since 2023, SM2 outside China, and AES around what OAEP carries."""
    with refused("UnsupportedOperationException", algorithm):
        kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)


def test_keys_of_our_own_material(kms: Client) -> None:
    """A key whose material we made takes none, and keeps its own."""
    key = kms.key(Origin="AWS_KMS")
    sent = prepared(kms, kms.key(), SECRET)
    sentence = f"{kms.arn(key)} origin is AWS_KMS which is not valid for this operation."
    with refused("UnsupportedOperationException", sentence):
        prepared(kms, key, SECRET)
    with refused("UnsupportedOperationException", sentence):
        kms.import_key_material(**{**sent, "KeyId": key}, **FOR_EVER)
    with refused("UnsupportedOperationException", sentence):
        kms.delete_imported_key_material(KeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    with refused("UnsupportedOperationException", sentence):
        prepared(kms, key, SECRET)


# Deleting, and bringing it again


def test_deleted_and_brought_again(kms: Client, key: str) -> None:
    """Without its material a key does nothing; with the same material it opens what it sealed."""
    material = bring(kms, key, SECRET, KeyMaterialDescription="one")["KeyMaterialId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    deleted = kms.delete_imported_key_material(KeyId=key)
    assert (deleted["KeyId"], deleted["KeyMaterialId"]) == (kms.arn(key), material)
    found = kms.described(key)
    assert (found["KeyState"], found["Enabled"]) == ("PendingImport", False)
    assert found["CurrentKeyMaterialId"] == material
    assert "ExpirationModel" not in found
    with refused("KMSInvalidStateException", "is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    [gone] = kms.materials(key)
    assert (gone["ImportState"], gone["KeyMaterialState"]) == ("PENDING_IMPORT", "CURRENT")

    assert bring(kms, key, SECRET)["KeyMaterialId"] == material
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert kms.materials(key)[0]["KeyMaterialDescription"] == "one"


def test_other_material_is_refused(kms: Client, key: str) -> None:
    """In the place of deleted material a key takes nothing else."""
    bring(kms, key, SECRET)
    kms.delete_imported_key_material(KeyId=key)
    with refused("IncorrectKeyMaterialException"):
        bring(kms, key, OTHER)
    assert kms.state(key) == "PendingImport"


def test_the_secret_is_gone(kms: Client, key: str) -> None:
    """Deleted material is not in the store, nor in its log after the job ran."""
    bring(kms, key, SECRET)
    installation = kms.local.installation
    counting = "SELECT count(*) FROM key_materials WHERE key_id = ?"
    assert installation.store.read().one(counting, (key,)) == (1,)
    kms.delete_imported_key_material(KeyId=key)
    assert installation.store.read().one(counting, (key,)) == (0,)
    installation.upkeep.purge()
    assert (installation.directory / "keystead.db-wal").stat().st_size == 0


def test_nothing_to_delete(kms: Client, key: str) -> None:
    """To delete what is not there has no effect; to delete what never was is an error."""
    assert "KeyMaterialId" not in kms.delete_imported_key_material(KeyId=key)
    bring(kms, key, SECRET)
    for _ in range(2):
        kms.delete_imported_key_material(KeyId=key)
    with refused("NotFoundException", "0" * 64):
        kms.delete_imported_key_material(KeyId=key, KeyMaterialId="0" * 64)
    assert kms.state(key) == "PendingImport"


def test_a_disabled_key(kms: Client, key: str) -> None:
    """A disabled key takes its material and stays disabled; without material it waits for it."""
    bring(kms, key, SECRET)
    kms.disable_key(KeyId=key)
    bring(kms, key, SECRET, ValidTo=kms.in_days(1))
    assert kms.state(key) == "Disabled"
    kms.delete_imported_key_material(KeyId=key)
    assert kms.state(key) == "PendingImport"
    with refused("KMSInvalidStateException", "is pending import."):
        kms.enable_key(KeyId=key)


def test_a_key_pending_deletion(kms: Client, key: str) -> None:
    """It takes nothing; its material may be deleted, and then it comes back without it."""
    bring(kms, key, SECRET)
    sent = prepared(kms, key, SECRET)
    kms.schedule_key_deletion(KeyId=key)
    for attempt in (lambda: prepared(kms, key, SECRET),
                    lambda: kms.import_key_material(**sent, **FOR_EVER)):  # fmt: skip
        with refused("KMSInvalidStateException", f"{kms.arn(key)} is pending deletion."):
            attempt()
    kms.cancel_key_deletion(KeyId=key)
    assert kms.state(key) == "Disabled"
    kms.schedule_key_deletion(KeyId=key)
    kms.delete_imported_key_material(KeyId=key)
    assert kms.state(key) == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key)
    assert kms.state(key) == "PendingImport"


def test_a_destroyed_key(kms: Client, key: str) -> None:
    """With the key every row of its imported material goes."""
    bring(kms, key, SECRET)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms.local.time.passes(timedelta(days=8))
    kms.local.installation.upkeep.destroy_due()
    reader = kms.local.installation.store.read()
    for table in ("kms_imported_materials", "kms_materials", "key_materials"):
        counting = f"SELECT count(*) FROM {table} WHERE key_id = ?"  # our own names
        assert reader.one(counting, (key,)) == (0,)


# Several materials


def test_rotation(kms: Client, key: str) -> None:
    """New material waits until the key is rotated; what was sealed before still opens."""
    first = bring(kms, key, SECRET)["KeyMaterialId"]
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    second = bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    assert [(m["KeyMaterialId"], m["KeyMaterialState"]) for m in kms.materials(key)] == [
        (first, "CURRENT"), (second, "PENDING_ROTATION"),
    ]  # fmt: skip
    assert kms.described(key)["CurrentKeyMaterialId"] == first
    assert kms.rotate_key_on_demand(KeyId=key)["KeyId"] == kms.arn(key)
    assert kms.described(key)["CurrentKeyMaterialId"] == second
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in (old, new)]
    assert [(o["Plaintext"], o["KeyMaterialId"]) for o in opened] == [
        (b"old", first), (b"new", second),
    ]  # fmt: skip
    [rotation] = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert (rotation["KeyMaterialId"], rotation["RotationType"]) == (second, "ON_DEMAND")
    assert rotation["KeyMaterialState"] == "CURRENT"
    with refused(
        "KMSInvalidStateException",
        f"No available key material pending rotation for the key: {kms.arn(key)}.",
    ):
        kms.rotate_key_on_demand(KeyId=key)


def test_any_material_missing(kms: Client, key: str) -> None:
    """A key that misses one of its materials does nothing with the others either."""
    first = bring(kms, key, SECRET)["KeyMaterialId"]
    bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL")
    kms.rotate_key_on_demand(KeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key, KeyMaterialId=first)
    with refused("KMSInvalidStateException", "is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    kms.delete_imported_key_material(KeyId=key)
    bring(kms, key, OTHER)
    assert kms.state(key) == "PendingImport"
    bring(kms, key, SECRET, KeyMaterialId=first)
    assert kms.state(key) == "Enabled"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_one_at_a_time(kms: Client, key: str) -> None:
    """While one material waits no other is taken; deleted, it is forgotten."""
    bring(kms, key, SECRET)
    waiting = bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    with refused("KMSInvalidStateException") as told:
        bring(kms, key, os.urandom(32), ImportType="NEW_KEY_MATERIAL")
    assert re.search(
        r"New key material \(id: [0-9a-f]{64}\) cannot be imported into KMS key"
        rf" {kms.arn(key)}, because another key material \(id: {waiting}\) is pending rotation\.\Z",
        str(told.value),
    )
    kms.delete_imported_key_material(KeyId=key, KeyMaterialId=waiting)
    assert kms.state(key) == "Enabled"
    assert len(kms.materials(key)) == 1
    with refused("IncorrectKeyMaterialException"):
        bring(kms, key, OTHER)
    bring(kms, key, os.urandom(32), ImportType="NEW_KEY_MATERIAL")
    kms.rotate_key_on_demand(KeyId=key)


def test_new_or_existing(kms: Client, key: str) -> None:
    """Material is what the request says that it is, or nothing is taken."""
    with refused("IncorrectKeyMaterialException"):
        bring(kms, key, SECRET, ImportType="EXISTING_KEY_MATERIAL")
    material = bring(kms, key, SECRET, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    with refused("IncorrectKeyMaterialException"):
        bring(kms, key, SECRET, ImportType="NEW_KEY_MATERIAL")
    with refused("IncorrectKeyMaterialException"):
        bring(kms, key, SECRET, KeyMaterialId="0" * 64)
    with refused("ValidationException", "KeyMaterialId"):
        bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL", KeyMaterialId=material)
    bring(kms, key, SECRET, ImportType="EXISTING_KEY_MATERIAL", KeyMaterialId=material)


def test_twenty_five_rotations(kms: Client, key: str) -> None:
    """Imported material is rotated 25 times at most, as all other is."""
    bring(kms, key, SECRET)
    with kms.local.installation.store.write() as transaction:
        rows = kms.local.installation.keys
        record = rows.key(transaction, *_place(kms, key)).record  # type: ignore[union-attr]  # it is there
        for number in range(25):
            record = rows.add_material(transaction, record, f"{number:064x}", "ON_DEMAND", 0)
    kms.local.installation.commit()
    bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL")
    with refused("LimitExceededException", "The on-demand rotations limit has been reached"):
        kms.rotate_key_on_demand(KeyId=key)


def _place(kms: Client, key: str) -> tuple[str, str, str]:
    _, _, _, region, account, _ = kms.arn(key).split(":")
    return account, region, key


# What is recorded


def test_what_is_recorded(kms: Client, key: str) -> None:
    """Neither token nor wrapped material is in any record; the id of the material is."""
    before = len(kms.local.events)
    material = bring(kms, key, SECRET, ValidTo=kms.in_days(1))["KeyMaterialId"]
    kms.delete_imported_key_material(KeyId=key)
    asked, imported, deleted = [
        event for event in kms.local.events[before:] if event.name != "DescribeKey"
    ]
    assert asked.request_parameters == {
        "keyId": key, "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_2048",
    }  # fmt: skip
    assert set(imported.request_parameters or ()) == {"keyId", "validTo", "expirationModel"}
    assert deleted.request_parameters == {"keyId": key}
    for event in (imported, deleted):
        assert event.additional["keyMaterialId"] == material
    assert not any(event.response_elements for event in (asked, imported, deleted))


def test_records_are_of_the_run_that_answers(kms: Client, key: str) -> None:
    """The work of an import leaves one record, not two."""
    before = len(kms.local.events)
    bring(kms, key, SECRET)
    names = [event.name for event in kms.local.events[before:]]
    assert names == ["GetParametersForImport", "ImportKeyMaterial"]
