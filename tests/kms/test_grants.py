"""Grants: who may use a key because somebody let them (kms.md 10.6, threat-model GR-1 to GR-4)."""

from collections.abc import Callable
from itertools import combinations, islice
from typing import Any, get_args

import pytest

from keystead.arns import iam_arn
from keystead.kms.grants import MOST_ALIKE, Part
from keystead.kms.operations import grants as operations
from keystead.policy.evaluation import AccessDenied
from keystead.policy.evaluation.question import Principal, PrincipalPolicies, PrincipalType
from keystead.wire.models import kms as api
from keystead.work import Unprepared
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    Kms,
    Watched,
    World,
    allow,
    delegation,
    deny,
    document,
    identity_policy,
    refused,
)  # fmt: skip

CIPHERS = ("Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom", "ReEncryptTo")  # fmt: skip
CONTEXT = {"Dept": "IT", "Stage": "prod"}
USES: dict[str, Callable[[Kms, str], Any]] = {
    "Encrypt": lambda who, key: who.encrypt(KeyId=key, Plaintext=b"x"),
    "GenerateDataKey": lambda who, key: who.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "GenerateDataKeyWithoutPlaintext": lambda who, key: who.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    ),
    "DescribeKey": lambda who, key: who.describe_key(KeyId=key),
}


@pytest.fixture
def key(admin: Kms) -> str:
    """The ARN of a key that the account's policies decide about."""
    return admin.arn(f"key/{admin.key()}")


def stranger(world: World, name: str = "bob", account: str = ACCOUNT) -> Kms:
    """A user without any policy."""
    return world.caller(name, account, policies=())


def grant(admin: Kms, key: str, to: Kms | str, *allowed: str, **more: Any) -> Any:
    """Make a grant; the answer."""
    name = to if isinstance(to, str) else to.principal.arn
    operations = list(allowed or ("Encrypt", "Decrypt"))
    return admin.create_grant(KeyId=key, GranteePrincipal=name, Operations=operations, **more)


def encrypt(who: Kms, key: str, **context: str) -> bytes:
    members = {"EncryptionContext": context} if context else {}
    blob: bytes = who.encrypt(KeyId=key, Plaintext=b"x", **members).ciphertext_blob
    return blob


def may(who: Kms, key: str, **context: str) -> bool:
    """May they encrypt?"""
    try:
        encrypt(who, key, **context)
    except AccessDenied:
        return False
    return True


def listed(who: Kms, key: str, **members: Any) -> list[str]:
    """The ids of the grants on a key, page by page."""
    ids: list[str] = []
    while True:
        answer = who.list_grants(KeyId=key, **members)
        ids += [entry.grant_id for entry in answer.grants]
        if not answer.truncated:
            return ids
        members["Marker"] = answer.next_marker


# What a grant allows


@pytest.mark.parametrize("operation", USES)
def test_a_grant_allows_its_operations(admin: Kms, world: World, key: str, operation: str) -> None:
    """A grantee without policies does what the grant lists, and nothing else, until it is gone."""
    bob = stranger(world)
    for use in USES.values():
        with refused("AccessDeniedException"):
            use(bob, key)
    made = grant(admin, key, bob, operation)
    for name, use in USES.items():
        if name == operation:
            use(bob, key)
        else:
            with refused("AccessDeniedException"):
                use(bob, key)
    admin.revoke_grant(KeyId=key, GrantId=made.grant_id)
    with refused("AccessDeniedException"):
        USES[operation](bob, key)


def test_decrypt_by_a_grant(admin: Kms, world: World, key: str) -> None:
    """Decrypt finds the key from the blob, and the grant from the key."""
    bob, blob = stranger(world), encrypt(admin, key)
    with refused("AccessDeniedException"):
        bob.decrypt(CiphertextBlob=blob)
    grant(admin, key, bob, "Decrypt")
    assert bob.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_reencrypt_needs_both_sides(admin: Kms, world: World, key: str) -> None:
    """ReEncryptFrom on one key and ReEncryptTo on the other."""
    bob, other, blob = stranger(world), admin.arn(f"key/{admin.key()}"), encrypt(admin, key)
    grant(admin, key, bob, "ReEncryptFrom")
    with refused("AccessDeniedException"):
        bob.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)
    grant(admin, other, bob, "ReEncryptTo")
    assert bob.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other).key_id == other


