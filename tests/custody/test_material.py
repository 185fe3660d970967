"""Key material: opened only for a permit, only where it belongs, and gone when it is destroyed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from keystead.caches import Room
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material.material import BadCiphertext, Custody, MaterialMissing, WrongPermit
from keystead.custody.material.repository import Materials
from keystead.custody.rows.rows import NotTheNewest, RowIntegrityError
from keystead.custody.state import open_sums
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Reader
from keystead.store.sqlite.engine import SqliteStore
from keystead.work import MadeWith, Work

from .conftest import ACCOUNT, NOW, OTHER_ACCOUNT, Clock, Key, change, create, make, root

AAD = b"header and context"


def encrypt(store: SqliteStore, custody: Custody, key: Key) -> object:
    return custody.encrypt(store.read(), key.to("kms:Encrypt"), b"plaintext", AAD)


def rotate(store: SqliteStore, custody: Custody, key: Key) -> Key:
    """The key with a further generation of material."""
    with store.write() as transaction:
        material_id = make(custody, transaction, key.to("kms:RotateKeyOnDemand"), key)
    return replace(key, material_id=material_id, row_version=key.row_version + 1)


def destroy(store: SqliteStore, custody: Custody, key: Key) -> None:
    with store.write() as transaction:
        custody.destroy_material(transaction, key.to("kms:DeleteKey"), key.account, key.key_id)


def test_a_key_encrypts_and_decrypts(store: SqliteStore, custody: Custody, key: Key) -> None:
    """What a key encrypts, it decrypts: at once, and opened anew."""
    reader = store.read()
    sealed = custody.encrypt(reader, key.to("kms:Encrypt"), b"plaintext", AAD)

    assert sealed.material_id == key.material_id
    assert custody.decrypt(reader, key.to("kms:Decrypt"), sealed, AAD) == b"plaintext"
    again = Hierarchy(root())
    store.flush()
    open_sums(again.rows, store)
    reopened = Custody(again)
    assert reopened.decrypt(reader, key.to("kms:Decrypt"), sealed, AAD) == b"plaintext"


def test_the_row_tells_what_there_is(store: SqliteStore, hierarchy: Hierarchy, key: Key) -> None:
    """A material's row says generation, spec, state and time, and is sealed."""
    record = Materials(hierarchy.rows).get(store.read(), ACCOUNT, key.key_id, key.material_id)

    assert record is not None
    assert (record.generation, record.key_spec, record.state) == (1, "SYMMETRIC_DEFAULT", "CURRENT")
    assert datetime.fromtimestamp(record.created_us / 1e6, UTC) == NOW
    assert len(record.material_id) == 64


def test_a_ciphertext_belongs_to_one_key(store: SqliteStore, custody: Custody, key: Key) -> None:
    """Another key does not decrypt it, of the same account or another; nor does another AAD."""
    sealed = custody.encrypt(store.read(), key.to("kms:Encrypt"), b"plaintext", AAD)
    for other in (Key(key_id="key-2"), Key(account=OTHER_ACCOUNT)):
        made = create(store, custody, other)
        for named in (sealed, msgspec.structs.replace(sealed, material_id=made.material_id)):
            with pytest.raises(BadCiphertext):
                custody.decrypt(store.read(), made.to("kms:Decrypt"), named, AAD)
    with pytest.raises(BadCiphertext):
        custody.decrypt(store.read(), key.to("kms:Decrypt"), sealed, AAD + b"!")


@pytest.mark.parametrize("action", ["kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptTo"])
def test_permits_to_encrypt_only_encrypt(
    store: SqliteStore, custody: Custody, key: Key, action: str
) -> None:
    """A permit to encrypt does not decrypt."""
    sealed = custody.encrypt(store.read(), key.to(action), b"plaintext", AAD)
    with pytest.raises(WrongPermit):
        custody.decrypt(store.read(), key.to(action), sealed, AAD)


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:ReEncryptFrom"])
def test_permits_to_decrypt_only_decrypt(
    store: SqliteStore, custody: Custody, key: Key, action: str
) -> None:
    """A permit to decrypt does not encrypt."""
    sealed = custody.encrypt(store.read(), key.to("kms:Encrypt"), b"plaintext", AAD)

    assert custody.decrypt(store.read(), key.to(action), sealed, AAD) == b"plaintext"
    with pytest.raises(WrongPermit):
        custody.encrypt(store.read(), key.to(action), b"plaintext", AAD)


