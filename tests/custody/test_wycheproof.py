"""RSA and ECDSA keys against Wycheproof's vectors. (Those of other families: beside their tests)"""

from collections import Counter
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.custody.backends import OpenMaterial, software
from keystead.custody.backends.software.ec import OpenEcMaterial
from keystead.custody.backends.software.rsa import OpenRsaMaterial
from tests.custody.halves import public_half
from tests.wycheproof import Vector, vectors

ID = "0" * 64
OAEP = {
    "2048_sha1_mgf1sha1": "RSAES_OAEP_SHA_1",
    "2048_sha256_mgf1sha256": "RSAES_OAEP_SHA_256",
    "3072_sha256_mgf1sha256": "RSAES_OAEP_SHA_256",
    "4096_sha256_mgf1sha256": "RSAES_OAEP_SHA_256",
}
PKCS1 = ("2048_sha256", "2048_sha384", "2048_sha512", "3072_sha256", "3072_sha384", "3072_sha512",
         "4096_sha256", "4096_sha384", "4096_sha512")  # fmt: skip
PSS = ("2048_sha256_mgf1_32", "2048_sha384_mgf1_48", "3072_sha256_mgf1_32", "4096_sha256_mgf1_32",
       "4096_sha384_mgf1_48", "4096_sha512_mgf1_64")  # fmt: skip
ECDSA = {
    "secp256r1_sha256": ("ECC_NIST_P256", "ECDSA_SHA_256"),
    "secp384r1_sha384": ("ECC_NIST_P384", "ECDSA_SHA_384"),
    "secp521r1_sha512": ("ECC_NIST_P521", "ECDSA_SHA_512"),
    "secp256k1_sha256": ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
}


def sha(test_group: Vector) -> str:
    return str(test_group["sha"]).replace("-", "_")


@cache
def half(public_key: str) -> Any:
    return public_half(load_der_public_key(bytes.fromhex(public_key)))


@cache
def opened(spec: str, secret: str) -> OpenMaterial:
    return software.open_material(spec, ID, bytes.fromhex(secret))


def private(group: Vector) -> OpenMaterial:
    """The material of a group whose private key is published."""
    return opened(f"RSA_{group['keySize']}", group["privateKeyPkcs8"])


def judged(material: OpenMaterial, algorithm: str, test: Vector) -> str:
    """The result of a vector, which must be the one of a verification here."""
    sent = bytes.fromhex(test["msg"]), "RAW", bytes.fromhex(test["sig"])
    valid = material.verify(algorithm, *sent)
    result = str(test["result"])
    assert result == "acceptable" or valid is (result == "valid"), test
    return result


@pytest.mark.parametrize("name", OAEP)
def test_oaep(name: str) -> None:
    """Valid ciphertexts decrypt, with an empty label; invalid ones do not."""
    seen: Counter[str] = Counter()
    for group, test in vectors("Cipher", f"rsa_oaep_{name}"):
        found = private(group).decrypt_asymmetric(OAEP[name], bytes.fromhex(test["ct"]))
        valid = test["result"] == "valid" and not test["label"]
        assert found == (bytes.fromhex(test["msg"]) if valid else None), test
        seen[test["result"]] += 1
    assert min(seen["valid"], seen["invalid"]) > 10


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_pkcs1_signatures(bits: int) -> None:
    """A signature of PKCS#1 v1.5 is the published one."""
    seen = 0
    for group, test in vectors("Signature", f"rsa_pkcs1_{bits}_sig_gen"):
        if group["sha"] not in ("SHA-256", "SHA-384", "SHA-512"):
            continue
        algorithm = f"RSASSA_PKCS1_V1_5_{sha(group)}"
        signature = private(group).sign(algorithm, bytes.fromhex(test["msg"]), "RAW")
        assert signature == bytes.fromhex(test["sig"]), test
        seen += 1
    assert seen > 10


@pytest.mark.parametrize("name", PKCS1)
def test_pkcs1_verifications(name: str) -> None:
    """Signatures in any but the one right form are not valid."""
    seen: Counter[str] = Counter()
    for group, test in vectors("Signature", f"rsa_signature_{name}"):
        material = OpenRsaMaterial(f"RSA_{group['keySize']}", ID, half(group["publicKeyDer"]))
        seen[judged(material, f"RSASSA_PKCS1_V1_5_{sha(group)}", test)] += 1
    assert seen["valid"] > 5
    assert seen["invalid"] > 100


@pytest.mark.parametrize("name", PSS)
def test_pss_verifications(name: str) -> None:
    """Only salts as long as the hash are valid."""
    seen: Counter[str] = Counter()
    for group, test in vectors("Signature", f"rsa_pss_{name}"):
        material = OpenRsaMaterial(f"RSA_{group['keySize']}", ID, half(group["publicKeyDer"]))
        seen[judged(material, f"RSASSA_PSS_{sha(group)}", test)] += 1
    assert min(seen["valid"], seen["invalid"]) > 10


@pytest.mark.parametrize("name", ECDSA)
def test_ecdsa(name: str) -> None:
    """Signatures of ECDSA, among them many in bad DER."""
    spec, algorithm = ECDSA[name]
    seen: Counter[str] = Counter()
    for group, test in vectors("Signature", f"ecdsa_{name}"):
        seen[judged(OpenEcMaterial(spec, ID, half(group["publicKeyDer"])), algorithm, test)] += 1
    assert min(seen["valid"], seen["invalid"]) > 100