def test_only_the_grantee(admin: Kms, world: World, key: str) -> None:
    """A grant is for one principal, on one key."""
    bob, eve = stranger(world), stranger(world, "eve")
    grant(admin, key, bob)
    assert may(bob, key)
    assert not may(eve, key)
    assert not may(bob, admin.arn(f"key/{admin.key()}"))


def test_a_namesake_inherits_nothing(admin: Kms, world: World, key: str) -> None:
    """A grant means the unique id (GR-1): whoever is made again with the name has nothing."""
    bob = stranger(world)
    grant(admin, key, bob)
    assert may(bob, key)
    world.people.add(bob.principal.arn)
    again = stranger(world)
    gone = world.caller("bob", policies=())
    assert again.principal.unique_id != bob.principal.unique_id
    assert not may(gone, key)
    [entry] = admin.list_grants(KeyId=key).grants
    assert entry.grantee_principal == bob.principal.unique_id


def role_session(world: World, session: str, *policies: Any, role: str = "ops") -> Kms:
    """A session of a role; the role is made when it is new."""
    arn = iam_arn(ACCOUNT, f"role/{role}")
    unique_id = world.people.ids.get(arn) or world.people.add(arn)
    who = Principal(
        type=PrincipalType.ASSUMED_ROLE,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        account=ACCOUNT,
        user_id=f"{unique_id}:{session}",
        unique_id=unique_id,
        principal_arn=arn,
        issuer_arn=arn,
        issuer_id=unique_id,
    )
    passed = (tuple(identity_policy(policy) for policy in policies),) if policies else ()
    world.people.ids[who.arn] = unique_id
    return Kms(world, who, PrincipalPolicies(session=passed))


def test_a_roles_grant_serves_its_sessions(admin: Kms, world: World, key: str) -> None:
    """A grant to a role is for all of its sessions; one to a session for that session."""
    one, two = role_session(world, "one"), role_session(world, "two")
    grant(admin, key, one.principal.arn)
    assert (may(one, key), may(two, key)) == (True, False)
    grant(admin, key, iam_arn(ACCOUNT, "role/ops"))
    assert may(two, key)


def test_session_policies_limit_a_roles_grant(admin: Kms, world: World, key: str) -> None:
    """A session policy bounds what a session has by its role's grant, not by a grant of its own."""
    narrow = role_session(world, "one", allow("kms:DescribeKey"))
    wide = role_session(world, "one", allow("kms:*"))
    grant(admin, key, iam_arn(ACCOUNT, "role/ops"))
    assert (may(narrow, key), may(wide, key)) == (False, True)
    grant(admin, key, narrow.principal.arn)
    assert may(narrow, key)


def test_an_accounts_grant_delegates(admin: Kms, world: World, key: str) -> None:
    """A grant to an account lets its own policies decide (kms.md 10.2)."""
    without = stranger(world, "eve", OTHER_ACCOUNT)
    with_policy = world.caller("bob", OTHER_ACCOUNT, policies=(allow("kms:Encrypt"),))
    assert not may(with_policy, key)
    grant(admin, key, iam_arn(OTHER_ACCOUNT, "root"))
    assert (may(without, key), may(with_policy, key)) == (False, True)


def test_across_accounts(admin: Kms, world: World, key: str) -> None:
    """A grantee of another account needs no policy there (kms.md 10.2)."""
    bob = stranger(world, account=OTHER_ACCOUNT)
    assert not may(bob, key)
    made = grant(admin, key, bob)
    assert may(bob, key)
    admin.revoke_grant(KeyId=key, GrantId=made.grant_id)
    assert not may(bob, key)


def test_a_deny_wins(admin: Kms, world: World, key: str) -> None:
    """An explicit Deny of the grantee's policies or of the key policy wins over a grant."""
    denied = world.caller("bob", policies=(deny("kms:Encrypt"),))
    grant(admin, key, denied)
    assert not may(denied, key)
    assert may(world.caller("bob", policies=()), key)
    barred = deny("kms:Encrypt", Principal={"AWS": denied.principal.arn})
    admin.put_key_policy(KeyId=key, Policy=document(delegation(), barred))
    assert not may(world.caller("bob", policies=()), key)


