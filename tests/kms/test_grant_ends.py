"""Grants in lists, and how they end. (kms.md 10.6)"""

import pytest

from keystead.arns import iam_arn
from keystead.kms.operations import grants as operations
from keystead.work import Unprepared
from tests.kms.granting import CONTEXT, grant, listed, may, retire, stranger
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    Kms,
    World,
    allow,
    delegation,
    deny,
    document,
    refused,
)  # fmt: skip

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
