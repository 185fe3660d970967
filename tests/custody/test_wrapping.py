"""Wrapping keys, import tokens, and what comes out of a wrapping."""

import os

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from keystead.custody.hierarchy import Hierarchy
from keystead.custody.tokens.tokens import InvalidToken
from keystead.custody.wrapping import (
    WRAPPING_ALGORITHMS,
    WRAPPING_KEYS,
    ImportParameters,
    NotUnwrapped,
    WrappingKey,
    make_wrapping_key,
    unwrap,
)
from tests.custody.conftest import root
from tests.importing import wrapped

KEY = ("111122223333", "arn:aws:kms:eu-central-1:111122223333:key/1")
SECRET = bytes(range(32))
WRAPPING = make_wrapping_key("RSA_2048")


def opened(algorithm: str, wrapping: WrappingKey = WRAPPING) -> ImportParameters:
    return ImportParameters(algorithm, 0, wrapping.private)


@pytest.mark.parametrize("algorithm", sorted(WRAPPING_ALGORITHMS))
@pytest.mark.parametrize("spec", WRAPPING_KEYS)
def test_round_trip(algorithm: str, spec: str) -> None:
    """What was wrapped for a key comes out, with each algorithm and size."""
    wrapping = make_wrapping_key(spec) if spec == "RSA_3072" else WRAPPING
    secret = unwrap(
        opened(algorithm, wrapping),
        wrapped(wrapping.public_key, algorithm, SECRET),
        "SYMMETRIC_DEFAULT",
    )
    assert not isinstance(secret, NotUnwrapped)
    assert secret.reveal() == SECRET


@pytest.mark.parametrize("algorithm", sorted(WRAPPING_ALGORITHMS))
def test_every_byte_counts(algorithm: str) -> None:
    """No byte of a wrapping can be changed, dropped or added."""
    sent = wrapped(WRAPPING.public_key, algorithm, SECRET)
    places = range(0, len(sent), 37)
    changed = [sent[:at] + bytes((sent[at] ^ 1,)) + sent[at + 1 :] for at in places]
    for damaged in [*changed, sent[:-1], sent + b"\0", sent[:256] * 2, b"", b"x"]:
        if damaged != sent:
            found = unwrap(opened(algorithm), damaged, "SYMMETRIC_DEFAULT")
            assert found is NotUnwrapped.CIPHERTEXT


def test_another_key_of_aes() -> None:
    """What OAEP carries for the second step is a key of 256 bits."""
    aes = os.urandom(16)
    carried = wrapped(WRAPPING.public_key, "RSAES_OAEP_SHA_256", aes)
    sent = carried + aes_key_wrap_with_padding(aes, SECRET)
    found = unwrap(opened("RSA_AES_KEY_WRAP_SHA_256"), sent, "SYMMETRIC_DEFAULT")
    assert found is NotUnwrapped.CIPHERTEXT


def test_material_of_another_spec() -> None:
    """What opens and does not fit is another refusal than what does not open."""
    sent = wrapped(WRAPPING.public_key, "RSAES_OAEP_SHA_256", SECRET)
    found = unwrap(opened("RSAES_OAEP_SHA_256"), sent, "HMAC_512")
    assert found is NotUnwrapped.MATERIAL


def test_tokens(hierarchy: Hierarchy) -> None:
    """A token gives back its wrapping key, for its own key alone."""
    tokens = hierarchy.import_tokens
    token = tokens.seal(WRAPPING, "RSAES_OAEP_SHA_256", 7, KEY)
    found = tokens.unseal(token, KEY)
    assert (found.algorithm, found.valid_to_us, found.private) == (
        "RSAES_OAEP_SHA_256", 7, WRAPPING.private,
    )  # fmt: skip
    assert WRAPPING.private not in token
    restored = Hierarchy(root(incarnation="incarnation-2")).import_tokens
    for given, bound in ((token, (KEY[0], KEY[1] + "2")), (token[:-1], KEY), (b"", KEY)):
        with pytest.raises(InvalidToken):
            tokens.unseal(given, bound)
    with pytest.raises(InvalidToken):
        restored.unseal(token, KEY)


def test_the_longest_token_is_short_enough(hierarchy: Hierarchy) -> None:
    """AWS's limit is 6,144 bytes, also for the longest wrapping key, of 2,400 bytes at most."""
    longest = WrappingKey(b"", bytes(2400))
    token = hierarchy.import_tokens.seal(longest, "RSA_AES_KEY_WRAP_SHA_256", 1 << 60, KEY)
    assert len(token) < 6144


def test_no_secret_is_shown(hierarchy: Hierarchy) -> None:
    """Neither wrapping keys nor opened tokens nor secrets can be read from their repr."""
    token = hierarchy.import_tokens.seal(WRAPPING, "RSAES_OAEP_SHA_256", 7, KEY)
    for value in (WRAPPING, hierarchy.import_tokens.unseal(token, KEY)):
        assert "redacted" in repr(value)
