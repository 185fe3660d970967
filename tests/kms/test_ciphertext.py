"""The ciphertext blob: strict to read, and bound to what made it."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.material.material import Sealed
from keystead.errors import AwsError
from keystead.kms import ciphertext
from keystead.kms.ciphertext import KeyName
from keystead.kms.encryption_context import EMPTY
from keystead.kms.heard import Heard
from keystead.wire.models import kms as api
from tests.kms.world import ACCOUNT, OTHER_ACCOUNT, Kms, World, refused

NAME = KeyName(ACCOUNT, "eu-central-1", "1234abcd-12ab-34cd-56ef-1234567890ab")
SEALED = Sealed(
    material_id="ab" * 32, salt=b"s" * 16, commitment=b"c" * 32, nonce=b"n" * 12,
    ciphertext=b"x" * 17,
)  # fmt: skip
BLOB = ciphertext.pack(ciphertext.header(NAME, SEALED.material_id), SEALED)

hex_digits = st.text("0123456789abcdef", min_size=32, max_size=32)
key_ids = st.uuids().map(str) | hex_digits.map("mrk-{}".format)
names = st.builds(
    KeyName,
    st.text("0123456789", min_size=12, max_size=12),
    st.from_regex(r"\A[a-z0-9-]{1,32}\Z"),
    key_ids,
)
sealed_values = st.builds(
    Sealed,
    material_id=st.binary(min_size=32, max_size=32).map(bytes.hex),
    salt=st.binary(min_size=16, max_size=16),
    commitment=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=12, max_size=12),
    ciphertext=st.binary(min_size=17, max_size=64),
)


@given(names, sealed_values)
def test_what_is_packed_is_unpacked(name: KeyName, sealed: Sealed) -> None:
    """Every key name and sealed value comes back as it was, and only one blob has it."""
    header = ciphertext.header(name, sealed.material_id)
    blob = ciphertext.unpack(ciphertext.pack(header, sealed))
    assert (blob.made_by, blob.header, blob.sealed) == (name, header, sealed)


@given(st.binary(max_size=400) | st.binary(max_size=300).map(b"KS\x01".__add__))
def test_anything_else_is_no_blob(data: bytes) -> None:
    """Other bytes are InvalidCiphertextException without a message, and no other error."""
    with pytest.raises(api.InvalidCiphertextException) as caught:
        ciphertext.unpack(data)
    assert caught.value.message is None


@pytest.mark.parametrize("length", range(len(BLOB)))
def test_a_truncated_blob(length: int) -> None:
    """A blob that was cut where its sealed part is not complete is refused."""
    with pytest.raises(api.InvalidCiphertextException):
        ciphertext.unpack(BLOB[:length])


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (3, b"\xff" * 5),  # an account of thirteen digits
        (9, b"EU"),  # a Region in upper case
        (9, b"\x00"),
        (21, b"\x02"),  # a kind of key id that there is not
    ],
)
def test_a_header_that_we_would_not_write(offset: int, value: bytes) -> None:
    """A header with the right checksum is refused when what it says cannot be."""
    end = 21 + 1 + 16 + 32
    head = BLOB[:offset] + value + BLOB[offset + len(value) : end]
    with pytest.raises(api.InvalidCiphertextException):
        ciphertext.unpack(head + crc32(head).to_bytes(4) + BLOB[end + 4 :])


def test_a_full_plaintext_fits(admin: Kms) -> None:
    """The blob of 4,096 bytes in the longest Region is not longer than AWS accepts back."""
    longest = ciphertext.header(NAME._replace(region="x" * 32), SEALED.material_id)
    assert len(longest) + 16 + 32 + 12 + 4096 + 16 <= 6144
    sealed = admin.encrypt(KeyId=admin.key(), Plaintext=b"x" * 4096)
    assert admin.decrypt(CiphertextBlob=sealed.ciphertext_blob).plaintext == b"x" * 4096


def test_every_flipped_byte_is_refused(admin: Kms) -> None:
    """A blob with any one byte changed is InvalidCiphertextException without a message."""
    key = admin.key()
    blob = admin.encrypt(KeyId=key, Plaintext=b"secret").ciphertext_blob
    for position in range(len(blob)):
        flipped = bytearray(blob)
        flipped[position] ^= 1 << position % 8
        for named in ({}, {"KeyId": key}):
            with refused("InvalidCiphertextException") as refusal:
                admin.decrypt(CiphertextBlob=bytes(flipped), **named)
            assert refusal.value.message is None
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"secret"


@pytest.mark.parametrize("tail", [b"\0", b"x" * 100])
def test_trailing_bytes_are_refused(admin: Kms, tail: bytes) -> None:
    """A blob with something after it is refused."""
    blob = admin.encrypt(KeyId=admin.key(), Plaintext=b"secret").ciphertext_blob
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=blob + tail)


def test_parts_of_two_blobs_make_none(admin: Kms) -> None:
    """The header of one blob with the rest of another is refused, also for two of one key."""
    one, other = admin.key(), admin.key()
    first = admin.encrypt(KeyId=one, Plaintext=b"first!").ciphertext_blob
    second = admin.encrypt(KeyId=other, Plaintext=b"second").ciphertext_blob
    again = admin.encrypt(KeyId=one, Plaintext=b"third!").ciphertext_blob
    cut = len(ciphertext.unpack(first).header)
    for mixed in (first[:cut] + second[cut:], second[:cut] + first[cut:]):
        with refused("InvalidCiphertextException"):
            admin.decrypt(CiphertextBlob=mixed)
    for place in (cut + 16, cut + 28, cut + 60):
        with refused("InvalidCiphertextException"):
            admin.decrypt(CiphertextBlob=first[:place] + again[place:])


def test_a_blob_with_another_name(admin: Kms, world: World) -> None:
    """A blob whose header is rewritten to name another key, account or Region opens nowhere."""
    key, other = admin.key(), admin.key()
    stranger = world.caller("root2", OTHER_ACCOUNT)
    strangers_key = stranger.key()
    blob = ciphertext.unpack(admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob)

    def renamed(**changes: str) -> bytes:
        name = blob.made_by._replace(**changes)
        return ciphertext.pack(ciphertext.header(name, blob.sealed.material_id), blob.sealed)

    assert admin.decrypt(CiphertextBlob=renamed()).plaintext == b"x"
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=renamed(key_id=other))
    with refused("AccessDeniedException"):
        admin.decrypt(CiphertextBlob=renamed(region="eu-west-1"))
    with refused("InvalidCiphertextException"):
        stranger.decrypt(CiphertextBlob=renamed(account=OTHER_ACCOUNT, key_id=strangers_key))


@given(st.dictionaries(st.text(), st.text(), min_size=1, max_size=5))
def test_the_order_of_a_context_does_not_matter(pairs: dict[str, str]) -> None:
    """The same pairs in another order have the same canonical form."""
    turned = dict(reversed(pairs.items()))
    assert _canonical(pairs) == _canonical(turned)


@given(
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
)
def test_two_contexts_never_look_alike(one: dict[str, str], other: dict[str, str]) -> None:
    """Different pairs have different canonical forms."""
    if one != other:
        forms = {_canonical(one), _canonical(other)}
        assert len(forms) == 2 or forms == {None}


def _canonical(pairs: dict[str, str]) -> bytes | None:
    try:
        return Heard().context(ACCOUNT, pairs).canonical
    except AwsError:
        return None


def test_no_context_is_an_empty_one() -> None:
    """Absent and empty are the same."""
    assert Heard().context(ACCOUNT, None) == Heard().context(ACCOUNT, {}) == EMPTY


def test_a_context_that_policies_cannot_read(admin: Kms) -> None:
    """Two values under names that differ in case only are refused; two equal ones are not."""
    key = admin.key()
    with refused("ValidationException"):
        admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "A": "2"})
    admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "A": "1"})


def test_a_context_has_at_most_a_hundred_pairs(admin: Kms) -> None:
    """What a policy may have to compare with each of its patterns is bounded (PE-5)."""
    key = admin.key()
    pairs = {f"name{i}": "" for i in range(101)}

    with refused("ValidationException"):
        admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=pairs)
    del pairs["name0"]
    admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=pairs)


def test_a_context_that_is_too_long(admin: Kms) -> None:
    """The canonical form has at most 8,192 bytes."""
    key = admin.key()
    fits = "x" * (8192 - 4 - 4 - 1 - 4)
    admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": fits})
    with refused("ValidationException"):
        admin.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": fits + "x"})