@pytest.mark.parametrize("act", ["disable_key", "schedule_key_deletion"])
def test_the_state_of_the_key_counts(admin: Kms, world: World, key: str, act: str) -> None:
    """A grant does not help with a key that is disabled or to be deleted (KM-3)."""
    bob = stranger(world)
    token = grant(admin, key, bob).grant_token
    getattr(admin, act)(KeyId=key)
    code = "DisabledException" if act == "disable_key" else "KMSInvalidStateException"
    with refused(code):
        bob.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[token])
    with refused(code):
        grant(admin, key, bob)


# Constraints


@pytest.mark.parametrize(
    ("kind", "context", "allowed"),
    [
        ("Equals", CONTEXT, True),
        ("Equals", {"dept": "IT", "stage": "prod"}, True),  # names without regard to case
        ("Equals", {**CONTEXT, "more": "x"}, False),
        ("Equals", {"Dept": "IT"}, False),
        ("Equals", {"Dept": "it", "Stage": "prod"}, False),
        ("Equals", {}, False),
        ("Subset", CONTEXT, True),
        ("Subset", {**CONTEXT, "more": "x"}, True),
        ("Subset", {"Dept": "IT"}, False),
        ("Subset", {"Dept": "IT", "Stage": "Prod"}, False),
        ("Subset", {}, False),
    ],
)
def test_constraints(
    admin: Kms, world: World, key: str, kind: str, context: dict[str, str], *, allowed: bool
) -> None:
    """EncryptionContextEquals takes this context only, EncryptionContextSubset every larger one."""
    bob = stranger(world)
    grant(admin, key, bob, Constraints={f"EncryptionContext{kind}": CONTEXT})
    assert may(bob, key, **context) is allowed


def test_a_constraint_is_literal(admin: Kms, world: World, key: str) -> None:
    """Wildcards and variables in a constraint are plain text."""
    bob = stranger(world)
    wild = {"a": "*", "b": "${aws:username}"}
    grant(admin, key, bob, Constraints={"EncryptionContextSubset": wild})
    assert may(bob, key, **wild)
    assert not may(bob, key, a="x", b="bob")


def test_a_constraint_is_not_about_describe_key(admin: Kms, world: World, key: str) -> None:
    """DescribeKey has no encryption context, and needs none."""
    bob = stranger(world)
    grant(
        admin, key, bob, "Encrypt", "DescribeKey",
        Constraints={"EncryptionContextEquals": CONTEXT},
    )  # fmt: skip
    bob.describe_key(KeyId=key)
    assert not may(bob, key)


def test_a_grant_for_each_of_many_pairs(admin: Kms, world: World, key: str) -> None:
    """One grantee has a grant for each volume, as disks have. Each ends alone."""
    bob = stranger(world)
    made = [
        grant(admin, key, bob, "Encrypt", "DescribeKey", "CreateGrant",
              Constraints={"EncryptionContextSubset": {"volume": f"{number}"}})
        for number in range(MOST_ALIKE + 8)
    ]  # fmt: skip
    for number in (0, len(made) - 1):
        encrypt(bob, key, volume=f"{number}")
    for number, each in enumerate(made[:-1]):
        bob.describe_key(KeyId=key)
        admin.revoke_grant(KeyId=key, GrantId=each.grant_id)
        with refused("AccessDeniedException"):
            encrypt(bob, key, volume=f"{number}")
    encrypt(bob, key, volume=f"{len(made) - 1}")
    admin.revoke_grant(KeyId=key, GrantId=made[-1].grant_id)
    with refused("AccessDeniedException"):
        bob.describe_key(KeyId=key)


def test_equal_views_are_found_by_an_index(admin: Kms, world: World, key: str) -> None:
    """The end of a grant does not read the others of its grantee, of which there may be 50,000."""
    bob, account, key_id = stranger(world), admin.principal.account, key.rpartition("/")[2]
    constraints = {"EncryptionContextSubset": CONTEXT}
    made = grant(admin, key, bob, "Encrypt", "DescribeKey", Constraints=constraints)
    grants, said = world.repository.grants, list[str]()
    place, watched = (account, REGION, key_id), Watched(world.store.read(), said)
    record = grants.get(world.store.read(), place, made.grant_id)
    assert record is not None
    assert grants._alike(watched, record, Part.VIEW) == record
    values = (*place, record.grantee_id, record.operations, record.source_arn)
    [step] = world.store._turn.execute(f"EXPLAIN QUERY PLAN {said[0]}", values)
    assert "USING INDEX kms_grants_view" in step[-1]


