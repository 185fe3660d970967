"""The quotas of KMS: AWS's, as the reference has them, and those of the settings."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from keystead import quotas
from keystead.failures import Failure
from keystead.kms.rules import KMS
from keystead.policy.evaluation import Principal, PrincipalType
from keystead.quotas import RESOURCES, UNSERVED, Quotas, read
from keystead.server.pipeline.throttle import Throttle
from keystead.wire.models import kms as api
from tests.kms.test_rules import rows
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    Kms,
    World,
    delegation,
    document,
    refused,
)

CALLER = Principal(
    type=PrincipalType.ACCOUNT, arn="", account=ACCOUNT, user_id=ACCOUNT, unique_id="", name="",
    principal_arn="",
)  # fmt: skip
ALGORITHMS = {
    **dict.fromkeys(
        ("encryption_algorithm", "source_encryption_algorithm", "destination_encryption_algorithm"),
        get_args(api.EncryptionAlgorithmSpec),
    ),
    "signing_algorithm": get_args(api.SigningAlgorithmSpec),
    "key_pair_spec": get_args(api.DataKeyPairSpec),
}
"""The members of inputs that tell the family of a key, and their values."""

PAGE = rows("### 19.1 Request quotas")
SHARED = {
    cells[0].removesuffix(" cryptographic"): cells[1] for cells in PAGE if "crypt" in cells[0]
}


def families(value: str) -> set[str]:
    """The families of keys that have an algorithm or a spec, in the words of the page."""
    prefixes = {"RSA": "RSA", "EC": "ECC + SM2", "ED": "ECC + SM2", "SM2": "ECC + SM2",
                "ML_DSA": "ML-DSA", "ML_KEM": "ML-KEM"}  # fmt: skip
    found = {family for prefix, family in prefixes.items() if value.startswith(prefix)}
    return found or {"Symmetric"}


def expected(name: str, value: str) -> str:
    """The group of a call, by the page."""
    if name.startswith("GenerateDataKeyPair") and families(value) != {"ML-KEM"}:
        return f"pair {value}"
    groups = [group for group, members in SHARED.items() if re.search(rf"\b{name}\b", members)]
    if name.startswith("GenerateDataKeyPair"):
        return "ML-KEM"
    if len(groups) > 1:
        return next(iter(families(value)))
    return groups[0] if groups else name


def inputs() -> list[tuple[str, Any, str]]:
    """A call of each operation with each algorithm; the group of each, by the page."""
    return [
        (name, SimpleNamespace(**dict.fromkeys(members, value)), expected(name, value))
        for name, operation in api.OPERATIONS.items()
        for members in [sorted(set(operation.input.__struct_fields__) & set(ALGORITHMS))]
        for value in (ALGORITHMS[members[0]] if members else [""])
    ]


INPUTS = inputs()


def exceeded(throttle: Throttle, name: str, asked: Any) -> str:
    return throttle.exceeded(KMS[name], CALLER, REGION, asked)


@pytest.mark.parametrize(
    ("name", "asked", "group"), INPUTS, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(INPUTS)]
)
def test_who_shares_a_quota(name: str, asked: Any, group: str) -> None:
    """After a call, those of its group on the page are refused, and no others."""
    elsewhere = SimpleNamespace(replica_region="", primary_region="")
    for other, other_asked, other_group in INPUTS:
        throttle = Throttle(lambda *_: 1, lambda: 0.0)
        vars(other_asked).update(vars(elsewhere))
        vars(asked).update(vars(elsewhere))
        assert exceeded(throttle, name, asked) == ""
        assert (exceeded(throttle, other, other_asked) != "") is (other_group == group), other


def test_the_numbers_of_the_page() -> None:
    """Every number is that of the page; AWS's for ML-KEM is not known."""
    numbers: dict[str, str] = {}
    for group, members, number in (cells for cells in PAGE if "note" not in cells[0]):
        first = number.split()[0].replace(",", "") if number else ""
        if "cryptographic" in group:
            numbers[group.removesuffix(" cryptographic")] = first
        elif "RSA_2048" in members:
            specs = members.split(" / ")
            numbers |= {f"pair {s}": n for s, n in zip(specs, number.split(" / "), strict=True)}
        elif members == "SM2":
            numbers["pair SM2"] = first
        elif "ECC_*" in members:
            numbers["pair ECC"] = first
        else:
            numbers |= dict.fromkeys(re.findall(r"\w+", members or group), first)
    for name, asked, group in INPUTS:
        [*names] = KMS[name].quotas(asked)  # type: ignore[misc]  # every row of KMS has them
        allowed = {quotas.REQUESTS[each] for each in names}
        key = "pair ECC" if group.startswith("pair ECC") else group
        if group == "Symmetric":
            assert allowed == {10_000}
        elif group == "ML-KEM":
            assert allowed == {1000}
        else:
            assert allowed == {int(numbers[key])}, name


