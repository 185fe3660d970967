"""Multi-Region keys of imported material: each member is imported into by itself (kms.md 14)."""

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keystead.custody import wrapping
from tests.conftest import refused
from tests.importing import FOR_EVER, bring, prepared
from tests.kms.importer import Client
from tests.kms.test_import_kinds import how_to, public_key, secret
from tests.kms.test_imports import OTHER, SECRET, made_before
from tests.server.installations import OTHER_REGION, REGION, open_local, reopen

NEW: dict[str, Any] = {"ImportType": "NEW_KEY_MATERIAL"}
EXISTING: dict[str, Any] = {"ImportType": "EXISTING_KEY_MATERIAL"}
WAITS = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
THIRD = bytes(range(64, 96))


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The administrator in the Region of the primaries."""
    client = Client(local := open_local(tmp_path_factory.mktemp("regions") / "data"), local.admin)
    yield client
    client.local.installation.close()


@pytest.fixture(scope="module")
def there(here: Client) -> Client:
    """The administrator in another Region."""
    return replace(here, region=OTHER_REGION)


@pytest.fixture
def key(here: Client) -> str:
    """A primary with its first material, and a replica that waits for it."""
    key = here.key(MultiRegion=True)
    bring(here, key, SECRET)
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    return key


@pytest.fixture
def pair(key: str, there: Client) -> str:
    """Both members have the first material."""
    bring(there, key, SECRET)
    return key


def states(client: Client, key: str) -> list[tuple[str, str]]:
    """What a member says of each material: its state, and whether it is imported here."""
    return [(m["KeyMaterialState"], m["ImportState"]) for m in client.materials(key)]


def secrets_kept(client: Client, key: str) -> int:
    """How many secrets of a key the store has."""
    counting = "SELECT count(*) FROM key_materials WHERE key_id = ?"
    [number] = client.local.installation.store.read().one(counting, (key,)) or (0,)
    return int(str(number))


def encrypted(client: Client, key: str, plaintext: bytes = b"x") -> bytes:
    blob: bytes = client.encrypt(KeyId=key, Plaintext=plaintext)["CiphertextBlob"]
    return blob


def destroy(client: Client, key: str) -> None:
    """Schedule the deletion of a member, and let it come."""
    client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    client.local.time.passes(timedelta(days=8))
    client.local.installation.upkeep.destroy_due()


# Making them


def test_a_primary_waits_for_its_material(here: Client) -> None:
    """It is not replicated before; with its material it is."""
    key = here.key(MultiRegion=True)
    found = here.described(key)
    assert (found["KeyState"], found["Origin"], found["MultiRegion"]) == (
        "PendingImport", "EXTERNAL", True,
    )  # fmt: skip
    with refused("KMSInvalidStateException", "is pending import."):
        here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    bring(here, key, SECRET)
    made = here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)["ReplicaKeyMetadata"]
    assert (made["KeyState"], made["Origin"]) == ("Creating", "EXTERNAL")


def test_a_replica_waits_for_its_material(here: Client, there: Client, key: str) -> None:
    """It has none until the same is imported into it; then the members open each other's blobs."""
    assert there.state(key) == "PendingImport"
    assert states(there, key) == [("CURRENT", "PENDING_IMPORT")]
    assert states(here, key) == [("CURRENT", "IMPORTED")]
    blob = encrypted(here, key)
    with refused("KMSInvalidStateException", f"{there.arn(key)} is pending import."):
        there.decrypt(CiphertextBlob=blob)
    with refused("KMSInvalidStateException", "is pending import."):
        there.encrypt(KeyId=key, Plaintext=b"x")
    answer = bring(there, key, SECRET)
    assert answer["KeyId"] == there.arn(key)
    assert there.state(key) == "Enabled"
    opened = there.decrypt(CiphertextBlob=blob)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", there.arn(key))
    assert opened["KeyMaterialId"] == answer["KeyMaterialId"]
    assert here.decrypt(CiphertextBlob=encrypted(there, key, b"y"))["Plaintext"] == b"y"
    assert here.materials(key) == there.materials(key)


@pytest.mark.parametrize("kind", [{}, EXISTING])
def test_other_material_is_refused(there: Client, key: str, kind: dict[str, Any]) -> None:
    """A replica takes the material of its set, and no other."""
    with refused("IncorrectKeyMaterialException"):
        bring(there, key, OTHER, **kind)
    assert there.state(key) == "PendingImport"
    bring(there, key, SECRET, **kind)
    assert there.state(key) == "Enabled"


