"""Which grants can be made, by whom, under which conditions? (kms.md 10.6, threat-model GR-2)"""

from typing import Any, get_args

import pytest

from keystead.arns import iam_arn
from keystead.wire.models import kms as api
from tests.kms.granting import CONTEXT, grant, listed, may, stranger
from tests.kms.world import (
    ACCOUNT,
    REGION,
    Kms,
    World,
    allow,
    refused,
)  # fmt: skip

# What cannot be granted


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"GranteePrincipal": None}, "ValidationException"),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "ValidationException"),
        ({"RetiringPrincipal": iam_arn(ACCOUNT, "root"),
          "RetiringServicePrincipal": "s3.amazonaws.com"}, "ValidationException"),
        ({"Operations": []}, "ValidationException"),
        ({"Operations": ["CreateGrant"]}, "ValidationException"),
        ({"Operations": ["Sign"]}, "ValidationException"),
        ({"Operations": ["GetPublicKey"]}, "ValidationException"),
        ({"Operations": ["GenerateMac"]}, "ValidationException"),
        ({"Constraints": {"EncryptionContextEquals": CONTEXT, "EncryptionContextSubset": CONTEXT}},
         "ValidationException"),
        ({"Constraints": {"EncryptionContextEquals": {f"k{n}": "v" for n in range(9)}}},
         "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {"k": "v" * 385}}}, "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {"": "v"}}}, "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {"k": "\0"}}}, "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {"k": "v", "K": "v"}}}, "ValidationException"),
        ({"GranteePrincipal": iam_arn(ACCOUNT, "user/nobody")}, "InvalidArnException"),
        ({"GranteePrincipal": iam_arn(ACCOUNT, "group/devs")}, "InvalidArnException"),
        ({"GranteePrincipal": "s3.amazonaws.com"}, "InvalidArnException"),
        ({"RetiringPrincipal": iam_arn(ACCOUNT, "user/nobody")}, "InvalidArnException"),
        ({"GrantTokens": ["x"]}, "InvalidGrantTokenException"),
        ({"KeyId": "alias/x"}, "NotFoundException"),
        ({"KeyId": "01234567-89ab-cdef-0123-456789abcdef"}, "NotFoundException"),
        ({"KeyId": "arn:aws:kms"}, "InvalidArnException"),
    ],
)  # fmt: skip
def test_what_cannot_be_granted(
    admin: Kms, world: World, key: str, members: dict[str, Any], code: str
) -> None:
    """A request for a grant that cannot be is refused, and leaves nothing."""
    bob = stranger(world)
    asked = {"KeyId": key, "GranteePrincipal": bob.principal.arn, "Operations": ["Encrypt"]}
    sent = {name: v for name, v in {**asked, **members}.items() if v is not None}
    with refused(code):
        admin.create_grant(**sent)
    assert listed(admin, key) == []
    admin.create_grant(**asked)


