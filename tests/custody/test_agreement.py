"""ECDH against published vectors."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePublicNumbers,
    derive_private_key,
)

from keystead.custody.backends import OpenMaterial, software
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