def test_grants_that_no_pair_tells_apart(admin: Kms, world: World, key: str) -> None:
    """So many different ones are refused that a request stays cheap; an equal one is not."""
    bob = stranger(world)
    sets = islice(
        (each for size in range(1, 4) for each in combinations(CIPHERS, size)), MOST_ALIKE + 1
    )
    *fitting, last = sets
    for each in fitting:
        grant(admin, key, bob, *each)
    with refused("LimitExceededException"):
        grant(admin, key, bob, *last)
    grant(admin, key, bob, *fitting[0])
    grant(admin, key, stranger(world, "eve"), *last)


def test_an_empty_constraint_is_none(admin: Kms, world: World, key: str) -> None:
    """Terraform sends both constraints, one of them without pairs."""
    bob = stranger(world)
    both = {"EncryptionContextEquals": {}, "EncryptionContextSubset": {"a": "1"}}
    grant(admin, key, bob, Constraints=both)
    assert (may(bob, key, a="1"), may(bob, key)) == (True, False)
    grant(admin, key, bob, Constraints={"EncryptionContextEquals": {}})
    assert may(bob, key)


def test_the_source_arn_is_the_services(admin: Kms, world: World, key: str) -> None:
    """A grant with SourceArn is for requests that a service makes about that resource."""
    source = f"arn:aws:s3:{REGION}:{ACCOUNT}:bucket"
    bob = stranger(world)
    grant(admin, key, bob, Constraints={"SourceArn": source})
    assert not may(bob, key)
    for value, allowed in ((source, True), (source + "x", False)):
        through = Kms(world, bob.principal, bob.policies, keys={"aws:sourcearn": value})
        assert may(through, key) is allowed


def test_service_principals(admin: Kms, world: World, key: str) -> None:
    """A service holds a grant, if it is constrained to a resource and somebody may retire it."""
    source = f"arn:aws:s3:{REGION}:{ACCOUNT}:bucket"
    asked = {
        "KeyId": key,
        "GranteeServicePrincipal": "s3.amazonaws.com",
        "RetiringServicePrincipal": "s3.amazonaws.com",
        "Operations": ["Encrypt"],
        "Constraints": {"SourceArn": source},
    }
    for missing in ("RetiringServicePrincipal", "Constraints"):
        with refused("ValidationException"):
            admin.create_grant(**{k: v for k, v in asked.items() if k != missing})
    admin.create_grant(**asked)
    [entry] = admin.list_grants(KeyId=key).grants
    assert entry.grantee_service_principal == entry.grantee_principal == "s3.amazonaws.com"
    assert entry.retiring_service_principal == "s3.amazonaws.com"
    s3, ec2 = service(world, "s3", source), service(world, "ec2", source)
    assert (may(s3, key), may(ec2, key), may(service(world, "s3"), key)) == (True, False, False)


def service(world: World, name: str, source: str = "") -> Kms:
    """A service that calls, about one of its resources."""
    named = f"{name}.amazonaws.com"
    who = Principal(PrincipalType.SERVICE, named, "", "", service_names=(named,))
    keys = {"aws:sourcearn": source} if source else {}
    return Kms(world, who, PrincipalPolicies(), keys=keys)


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


# Lists


def test_what_lists_show(admin: Kms, world: World, key: str) -> None:
    """A list shows a grant as AWS does (kms.md 9.1)."""
    bob = stranger(world)
    constraints = {"EncryptionContextSubset": {"a": "1"}}
    made = grant(
        admin, key, bob, "Decrypt", "Encrypt", Constraints=constraints, Name="n",
        RetiringPrincipal=admin.principal.arn,
    )  # fmt: skip
    bare = grant(admin, key, iam_arn(OTHER_ACCOUNT, "root"))
    by_id = {entry.grant_id: entry for entry in admin.list_grants(KeyId=key).grants}
    entry = by_id[made.grant_id]
    assert (entry.key_id, entry.name, entry.operations) == (key, "n", ["Decrypt", "Encrypt"])
    assert entry.grantee_principal == bob.principal.arn
    assert entry.retiring_principal == admin.principal.arn
    assert entry.issuing_account == iam_arn(ACCOUNT, "root")
    assert entry.constraints.encryption_context_subset == {"a": "1"}
    assert entry.creation_date == world.now
    other = by_id[bare.grant_id]
    assert (other.name, other.constraints, other.retiring_principal) == ("", None, None)
    assert other.grantee_principal == iam_arn(OTHER_ACCOUNT, "root")