def test_symmetric_quotas_of_regions() -> None:
    """The shared quota of symmetric keys depends on the Region, the others do not."""
    text = next(cells[2] for cells in PAGE if cells[0] == "Symmetric cryptographic")
    said: dict[str, int] = {}
    for part in re.sub(r"\(.*", "", text).split(";")[:-1]:
        number, _, regions = part.strip().partition(" in ")
        said |= dict.fromkeys(regions.split(", "), int(number.replace(",", "")))
    assert said == quotas.SYMMETRIC_IN
    numbers = Quotas()
    assert numbers.per_second(quotas.SYMMETRIC, ACCOUNT, "eu-west-1") == 100_000
    assert numbers.per_second(quotas.SYMMETRIC, ACCOUNT, "eu-south-1") == 10_000
    assert numbers.per_second(quotas.RSA, ACCOUNT, "eu-west-1") == 1000


def test_every_quota_is_of_an_operation() -> None:
    """No request quota is in the table without calls that count against it."""
    used = {each for name, asked, _ in INPUTS for each in KMS[name].quotas(asked)}  # type: ignore[misc]  # as above
    assert used == set(quotas.REQUESTS) - {
        "ForwardAccess",
        "LookupEvents",
        UNSERVED,
        *quotas.OF_SERVICE.values(),
    }  # of other services


def test_two_families() -> None:
    """ReEncrypt between keys of two families counts against both quotas."""
    throttle = Throttle(lambda *_: 1, lambda: 0.0)
    both = SimpleNamespace(
        source_encryption_algorithm="RSAES_OAEP_SHA_256", destination_encryption_algorithm=None
    )
    assert exceeded(throttle, "ReEncrypt", both) == ""
    assert exceeded(throttle, "GenerateRandom", None) == quotas.SYMMETRIC
    sign = SimpleNamespace(signing_algorithm="RSASSA_PSS_SHA_256")
    assert exceeded(throttle, "Sign", sign) == quotas.RSA
    assert exceeded(throttle, "DeriveSharedSecret", None) == ""


def test_other_regions() -> None:
    """A replica is two CreateKey there; UpdatePrimaryRegion counts in both (kms.md 19.1)."""
    throttle = Throttle(lambda *_: 5, lambda: 0.0)
    replicate = SimpleNamespace(replica_region="there")
    for _ in range(2):
        assert exceeded(throttle, "ReplicateKey", replicate) == ""
    assert [throttle.exceeded(KMS["CreateKey"], CALLER, "there", None) for _ in range(2)] == [
        "", "CreateKey",
    ]  # fmt: skip
    assert exceeded(throttle, "CreateKey", None) == ""
    assert exceeded(throttle, "ReplicateKey", replicate) == "CreateKey"
    update = SimpleNamespace(primary_region="there")
    for _ in range(5):
        assert exceeded(throttle, "UpdatePrimaryRegion", update) == ""
    row = KMS["UpdatePrimaryRegion"]
    own = SimpleNamespace(primary_region=REGION)
    assert throttle.exceeded(row, CALLER, "there", own) == "UpdatePrimaryRegion"


def test_a_replica_needs_room_for_one_key() -> None:
    """With a quota of one key, a replica is made, and the account waits for twice as long."""
    now = [0.0]
    throttle = Throttle(lambda *_: 1, lambda: now[0])
    replicate = SimpleNamespace(replica_region="there")
    assert exceeded(throttle, "ReplicateKey", replicate) == ""
    for seconds, quota in ((1.5, "CreateKey"), (2.0, "")):
        now[0] = seconds
        throttle.tick()
        assert throttle.exceeded(KMS["CreateKey"], CALLER, "there", None) == quota


# Resource quotas


def aliases(admin: Kms, key: str) -> Callable[[int], Any]:
    return lambda n: admin.create_alias(AliasName=f"alias/{n}", TargetKeyId=key)


