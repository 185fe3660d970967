"""One server, two Regions, and boto3 clients of both."""

import json
from typing import Any

import pytest

from tests.conftest import OTHER_REGION, REGION, Server, create_user, refused
from tests.importing import bring


@pytest.fixture(scope="module")
def here(server: Server) -> Any:
    return server.client("kms")


@pytest.fixture(scope="module")
def there(server: Server) -> Any:
    return server.client("kms", region=OTHER_REGION)


def test_a_key_lives_in_one_region(here: Any, there: Any) -> None:
    """The Region of the signature decides: keys, aliases and lists of another are not seen."""
    key = here.create_key()["KeyMetadata"]
    here.create_alias(AliasName="alias/one-region", TargetKeyId=key["KeyId"])

    assert f":{REGION}:" in key["Arn"]
    for name in (key["KeyId"], "alias/one-region", key["Arn"]):
        here.describe_key(KeyId=name)
        with refused("NotFoundException"):
            there.describe_key(KeyId=name)
    listed = [each["KeyId"] for page in there.get_paginator("list_keys").paginate()
              for each in page["Keys"]]  # fmt: skip
    assert key["KeyId"] not in listed
    other = there.create_key()["KeyMetadata"]
    assert f":{OTHER_REGION}:" in other["Arn"]
    there.create_alias(AliasName="alias/one-region", TargetKeyId=other["KeyId"])
    assert here.describe_key(KeyId="alias/one-region")["KeyMetadata"]["Arn"] == key["Arn"]
    assert there.describe_key(KeyId="alias/one-region")["KeyMetadata"]["Arn"] == other["Arn"]


def test_a_region_that_is_not_served(server: Server) -> None:
    """A signature for it is refused, whatever key it has."""
    with refused("InvalidSignatureException"):
        server.client("kms", region="eu-north-1").list_keys()


def test_replicate_use_and_rotate(here: Any, there: Any) -> None:
    """A ciphertext of one Region opens in the other, before and after a rotation."""
    primary = here.create_key(MultiRegion=True, Description="orders")["KeyMetadata"]
    key = primary["KeyId"]
    answer = here.replicate_key(
        KeyId=primary["Arn"], ReplicaRegion=OTHER_REGION, Description="orders, there",
        Tags=[{"TagKey": "team", "TagValue": "orders"}],
    )  # fmt: skip

    assert answer["ReplicaTags"] == [{"TagKey": "team", "TagValue": "orders"}]
    assert json.loads(answer["ReplicaPolicy"])["Id"] == "key-default-1"
    replica = there.describe_key(KeyId=key)["KeyMetadata"]
    assert replica["KeyState"] == "Enabled"
    assert replica["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": primary["Arn"], "Region": REGION},
        "ReplicaKeys": [{"Arn": replica["Arn"], "Region": OTHER_REGION}],
    }
    context = {"tenant": "a"}
    for made, opened in ((here, there), (there, here)):
        data = made.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        found = opened.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext=context)
        assert found["Plaintext"] == data["Plaintext"]
        with refused("InvalidCiphertextException"):
            opened.decrypt(CiphertextBlob=data["CiphertextBlob"])
        here.rotate_key_on_demand(KeyId=key)


def test_the_primary_moves_and_goes_last(here: Any, there: Any) -> None:
    """UpdatePrimaryRegion, and a deletion that waits for the replica."""
    key = here.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)

    here.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)

    with refused("UnsupportedOperationException"):
        here.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)
    answer = there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingReplicaDeletion", 7)
    assert "DeletionDate" not in answer
    found = there.describe_key(KeyId=key)["KeyMetadata"]
    assert found["PendingDeletionWindowInDays"] == 7
    there.cancel_key_deletion(KeyId=key)


def test_each_side_is_asked(server: Server, here: Any) -> None:
    """A user who may replicate, but create no keys in the other Region, is refused."""
    key = here.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    may = {"Effect": "Allow", "Action": "kms:ReplicateKey", "Resource": "*"}
    create = {
        "Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": OTHER_REGION}},
    }  # fmt: skip
    half = server.client("kms", create_user(server, "half-replicates", may))
    whole = server.client("kms", create_user(server, "replicates", may, create))

    with refused("AccessDeniedException", "kms:CreateKey"):
        half.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    with refused("AccessDeniedException", "kms:CreateKey"):
        whole.create_key()
    whole.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)


def test_each_region_has_its_record(server: Server, here: Any) -> None:
    key = here.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    here.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)

    shown = server.keystead("audit", "show", "--json", "--last", "10")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    about = [(each["eventName"], each["awsRegion"]) for each in records
             if any(key in one["ARN"] for one in each["resources"])]  # fmt: skip
    assert about[-4:] == [
        ("ReplicateKey", REGION), ("CreateKey", OTHER_REGION),
        ("UpdatePrimaryRegion", REGION), ("UpdatePrimaryRegion", OTHER_REGION),
    ]  # fmt: skip
    made = [each for each in records if each["eventName"] == "CreateKey"][-1]
    assert made["requestParameters"]["multiRegion"] is True
    assert made["responseElements"]["keyMetadata"]["keyId"] == key
    assert made["userIdentity"]["userName"] == "admin"


def test_imported_into_each_region(here: Any, there: Any) -> None:
    """The same material comes to both Regions by itself; then they open each other's blobs."""
    primary = here.create_key(Origin="EXTERNAL", MultiRegion=True)["KeyMetadata"]
    key = primary["KeyId"]
    bring(here, key, bytes(range(32)))
    made = here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)["ReplicaKeyMetadata"]
    assert there.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    with refused("IncorrectKeyMaterialException"):
        bring(there, made["Arn"], bytes(32))
    bring(there, made["Arn"], bytes(range(32)))
    blob = here.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    opened = there.decrypt(CiphertextBlob=blob)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", made["Arn"])
    new = bring(here, key, bytes(32), ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    with refused("KMSInvalidStateException"):
        here.rotate_key_on_demand(KeyId=key)
    bring(there, key, bytes(32), ImportType="EXISTING_KEY_MATERIAL", KeyMaterialId=new)
    here.rotate_key_on_demand(KeyId=key)
    blob = there.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert here.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == new
