"""The sealed record: it opens in its place, under its key, for its purpose, and never otherwise."""

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.rows.records import OVERHEAD, BadRecord, ColumnSeals, RecordSealer, place
from keystead.custody.rows.rows import RowIntegrityError
from keystead.store.protocol import Value

KEY = bytes(range(32))
SECRET = b"the secret of this record"
WHERE = place("users", "secret", ("111122223333", "alice"))
# Sealed once, by the first version: what was ever written has to open for ever.
GOLDEN = bytes.fromhex(
    "0100000001683b08d2156543a843abc1511e7860ce0416f87d7acc87489b9b455715cbb139864632"
    "1a51ed2ccfdd6cac28e54b7d30064f8872e94250b9effa6ed59261c231b1fb2d3facb3c8f9cd960c"
    "31308cff06f899269e391b4c201be55135a13b42f78b0d2668ef"
)


@pytest.fixture
def sealer() -> RecordSealer:
    return RecordSealer(KEY, "test")


def test_a_record_opens_in_its_place(sealer: RecordSealer) -> None:
    """What was sealed is given back."""
    record = sealer.seal(SECRET, WHERE)

    assert sealer.unseal(record, WHERE) == SECRET
    assert len(record) == len(SECRET) + OVERHEAD


def test_old_records_open(sealer: RecordSealer) -> None:
    """A record of the first version opens in every later one."""
    assert sealer.unseal(GOLDEN, WHERE) == SECRET


def test_the_format_is_as_documented() -> None:
    """A record can be opened from its description alone, with other primitives."""
    salt, commitment, nonce = GOLDEN[5:21], GOLDEN[21:53], GOLDEN[53:65]
    derived = KBKDFHMAC(
        algorithm=SHA256(), mode=Mode.CounterMode, length=64, rlen=4, llen=4,
        location=CounterLocation.BeforeFixed, label=b"keystead/1/record/test",
        context=salt + hashlib.sha256(WHERE).digest(), fixed=None,
    ).derive(KEY)  # fmt: skip
    opener = Cipher(AES256(derived[:32]), GCM(nonce, GOLDEN[-16:])).decryptor()
    opener.authenticate_additional_data(GOLDEN[:65] + WHERE)

    assert GOLDEN[:5] == bytes([1, 0, 0, 0, 1])
    assert commitment == derived[32:]
    assert opener.update(GOLDEN[65:-16]) + opener.finalize() == SECRET


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_refused(sealer: RecordSealer, bit: int) -> None:
    """No bit of a record can change: version, generation, salt, commitment, nonce, text, tag."""
    for i in range(len(GOLDEN)):
        changed = bytearray(GOLDEN)
        changed[i] ^= 1 << bit
        with pytest.raises(BadRecord):
            sealer.unseal(bytes(changed), WHERE)


def test_every_other_length_is_refused(sealer: RecordSealer) -> None:
    """A record cut short or made longer is refused."""
    for end in range(len(GOLDEN)):
        with pytest.raises(BadRecord):
            sealer.unseal(GOLDEN[:end], WHERE)
    with pytest.raises(BadRecord):
        sealer.unseal(GOLDEN + b"\0", WHERE)


@pytest.mark.parametrize(
    "other",
    [
        RecordSealer(bytes(32), "test"),
        RecordSealer(KEY, "another purpose"),
        RecordSealer(KEY, "test", generation=2),
    ],
    ids=["key", "purpose", "generation"],
)
def test_another_sealer_is_refused(other: RecordSealer) -> None:
    """Another key, purpose or generation does not open a record."""
    with pytest.raises(BadRecord):
        other.unseal(GOLDEN, WHERE)


def test_the_commitment_is_checked_before_decryption(
    sealer: RecordSealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another key is noticed by the commitment: nothing is decrypted under it."""

    def decrypting(key: bytes) -> None:
        raise AssertionError("decryption began")

    monkeypatch.setattr("keystead.custody.rows.records.AESGCM", decrypting)

    with pytest.raises(BadRecord):
        RecordSealer(bytes(32), "test").unseal(GOLDEN, WHERE)
    with pytest.raises(AssertionError):
        sealer.unseal(GOLDEN, WHERE)


@given(st.binary(max_size=200))
def test_no_other_bytes_open(noise: bytes) -> None:
    """Whatever else is offered is refused in the same way."""
    with pytest.raises(BadRecord):
        RecordSealer(KEY, "test").unseal(b"\x01\0\0\0\x01" + noise, WHERE)


def test_records_never_repeat(sealer: RecordSealer) -> None:
    """Sealing the same secret twice shares neither salt nor nonce nor ciphertext."""
    first, second = sealer.seal(SECRET, WHERE), sealer.seal(SECRET, WHERE)

    assert first[5:21] != second[5:21]
    assert first[53:65] != second[53:65]
    assert first[65:] != second[65:]


PLACES: list[tuple[str, tuple[Value, ...], str]] = [
    ("users", ("111122223333", "bob"), "secret"),
    ("users", ("444455556666", "alice"), "secret"),
    ("users", ("111122223333alice",), "secret"),
    ("users", ("111122223333", "alice", ""), "secret"),
    ("users", (111122223333, "alice"), "secret"),
    ("users", ("111122223333", b"alice"), "secret"),
    ("roles", ("111122223333", "alice"), "secret"),
    ("users", ("111122223333", "alice"), "password"),
    ("userss", ("111122223333", "alice"), "ecret"),
]


@pytest.mark.parametrize(("table", "key", "column"), PLACES)
def test_a_column_opens_only_where_it_was_sealed(
    sealer: RecordSealer, table: str, key: tuple[Value, ...], column: str
) -> None:
    """A sealed column moved to another table, key or column is refused; in its place it opens."""
    columns = ColumnSeals(sealer)
    sealed = columns.seal("users", ("111122223333", "alice"), "secret", SECRET)

    assert columns.unseal("users", ["111122223333", "alice"], "secret", sealed) == SECRET
    with pytest.raises(RowIntegrityError):
        columns.unseal(table, key, column, sealed)
