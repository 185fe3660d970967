"""ECDH against published vectors."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePublicNumbers,
    derive_private_key,
)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.custody.backends import OpenMaterial, software
from keystead.custody.backends.software import ec
from keystead.custody.backends.software.ec import CURVES
from keystead.custody.backends.software.family import pkcs8, spki
from tests.wycheproof import ROOT, vectors

NIST = ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521")


def with_scalar(spec: str, scalar: int) -> OpenMaterial:
    """The material with this private number."""
    secret = pkcs8(derive_private_key(scalar, CURVES[spec]))
    return software.open_material(spec, "0" * 64, secret)


@pytest.mark.parametrize("spec", NIST)
def test_wycheproof(spec: str) -> None:
    """A valid key agrees on the published secret, and an invalid one on none.

    Of keys in unusual forms, of which Wycheproof accepts both, none gives another secret.
    """
    agreed = refused = 0
    for _, test in vectors("Protocol", f"ecdh_{CURVES[spec].name}"):
        peer = bytes.fromhex(test["public"])
        shared = with_scalar(spec, int(test["private"], 16)).agree(peer)
        if test["result"] == "valid":
            assert shared is not None, test
        if test["result"] == "invalid":
            assert shared is None, test
        if shared is None:
            refused += 1
        else:
            assert shared == bytes.fromhex(test["shared"]), test
            assert software.agrees_with(spec, peer)
            agreed += 1
    assert agreed > 100
    assert refused > 30


def diffie_hellman(prime: int) -> bytes:
    """A public key of Diffie-Hellman (PKCS #3): SubjectPublicKeyInfo of the number 4."""

    def tlv(tag: int, *parts: bytes) -> bytes:
        value = b"".join(parts)
        return bytes([tag, 0x82]) + len(value).to_bytes(2, "big") + value

    number = prime.to_bytes(prime.bit_length() // 8 + 1, "big")
    algorithm = bytes.fromhex("06092a864886f70d010301")
    group = tlv(0x30, tlv(0x02, number), b"\x02\x01\x02")
    return tlv(0x30, tlv(0x30, algorithm, group), b"\x03\x04\x00\x02\x01\x04")


@pytest.mark.parametrize("spec", NIST)
def test_the_library_sees_no_other_algorithm(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would examine a long prime of Diffie-Hellman for seconds, in the loop."""
    seen: list[bytes] = []

    def watched(der: bytes) -> object:
        seen.append(der)
        return load_der_public_key(der)

    monkeypatch.setattr(ec, "load_der_public_key", watched)
    others = (
        diffie_hellman(2**16_000 + 1),
        spki(x25519.X25519PrivateKey.generate().public_key()),
        spki(ed25519.Ed25519PrivateKey.generate().public_key()),
        b"",
    )
    assert not any(software.agrees_with(spec, other) for other in others)
    assert seen == []
    right = spki(derive_private_key(5, CURVES[spec]).public_key())
    assert software.agrees_with(spec, right)
    assert seen == [right]


def examples_of_nist() -> Iterator[dict[str, str]]:
    """NIST's examples of the ECC CDH primitive (SP 800-56A section 5.7.1.2)."""
    found: dict[str, str] = {}
    for line in (ROOT / "Protocol" / "KAS_ECC_CDH_PrimitiveTest.txt").read_text().splitlines():
        if line.startswith("[") and "=" not in line:
            found = {"curve": line.strip("[] ")}
        name, separator, value = line.partition(" = ")
        if separator:
            found[name.strip()] = value.strip()
        if name == "ZIUT":
            yield dict(found)


@pytest.mark.parametrize("spec", NIST)
def test_nist(spec: str) -> None:
    """NIST's examples of each curve."""
    curve, seen = CURVES[spec], 0
    for example in examples_of_nist():
        if example["curve"] != f"P-{curve.key_size}":
            continue
        x, y = (int(example[f"QCAVS{axis}"], 16) for axis in "xy")
        peer = spki(EllipticCurvePublicNumbers(x, y, curve).public_key())
        shared = with_scalar(spec, int(example["dIUT"], 16)).agree(peer)
        assert shared == bytes.fromhex(example["ZIUT"])
        seen += 1
    assert seen >= 25