def test_other_permits_open_nothing(store: SqliteStore, custody: Custody, key: Key) -> None:
    """A permit to describe a key is no permit to use, make or destroy its material."""
    sealed = custody.encrypt(store.read(), key.to("kms:Encrypt"), b"plaintext", AAD)
    permit = key.to("kms:DescribeKey")

    with pytest.raises(WrongPermit):
        custody.encrypt(store.read(), permit, b"plaintext", AAD)
    with pytest.raises(WrongPermit):
        custody.decrypt(store.read(), permit, sealed, AAD)
    with store.write() as transaction:
        with pytest.raises(WrongPermit):
            make(custody, transaction, permit, Key(key_id="key-9"))
        with pytest.raises(WrongPermit):
            custody.destroy_material(transaction, permit, ACCOUNT, key.key_id)


def test_a_permit_is_for_its_own_key(store: SqliteStore, custody: Custody, key: Key) -> None:
    """A permit for one key neither makes nor destroys the material of another."""
    other = create(store, custody, Key(key_id="key-2"))
    elsewhere = create(store, custody, Key(account=OTHER_ACCOUNT))
    with store.write() as transaction:
        for wrong in (other, elsewhere):
            with pytest.raises(WrongPermit):
                custody.destroy_material(
                    transaction, wrong.to("kms:DeleteKey"), ACCOUNT, key.key_id
                )
            with pytest.raises(WrongPermit):
                make(custody, transaction, wrong.to("kms:RotateKey"), key)
        with pytest.raises(WrongPermit):  # there is one: creating would replace it
            make(custody, transaction, key.to("kms:CreateKey"), key)
        with pytest.raises(WrongPermit):
            make(custody, transaction, elsewhere.to("kms:CreateKey"), Key(key_id="key-9"))
    encrypt(store, custody, key)


def test_every_generation_decrypts_its_own(
    store: SqliteStore, custody: Custody, hierarchy: Hierarchy, key: Key
) -> None:
    """After a rotation the new material encrypts; each ciphertext names the one that opens it."""
    before = custody.encrypt(store.read(), key.to("kms:Encrypt"), b"before", AAD)
    rotated = rotate(store, custody, key)
    after = custody.encrypt(store.read(), rotated.to("kms:Encrypt"), b"after", AAD)
    permit = rotated.to("kms:Decrypt")

    assert before.material_id != after.material_id
    assert custody.decrypt(store.read(), permit, before, AAD) == b"before"
    assert custody.decrypt(store.read(), permit, after, AAD) == b"after"
    swapped = msgspec.structs.replace(before, material_id=after.material_id)
    with pytest.raises(BadCiphertext):
        custody.decrypt(store.read(), permit, swapped, AAD)
    first = Materials(hierarchy.rows).get(store.read(), ACCOUNT, key.key_id, before.material_id)
    assert first is not None
    assert (first.generation, first.state) == (1, "NON_CURRENT")


def test_a_key_without_its_material_is_our_error(store: SqliteStore, custody: Custody) -> None:
    """Nothing is encrypted when the key names a material that is not there."""
    with pytest.raises(MaterialMissing):
        encrypt(store, custody, Key(material_id="00" * 32))


@pytest.mark.parametrize("material_id", ["00" * 32, "", "x"])
def test_unknown_material_is_a_bad_ciphertext(
    store: SqliteStore, custody: Custody, key: Key, material_id: str
) -> None:
    """A ciphertext that names no material of the key reads as every other bad one."""
    sealed = custody.encrypt(store.read(), key.to("kms:Encrypt"), b"plaintext", AAD)
    with pytest.raises(BadCiphertext):
        custody.decrypt(
            store.read(),
            key.to("kms:Decrypt"),
            msgspec.structs.replace(sealed, material_id=material_id),
            AAD,
        )


def test_destroyed_material_is_gone(store: SqliteStore, custody: Custody, key: Key) -> None:
    """No generation is left in the database or in memory; another key's stays."""
    sealed = custody.encrypt(store.read(), key.to("kms:Encrypt"), b"plaintext", AAD)
    rotated = rotate(store, custody, key)
    other = create(store, custody, Key(key_id="key-2"))
    destroy(store, custody, rotated)

    assert store.read().all("SELECT key_id FROM key_materials") == [("key-2",)]
    with pytest.raises(BadCiphertext):
        custody.decrypt(store.read(), key.to("kms:Decrypt"), sealed, AAD)
    with pytest.raises(MaterialMissing):
        encrypt(store, custody, rotated)
    encrypt(store, custody, other)


def test_a_damaged_row_can_be_destroyed(store: SqliteStore, custody: Custody, key: Key) -> None:
    """Destroying does not depend on what the rows say."""
    change(store, "UPDATE key_materials SET mac = zeroblob(32)")
    destroy(store, custody, key)

    assert store.read().all("SELECT 1 FROM key_materials") == []


