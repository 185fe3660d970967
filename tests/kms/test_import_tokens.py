"""Import tokens and wrapped material that are old, foreign, damaged, or sent again."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystead.custody import wrapping
from tests.conftest import refused
from tests.importing import FOR_EVER, How, bring, prepared
from tests.kms.importer import Client
from tests.kms.test_imports import OTHER, SECRET, made_before
from tests.server.installations import open_local

BADLY = {"RSAES_OAEP_SHA_256": "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_1": "RSAES_OAEP_SHA_256"}


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The administrator of an installation."""
    local = open_local(tmp_path_factory.mktemp("tokens") / "data")
    yield Client(local, local.admin)
    local.installation.close()


def test_a_day(kms: Client) -> None:
    """A token is good for 24 hours, as its answer says, and not for one more second."""
    key = kms.key()
    given = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    left = given["ParametersValidTo"] - kms.local.time.wall()
    assert timedelta(hours=24) - left < timedelta(minutes=5)
    assert given["KeyId"] == kms.arn(key)
    sent = prepared(kms, key, SECRET)
    kms.local.time.passes(timedelta(hours=23, minutes=59))
    kms.import_key_material(**sent, **FOR_EVER)
    kms.local.time.passes(timedelta(minutes=2))
    with refused("ExpiredImportTokenException"):
        kms.import_key_material(**sent, **FOR_EVER)


def test_sent_again(kms: Client) -> None:
    """The same request imports the same material again, and changes nothing."""
    key = kms.key()
    sent = prepared(kms, key, SECRET)
    ids = {kms.import_key_material(**sent, **FOR_EVER)["KeyMaterialId"] for _ in range(2)}
    assert len(ids) == len(kms.materials(key)) == 1


def test_a_token_of_another_key(kms: Client) -> None:
    """A token imports into its own key only."""
    mine, yours = kms.key(), kms.key()
    sent = prepared(kms, mine, SECRET)
    with refused("InvalidImportTokenException"):
        kms.import_key_material(**{**sent, "KeyId": yours}, **FOR_EVER)
    assert kms.state(yours) == "PendingImport"
    kms.import_key_material(**sent, **FOR_EVER)


def test_a_token_of_another_installation(kms: Client) -> None:
    """A token that another installation made is refused, and so is one from before a restore."""
    key = kms.key()
    sent = prepared(kms, key, SECRET)
    tokens = kms.local.installation.hierarchy.import_tokens
    account, arn = kms.arn(key).split(":")[4], kms.arn(key)
    made = wrapping.make_wrapping_key("RSA_2048")
    for other in (
        wrapping.ImportTokens(os.urandom(32), kms.local.installation.hierarchy.incarnation),
        _of_another_incarnation(tokens),
    ):
        foreign = other.seal(made, "RSAES_OAEP_SHA_256", 1 << 60, (account, arn))
        with refused("InvalidImportTokenException"):
            kms.import_key_material(**{**sent, "ImportToken": foreign}, **FOR_EVER)
    ours = tokens.seal(made, "RSAES_OAEP_SHA_256", 1 << 60, (account, arn))
    kms.import_key_material(**{**sent, "ImportToken": ours}, **FOR_EVER)


def _of_another_incarnation(tokens: wrapping.ImportTokens) -> wrapping.ImportTokens:
    other = wrapping.ImportTokens(os.urandom(32), "another")
    other._sealer = tokens._sealer  # the same key, after a restore
    return other


def test_public_keys_are_never_the_same(kms: Client) -> None:
    """Each answer has a wrapping key of its own, and material for another one is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", rsa.generate_private_key)
        key = kms.key()
        one, two = prepared(kms, key, SECRET), prepared(kms, key, SECRET)
    with refused("InvalidCiphertextException"):
        kms.import_key_material(**{**one, "ImportToken": two["ImportToken"]}, **FOR_EVER)
    kms.import_key_material(**two, **FOR_EVER)


@pytest.mark.parametrize("algorithm", BADLY)
def test_wrapped_otherwise(kms: Client, algorithm: str) -> None:
    """Material that was wrapped with another hash than the token says does not open."""
    key = kms.key()
    said, done = (prepared(kms, key, SECRET, How(each)) for each in (algorithm, BADLY[algorithm]))
    mixed = {**said, "EncryptedKeyMaterial": done["EncryptedKeyMaterial"]}
    with refused("InvalidCiphertextException"):
        kms.import_key_material(**mixed, **FOR_EVER)
    kms.import_key_material(**said, **FOR_EVER)


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33, 64, 190])
def test_secrets_of_another_length(kms: Client, length: int) -> None:
    """What opens and is no key of 256 bits is not the material that the key needs."""
    key = kms.key()
    with refused("IncorrectKeyMaterialException"):
        bring(kms, key, bytes(length))
    bring(kms, key, bytes(32))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage(kms: Client, data: st.DataObject) -> None:
    """Whatever is changed in a token or in wrapped material is refused in AWS's words."""
    key = _key(kms)
    sent = prepared(kms, key, OTHER)
    member = data.draw(st.sampled_from(["ImportToken", "EncryptedKeyMaterial"]))
    damaged = data.draw(_damaged(sent[member]))
    code = {"ImportToken": "InvalidImportTokenException"}.get(member, "InvalidCiphertextException")
    with refused(code):
        kms.import_key_material(**{**sent, member: damaged}, **FOR_EVER)
    assert kms.state(key) == "PendingImport"


_keys: list[str] = []


def _key(kms: Client) -> str:
    """One key for all examples."""
    if not _keys:
        _keys.append(kms.key())
    return _keys[0]


def _damaged(right: bytes) -> st.SearchStrategy[bytes]:
    """Other bytes: one bit changed, cut off, more at the end, or anything at all."""
    bits = st.integers(0, 8 * len(right) - 1)
    return st.one_of(
        bits.map(
            lambda bit: bytes(b ^ (1 << bit % 8) * (i == bit // 8) for i, b in enumerate(right))
        ),
        st.integers(1, len(right) - 1).map(lambda end: right[:end]),
        st.binary(min_size=1, max_size=64).map(lambda more: right + more),
        st.binary(min_size=1, max_size=3000),
    ).filter(lambda made: made != right)
