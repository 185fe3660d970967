"""A key that no call asked for lately costs one read of the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from keystead.store.sqlite.turn import Turn
from tests.importing import wrapped
from tests.kms.world import ACCOUNT, OTHER_REGION, Kms, World, refused


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that reach the database."""
    statements: list[str] = []
    execute = Turn.execute

    def watched(self: Turn, sql: str, values: Any = ()) -> Any:
        statements.append(sql)
        return execute(self, sql, values)

    with monkeypatch.context() as patched:
        patched.setattr(Turn, "execute", watched)
        yield statements


def simple(admin: Kms) -> str:
    return admin.key()


def with_aliases(admin: Kms) -> str:
    key = admin.key(Tags=[{"TagKey": "a", "TagValue": "b"}])
    for name in ("alias/b", "alias/a", "alias/c"):
        admin.create_alias(AliasName=name, TargetKeyId=key)
    return key


def rotated(admin: Kms) -> str:
    key = admin.key()
    admin.rotate_key_on_demand(KeyId=key)
    return key


def multi_region(admin: Kms) -> str:
    return admin.key(MultiRegion=True)


def imported(admin: Kms) -> str:
    key, algorithm = admin.key(Origin="EXTERNAL"), "RSAES_OAEP_SHA_256"
    given = admin.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    admin.import_key_material(
        KeyId=key, ImportToken=given.import_token,
        EncryptedKeyMaterial=wrapped(given.public_key, algorithm, bytes(32)),
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )  # fmt: skip
    return key


KINDS = [simple, with_aliases, rotated, multi_region, imported]


@pytest.mark.parametrize("kind", KINDS)
def test_a_cold_key(
    admin: Kms, world: World, monkeypatch: pytest.MonkeyPatch, kind: Callable[[Kms], str]
) -> None:
    """Encrypt with a cold key of a known policy is one statement; with a warm key it is none."""
    key, known = kind(admin), admin.key()
    world.restart()
    admin.encrypt(KeyId=known, Plaintext=b"x")  # the policy, and the account's sums
    world.store.flush()
    with counted(monkeypatch) as statements:
        admin.encrypt(KeyId=key, Plaintext=b"x")
        assert len(statements) == 1
        admin.encrypt(KeyId=key, Plaintext=b"x")
        assert len(statements) == 1


def test_a_cold_alias(admin: Kms, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alias is one statement, and the key that it names another; so is an alias of nobody."""
    key, known = admin.key(), admin.key()
    admin.create_alias(AliasName="alias/a", TargetKeyId=key)
    world.restart()
    admin.encrypt(KeyId=known, Plaintext=b"x")
    world.store.flush()
    with counted(monkeypatch) as statements:
        admin.encrypt(KeyId="alias/a", Plaintext=b"x")
        assert len(statements) == 2
        with refused("NotFoundException"):
            admin.encrypt(KeyId="alias/b", Plaintext=b"x")
        assert len(statements) == 3


def test_an_unknown_policy_is_read_once(
    admin: Kms, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first key with a policy reads it, with one statement more."""
    keys = [admin.key() for _ in range(3)]
    world.restart()
    with refused("NotFoundException"):
        admin.describe_key(KeyId="alias/none")  # the account's sums
    world.store.flush()
    with counted(monkeypatch) as statements:
        for key, number in zip(keys, (2, 3, 4), strict=True):
            admin.encrypt(KeyId=key, Plaintext=b"x")
            assert len(statements) == number


def test_a_cold_key_with_grants(admin: Kms, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What grants allow the caller is one statement, and the grants behind it another."""
    bob, keys = world.caller("bob", policies=()), [admin.key(), admin.key(), admin.key()]
    for key in keys[:2]:
        admin.create_grant(
            KeyId=key, GranteePrincipal=bob.principal.arn, Operations=["Encrypt", "Decrypt"]
        )
    admin.create_grant(
        KeyId=keys[2], GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root", Operations=["Decrypt"]
    )
    world.restart()
    bob.encrypt(KeyId=keys[0], Plaintext=b"x")
    world.store.flush()
    with counted(monkeypatch) as statements:
        bob.encrypt(KeyId=keys[1], Plaintext=b"x")
        assert len(statements) == 3
        with refused("AccessDeniedException"):
            bob.encrypt(KeyId=keys[2], Plaintext=b"x")


def test_a_cold_replica(admin: Kms, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica reads the row of its primary besides."""
    key, known = admin.key(MultiRegion=True), admin.key()
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    there = world.caller("admin", region=OTHER_REGION)
    world.restart()
    admin.encrypt(KeyId=known, Plaintext=b"x")
    world.store.flush()
    with counted(monkeypatch) as statements:
        there.encrypt(KeyId=key, Plaintext=b"x")
        assert len(statements) == 2


def test_what_is_absent_is_proved(admin: Kms, world: World) -> None:
    """A row that was taken away is missed by the one read, too."""
    key = admin.key()
    admin.create_alias(AliasName="alias/a", TargetKeyId=key)
    world.restart()
    with world.store.write() as transaction:
        transaction.run("DELETE FROM kms_aliases")
    with pytest.raises(Exception, match="kms_aliases"):
        admin.encrypt(KeyId=key, Plaintext=b"x")