EDITS = [
    "account = '444455556666'", "key_id = 'key-2'", "material_id = 'ff'", "generation = 2",
    "key_spec = 'RSA_2048'", "state = 'NON_CURRENT'", "created_us = created_us + 1",
    "sealed = zeroblob(113)", "sealed = x''", "row_version = 2",
    "mac = zeroblob(32)",
]  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row_is_refused(
    store: SqliteStore, custody: Custody, key: Key, edit: str
) -> None:
    """No column of a material's row can change."""
    change(store, f"UPDATE key_materials SET {edit}")  # from EDITS
    [(account, key_id, material_id)] = store.read().all(
        "SELECT account, key_id, material_id FROM key_materials"
    )

    with pytest.raises(RowIntegrityError):
        encrypt(store, custody, Key(account, key_id, material_id))


def test_material_copied_to_another_key_is_refused(
    store: SqliteStore, custody: Custody, key: Key
) -> None:
    """The row of one key does not serve another, in the same account or in another."""
    for target in (Key(key_id="key-2"), Key(account=OTHER_ACCOUNT)):
        change(
            store,
            "INSERT INTO key_materials SELECT ?, ?, material_id, generation, key_spec, state,"
            " created_us, sealed, row_version, mac FROM key_materials"
            " WHERE account = ? AND key_id = ?",
            (target.account, target.key_id, key.account, key.key_id),
        )
        with pytest.raises(RowIntegrityError):
            encrypt(store, custody, replace(target, material_id=key.material_id))
    encrypt(store, custody, key)


@pytest.mark.parametrize("target", [Key(key_id="key-2"), Key(account=OTHER_ACCOUNT), Key()])
def test_sealed_material_opens_only_in_its_row(
    store: SqliteStore, custody: Custody, hierarchy: Hierarchy, key: Key, target: Key
) -> None:
    """Even a row with a right MAC does not open what was sealed for another row.

    So neither the row key alone nor a bug in a repository lends one key the material of another.
    """
    materials = Materials(hierarchy.rows)
    record = materials.get(store.read(), key.account, key.key_id, key.material_id)
    assert record is not None
    copy = msgspec.structs.replace(
        record, account=target.account, key_id=target.key_id, material_id="ff" * 32, generation=7
    )
    with store.write() as transaction:
        materials.insert(transaction, copy)

    assert materials.get(store.read(), target.account, target.key_id, "ff" * 32) == copy
    with pytest.raises(RowIntegrityError):
        encrypt(store, custody, replace(target, material_id="ff" * 32))


def test_open_material_is_kept_for_a_minute(
    store: SqliteStore, custody: Custody, clock: Clock, key: Key
) -> None:
    """Within a minute the row is not read again, after it it is, however often it was used."""
    encrypt(store, custody, key)
    change(store, "DELETE FROM key_materials")

    for _ in range(5):
        clock.advance(11.9)
        encrypt(store, custody, key)
    clock.advance(0.5)
    with pytest.raises(NotTheNewest):
        encrypt(store, custody, key)


def test_a_changed_key_is_opened_anew(store: SqliteStore, custody: Custody, key: Key) -> None:
    """What was opened for one version of the key's row does not serve the next."""
    encrypt(store, custody, key)
    change(store, "DELETE FROM key_materials")

    encrypt(store, custody, key)
    with pytest.raises(NotTheNewest):
        encrypt(store, custody, replace(key, row_version=2))


def test_open_material_is_not_shared_between_accounts(
    store: SqliteStore, custody: Custody, key: Key
) -> None:
    """The cache answers for the account, the key and the material that were opened."""
    encrypt(store, custody, key)
    for other in (replace(key, account=OTHER_ACCOUNT), replace(key, key_id="key-2")):
        with pytest.raises(MaterialMissing):
            encrypt(store, custody, other)


def test_the_number_of_open_materials_is_bounded(
    store: SqliteStore, hierarchy: Hierarchy, clock: Clock
) -> None:
    """The one used least recently makes room, the others stay."""
    custody = Custody(hierarchy, room=Room(of_owner=6000, in_all=6000), clock=clock)
    keys = [create(store, custody, Key(key_id=f"key-{i}")) for i in range(3)]
    for key in keys:
        encrypt(store, custody, key)
    with store.write(quiet=True) as transaction:  # nobody is told
        transaction.run("DELETE FROM key_materials")

    for key in keys[1:]:
        encrypt(store, custody, key)
    with pytest.raises(NotTheNewest):
        encrypt(store, custody, keys[0])