def test_new_material_comes_to_the_primary(here: Client, there: Client, pair: str) -> None:
    """A replica refuses what is called new, whatever it is; the primary takes it."""
    for material in (SECRET, OTHER):
        with refused("UnsupportedOperationException", "is not a multi-region primary key."):
            bring(there, pair, material, **NEW)
    bring(here, pair, OTHER, **NEW)


def test_a_token_is_for_one_member(here: Client, there: Client, key: str) -> None:
    """The parameters of one member import nothing into the other."""
    sent = prepared(here, key, SECRET)
    with refused("InvalidImportTokenException"):
        there.import_key_material(**sent, **FOR_EVER)
    here.import_key_material(**sent, **FOR_EVER)


@pytest.mark.parametrize("spec", ["HMAC_256", "RSA_2048", "ECC_NIST_P256"])
def test_other_kinds_of_keys(here: Client, there: Client, spec: str) -> None:
    """HMAC keys and private keys are imported into each member as well."""
    usage = "GENERATE_VERIFY_MAC" if spec == "HMAC_256" else "SIGN_VERIFY"
    key = here.key(MultiRegion=True, KeySpec=spec, KeyUsage=usage)
    bring(here, key, secret(spec), how_to(spec))
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    if spec == "HMAC_256":
        asked = {"KeyId": key, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
        with refused("KMSInvalidStateException", "is pending import."):
            there.generate_mac(**asked)
        with refused("IncorrectKeyMaterialException"):
            bring(there, key, bytes(32))
        bring(there, key, secret(spec), how_to(spec))
        expected = hmac.digest(secret(spec), b"x", "sha256")
        assert there.generate_mac(**asked)["Mac"] == expected
        return
    assert there.state(key) == "PendingImport"
    assert there.get_public_key(KeyId=key)["PublicKey"] == public_key(spec)  # its set has it
    bring(there, key, secret(spec), how_to(spec))
    assert there.get_public_key(KeyId=key)["PublicKey"] == public_key(spec)


# Each member by itself


def test_deleted_in_one_member(here: Client, there: Client, pair: str) -> None:
    """The others go on, and the secret is there until the last of them has deleted it."""
    blob = encrypted(here, pair)
    here.delete_imported_key_material(KeyId=pair)
    assert (here.state(pair), there.state(pair)) == ("PendingImport", "Enabled")
    with refused("KMSInvalidStateException", "is pending import."):
        here.decrypt(CiphertextBlob=blob)
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert secrets_kept(here, pair) == 1
    there.delete_imported_key_material(KeyId=pair)
    assert secrets_kept(here, pair) == 0
    for client in (there, here):
        with refused("IncorrectKeyMaterialException"):
            bring(client, pair, OTHER)
        bring(client, pair, SECRET)
        assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_each_member_has_a_date_of_its_own(here: Client, there: Client, key: str) -> None:
    """What expires in one member does not expire in the other."""
    bring(there, key, SECRET, ValidTo=there.in_days(1))
    assert there.described(key)["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert here.described(key)["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    blob = encrypted(there, key)
    here.local.time.passes(timedelta(days=1))
    assert (here.state(key), there.state(key)) == ("Enabled", "PendingImport")
    here.local.installation.upkeep.expire_due()
    with refused("KMSInvalidStateException", "is pending import."):
        there.decrypt(CiphertextBlob=blob)
    assert here.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert states(there, key) == [("CURRENT", "PENDING_IMPORT")]
    bring(there, key, SECRET)
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_states_are_each_members_own(here: Client, there: Client, pair: str) -> None:
    """A disabled replica takes its material and stays disabled."""
    there.disable_key(KeyId=pair)
    bring(there, pair, SECRET, ValidTo=there.in_days(1))
    assert (here.state(pair), there.state(pair)) == ("Enabled", "Disabled")


# Rotation


def test_rotation(here: Client, there: Client, pair: str) -> None:
    """New material is imported into every member before the primary rotates to it."""
    old = encrypted(here, pair, b"old")
    second = bring(here, pair, OTHER, **NEW)["KeyMaterialId"]
    assert states(here, pair) == [("CURRENT", "IMPORTED"), (WAITS, "IMPORTED")]
    assert states(there, pair) == [("CURRENT", "IMPORTED"), (WAITS, "PENDING_IMPORT")]
    assert (here.state(pair), there.state(pair)) == ("Enabled", "Enabled")
    nothing = f"No available key material pending rotation for the key: {here.arn(pair)}."
    with refused("KMSInvalidStateException", nothing):
        here.rotate_key_on_demand(KeyId=pair)
    bring(there, pair, OTHER, KeyMaterialId=second)
    for client in (here, there):
        assert states(client, pair) == [("CURRENT", "IMPORTED"), ("PENDING_ROTATION", "IMPORTED")]
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        there.rotate_key_on_demand(KeyId=pair)
    here.rotate_key_on_demand(KeyId=pair)
    for client in (here, there):
        assert states(client, pair) == [("NON_CURRENT", "IMPORTED"), ("CURRENT", "IMPORTED")]
        assert client.described(pair)["CurrentKeyMaterialId"] == second
        assert client.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
        [rotation] = client.list_key_rotations(KeyId=pair)["Rotations"]
        assert (rotation["KeyMaterialId"], rotation["RotationType"]) == (second, "ON_DEMAND")
    new = encrypted(there, pair, b"new")
    opened = here.decrypt(CiphertextBlob=new)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"new", second)
    reopened = reopen(here.local)
    here.local.installation = reopened.installation
    assert there.decrypt(CiphertextBlob=new)["Plaintext"] == b"new"


def test_a_new_replica_waits_for_every_material(here: Client, there: Client) -> None:
    """All that belongs to the key, and what is waiting; with the first it is enabled."""
    key = here.key(MultiRegion=True)
    bring(here, key, SECRET)
    bring(here, key, OTHER, **NEW)
    assert states(here, key) == [("CURRENT", "IMPORTED"), ("PENDING_ROTATION", "IMPORTED")]
    here.rotate_key_on_demand(KeyId=key)
    bring(here, key, THIRD, **NEW)
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    assert states(there, key) == [
        ("NON_CURRENT", "PENDING_IMPORT"), ("CURRENT", "PENDING_IMPORT"),
        (WAITS, "PENDING_IMPORT"),
    ]  # fmt: skip
    assert states(here, key)[-1] == (WAITS, "IMPORTED")
    bring(there, key, OTHER)
    assert there.state(key) == "PendingImport"
    bring(there, key, SECRET)
    assert there.state(key) == "Enabled"
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        here.rotate_key_on_demand(KeyId=key)
    bring(there, key, THIRD)
    here.rotate_key_on_demand(KeyId=key)
    assert here.decrypt(CiphertextBlob=encrypted(there, key))["Plaintext"] == b"x"


def test_waiting_material_is_deleted(here: Client, there: Client, pair: str) -> None:
    """By a replica, for itself; by the primary, for all."""
    second = bring(here, pair, OTHER, **NEW)["KeyMaterialId"]
    bring(there, pair, OTHER)
    there.delete_imported_key_material(KeyId=pair, KeyMaterialId=second)
    assert states(there, pair)[-1] == (WAITS, "PENDING_IMPORT")
    assert states(here, pair)[-1] == (WAITS, "IMPORTED")
    assert (here.state(pair), there.state(pair), secrets_kept(here, pair)) == (
        "Enabled", "Enabled", 2,
    )  # fmt: skip
    with refused("KMSInvalidStateException", "is pending rotation."):
        bring(here, pair, THIRD, **NEW)
    bring(there, pair, OTHER)
    here.delete_imported_key_material(KeyId=pair, KeyMaterialId=second)
    assert states(here, pair) == states(there, pair) == [("CURRENT", "IMPORTED")]
    assert secrets_kept(here, pair) == 1
    with refused("IncorrectKeyMaterialException"):
        bring(there, pair, OTHER)
    bring(here, pair, THIRD, **NEW)
    bring(there, pair, THIRD)
    here.rotate_key_on_demand(KeyId=pair)


def test_waiting_material_expires(here: Client, there: Client, pair: str) -> None:
    """It is missing again in that member, from that second on; deleted, all forget it."""
    bring(here, pair, OTHER, ValidTo=here.in_days(3), **NEW)
    bring(there, pair, OTHER, ValidTo=there.in_days(1))
    assert states(here, pair)[-1][0] == "PENDING_ROTATION"
    here.local.time.passes(timedelta(days=1))
    assert states(here, pair)[-1] == (WAITS, "IMPORTED")
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        here.rotate_key_on_demand(KeyId=pair)
    here.local.installation.upkeep.expire_due()
    assert states(there, pair) == [("CURRENT", "IMPORTED"), (WAITS, "PENDING_IMPORT")]
    assert there.state(pair) == "Enabled"
    here.local.time.passes(timedelta(days=2))
    here.local.installation.upkeep.expire_due()
    for client in (here, there):
        assert states(client, pair) == [("CURRENT", "IMPORTED"), (WAITS, "PENDING_IMPORT")]
    assert secrets_kept(here, pair) == 1
    with refused("KMSInvalidStateException", "is pending rotation."):
        bring(here, pair, THIRD, **NEW)
    waiting = here.materials(pair)[-1]["KeyMaterialId"]
    here.delete_imported_key_material(KeyId=pair, KeyMaterialId=waiting)
    assert states(here, pair) == states(there, pair) == [("CURRENT", "IMPORTED")]


def test_another_primary(here: Client, there: Client, pair: str) -> None:
    """The role of the primary moves; it imports, rotates and forgets from then on."""
    bring(here, pair, OTHER, **NEW)
    here.update_primary_region(KeyId=pair, PrimaryRegion=OTHER_REGION)
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        bring(here, pair, THIRD, **NEW)
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        there.rotate_key_on_demand(KeyId=pair)
    bring(there, pair, OTHER, **EXISTING)
    there.rotate_key_on_demand(KeyId=pair)
    assert states(here, pair) == states(there, pair)
    there.delete_imported_key_material(KeyId=pair)
    with refused("KMSInvalidStateException", "is pending import."):
        there.update_primary_region(KeyId=pair, PrimaryRegion=REGION)
    bring(there, pair, OTHER)
    there.update_primary_region(KeyId=pair, PrimaryRegion=REGION)


def test_no_primary_without_its_material(here: Client, there: Client, key: str) -> None:
    """Material that is expired is missing, although no job has destroyed it yet."""
    bring(there, key, SECRET, ValidTo=there.in_days(1))
    here.local.time.passes(timedelta(days=1))
    with refused("KMSInvalidStateException", f"{there.arn(key)} is pending import."):
        here.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)
    bring(there, key, SECRET)
    here.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)


