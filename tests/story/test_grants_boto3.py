"""Grants through boto3: given, used across accounts, granted on, listed and ended."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server, create_user, refused

CONTEXT = {"app": "orders"}


def user_arn(server: Server, name: str) -> str:
    return str(server.client("iam").get_user(UserName=name)["User"]["Arn"])


def test_a_grant_from_birth_to_death(server: Server) -> None:
    """A user without policies gets a grant, uses it, grants it on, and it is taken back."""
    kms = server.client("kms")
    bob, eve = (server.client("kms", create_user(server, f"granted-{n}")) for n in ("bob", "eve"))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    with refused("AccessDeniedException"):
        bob.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)
    made = kms.create_grant(
        KeyId=key,
        GranteePrincipal=user_arn(server, "granted-bob"),
        RetiringPrincipal=user_arn(server, "granted-eve"),
        Operations=["Encrypt", "Decrypt", "CreateGrant", "DescribeKey"],
        Constraints={"EncryptionContextSubset": CONTEXT},
        Name="orders",
    )
    blob = bob.encrypt(
        KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT, GrantTokens=[made["GrantToken"]]
    )["CiphertextBlob"]
    assert bob.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"x"
    with refused("AccessDeniedException", "because no identity-based policy allows"):
        bob.encrypt(KeyId=key, Plaintext=b"x")
    child = {
        "KeyId": key,
        "GranteePrincipal": user_arn(server, "granted-eve"),
        "Operations": ["Decrypt"],
    }
    with refused("AccessDeniedException"):
        bob.create_grant(**child)
    bob.create_grant(**child, Constraints={"EncryptionContextEquals": CONTEXT})
    assert eve.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"x"
    pages = kms.get_paginator("list_grants").paginate(KeyId=key, PaginationConfig={"PageSize": 1})
    found = [one for page in pages for one in page["Grants"]]
    assert {one["Name"] for one in found} == {"orders", ""}
    eve.retire_grant(GrantToken=made["GrantToken"])
    with refused("AccessDeniedException"):
        bob.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    [left] = kms.list_grants(KeyId=key)["Grants"]
    kms.revoke_grant(KeyId=key, GrantId=left["GrantId"])
    with refused("AccessDeniedException"):
        eve.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    with refused("InvalidGrantTokenException"):
        kms.describe_key(KeyId=key, GrantTokens=[made["GrantToken"]])


def test_what_the_models_errors_are(server: Server) -> None:
    """Each modelled error, as the SDK names it."""
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    me = server.client("sts").get_caller_identity()["Arn"]
    grant = {"KeyId": key, "GranteePrincipal": me, "Operations": ["Encrypt"]}
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("create_grant", {**grant, "KeyId": "01234567-89ab-cdef-0123-456789abcdef"},
         "NotFoundException"),
        ("create_grant", {**grant, "GranteePrincipal": me + "x"}, "InvalidArnException"),
        ("create_grant", {**grant, "GrantTokens": ["x"]}, "InvalidGrantTokenException"),
        ("create_grant", {**grant, "DryRun": True}, "DryRunOperationException"),
        ("create_grant", {**grant, "Name": "a b"}, "ValidationException"),
        ("create_grant", {**grant, "Operations": ["Sing"]}, "ValidationException"),
        ("create_grant", {**grant, "GrantTokens": ["x"] * 11}, "ValidationException"),
        ("list_grants", {"KeyId": key, "Marker": "x"}, "InvalidMarkerException"),
        ("list_grants", {"KeyId": key, "GrantId": "x"}, "InvalidGrantIdException"),
        ("list_retirable_grants", {"RetiringPrincipal": me, "Marker": "x"},
         "InvalidMarkerException"),
        ("list_retirable_grants", {"RetiringPrincipal": me + "x"}, "InvalidArnException"),
        ("retire_grant", {"GrantToken": "x"}, "InvalidGrantTokenException"),
        ("retire_grant", {"KeyId": key, "GrantId": "0" * 64}, "NotFoundException"),
        ("retire_grant", {"KeyId": "arn:x", "GrantId": "0" * 64}, "InvalidArnException"),
        ("revoke_grant", {"KeyId": key, "GrantId": "x"}, "InvalidGrantIdException"),
        ("revoke_grant", {"KeyId": key, "GrantId": "0" * 64}, "NotFoundException"),
    ]  # fmt: skip
    for operation, members, code in wrong:
        with pytest.raises(ClientError) as caught:
            getattr(kms, operation)(**members)
        assert caught.value.response["Error"]["Code"] == code, (operation, members)
    made = kms.create_grant(**grant)
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.create_grant(**grant)
    assert kms.list_grants(KeyId=key)["Grants"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException"):
        kms.create_grant(**grant)
    kms.retire_grant(GrantToken=made["GrantToken"])
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_explained_with_their_ids(server: Server) -> None:
    """`explain` and `who-can` name the grant that lets somebody in, and what it asks for."""
    kms = server.client("kms")
    create_user(server, "explained-grantee")
    named = user_arn(server, "explained-grantee")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    made = kms.create_grant(
        KeyId=key, GranteePrincipal=named, Operations=["Encrypt"],
        Constraints={"EncryptionContextSubset": CONTEXT},
    )["GrantId"]  # fmt: skip
    asked = ("--principal", named, "--action", "kms:Encrypt", "--resource", key, "--json")
    met = server.keystead("explain", *asked, "--context", "kms:EncryptionContext:app=orders")
    answer = json.loads(met.stdout)
    assert answer["decision"] == "Allowed"
    [deciding] = answer["explanation"]["decision"]["statements"]
    assert deciding["policy"] == made
    missed = json.loads(server.keystead("explain", *asked).stdout)
    assert missed["decision"] == "ImplicitlyDenied"
    assert made in json.dumps(missed["explanation"])
    able = server.keystead("who-can", "kms:Encrypt", key, "--json")
    rows = {row["principal"]: row for row in json.loads(able.stdout)["principals"]}
    [way] = rows[named]["ways"]
    assert made in json.dumps(way)
    assert "kms:EncryptionContext:app" in json.dumps(way)
    kms.revoke_grant(KeyId=key, GrantId=made)
    able = server.keystead("who-can", "kms:Encrypt", key, "--json")
    assert named not in {row["principal"] for row in json.loads(able.stdout)["principals"]}
