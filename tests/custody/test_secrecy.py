"""Canaries: no secret is in a repr, a message or a pickle, whatever goes wrong."""

import base64
import copy
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keystead.custody.backends import GivenSecret
from keystead.custody.backends.shape import BadCiphertext, KeyPair, Loaded, OpenMaterial, Secret
from keystead.custody.backends.software import ec, edwards, ml_dsa, ml_kem, ml_kem_512, rsa
from keystead.custody.backends.software.mac import OpenMacMaterial
from keystead.custody.backends.software.symmetric import OpenSymmetricMaterial
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.kdf import CounterKdf
from keystead.custody.lookups import Places
from keystead.custody.material.cache import OpenedMaterials, Which
from keystead.custody.material.material import Custody
from keystead.custody.proofs.passwords import Cost, Passwords
from keystead.custody.proofs.typed_names import TypedNames
from keystead.custody.rows.records import BadRecord, ColumnSeals, RecordSealer
from keystead.custody.rows.rows import RowIntegrityError, RowSeals
from keystead.custody.seals.providers import RecoverySeal
from keystead.custody.seals.root import (
    FileSeal,
    PassphraseSeal,
    RootKey,
    initialise,
    open_root,
    recover,
)
from keystead.custody.secrecy import Guarded
from keystead.custody.signing.digest_signer import DigestSecret, DigestSigner
from keystead.custody.signing.instance_documents import DocumentSecret, DocumentSigner
from keystead.custody.signing.signer import AuditSigner, AuditTags
from keystead.custody.sums.sums import Sums
from keystead.custody.tokens.session_tokens import SessionTokens
from keystead.custody.tokens.tokens import InvalidToken, Tokens
from keystead.custody.wrapping import ImportedIds, ImportParameters, ImportTokens, WrappingKey
from keystead.store.cache import Noting
from keystead.store.changes import Changes
from keystead.store.protocol import Reader

from .conftest import Key, root

CANARY = b"canary-canary-canary-canary-cana"
TEXT = CANARY.decode()
SPELLINGS = {
    TEXT, CANARY.hex(), base64.b64encode(CANARY).decode().rstrip("="),
    base64.b32encode(CANARY).decode().rstrip("="), repr(list(CANARY))[1:-1],
}  # fmt: skip

MATERIAL = OpenSymmetricMaterial.of("ab" * 32, CANARY)


class Holding:
    """What a library's key would be, if its repr told what it holds."""

    def __repr__(self) -> str:
        return repr(CANARY)


LOADED: Loaded[Any] = Loaded(lambda _: Holding(), CANARY)
LOADED.key  # noqa: B018  # it is loaded now
ASYMMETRIC: list[OpenMaterial] = [
    rsa.OpenRsaMaterial("RSA_2048", "ab" * 32, LOADED),
    ec.OpenEcMaterial("ECC_NIST_P256", "ab" * 32, LOADED),
    edwards.OpenEdwardsMaterial("ab" * 32, LOADED),
    ml_dsa.OpenMlDsaMaterial("ML_DSA_44", "ab" * 32, LOADED),
    ml_kem.OpenMlKemMaterial("ML_KEM_768", "ab" * 32, LOADED),
    ml_kem_512.OpenMlKem512Material("ab" * 32, CANARY),
]


def opened() -> OpenedMaterials:
    """A cache with something in it."""
    materials = OpenedMaterials()
    noting = Noting(cast("Reader", SimpleNamespace(changes=Changes())))
    materials.put(noting, Which("111122223333", "key-1", "ab" * 32, 1), MATERIAL)
    return materials


def digest_signer() -> DigestSigner:
    """A signer of digests, with a key that would tell what it holds."""
    signer = DigestSigner.__new__(DigestSigner)
    signer._key, signer.public_key = cast("Any", Holding()), b""
    return signer


def document_signer() -> DocumentSigner:
    """A signer of documents, likewise."""
    signer = DocumentSigner.__new__(DocumentSigner)
    signer._key, signer._certificate = cast("Any", Holding()), cast("Any", None)
    return signer


GUARDED: list[Guarded] = [
    AuditSigner(CANARY),
    AuditTags(CANARY),
    ColumnSeals(RecordSealer(CANARY, "test")),
    CounterKdf(CANARY, b""),
    Custody(Hierarchy(root(CANARY))),
    Custody(Hierarchy(root(CANARY))).imports,
    DigestSecret(CANARY),
    digest_signer(),
    DocumentSecret(CANARY, b""),
    document_signer(),
    GivenSecret("HMAC_256", CANARY, CANARY),
    ImportParameters("RSAES_OAEP_SHA_256", 0, CANARY),
    ImportTokens(CANARY, "x"),
    ImportedIds(CANARY),
    WrappingKey(b"", CANARY),
    Hierarchy(root(CANARY)),
    KeyPair(CANARY, CANARY),
    LOADED,
    MATERIAL,
    *ASYMMETRIC,
    OpenMacMaterial("ab" * 32, CANARY),
    Secret(CANARY),
    PassphraseSeal(TEXT),
    Passwords(CANARY, Cost(lanes=1)),
    RecordSealer(CANARY, "test"),
    RecoverySeal(CANARY),
    RowSeals(CANARY, ColumnSeals(RecordSealer(CANARY, "test")), Sums(CANARY, CANARY)),
    SessionTokens(CANARY, "x"),
    Sums(CANARY, CANARY),
    Places(CANARY),
    Tokens(CANARY, "x"),
    TypedNames(CANARY),
    opened(),
    root(CANARY),
]