# The end


def test_the_order_of_deletion(here: Client, there: Client, pair: str) -> None:
    """A replica leaves the material to its primary; with the last member all of it goes."""
    blob = encrypted(there, pair)
    assert here.schedule_key_deletion(KeyId=pair)["KeyState"] == "PendingReplicaDeletion"
    here.cancel_key_deletion(KeyId=pair)
    here.enable_key(KeyId=pair)
    destroy(there, pair)
    assert here.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    here.replicate_key(KeyId=pair, ReplicaRegion=OTHER_REGION)
    assert there.state(pair) == "PendingImport"
    bring(there, pair, SECRET)
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    destroy(there, pair)
    destroy(here, pair)
    reader = here.local.installation.store.read()
    for table in ("kms_imported_materials", "kms_materials", "key_materials", "kms_related_keys"):
        counting = f"SELECT count(*) FROM {table} WHERE key_id = ?"  # our own names
        assert reader.one(counting, (pair,)) == (0,)


def test_a_replica_takes_along_what_only_it_has(here: Client, there: Client, pair: str) -> None:
    """A secret that no other member has is destroyed with the member."""
    here.delete_imported_key_material(KeyId=pair)
    assert secrets_kept(here, pair) == 1
    destroy(there, pair)
    assert secrets_kept(here, pair) == 0
    assert here.state(pair) == "PendingImport"
    bring(here, pair, SECRET)
    assert here.state(pair) == "Enabled"