def test_lists_are_filtered_and_paged(admin: Kms, world: World, key: str) -> None:
    """A list is read in pages of any size, and by grantee or id; changes move nobody's place."""
    bob, eve = stranger(world), stranger(world, "eve")
    made = sorted(grant(admin, key, who).grant_id for who in (bob, eve, bob, eve, bob))
    for limit in (1, 2, 5, 100):
        assert listed(admin, key, Limit=limit) == made
    of_bob = listed(admin, key, Limit=2, GranteePrincipal=bob.principal.arn)
    assert len(of_bob) == 3
    assert listed(admin, key, GrantId=made[2]) == [made[2]]
    assert listed(admin, key, GrantId="0" * 64) == []
    with refused("InvalidGrantIdException"):
        admin.list_grants(KeyId=key, GrantId="nonsense")
    with refused("InvalidMarkerException"):
        admin.list_grants(KeyId=key, Marker="nonsense")
    first = admin.list_grants(KeyId=key, Limit=2)
    admin.revoke_grant(KeyId=key, GrantId=made[0])
    assert listed(admin, key, Marker=first.next_marker) == made[2:]


def test_retirable_grants_are_read_in_parts(
    admin: Kms, world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a page, in order, however many are read at a time; others are served between them."""
    bob, ends = stranger(world), {"RetiringPrincipal": stranger(world).principal.arn}
    lister = world.caller("lister")
    for number in range(5):
        grant(admin, key, bob, Name=f"{number}", **ends)
    whole = [each.grant_id for each in lister.list_retirable_grants(**ends).grants]
    monkeypatch.setattr(operations, "_ON_OTHER_KEYS", 2)
    assert [each.grant_id for each in lister.list_retirable_grants(**ends).grants] == whole
    assert len(whole) == 5
    world.repository.preparations.begin((), may_wait=True)
    with pytest.raises(Unprepared):
        lister.list_retirable_grants(**ends)


def test_retirable_grants(admin: Kms, world: World, key: str) -> None:
    """A principal's grants to retire, on the keys of every account, for callers of its account."""
    bob = stranger(world, "bob", OTHER_ACCOUNT)
    lister = world.caller("lister", OTHER_ACCOUNT)
    made = sorted(
        (target, grant(admin, target, admin, RetiringPrincipal=bob.principal.arn).grant_id)
        for target in (key, admin.arn(f"key/{admin.key()}"))
    )
    grant(admin, key, bob)
    whose = {"RetiringPrincipal": bob.principal.arn}
    found = lister.list_retirable_grants(**whose).grants
    assert [(entry.key_id, entry.grant_id) for entry in found] == made
    one = lister.list_retirable_grants(Limit=1, **whose)
    two = lister.list_retirable_grants(Limit=1, Marker=one.next_marker, **whose)
    assert [one.grants[0].grant_id, two.grants[0].grant_id] == [each for _, each in made]
    assert not two.truncated
    with refused("AccessDeniedException"):
        bob.list_retirable_grants(**whose)
    with refused("InvalidArnException"):
        admin.list_retirable_grants(**whose)
    elsewhere = world.caller("lister", OTHER_ACCOUNT, region="eu-west-1")
    assert elsewhere.list_retirable_grants(**whose).grants == []


# The end of a grant


def retire(who: Kms, key: str, made: Any) -> None:
    who.retire_grant(KeyId=key, GrantId=made.grant_id)


def test_who_may_retire(admin: Kms, world: World, key: str) -> None:
    """The retiring principal; the grantee if the grant says so; the account, by its policies."""
    bob, eve = stranger(world), stranger(world, "eve")
    allowed_only = world.caller("carl", OTHER_ACCOUNT, policies=(allow("kms:RetireGrant"),))
    made = grant(admin, key, bob, RetiringPrincipal=eve.principal.arn)
    for who in (bob, allowed_only):
        with refused("AccessDeniedException"):
            retire(who, key, made)
        with refused("AccessDeniedException"):
            who.retire_grant(GrantToken=made.grant_token)
    retire(eve, key, made)
    made = grant(admin, key, bob, "Encrypt", "RetireGrant")
    with refused("AccessDeniedException"):
        retire(eve, key, made)
    bob.retire_grant(GrantToken=made.grant_token)
    assert not may(bob, key)
    retire(world.caller("dan", policies=(allow("kms:RetireGrant"),)), key, grant(admin, key, bob))
    assert listed(admin, key) == []


def test_the_retiring_account_delegates(admin: Kms, world: World, key: str) -> None:
    """An account as retiring principal leaves it to its own policies."""
    made = grant(admin, key, admin, RetiringPrincipal=iam_arn(OTHER_ACCOUNT, "root"))
    with refused("AccessDeniedException"):
        retire(stranger(world, account=OTHER_ACCOUNT), key, made)
    retire(world.caller("carl", OTHER_ACCOUNT, policies=(allow("kms:RetireGrant"),)), key, made)


def test_key_policies_cannot_allow_to_retire(admin: Kms, world: World, key: str) -> None:
    """An Allow of kms:RetireGrant in a key policy has no effect; a Deny has."""
    bob, eve = stranger(world), stranger(world, "eve")
    made = grant(admin, key, bob, RetiringPrincipal=eve.principal.arn)
    everybody = allow("kms:RetireGrant", Principal="*")
    admin.put_key_policy(KeyId=key, Policy=document(delegation(), everybody))
    with refused("AccessDeniedException"):
        retire(bob, key, made)
    barred = deny("kms:RetireGrant", Principal={"AWS": eve.principal.arn})
    admin.put_key_policy(KeyId=key, Policy=document(delegation(), barred))
    with refused("AccessDeniedException"):
        retire(eve, key, made)
    admin.put_key_policy(KeyId=key, Policy=document(delegation()))
    retire(eve, key, made)


def test_revoking_needs_the_key(admin: Kms, world: World, key: str) -> None:
    """RevokeGrant is the key's to allow, and takes no grant of another key."""
    bob, other = stranger(world), admin.arn(f"key/{admin.key()}")
    made = grant(admin, key, bob, "Encrypt", "RetireGrant")
    with refused("AccessDeniedException"):
        bob.revoke_grant(KeyId=key, GrantId=made.grant_id)
    with refused("NotFoundException"):
        admin.revoke_grant(KeyId=other, GrantId=made.grant_id)
    with refused("InvalidGrantIdException"):
        admin.revoke_grant(KeyId=key, GrantId="nonsense")
    revoker = world.caller("rev", policies=(allow("kms:RevokeGrant"),))
    revoker.revoke_grant(KeyId=key, GrantId=made.grant_id)
    with refused("NotFoundException"):
        revoker.revoke_grant(KeyId=key, GrantId=made.grant_id)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"KeyId": "@key"},
        {"GrantId": "0" * 64},
        {"GrantToken": "x", "GrantId": "0" * 64},
        {"GrantToken": "x", "KeyId": "@key"},
    ],
)
def test_a_grant_is_named_in_one_way(admin: Kms, key: str, members: dict[str, str]) -> None:
    """By token, or by key and id."""
    sent = {name: key if value == "@key" else value for name, value in members.items()}
    with refused("ValidationException"):
        admin.retire_grant(**sent)


