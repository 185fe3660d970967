"""Grants: what does one allow, and for which contexts? (kms.md 10.6, threat-model GR-1, GR-3)"""

from collections.abc import Callable
from itertools import combinations, islice
from typing import Any

import pytest

from keystead.arns import iam_arn
from keystead.kms.grants import MOST_ALIKE, Part
from keystead.policy.evaluation.question import Principal, PrincipalPolicies, PrincipalType
from tests.kms.granting import CONTEXT, encrypt, grant, may, service, stranger
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
USES: dict[str, Callable[[Kms, str], Any]] = {
    "Encrypt": lambda who, key: who.encrypt(KeyId=key, Plaintext=b"x"),
    "GenerateDataKey": lambda who, key: who.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "GenerateDataKeyWithoutPlaintext": lambda who, key: who.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    ),
    "DescribeKey": lambda who, key: who.describe_key(KeyId=key),
}


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
