"""Imported material with a date: what may be asked, what happens at the date, and by whom."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from keystead.custody import wrapping
from keystead.custody.rows import RowIntegrityError
from tests.conftest import refused
from tests.importing import FOR_EVER, bring, prepared
from tests.kms.importer import Client
from tests.kms.test_imports import OTHER, SECRET, made_before
from tests.server.installations import REGION, open_local, reopen

DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@pytest.fixture
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The administrator of an installation, whose clock the test moves."""
    client = Client(local := open_local(tmp_path_factory.mktemp("expiry") / "data"), local.admin)
    yield client
    client.local.installation.close()


def recorded(kms: Client) -> list[dict[str, str]]:
    """What the records say of expired material."""
    events = [each for each in kms.local.events if each.name == "DeleteExpiredKeyMaterial"]
    assert all(each.event_type == "AwsServiceEvent" for each in events)
    return [dict(each.service_details or {}) for each in events]


def test_what_may_be_asked(kms: Client) -> None:
    """A date is there when the model says so, in the future, within a year."""
    sent = prepared(kms, kms.key(), SECRET)
    for members, sentence in (
        ({}, "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "A validTo date must be set"),
        ({"ValidTo": kms.in_days(1), **FOR_EVER}, "ValidTo cannot be specified"),
        ({"ValidTo": kms.in_days(-1)}, "ValidTo must be in the future"),
        ({"ValidTo": kms.in_days(366)}, "within 365 days"),
    ):
        with refused("ValidationException", sentence):
            kms.import_key_material(**sent, **members)
    kms.import_key_material(**sent, ValidTo=kms.in_days(364.9))


def test_conditions(kms: Client) -> None:
    """Policies decide about the model, the date and the wrapping."""
    key = kms.key()
    account = kms.arn(key).split(":")[4]
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    soon = str(int(kms.in_days(30).timestamp()))
    conditions = {
        "kms:ImportKeyMaterial": {"NumericGreaterThan": {"kms:ValidTo": soon}},
        "kms:GetParametersForImport": {
            "StringNotEquals": {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256"}
        },
    }
    allowed = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    denied = [
        {**allowed, "Effect": "Deny", "Action": action, "Condition": condition}
        for action, condition in conditions.items()
    ]
    document = {"Version": "2012-10-17", "Statement": [allowed, *denied]}
    kms.put_key_policy(KeyId=key, Policy=json.dumps(document))
    with refused("AccessDeniedException"):
        kms.get_parameters_for_import(
            KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_1", WrappingKeySpec="RSA_2048"
        )
    with refused("AccessDeniedException"):
        bring(kms, key, SECRET, ValidTo=kms.in_days(31))
    bring(kms, key, SECRET, ValidTo=kms.in_days(29))


def test_at_its_date(kms: Client) -> None:
    """At the date a key is useless, before the job and without it; brought again, it goes on."""
    key = kms.key()
    date = kms.in_days(1)
    material = bring(kms, key, SECRET, ValidTo=date)["KeyMaterialId"]
    found = kms.described(key)
    assert found["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert found["ValidTo"] == kms.materials(key)[0]["ValidTo"] == date
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.local.installation.upkeep.expire_due()
    assert recorded(kms) == []
    kms.local.time.passes(DAY)

    with refused("KMSInvalidStateException", f"{kms.arn(key)} is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    with refused("KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=key)
    found = kms.described(key)
    assert (found["KeyState"], found["Enabled"]) == ("PendingImport", False)
    assert not {"ValidTo", "ExpirationModel"} & set(found)
    for _ in range(2):
        kms.local.installation.upkeep.expire_due()
    assert recorded(kms) == [{"keyId": kms.arn(key), "keyMaterialId": material}]
    assert kms.materials(key)[0]["ImportState"] == "PENDING_IMPORT"
    reader = kms.local.installation.store.read()
    assert reader.one("SELECT count(*) FROM key_materials WHERE key_id = ?", (key,)) == (0,)
    bring(kms, key, SECRET)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_with_a_grant(kms: Client) -> None:
    """Who uses a key by a grant is refused from that second on, and a disabled key is enabled."""
    key = kms.key()
    bring(kms, key, SECRET, ValidTo=kms.in_days(1))
    account = kms.arn(key).split(":")[4]
    kms.create_grant(
        KeyId=key, GranteePrincipal=f"arn:aws:iam::{account}:root", Operations=["Encrypt"]
    )
    kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.disable_key(KeyId=key)
    kms.local.time.passes(2 * DAY)
    with refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    bring(kms, key, SECRET)
    kms.encrypt(KeyId=key, Plaintext=b"x")


def test_another_date(kms: Client) -> None:
    """To import again moves the date, or takes it away, also when it has just passed."""
    key = kms.key()
    bring(kms, key, SECRET, ValidTo=kms.in_days(1))
    bring(kms, key, SECRET, ValidTo=kms.in_days(3))
    kms.local.time.passes(2 * DAY)
    kms.local.installation.upkeep.expire_due()
    assert kms.state(key) == "Enabled"
    kms.local.time.passes(2 * DAY)
    assert kms.state(key) == "PendingImport"
    bring(kms, key, SECRET)
    kms.local.installation.upkeep.expire_due()
    assert (kms.state(key), recorded(kms)) == ("Enabled", [])


def test_the_earliest_date(kms: Client) -> None:
    """A key ends with the first of its materials; one that waits for a rotation does not count."""
    key = kms.key()
    later, sooner = kms.in_days(5), kms.in_days(3)
    first = bring(kms, key, SECRET, ValidTo=later)["KeyMaterialId"]
    bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL", ValidTo=sooner)
    assert kms.described(key)["ValidTo"] == later
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.described(key)["ValidTo"] == sooner
    kms.local.time.passes(6 * DAY)
    kms.local.installation.upkeep.expire_due()
    assert len(recorded(kms)) == 2
    bring(kms, key, OTHER)
    assert kms.state(key) == "PendingImport"
    bring(kms, key, SECRET, KeyMaterialId=first)
    assert kms.state(key) == "Enabled"


def test_material_that_waits_expires_too(kms: Client) -> None:
    """It cannot be rotated to any more, and is forgotten; the key goes on."""
    key = kms.key()
    bring(kms, key, SECRET)
    bring(kms, key, OTHER, ImportType="NEW_KEY_MATERIAL", ValidTo=kms.in_days(1))
    kms.local.time.passes(2 * DAY)
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        kms.rotate_key_on_demand(KeyId=key)
    kms.local.installation.upkeep.expire_due()
    assert len(kms.materials(key)) == len(recorded(kms)) == 1
    assert kms.state(key) == "Enabled"


def test_a_key_pending_deletion_loses_it_as_well(kms: Client) -> None:
    """The secret goes at its date; the key is still pending deletion, and waits when it is back."""
    key = kms.key()
    bring(kms, key, SECRET, ValidTo=kms.in_days(1))
    kms.schedule_key_deletion(KeyId=key)
    kms.local.time.passes(2 * DAY)
    kms.local.installation.upkeep.expire_due()
    assert kms.state(key) == "PendingDeletion"
    assert len(recorded(kms)) == 1
    kms.cancel_key_deletion(KeyId=key)
    assert kms.state(key) == "PendingImport"


def test_a_clock_that_jumps_destroys_nothing(kms: Client) -> None:
    """The key cannot be used, for the clock says so; its secret stays for a day (TM-4)."""
    key = kms.key()
    bring(kms, key, SECRET, ValidTo=kms.in_days(5))
    kms.local.time.ahead += 6 * DAY
    kms.local.installation.upkeep.expire_due()
    assert recorded(kms) == []
    assert kms.local.installation.metrics.alarms["clock jump"] == 1
    with refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.local.time.ahead -= 6 * DAY
    kms.local.installation.clock.acknowledge()
    kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.local.time.passes(6 * DAY)
    kms.local.installation.upkeep.expire_due()
    assert len(recorded(kms)) == 1


def test_a_restart_before_the_job(kms: Client) -> None:
    """What is due is still due in the next process, once."""
    key = kms.key()
    bring(kms, key, SECRET, ValidTo=kms.in_days(1))
    again = Client(reopen(kms.local), kms.who)
    try:
        again.local.time.passes(2 * DAY)
        for _ in range(2):
            again.local.installation.upkeep.expire_due()
        assert len(recorded(again)) == 1
        assert again.state(key) == "PendingImport"
    finally:
        kms.local.installation = again.local.installation


def test_an_index_proves_nothing(kms: Client) -> None:
    """A date that was changed in the database destroys nothing, and stops no other key."""
    edited, due = kms.key(), kms.key()
    for key, days in ((edited, 30), (due, 1)):
        bring(kms, key, SECRET, ValidTo=kms.in_days(days))
    edit = "UPDATE kms_imported_materials SET valid_to_us = 1 WHERE key_id = ?"
    with kms.local.installation.store.write() as transaction:
        transaction.run(edit, (edited,))
    kms.local.installation.commit()
    kms.local.time.passes(2 * DAY)
    kms.local.installation.upkeep.expire_due()
    assert [told["keyId"] for told in recorded(kms)] == [kms.arn(due)]
    assert kms.local.installation.metrics.alarms["job expired key material"] == 1
    reader = kms.local.installation.store.read()
    assert reader.one("SELECT count(*) FROM key_materials WHERE key_id = ?", (edited,)) == (1,)
    with pytest.raises(RowIntegrityError):
        kms.local.installation.keys.key(reader, kms.local.founded.account_id, REGION, edited)
