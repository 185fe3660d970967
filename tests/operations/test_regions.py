"""A key of two Regions, of every kind: what one member makes, the other opens and proves."""

from typing import Any

import pytest

from tests.conftest import OTHER_REGION, Server, create_user, refused
from tests.operations.subjects import KEM, KINDS, MAC, SIGNED, peer


@pytest.fixture(scope="module")
def regions(server: Server) -> tuple[Any, Any]:
    return server.client("kms"), server.client("kms", region=OTHER_REGION)


def related(regions: tuple[Any, Any], kind: str) -> str:
    """The id of a key of this kind, with a replica in the other Region."""
    here, _ = regions
    key = here.create_key(**KINDS[kind], MultiRegion=True)["KeyMetadata"]["KeyId"]
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    return str(key)


def both_ways(regions: tuple[Any, Any]) -> list[tuple[Any, Any]]:
    here, there = regions
    return [(here, there), (there, here)]


def test_macs(regions: tuple[Any, Any]) -> None:
    key = related(regions, "mac")
    for one, other in both_ways(regions):
        made = one.generate_mac(KeyId=key, **MAC)["Mac"]
        assert other.verify_mac(KeyId=key, Mac=made, **MAC)["MacValid"]
        with refused("KMSInvalidMacException"):
            other.verify_mac(KeyId=key, Mac=made[::-1], **MAC)


def test_signatures(regions: tuple[Any, Any]) -> None:
    """Both members sign with the same key, and show the same public key."""
    key = related(regions, "signature")
    for one, other in both_ways(regions):
        made = one.sign(KeyId=key, **SIGNED)["Signature"]
        assert other.verify(KeyId=key, Signature=made, **SIGNED)["SignatureValid"]
    shown = [each.get_public_key(KeyId=key)["PublicKey"] for each in regions]
    assert shown[0] == shown[1]


def test_shared_secrets(regions: tuple[Any, Any]) -> None:
    key = related(regions, "agreement")
    with_whom = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": peer()}
    secrets = [
        each.derive_shared_secret(KeyId=key, **with_whom)["SharedSecret"] for each in regions
    ]
    assert secrets[0] == secrets[1]


def test_encapsulated_secrets(regions: tuple[Any, Any]) -> None:
    key = related(regions, "encapsulation")
    for one, other in both_ways(regions):
        made = one.encapsulate(KeyId=key, **KEM)
        sent = {**KEM, "SharedSecretCiphertextBlob": made["SharedSecretCiphertextBlob"]}
        assert other.decapsulate(KeyId=key, **sent)["SharedSecret"] == made["SharedSecret"]


@pytest.mark.parametrize("spec", ["RSA_2048"])
def test_ciphertexts_of_rsa(regions: tuple[Any, Any], spec: str) -> None:
    here, there = regions
    made = here.create_key(KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT", MultiRegion=True)
    key = made["KeyMetadata"]["KeyId"]
    here.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    oaep = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    blob = there.encrypt(KeyId=key, Plaintext=b"x", **oaep)["CiphertextBlob"]
    assert here.decrypt(KeyId=key, CiphertextBlob=blob, **oaep)["Plaintext"] == b"x"


def test_each_member_has_its_own_grants(server: Server, regions: tuple[Any, Any]) -> None:
    """A grant of one Region allows nothing in the other, and is neither seen nor ended there."""
    here, there = regions
    key = related(regions, "mac")
    who = create_user(server, "granted-in-one-region")
    arn = server.client("iam").get_user(UserName="granted-in-one-region")["User"]["Arn"]
    mine, theirs = (
        server.client("kms", who),
        server.client("kms", who, region=OTHER_REGION),
    )
    given = {"KeyId": key, "GranteePrincipal": arn, "Operations": ["GenerateMac", "VerifyMac"]}
    grant = here.create_grant(**given)
    arns = [each.describe_key(KeyId=key)["KeyMetadata"]["Arn"] for each in regions]

    made = mine.generate_mac(KeyId=arns[0], **MAC)["Mac"]
    with refused("AccessDeniedException"):
        theirs.verify_mac(KeyId=arns[1], Mac=made, **MAC)
    with refused("InvalidGrantTokenException"):
        there.verify_mac(KeyId=key, Mac=made, GrantTokens=[grant["GrantToken"]], **MAC)
    assert there.list_grants(KeyId=key)["Grants"] == []
    with refused("NotFoundException"):
        there.revoke_grant(KeyId=key, GrantId=grant["GrantId"])

    second = there.create_grant(**given)
    assert theirs.verify_mac(KeyId=arns[1], Mac=made, **MAC)["MacValid"]
    here.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert [each["GrantId"] for each in there.list_grants(KeyId=key)["Grants"]] == [
        second["GrantId"]
    ]
    with refused("AccessDeniedException"):
        mine.generate_mac(KeyId=arns[0], **MAC)
    assert theirs.generate_mac(KeyId=arns[1], **MAC)["Mac"] == made


def test_each_member_has_its_own_state(regions: tuple[Any, Any]) -> None:
    """What is disabled or ends in one Region works in the other."""
    key = related(regions, "signature")
    for one, other in both_ways(regions):
        one.disable_key(KeyId=key)
        with refused("DisabledException"):
            one.sign(KeyId=key, **SIGNED)
        made = other.sign(KeyId=key, **SIGNED)["Signature"]
        one.enable_key(KeyId=key)
        assert one.verify(KeyId=key, Signature=made, **SIGNED)["SignatureValid"]
    here, there = regions
    there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException", "is pending deletion"):
        there.sign(KeyId=key, **SIGNED)
    assert here.sign(KeyId=key, **SIGNED)["Signature"]
    here.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException", "is pending replica deletion"):
        here.sign(KeyId=key, **SIGNED)