def test_what_is_not_there_is_not_retired(admin: Kms, world: World, key: str) -> None:
    """The owner hears that there is no such grant; a stranger hears what it hears of any key."""
    none = {"KeyId": key, "GrantId": "0" * 64}
    with refused("NotFoundException"):
        admin.retire_grant(**none)
    with refused("InvalidGrantTokenException"):
        admin.retire_grant(GrantToken="x")
    foreign = world.caller("carl", OTHER_ACCOUNT)
    nowhere = {
        **none,
        "KeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{'0' * 8}-0000-0000-0000-{'0' * 12}",
    }
    messages = set()
    for sent in (none, nowhere):
        with refused("AccessDeniedException") as caught:
            foreign.retire_grant(**sent)
        messages.add(str(caught.value.message).replace(sent["KeyId"], "KEY"))
    assert len(messages) == 1


def test_a_stranger_does_not_let_a_policy_be_read(admin: Kms, world: World, key: str) -> None:
    """So a long key policy takes no time that would tell that the key exists (KM-2)."""
    denied = [
        deny("kms:Sign", Principal="*", Condition={"StringLike": {"kms:KeySpec": f"{n:0100}*"}})
        for n in range(30)
    ]
    admin.put_key_policy(KeyId=key, Policy=document(delegation(), *denied))
    foreign = world.caller("carl", OTHER_ACCOUNT)
    made = grant(admin, key, foreign, "Encrypt", "RetireGrant")
    world.repository.preparations.begin([], may_wait=True)
    with refused("AccessDeniedException"):
        foreign.retire_grant(KeyId=key, GrantId="0" * 64)
    with pytest.raises(Unprepared):  # the policy might deny
        retire(foreign, key, made)
    world.repository.preparations.end()
    retire(foreign, key, made)