def test_a_member_that_ends_holds_a_rotation(here: Client, there: Client, pair: str) -> None:
    """A replica pending deletion takes no import; without it the primary rotates."""
    bring(here, pair, OTHER, **NEW)
    there.schedule_key_deletion(KeyId=pair, PendingWindowInDays=7)
    with refused("KMSInvalidStateException", "is pending deletion."):
        bring(there, pair, OTHER)
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        here.rotate_key_on_demand(KeyId=pair)
    there.cancel_key_deletion(KeyId=pair)
    destroy(there, pair)
    assert states(here, pair)[-1] == ("PENDING_ROTATION", "IMPORTED")
    here.rotate_key_on_demand(KeyId=pair)


# Who may


def test_each_members_policy_decides(here: Client, there: Client, key: str) -> None:
    """A denial at the replica does not hold for the primary, nor the other way round."""
    allowed = json.loads(there.get_key_policy(KeyId=key)["Policy"])
    denied = {**allowed["Statement"][0], "Sid": "no", "Effect": "Deny",
              "Action": "kms:ImportKeyMaterial"}  # fmt: skip
    document = {**allowed, "Statement": [*allowed["Statement"], denied]}
    there.put_key_policy(KeyId=key, Policy=json.dumps(document))
    with refused("AccessDeniedException"):
        bring(there, key, SECRET)
    bring(here, key, SECRET)
    there.put_key_policy(KeyId=key, Policy=json.dumps(allowed))
    bring(there, key, SECRET)