def kinds_of(kind: type) -> set[type]:
    """The classes below this one that have instances: those at the ends, and `Secret`."""
    below: list[type] = kind.__subclasses__()
    own = set() if below and kind is not Secret else {kind}
    return own.union(*map(kinds_of, below))


def silent(text: str) -> bool:
    """Is the canary not heard?"""
    return not any(spelling in text for spelling in SPELLINGS)


def test_every_secret_type_is_tried() -> None:
    """The list above is complete: a new type that holds a secret joins it."""
    tried = {type(value).__qualname__ for value in GUARDED}

    assert tried == {kind.__qualname__ for kind in kinds_of(Guarded)}


def test_the_canary_can_be_heard() -> None:
    """The test would notice: a value that is not guarded tells its secret."""
    assert not silent(repr([CANARY]))
    assert not silent(CANARY.hex())


@pytest.mark.parametrize("value", GUARDED, ids=lambda value: type(value).__name__)
def test_secret_types_are_silent(value: Guarded) -> None:
    """Neither repr, str, nor format tells anything, alone or inside of something."""
    for text in (repr(value), str(value), f"{value}", repr([value]), repr({"a": (value,)})):
        assert silent(text)
        assert "redacted" in text


@pytest.mark.parametrize("value", GUARDED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_secret_types_stay_where_they_are(
    value: Guarded, duplicate: Callable[[Guarded], object]
) -> None:
    """They are neither pickled nor copied (threat-model KM-12, RK-8)."""
    with pytest.raises(TypeError) as refused:
        duplicate(value)
    assert silent(str(refused.value))


@pytest.mark.parametrize("name", ["material_id", "_kdf", "anything"])
def test_open_material_is_immutable(name: str) -> None:
    """Opened material cannot be changed into another."""
    with pytest.raises((AttributeError, TypeError)):
        setattr(MATERIAL, name, "x")


def test_the_root_key_is_immutable() -> None:
    """An opened root key cannot be changed into another."""
    key = root()
    with pytest.raises(AttributeError):
        key._key = CANARY  # type: ignore[misc]  # what is tried here
    assert isinstance(key, RootKey)


def failures(directory: Path) -> list[tuple[type[Exception], Callable[[], object]]]:
    """What can go wrong with the canary in somebody's hands."""
    sealer = RecordSealer(CANARY, "test")
    passphrase = PassphraseSeal(TEXT, memory_kib=64, below_floor=True)
    return [
        (BadRecord, lambda: sealer.unseal(CANARY * 4, b"")),
        (RowIntegrityError, lambda: ColumnSeals(sealer).unseal("t", ("a",), "c", CANARY * 4)),
        (InvalidToken, lambda: Tokens(CANARY, "x").unseal(TEXT, TEXT * 4)),
        (BadCiphertext, lambda: MATERIAL.decrypt(MATERIAL.encrypt(CANARY, b""), CANARY)),
        (Exception, lambda: open_root(directory, TEXT)),
        (Exception, lambda: recover(directory, TEXT, FileSeal())),
        (Exception, lambda: recover(directory, "-".join([TEXT] * 2)[:56], FileSeal())),
        (Exception, lambda: initialise(directory, passphrase)),
        (Exception, lambda: PassphraseSeal(TEXT + "\ud800").wrap(directory, CANARY, b"")),
        (Exception, lambda: PassphraseSeal(TEXT, memory_kib=1).wrap(directory, CANARY, b"")),
        (Exception, lambda: Passwords(CANARY, Cost(lanes=1)).hash_password(TEXT + "\0")),
        (Exception, lambda: Passwords(CANARY, Cost(lanes=1)).hash_password(TEXT + "\ud800")),
    ]


def test_failures_are_silent(tmp_path: Path) -> None:
    """No message, and no traceback as Python prints it, tells a secret."""
    initialise(tmp_path, FileSeal())
    for expected, fail in failures(tmp_path):
        with pytest.raises(expected) as raised:
            fail()
        error = raised.value
        lines = traceback.format_exception_only(error)
        assert silent(f"{error!r} {error} {lines} {getattr(error, 'hint', '')}")


def test_a_sealed_plaintext_is_silent() -> None:
    """A ciphertext's repr does not tell its plaintext or its key."""
    assert silent(repr(MATERIAL.encrypt(CANARY, b"")))


def test_a_wrong_permit_is_silent() -> None:
    """The complaint about a wrong permit does not tell what was to be encrypted."""
    custody = Custody(Hierarchy(root(CANARY)))
    with pytest.raises(Exception, match="does not encrypt") as raised:
        custody.encrypt(None, Key().to("kms:DescribeKey"), CANARY, CANARY)  # type: ignore[arg-type]  # never read
    assert silent(repr(raised.value))