CIPHER = {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"}
OF_EVERY_KEY = {"CreateGrant", "DescribeKey", "RetireGrant"}
DATA_KEYS = {
    "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
}  # fmt: skip
FITTING: dict[tuple[str, str], set[str]] = {
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"): CIPHER | DATA_KEYS,
    ("RSA_2048", "ENCRYPT_DECRYPT"): CIPHER | {"GetPublicKey"},
    ("ECC_NIST_P256", "SIGN_VERIFY"): {"Sign", "Verify", "GetPublicKey"},
    ("ECC_NIST_P256", "KEY_AGREEMENT"): {"DeriveSharedSecret", "GetPublicKey"},
    ("HMAC_256", "GENERATE_VERIFY_MAC"): {"GenerateMac", "VerifyMac"},
    ("ML_DSA_44", "SIGN_VERIFY"): {"Sign", "Verify", "GetPublicKey"},
    ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"): {"Encapsulate", "Decapsulate", "GetPublicKey"},
}
"""The operations of each kind of key, beside those of every key (kms.md 5.1)."""


@pytest.mark.parametrize(("spec", "usage"), FITTING)
def test_operations_fit_the_key(admin: Kms, world: World, spec: str, usage: str) -> None:
    """Each of the 19 operations is granted on the keys that know it, and on no others."""
    bob, key = stranger(world), admin.key(KeySpec=spec, KeyUsage=usage)
    every = get_args(api.GrantOperation)
    assert len(every) == 19
    fitting = FITTING[spec, usage] | OF_EVERY_KEY
    for operation in every:
        if operation == "CreateGrant":
            continue
        if operation in fitting:
            grant(admin, key, bob, operation)
        else:
            with refused("ValidationException"):
                grant(admin, key, bob, operation)
    constrained = {"Constraints": {"EncryptionContextSubset": CONTEXT}}
    if spec == "SYMMETRIC_DEFAULT":
        grant(admin, key, bob, "DescribeKey", **constrained)
    else:
        with refused("ValidationException"):
            grant(admin, key, bob, "DescribeKey", **constrained)


def test_signatures_by_a_grant(admin: Kms, world: World) -> None:
    """A grant serves the operations of other keys as well, with its token."""
    bob, key = stranger(world), admin.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    named = {"KeyId": admin.arn(f"key/{key}"), "Message": b"x",
             "SigningAlgorithm": "ECDSA_SHA_256"}  # fmt: skip
    with refused("AccessDeniedException"):
        bob.sign(**named)
    token = grant(admin, key, bob, "Sign", "GetPublicKey").grant_token
    signature = bob.sign(**named, GrantTokens=[token]).signature
    assert admin.verify(**named, Signature=signature).signature_valid
    assert bob.get_public_key(KeyId=named["KeyId"], GrantTokens=[token]).public_key
    with refused("AccessDeniedException"):
        bob.verify(**named, Signature=signature)
    with refused("InvalidGrantTokenException"):
        bob.sign(**named, GrantTokens=["x"])


def test_the_longest_constraint(admin: Kms, world: World, key: str) -> None:
    """Eight pairs with values of 384 characters are as many as there may be."""
    bob, pairs = stranger(world), {f"k{n}": "é" * 384 for n in range(8)}
    grant(admin, key, bob, Constraints={"EncryptionContextSubset": pairs})
    assert may(bob, key, **pairs)


# Grants by grants (GR-2)


def test_a_grant_makes_no_wider_one(admin: Kms, world: World, key: str) -> None:
    """Through a grant only some of its operations can be granted on, to anybody."""
    bob, eve = stranger(world), stranger(world, "eve")
    grant(admin, key, bob, "Encrypt", "CreateGrant", "DescribeKey")
    with refused("AccessDeniedException"):
        grant(bob, key, eve, "Encrypt", "Decrypt")
    grant(bob, key, eve, "Encrypt", "CreateGrant")
    assert may(eve, key)
    with refused("AccessDeniedException"):
        grant(eve, key, bob, "DescribeKey")
    grant(eve, key, bob, "Encrypt")


@pytest.mark.parametrize(
    ("parent", "child", "allowed"),
    [
        ({"EncryptionContextSubset": {"a": "1"}}, {}, False),
        ({"EncryptionContextSubset": {"a": "1"}}, {"EncryptionContextSubset": {"a": "1"}}, True),
        ({"EncryptionContextSubset": {"a": "1"}}, {"EncryptionContextSubset": {"a": "2"}}, False),
        ({"EncryptionContextSubset": {"a": "1"}},
         {"EncryptionContextSubset": {"a": "1", "b": "2"}}, True),
        ({"EncryptionContextSubset": {"a": "1"}},
         {"EncryptionContextEquals": {"a": "1", "b": "2"}}, True),
        ({"EncryptionContextSubset": {"a": "1"}}, {"EncryptionContextEquals": {"b": "2"}}, False),
        ({"EncryptionContextEquals": {"a": "1"}}, {"EncryptionContextEquals": {"a": "1"}}, True),
        ({"EncryptionContextEquals": {"a": "1"}}, {"EncryptionContextSubset": {"a": "1"}}, False),
        ({"EncryptionContextEquals": {"a": "1"}},
         {"EncryptionContextEquals": {"a": "1", "b": "2"}}, False),
        ({}, {"EncryptionContextSubset": {"a": "1"}}, True),
    ],
)  # fmt: skip
def test_constraints_are_kept(
    admin: Kms, world: World, key: str, parent: Any, child: Any, *, allowed: bool
) -> None:
    """A grant that is made through a grant has constraints at least as strict."""
    bob, eve = stranger(world), stranger(world, "eve")
    grant(admin, key, bob, "Encrypt", "CreateGrant", Constraints=parent)
    if allowed:
        grant(bob, key, eve, "Encrypt", Constraints=child)
    else:
        with refused("AccessDeniedException"):
            grant(bob, key, eve, "Encrypt", Constraints=child)


def test_the_source_arn_is_kept(admin: Kms, world: World, key: str) -> None:
    """Whoever may grant on for one resource of a service may not grant on without it."""
    source = f"arn:aws:s3:{REGION}:{ACCOUNT}:bucket"
    bob = stranger(world)
    grant(admin, key, bob, "Encrypt", "CreateGrant", Constraints={"SourceArn": source})
    through = Kms(world, bob.principal, bob.policies, keys={"aws:sourcearn": source})
    for constraints in ({}, {"SourceArn": source + "x"}):
        with refused("AccessDeniedException"):
            grant(through, key, bob, "Encrypt", Constraints=constraints)
    with refused("AccessDeniedException"):
        grant(bob, key, bob, "Encrypt", Constraints={"SourceArn": source})
    grant(through, key, bob, "Encrypt", Constraints={"SourceArn": source})


# Names, tokens


def test_a_name_makes_it_idempotent(admin: Kms, world: World, key: str) -> None:
    """The same request with the same name gives the same grant, and a new token (GR-4)."""
    bob, other = stranger(world), admin.arn(f"key/{admin.key()}")
    first, again = (grant(admin, key, bob, Name="mine") for _ in range(2))
    assert first.grant_id == again.grant_id
    assert first.grant_token != again.grant_token
    assert listed(admin, key) == [first.grant_id]
    different = (
        grant(admin, key, bob, "Encrypt", Name="mine"),
        grant(admin, key, admin, Name="mine"),
        grant(admin, key, bob, Name="another"),
        grant(admin, key, bob, Name="mine", RetiringPrincipal=bob.principal.arn),
        grant(admin, key, bob, Name="mine", Constraints={"EncryptionContextSubset": CONTEXT}),
        grant(admin, other, bob, Name="mine"),
        grant(admin, key, bob),
        grant(admin, key, bob),
    )
    ids = {first.grant_id, *(made.grant_id for made in different)}
    assert len(ids) == 9
    assert len(listed(admin, key)) == 8


def test_tokens_find_and_give_nothing(admin: Kms, world: World, key: str) -> None:
    """A token is for a grant that is there; it helps nobody who is not its grantee (GR-3)."""
    bob, eve = stranger(world), stranger(world, "eve")
    made = grant(admin, key, bob, "Encrypt", "DescribeKey")
    bob.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made.grant_token] * 10)
    bob.describe_key(KeyId=key, GrantTokens=[made.grant_token])
    with refused("AccessDeniedException"):
        eve.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made.grant_token])
    for text in ("x", made.grant_token[:-1], made.grant_id, made.grant_token + "A"):
        with refused("InvalidGrantTokenException"):
            bob.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made.grant_token, text])
    admin.revoke_grant(KeyId=key, GrantId=made.grant_id)
    with refused("AccessDeniedException"):
        bob.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made.grant_token])
    with refused("InvalidGrantTokenException"):
        admin.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made.grant_token])


