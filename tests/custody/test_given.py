"""Secrets that callers bring: what is a key of its spec, and what is not."""

import os
import sys
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from hypothesis import given as examples
from hypothesis import strategies as st

from keystead.custody.backends import GIVEN_SPECS, given

LENGTHS = {"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}


def der(
    key: PrivateKeyTypes,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(Encoding.DER, form, encryption or NoEncryption())


RSA = rsa.generate_private_key(65537, 2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()
KEYS: dict[str, bytes] = {
    **{spec: bytes(length) for spec, length in LENGTHS.items()},
    **{spec: der(ec.generate_private_key(curve)) for spec, curve in CURVES.items()},
    "ECC_NIST_EDWARDS25519": der(EDWARDS),
    "RSA_2048": der(RSA),
}


@pytest.mark.parametrize("spec", KEYS)
def test_only_for_its_spec(spec: str) -> None:
    """A private key fits its own spec; bytes fit every spec of their length."""
    fits = {other for other in GIVEN_SPECS if given(other, KEYS[spec]) is not None}
    same = {other for other in LENGTHS if LENGTHS[other] == len(KEYS[spec])}
    assert fits == {spec} | same


def test_as_it_is_sealed() -> None:
    """A private key is sealed in the library's own encoding, whatever came with it."""
    private = ec.derive_private_key(5, ec.SECP256R1())
    secret = given("ECC_NIST_P256", der(private))
    assert secret is not None
    again = load_der_private_key(secret.reveal(), None)
    assert isinstance(again, ec.EllipticCurvePrivateKey)
    assert again.private_numbers() == private.private_numbers()
    raw = given("SYMMETRIC_DEFAULT", b"k" * 32)
    assert raw is not None
    assert raw.reveal() == b"k" * 32
    assert "k" * 32 not in repr(raw)


def _with_swapped_factors(key: rsa.RSAPrivateKey) -> rsa.RSAPrivateKey:
    """The same key, its factors in the other order."""
    n = key.private_numbers()
    return rsa.RSAPrivateNumbers(
        n.q, n.p, n.d, n.dmq1, n.dmp1, rsa.rsa_crt_iqmp(n.q, n.p), n.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)


def test_the_same_secret_in_another_form() -> None:
    """Whatever form it comes in, the same private key is told by the same bytes."""
    one, two = given("RSA_2048", der(RSA)), given("RSA_2048", der(_with_swapped_factors(RSA)))
    other = given("RSA_2048", der(rsa.generate_private_key(65537, 2048)))
    assert one is not None
    assert two is not None
    assert other is not None
    assert one.told_by == two.told_by != other.told_by


@pytest.mark.parametrize(
    ("spec", "made"),
    [
        ("RSA_2048", lambda: der(RSA, encryption=BestAvailableEncryption(b"x"))),
        ("RSA_2048", lambda: der(rsa.generate_private_key(65537, 1024))),  # noqa: S505  # refused
        ("RSA_2048", lambda: der(rsa.generate_private_key(3, 2048))),
        ("RSA_2048", lambda: der(dsa.generate_private_key(2048))),
        ("RSA_3072", lambda: der(RSA)),
        ("ECC_NIST_P256", lambda: der(ec.generate_private_key(ec.BrainpoolP256R1()))),
        ("ECC_NIST_EDWARDS25519", lambda: der(x25519.X25519PrivateKey.generate())),
        ("ECC_NIST_EDWARDS25519", EDWARDS.private_bytes_raw),
    ],
)
def test_other_keys(spec: str, made: Callable[[], bytes]) -> None:
    """Encrypted, of another size, exponent, curve or kind, or not in PKCS#8: none of them."""
    assert given(spec, made()) is None


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519"])
def test_the_library_sees_no_other_algorithm(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would compute with a long key of DSA for a second, and let nobody else do anything."""
    seen: list[bytes] = []

    def watched(material: bytes, password: None, **named: bool) -> object:
        seen.append(material)
        return load_der_private_key(material, password, **named)

    module = "keystead.custody.backends.software.given"
    monkeypatch.setattr(sys.modules[module], "load_der_private_key", watched)
    made = dsa.generate_private_key(2048)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        assert given(spec, der(made, form)) is None
    assert seen == []
    assert given(spec, KEYS[spec]) is not None
    assert seen == [KEYS[spec]]


def _changed(**change: int) -> bytes:
    """The RSA key with another number in it."""
    n = RSA.private_numbers()
    numbers = {
        "p": n.p, "q": n.q, "d": n.d, "dmp1": n.dmp1, "dmq1": n.dmq1, "iqmp": n.iqmp, **change,
    }  # fmt: skip
    made = rsa.RSAPrivateNumbers(**numbers, public_numbers=n.public_numbers)
    return der(made.private_key(unsafe_skip_rsa_key_validation=True))


@pytest.mark.parametrize("name", ["d", "dmp1", "dmq1", "iqmp"])
def test_numbers_that_do_not_belong_together(name: str) -> None:
    """A private key with one wrong number is no RSA key: it might sign wrongly."""
    right = getattr(RSA.private_numbers(), name)
    assert given("RSA_2048", _changed(**{name: right + 2})) is None
    assert given("RSA_2048", _changed()) is not None


def test_factors_that_are_not_prime() -> None:
    """A modulus of composite factors fits its own numbers, and is found out by what it signs."""
    bits = 512
    while True:
        primes = [rsa.generate_private_key(65537, 2 * bits).private_numbers().p for _ in range(4)]
        p, q = primes[0] * primes[1], primes[2] * primes[3]
        if p.bit_length() == q.bit_length() == 1024 and (p * q).bit_length() == 2048:
            break
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))  # as if both were prime
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q)
    )
    composite = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    assert given("RSA_2048", der(composite)) is None


@examples(st.sampled_from(sorted(GIVEN_SPECS)), st.binary(max_size=300))
def test_any_bytes(spec: str, material: bytes) -> None:
    """Bytes are a secret of the right length, or they are refused; nothing is raised."""
    assert (given(spec, material) is not None) is (len(material) == LENGTHS.get(spec))


@examples(st.sampled_from(sorted(KEYS)), st.integers(0, 1 << 20), st.integers(0, 7))
def test_damaged_keys(spec: str, place: int, bit: int) -> None:
    """A private key with one bit changed is refused, or is another key that fits; no exception."""
    right = bytearray(KEYS[spec])
    right[place % len(right)] ^= 1 << bit
    secret = given(spec, bytes(right))
    assert secret is None or secret.key_spec == spec


@pytest.mark.parametrize("curve", ["2b6570", "2b656e", "2b6571", "2b656f"])
def test_edwards_keys_of_another_length(curve: str) -> None:
    """Of RFC 8410's keys, only one of Ed25519 with its 32 bytes is a secret; nothing is raised."""
    fits = [
        length for length in range(70) if given("ECC_NIST_EDWARDS25519", _rfc_8410(curve, length))
    ]
    assert fits == ([32] if curve == "2b6570" else [])


def _rfc_8410(curve: str, length: int) -> bytes:
    """A private key in PKCS#8, of a curve by its OID, that has so many bytes."""
    inner = bytes([4, length]) + bytes(range(length))
    body = bytes.fromhex(f"02010030050603{curve}") + bytes([4, len(inner)]) + inner
    return bytes([0x30, len(body)]) + body


def test_specs_that_cannot_be_given() -> None:
    """Post-quantum keys and SM2 take no material from outside."""
    with pytest.raises(KeyError):
        given("ML_DSA_44", os.urandom(32))
    assert not {spec for spec in GIVEN_SPECS if spec.startswith(("ML_", "SM"))}
