"""Symmetric encryption: committed, bound, never repeating, and as documented."""

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.backends.shape import BadCiphertext, Sealed
from keystead.custody.backends.software.symmetric import OpenSymmetricMaterial

SECRET = bytes(range(32))
MATERIAL = OpenSymmetricMaterial.of("ab" * 32, SECRET)
OTHER = OpenSymmetricMaterial.of("ab" * 32, bytes(32))
AAD = b"header and encryption context"
# Encrypted once, by the first version: what was ever written has to open for ever.
GOLDEN = Sealed(
    material_id="ab" * 32,
    salt=bytes.fromhex("2809e7d1443a23565acca85de6e3db5b"),
    commitment=bytes.fromhex("ffa3a97b193aaa030e9746e6ee848070afd72a88610331ade1012672855cdade"),
    nonce=bytes.fromhex("d2a6b5370b4234e80c3a88a7"),
    ciphertext=bytes.fromhex("87813f443ef2d033ab60e5f2b49e2b714e47ec73cf99371ae5"),
)


@given(plaintext=st.binary(max_size=5000), aad=st.binary(max_size=300))
def test_what_was_encrypted_is_decrypted(plaintext: bytes, aad: bytes) -> None:
    """Every plaintext comes back, with its AAD."""
    assert MATERIAL.decrypt(MATERIAL.encrypt(plaintext, aad), aad) == plaintext


def test_old_ciphertexts_open() -> None:
    """A ciphertext of the first version opens in every later one."""
    assert MATERIAL.decrypt(GOLDEN, AAD) == b"plaintext"


def test_the_construction_is_as_documented() -> None:
    """A ciphertext can be opened from its description alone, with other primitives."""
    derived = KBKDFHMAC(
        algorithm=SHA256(), mode=Mode.CounterMode, length=64, rlen=4, llen=4,
        location=CounterLocation.BeforeFixed, label=b"keystead/1/encrypt", context=GOLDEN.salt,
        fixed=None,
    ).derive(SECRET)  # fmt: skip
    opener = Cipher(AES256(derived[:32]), GCM(GOLDEN.nonce, GOLDEN.ciphertext[-16:])).decryptor()
    opener.authenticate_additional_data(GOLDEN.salt + GOLDEN.commitment + AAD)

    assert derived[32:] == GOLDEN.commitment
    assert opener.update(GOLDEN.ciphertext[:-16]) + opener.finalize() == b"plaintext"


def test_gcm_vector() -> None:
    """The library's AES-256-GCM gives the ciphertext and tag of the GCM specification, case 16."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")

    sealed = AESGCM(key).encrypt(bytes.fromhex("cafebabefacedbaddecaf888"), plaintext, aad)

    assert sealed.hex() == (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )


PARTS = ["salt", "commitment", "nonce", "ciphertext"]


@pytest.mark.parametrize("part", PARTS)
def test_every_flipped_bit_is_refused(part: str) -> None:
    """No bit of a ciphertext can change."""
    content = getattr(GOLDEN, part)
    for i in range(8 * len(content)):
        changed = bytearray(content)
        changed[i // 8] ^= 1 << i % 8
        with pytest.raises(BadCiphertext):
            MATERIAL.decrypt(msgspec.structs.replace(GOLDEN, **{part: bytes(changed)}), AAD)


@pytest.mark.parametrize("part", PARTS)
def test_parts_of_another_length_are_refused(part: str) -> None:
    """Cut short, made longer or empty: the same refusal."""
    content = getattr(GOLDEN, part)
    for wrong in (b"", content[:-1], content[:8], content + b"\0"):
        with pytest.raises(BadCiphertext):
            MATERIAL.decrypt(msgspec.structs.replace(GOLDEN, **{part: wrong}), AAD)


@pytest.mark.parametrize("aad", [b"", AAD[:-1], AAD + b"\0", AAD.upper(), b"\0" + AAD])
def test_another_aad_is_refused(aad: bytes) -> None:
    """What was bound has to be offered, byte for byte."""
    with pytest.raises(BadCiphertext):
        MATERIAL.decrypt(GOLDEN, aad)


def test_parts_of_two_ciphertexts_do_not_mix() -> None:
    """Each part belongs to its own ciphertext, also under the same material."""
    other = MATERIAL.encrypt(b"plaintext", AAD)
    for part in PARTS:
        mixed = msgspec.structs.replace(GOLDEN, **{part: getattr(other, part)})
        with pytest.raises(BadCiphertext):
            MATERIAL.decrypt(mixed, AAD)
    assert MATERIAL.decrypt(other, AAD) == MATERIAL.decrypt(GOLDEN, AAD)


def test_another_key_fails_before_decryption(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commitment refuses another material: nothing is decrypted under it."""

    def decrypting(key: bytes) -> None:
        raise AssertionError("decryption began")

    monkeypatch.setattr("keystead.custody.backends.software.symmetric.AESGCM", decrypting)

    with pytest.raises(BadCiphertext):
        OTHER.decrypt(GOLDEN, AAD)
    with pytest.raises(AssertionError):
        MATERIAL.decrypt(GOLDEN, AAD)


def test_a_ciphertext_has_one_key() -> None:
    """A ciphertext crafted to be authentic under two keys opens under neither's commitment.

    GCM alone lets whoever knows both keys make such a ciphertext; here the other key would have to
    derive the same 256-bit commitment.
    """
    theirs = OTHER.encrypt(b"plaintext", AAD)
    with pytest.raises(BadCiphertext):
        MATERIAL.decrypt(theirs, AAD)
    with pytest.raises(BadCiphertext):
        MATERIAL.decrypt(msgspec.structs.replace(theirs, commitment=GOLDEN.commitment), AAD)
    assert OTHER.decrypt(theirs, AAD) == b"plaintext"


def test_nothing_repeats() -> None:
    """A thousand encryptions of one plaintext share no salt, nonce, commitment or ciphertext."""
    made = [MATERIAL.encrypt(b"plaintext", AAD) for _ in range(1000)]

    for part in PARTS:
        assert len({getattr(sealed, part) for sealed in made}) == 1000