def test_a_token_is_for_its_region(admin: Kms, world: World, key: str) -> None:
    """A token of another Region is for no grant here."""
    token = grant(admin, key, admin).grant_token
    elsewhere = world.caller(region="eu-west-1")
    with refused("InvalidGrantTokenException"):
        elsewhere.encrypt(KeyId=elsewhere.key(), Plaintext=b"x", GrantTokens=[token])


# Conditions


@pytest.mark.parametrize(
    ("operator", "name", "value", "allowed"),
    [
        ("ForAllValues:StringEquals", "kms:GrantOperations", ["Encrypt", "Decrypt"], True),
        ("ForAllValues:StringEquals", "kms:GrantOperations", ["Encrypt"], False),
        ("StringEquals", "kms:GranteePrincipal", iam_arn(ACCOUNT, "user/bob"), True),
        ("StringEquals", "kms:GranteePrincipal", iam_arn(ACCOUNT, "user/eve"), False),
        ("StringEquals", "kms:RetiringPrincipal", iam_arn(ACCOUNT, "user/admin"), True),
        ("StringEquals", "kms:GrantConstraintType", "EncryptionContextEquals", True),
        ("StringEquals", "kms:GrantConstraintType", "EncryptionContextSubset", False),
        ("StringEquals", "kms:EncryptionContext:Dept", "IT", True),
        ("Bool", "kms:GrantIsForAWSResource", "true", False),
        ("Bool", "kms:GrantIsForAWSResource", "false", True),
    ],
)  # fmt: skip
def test_conditions(
    world: World, key: str, operator: str, name: str, value: Any, *, allowed: bool
) -> None:
    """A policy decides which grants may be made."""
    admin, bob = world.caller(), stranger(world)
    policy = allow("kms:CreateGrant", Condition={operator: {name: value}})
    maker = world.caller("maker", policies=(policy,))
    more = {
        "RetiringPrincipal": admin.principal.arn,
        "Constraints": {"EncryptionContextEquals": CONTEXT},
    }
    if allowed:
        grant(maker, key, bob, **more)
    else:
        with refused("AccessDeniedException"):
            grant(maker, key, bob, **more)