def test_equal_grants_stand_alone(admin: Kms, world: World, key: str) -> None:
    """Of grants that allow the same, each allows until the last is gone."""
    bob = stranger(world)
    made = [
        grant(admin, key, bob, "Encrypt", "DescribeKey", "CreateGrant",
              Constraints={"EncryptionContextSubset": CONTEXT})
        for _ in range(3)
    ]  # fmt: skip
    for each in made:
        assert may(bob, key, **CONTEXT)
        bob.describe_key(KeyId=key)
        admin.revoke_grant(KeyId=key, GrantId=each.grant_id)
    assert not may(bob, key, **CONTEXT)
    with refused("AccessDeniedException"):
        bob.describe_key(KeyId=key)


def test_a_destroyed_key_has_no_grants(admin: Kms, world: World, key: str) -> None:
    """With the key its grants go, and their tokens."""
    bob = stranger(world)
    token = grant(admin, key, bob, RetiringPrincipal=bob.principal.arn).grant_token
    admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    world.pass_time(days=8)
    assert len(world.destroy_due()) == 1
    assert admin.list_retirable_grants(RetiringPrincipal=bob.principal.arn).grants == []
    with refused("InvalidGrantTokenException"):
        bob.retire_grant(GrantToken=token)


# DryRun, quota, records


def test_dry_runs(admin: Kms, world: World, key: str) -> None:
    """A dry run checks everything, and does nothing (KM-9)."""
    bob = stranger(world)
    with refused("DryRunOperationException"):
        grant(admin, key, bob, DryRun=True)
    with refused("AccessDeniedException"):
        grant(bob, key, bob, DryRun=True)
    with refused("InvalidArnException"):
        grant(admin, key, iam_arn(ACCOUNT, "user/nobody"), DryRun=True)
    assert listed(admin, key) == []
    made = grant(admin, key, bob)
    for end in (admin.revoke_grant, admin.retire_grant):
        with refused("DryRunOperationException"):
            end(KeyId=key, GrantId=made.grant_id, DryRun=True)
    assert may(bob, key)
    with refused("AccessDeniedException"):
        bob.retire_grant(GrantToken=made.grant_token, DryRun=True)


def test_a_key_has_so_many_grants(admin: Kms, world: World, key: str) -> None:
    """The quota counts the grants of a key; one that is made again by name needs no room."""
    world.quotas.use(["Grants per KMS key=2"], requests=True)
    bob = stranger(world)
    made = [grant(admin, key, bob, Name=name) for name in ("a", "b")]
    with refused("LimitExceededException"):
        grant(admin, key, bob, Name="c")
    grant(admin, key, bob, Name="a")
    admin.revoke_grant(KeyId=key, GrantId=made[1].grant_id)
    grant(admin, key, bob, Name="c")


def test_records_have_no_token(admin: Kms, world: World, key: str) -> None:
    """A record names the grant, and never shows a token (kms.md 22.2)."""
    made = grant(admin, key, admin, RetiringPrincipal=admin.principal.arn)
    admin.retire_grant(GrantToken=made.grant_token)
    event = world.events[-1]
    assert event.additional["grantId"] == made.grant_id
    assert [resource.arn for resource in event.resources] == [key]


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