def test_unused_material_is_let_go(
    store: SqliteStore, custody: Custody, clock: Clock, key: Key
) -> None:
    """After a minute nothing stays open, also when nobody asks again."""
    encrypt(store, custody, key)
    clock.advance(30)
    custody.expire()
    assert len(custody._opened._entries.kept) == 1

    clock.advance(30)
    custody.expire()
    assert not custody._opened._entries.kept


def test_random_bytes_are_random(custody: Custody) -> None:
    """As many as asked for, never the same."""
    permit = Key().to("kms:GenerateRandom")

    assert len(custody.random(permit, 1024)) == 1024
    assert custody.random(permit, 16) != custody.random(permit, 16)


Use = Callable[[Custody, Reader, "Permit[Key]"], Work[Any]]
ASYMMETRIC: dict[str, tuple[str, Use]] = {
    "kms:Sign": ("ECC_NIST_P384", lambda c, r, p: c.sign(r, p, "ECDSA_SHA_384", b"m", "RAW")),
    "kms:Verify": (
        "ECC_NIST_P384",
        lambda c, r, p: c.verify(r, p, "ECDSA_SHA_384", b"m", "RAW", signature=b"s"),
    ),
    "kms:GetPublicKey": ("ECC_NIST_P384", lambda c, r, p: c.public_key(r, p)),
    "kms:GenerateMac": ("HMAC_256", lambda c, r, p: c.mac(r, p, "HMAC_SHA_256", b"m")),
    "kms:VerifyMac": (
        "HMAC_256",
        lambda c, r, p: c.verify_mac(r, p, "HMAC_SHA_256", b"m", b"s"),
    ),
}


@pytest.mark.parametrize("action", ASYMMETRIC)
def test_each_verb_needs_its_own_permit(store: SqliteStore, custody: Custody, action: str) -> None:
    """A permit for one verb opens nothing for another, nor does one for another key's material."""
    spec, use = ASYMMETRIC[action]
    key = create(store, custody, Key(), spec)
    use(custody, store.read(), key.to(action)).do()
    for other in {*ASYMMETRIC, "kms:DescribeKey", "kms:Encrypt", "kms:CreateKey"} - {action}:
        with pytest.raises(WrongPermit):
            use(custody, store.read(), key.to(other))
    with pytest.raises(MaterialMissing):
        use(custody, store.read(), Key(material_id="00" * 32).to(action))


def test_slow_work_names_what_it_is_made_with(store: SqliteStore, custody: Custody) -> None:
    """The same use has the same name; another key, material, input or verb another one."""
    key = create(store, custody, Key(), "ECC_NIST_P384")
    other = create(store, custody, Key(key_id="key-2"), "ECC_NIST_P384")

    def name(
        key: Key, message: bytes = b"m", message_type: str = "RAW", action: str = "kms:Sign"
    ) -> MadeWith:
        reader, permit = store.read(), key.to(action)
        if action == "kms:Verify":
            work: Work[Any] = custody.verify(
                reader, permit, "ECDSA_SHA_384", message, message_type, signature=b"s"
            )
        else:
            work = custody.sign(reader, permit, "ECDSA_SHA_384", message, message_type)
        return work.made_with

    first = name(key)
    assert name(key) == first
    assert name(replace(key, row_version=2)) == first  # it has a new description
    others = [
        name(other), name(key, b"n"),
        name(key, message_type="DIGEST"), name(key, action="kms:Verify"),
    ]  # fmt: skip
    assert len({first, *others}) == 1 + len(others)


def test_work_tells_no_secret(store: SqliteStore, custody: Custody) -> None:
    """Neither work on a key nor a new secret is seen in a repr."""
    key = create(store, custody, Key(), "ECC_NIST_P384")
    work = custody.sign(store.read(), key.to("kms:Sign"), "ECDSA_SHA_384", b"canary", "RAW")
    assert "canary" not in repr(work)
    made = custody.generate(key.to("kms:CreateKey"), "RSA_2048").do()
    assert "redacted" not in repr(made)  # its value is not shown at all
    assert repr(made.value) == "<Secret: redacted>"


def test_opened_asymmetric_material_is_forgotten(store: SqliteStore, custody: Custody) -> None:
    """Destroyed material signs no more, not even from memory; work in flight keeps its own."""
    key = create(store, custody, Key(), "ECC_NIST_P384")
    permit = key.to("kms:Sign")
    work = custody.sign(store.read(), permit, "ECDSA_SHA_384", b"m", "RAW")
    destroy(store, custody, key)
    with pytest.raises(MaterialMissing):
        custody.sign(store.read(), permit, "ECDSA_SHA_384", b"m", "RAW")
    assert work.do().value
