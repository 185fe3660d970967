"""Key derivation: published vectors, and the cryptography library as the second opinion."""

import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.kdf import LENGTH, CounterKdf, hkdf, hmac_contexts, labelled

# (key, fixed input, output): NIST CAVP, KDFCTR_gen, HMAC_SHA256, BEFORE_FIXED, RLEN = 32 bits.
COUNTER_MODE = [
    (
        "dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0",
        ("01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b8"
        "64a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac"),
        "10621342bfb0fd40046c0e29f2cfdbf0",
    ),
    (
        "e204d6d466aad507ffaf6d6dab0a5b26152c9e21e764370464e360c8fbc765c6",
        ("7b03b98d9f94b899e591f3ef264b71b193fba7043c7e953cde23bc5384bc1a62"
        "93580115fae3495fd845dadbd02bd6455cf48d0f62b33e62364a3a80"),
        "770dfab6a6a4a4bee0257ff335213f78d8287b4fd537d5c1fffa956910e7c779",
    ),
    (
        "c4bedbddb66493e7c7259a3bbbc25f8c7e0ca7fe284d92d431d9cd99a0d214ac",
        ("1c69c54766791e315c2cc5c47ecd3ffab87d0d273dd920e70955814c220eacac"
        "e6a5946542da3dfe24ff626b4897898cafb7db83bdff3c14fa46fd4b"),
        ("1da47638d6c9c4d04d74d4640bbd42ab814d9e8cc22f4326695239f96b0693f1"
        "2d0dd1152cf44430"),
    ),
]  # fmt: skip

# (key, message, MAC): RFC 4231, test cases 1, 2 and 6 (a key longer than the block).
HMAC_SHA256 = [
    (b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "fixed", "output"), COUNTER_MODE)
@pytest.mark.parametrize("split", [0, 17, 60])
def test_counter_mode_vectors(key: str, fixed: str, output: str, split: int) -> None:
    """Counter mode gives NIST's output, wherever the fixed input is divided."""
    start, end = bytes.fromhex(fixed)[:split], bytes.fromhex(fixed)[split:]

    derived = b"".join(CounterKdf(bytes.fromhex(key), start).derive(end))

    assert derived[: len(output) // 2].hex() == output


@given(
    key=st.binary(min_size=1, max_size=100),
    label=st.text(max_size=80),
    contexts=st.lists(st.binary(max_size=100), min_size=1, max_size=3),
)
def test_counter_mode_is_the_librarys(key: bytes, label: str, contexts: list[bytes]) -> None:
    """Kept contexts derive what the library derives, for every key, label and context in turn."""
    kdf = CounterKdf(key, labelled(label))

    for context in contexts:
        reference = KBKDFHMAC(
            algorithm=SHA256(), mode=Mode.CounterMode, length=64, rlen=4, llen=4,
            location=CounterLocation.BeforeFixed, label=label.encode(), context=context, fixed=None,
        )  # fmt: skip
        assert b"".join(kdf.derive(context + LENGTH)) == reference.derive(key)


@pytest.mark.parametrize(("key", "message", "mac"), HMAC_SHA256)
def test_hmac_vectors(key: bytes, message: bytes, mac: str) -> None:
    """The kept contexts are HMAC's."""
    inner, outer = hmac_contexts(key)
    inner.update(message)
    outer.update(inner.digest())

    assert outer.hexdigest() == mac


def test_hkdf_vector() -> None:
    """HKDF gives the output of RFC 5869, test case 3 (no salt)."""
    assert hkdf(b"\x0b" * 22, "", 42).hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@given(key=st.binary(min_size=32, max_size=32), label=st.text(max_size=60))
def test_hkdf_is_extract_and_expand(key: bytes, label: str) -> None:
    """HKDF binds the label as RFC 5869 says: two HMACs for one block."""
    extracted = hmac.digest(bytes(32), key, "sha256")

    assert hkdf(key, label) == hmac.digest(extracted, label.encode() + b"\x01", "sha256")