MAKING: dict[str, Callable[[Kms, str], Callable[[int], Any]]] = {
    quotas.KEYS: lambda admin, _: lambda _: admin.create_key(),
    quotas.ALIASES: aliases,
    quotas.GRANTS: lambda admin, key: (
        lambda n: admin.create_grant(
            KeyId=key, GranteePrincipal=admin.principal.arn, Operations=["Encrypt"], Name=str(n)
        )
    ),
    quotas.ROTATIONS: lambda admin, key: lambda _: admin.rotate_key_on_demand(KeyId=key),
}


def test_every_resource_quota_is_tried() -> None:
    assert list(MAKING) == list(RESOURCES)


@pytest.mark.parametrize("name", MAKING)
def test_a_resource_quota(world: World, name: str) -> None:
    """One more than the setting allows is refused; another account's number is its own."""
    there = 1 if name == quotas.KEYS else 0  # the key that the others are made for
    world.quotas.use([f"{name}=1", f"{ACCOUNT}:{name}={2 + there}"], requests=True)
    for account, most in ((ACCOUNT, 2), (OTHER_ACCOUNT, 1 - there)):
        admin = world.caller(account=account)
        make = MAKING[name](admin, admin.key())
        for number in range(most):
            make(number)
        with refused("LimitExceededException"):
            make(most)
    world.quotas.use([f"{name}={2 + there}"], requests=True)
    make(1)


def test_a_key_counts_for_its_owner(world: World, admin: Kms) -> None:
    """The quota of grants is that of the key's account, whoever makes them."""
    bob = world.caller("bob", account=OTHER_ACCOUNT)
    key = admin.key(
        Policy=document(
            delegation(),
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"AWS": bob.principal.arn}},
        )
    )  # fmt: skip
    world.quotas.use([f"{OTHER_ACCOUNT}:{quotas.GRANTS}=0"], requests=True)
    grant = {"GranteePrincipal": bob.principal.arn, "Operations": ["Encrypt"]}
    bob.create_grant(KeyId=admin.arn(f"key/{key}"), **grant)
    world.quotas.use([f"{ACCOUNT}:{quotas.GRANTS}=1"], requests=True)
    with refused("LimitExceededException"):
        bob.create_grant(KeyId=admin.arn(f"key/{key}"), **grant)


# Settings


def test_settings() -> None:
    """A number for an account goes before one for all accounts, and that before AWS's."""
    numbers = Quotas(["CreateKey=7", f" {ACCOUNT} : CreateKey = 8 ", f"{ACCOUNT}:{quotas.RSA}=1"])
    assert numbers.per_second("CreateKey", OTHER_ACCOUNT, REGION) == 7
    assert numbers.per_second("CreateKey", ACCOUNT, REGION) == 8
    assert numbers.per_second(quotas.RSA, ACCOUNT, REGION) == 1
    assert numbers.per_second(quotas.RSA, OTHER_ACCOUNT, REGION) == 1000
    off = Quotas(["CreateKey=7", f"{quotas.KEYS}=1"], requests=False)
    assert off.per_second("CreateKey", ACCOUNT, REGION) == float("inf")
    assert off.most(quotas.KEYS, ACCOUNT) == 1


@pytest.mark.parametrize("name", [*quotas.REQUESTS, *RESOURCES])
def test_every_quota_can_be_set(name: str) -> None:
    """Every name can be written, for all and for one account."""
    assert read([f"{name}=2", f"{ACCOUNT}:{name}=3"]) == {("", name): 2, (ACCOUNT, name): 3}
    assert f"| `{name}` |" in quotas.reference()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["CreateKey"], "`CreateKey` is not a quota"),
        (["CreateKey=-1"], "is not a quota"),
        (["CreateKey=1.5"], "is not a quota"),
        (["123:CreateKey=1"], "is not a quota"),
        (["CreateKeys=1"], "there is no quota `CreateKeys`"),
        (["createkey=1"], "there is no quota `createkey`"),
        ([f"{quotas.ROTATIONS}=26"], f"`{quotas.ROTATIONS}` can be 25 at most"),
        ([f"{quotas.ALIASES}=501"], f"`{quotas.ALIASES}` can be 500 at most"),
        (["CreateKey=1", "CreateKey=2"], "is the second value of a quota"),
    ],
)
def test_wrong_settings(texts: list[str], said: str) -> None:
    """What cannot be understood is refused, with a hint; each of the right ones is above."""
    with pytest.raises(Failure) as caught:
        read(texts)
    assert said in caught.value.message
    assert caught.value.hint
