"""Published vectors through the API, with the published private keys as imported material.

Wycheproof's for RSA and ECDH; RFC 4868 for HMAC, whose keys are as long as KMS wants them.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key

from keystead.custody.backends.software.ec import CURVES
from keystead.custody.backends.software.family import pkcs8
from tests.importing import PLAINLY, How, bring
from tests.kms.importer import Client
from tests.server.installations import open_local
from tests.wycheproof import vectors

WRAPPED = How("RSA_AES_KEY_WRAP_SHA_256")
MOST = 60  # peers of a curve: all of them meet the family itself (`custody/test_agreement`)
OAEP = {
    "2048_sha1_mgf1sha1": "RSAES_OAEP_SHA_1",
    "2048_sha256_mgf1sha256": "RSAES_OAEP_SHA_256",
    "3072_sha256_mgf1sha256": "RSAES_OAEP_SHA_256",
}
RFC_4868 = {  # section 2.7.2: the MAC of "Hi There" begins so
    "256": (32, "198a607eb44bfbc69903a0f1cf2bbdc5"),
    "384": (48, "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"),
    "512": (64, "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"),
}


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    local = open_local(tmp_path_factory.mktemp("vectors") / "data")
    yield Client(local, local.admin)
    local.installation.close()


class Keys:
    """Keys with imported material: each secret is brought once."""

    def __init__(self, kms: Client, spec: str, usage: str, how: How = WRAPPED) -> None:
        self.kms, self.kind, self.how = kms, {"KeySpec": spec, "KeyUsage": usage}, how
        self.made: dict[bytes, str] = {}

    def of(self, secret: bytes) -> str:
        """The key with this secret."""
        if secret not in self.made:
            key = self.made[secret] = self.kms.key(**self.kind)
            bring(self.kms, key, secret, self.how)
        return self.made[secret]


def error(call: Any, **members: Any) -> str:
    """The error of a call, or "" if it succeeds."""
    try:
        call(**members)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize("name", OAEP)
def test_oaep(kms: Client, name: str) -> None:
    """Decrypt gives the published message, or InvalidCiphertextException."""
    keys, seen = Keys(kms, f"RSA_{name[:4]}", "ENCRYPT_DECRYPT"), Counter[str]()
    for group, test in vectors("Cipher", f"rsa_oaep_{name}"):
        if not test["ct"]:
            continue  # refused by the model
        asked = {
            "KeyId": keys.of(bytes.fromhex(group["privateKeyPkcs8"])),
            "CiphertextBlob": bytes.fromhex(test["ct"]), "EncryptionAlgorithm": OAEP[name],
        }  # fmt: skip
        if test["result"] == "valid" and not test["label"]:
            assert kms.decrypt(**asked)["Plaintext"] == bytes.fromhex(test["msg"]), test
        else:
            assert error(kms.decrypt, **asked) == "InvalidCiphertextException", test
        seen[test["result"]] += 1
    assert min(seen["valid"], seen["invalid"]) > 10


@pytest.mark.parametrize("bits", [2048, 3072])
def test_pkcs1_signatures(kms: Client, bits: int) -> None:
    """Sign gives the published signature of PKCS#1 v1.5, and Verify finds it valid."""
    keys, seen = Keys(kms, f"RSA_{bits}", "SIGN_VERIFY"), 0
    for group, test in vectors("Signature", f"rsa_pkcs1_{bits}_sig_gen"):
        if group["sha"] not in ("SHA-256", "SHA-384", "SHA-512") or not test["msg"]:
            continue
        if int(group["privateKey"]["publicExponent"], 16) != 65537:
            continue  # such a key is not taken
        asked = {
            "KeyId": keys.of(bytes.fromhex(group["privateKeyPkcs8"])),
            "Message": bytes.fromhex(test["msg"]),
            "SigningAlgorithm": f"RSASSA_PKCS1_V1_5_{group['sha'].replace('-', '_')}",
        }
        signature = kms.sign(**asked)["Signature"]
        assert signature == bytes.fromhex(test["sig"]), test
        assert kms.verify(**asked, Signature=signature)["SignatureValid"]
        seen += 1
    assert seen > 10


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_ecdh(kms: Client, spec: str) -> None:
    """DeriveSharedSecret gives the published secret, or refuses the peer's key.

    Of Wycheproof's private keys the one is taken that meets most valid peers.
    """
    curve, keys = CURVES[spec], Keys(kms, spec, "KEY_AGREEMENT")
    tests = [test for _, test in vectors("Protocol", f"ecdh_{curve.name}")]
    [(private, _)] = Counter(
        test["private"] for test in tests if test["result"] == "valid"
    ).most_common(1)
    key = keys.of(pkcs8(derive_private_key(int(private, 16), curve)))
    seen = Counter[str]()
    peers = [test for test in tests if test["private"] == private][:MOST]
    peers += [test for test in tests if test["result"] == "invalid" and test["public"]][:MOST]
    for test in peers:
        asked = {
            "KeyId": key, "KeyAgreementAlgorithm": "ECDH",
            "PublicKey": bytes.fromhex(test["public"]),
        }  # fmt: skip
        if test["result"] == "valid":
            shared = kms.derive_shared_secret(**asked)["SharedSecret"]
            assert shared == bytes.fromhex(test["shared"]), test
        elif test["result"] == "invalid":
            assert error(kms.derive_shared_secret, **asked) == "ValidationException", test
        seen[test["result"]] += 1
    assert min(seen["valid"], seen["invalid"]) > 30


@pytest.mark.parametrize("bits", RFC_4868)
def test_hmac(kms: Client, bits: str) -> None:
    """GenerateMac gives what begins as RFC 4868 says; VerifyMac takes no less than all of it."""
    length, begins = RFC_4868[bits]
    key = Keys(kms, f"HMAC_{bits}", "GENERATE_VERIFY_MAC", PLAINLY).of(b"\x0b" * length)
    asked = {"KeyId": key, "Message": b"Hi There", "MacAlgorithm": f"HMAC_SHA_{bits}"}
    mac = kms.generate_mac(**asked)["Mac"]
    assert mac.hex().startswith(begins)
    assert kms.verify_mac(**asked, Mac=mac)["MacValid"]
    assert error(kms.verify_mac, **asked, Mac=bytes.fromhex(begins)) == "KMSInvalidMacException"
