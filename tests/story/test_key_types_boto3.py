"""Signatures, MACs and RSA encryption with boto3, and with OpenSSL on the other side."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Credentials, Server, create_user, policy, refused

MESSAGE = b"an order of ten"
OAEP = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
PSS, HMAC = {"SigningAlgorithm": "RSASSA_PSS_SHA_256"}, {"MacAlgorithm": "HMAC_SHA_256"}

ENCRYPTING = {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}
SIGNING = {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}
MACING = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}

KEYS = {
    "encrypt": ENCRYPTING, "decrypt": ENCRYPTING, "sign": SIGNING, "verify": SIGNING,
    "get_public_key": SIGNING, "generate_mac": MACING, "verify_mac": MACING,
}  # fmt: skip
"""Method → the key that it needs."""


def good(kms: Any, method: str, key: str) -> dict[str, Any]:
    """A good request, but for its key."""
    if method == "encrypt":
        return {"Plaintext": MESSAGE, **OAEP}
    if method == "decrypt":
        blob = kms.encrypt(KeyId=key, Plaintext=MESSAGE, **OAEP)["CiphertextBlob"]
        return {"CiphertextBlob": blob, **OAEP}
    if method == "get_public_key":
        return {}
    signed, maced = {"Message": MESSAGE, **PSS}, {"Message": MESSAGE, **HMAC}
    if method == "verify":
        return {**signed, "Signature": kms.sign(KeyId=key, **signed)["Signature"]}
    if method == "verify_mac":
        return {**maced, "Mac": kms.generate_mac(KeyId=key, **maced)["Mac"]}
    return signed if method == "sign" else maced


def openssl(*arguments: object, sent: bytes = b"") -> bytes:
    """What OpenSSL's command says; an error if it refuses."""
    command = ("openssl", *map(str, arguments))
    return subprocess.run(command, input=sent, check=True, capture_output=True).stdout


def made(kms: Any, key: dict[str, str], directory: Path) -> tuple[str, Path]:
    """A new key, and its public key in a file."""
    arn = kms.create_key(**key)["KeyMetadata"]["Arn"]
    file = directory / "public.der"
    file.write_bytes(kms.get_public_key(KeyId=arn)["PublicKey"])
    return arn, file


@pytest.mark.parametrize(
    ("spec", "algorithm", "options"),
    [
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", ["-sha256"]),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", ["-sha512"]),
        ("RSA_2048", "RSASSA_PSS_SHA_384", [
            "-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]),
        ("ECC_NIST_P256", "ECDSA_SHA_256", ["-sha256"]),
        ("ECC_NIST_P384", "ECDSA_SHA_384", ["-sha384"]),
        ("ECC_NIST_P521", "ECDSA_SHA_512", ["-sha512"]),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256", ["-sha256"]),
    ],
)  # fmt: skip
def test_openssl_verifies(
    server: Server, tmp_path: Path, spec: str, algorithm: str, options: list[str]
) -> None:
    """OpenSSL verifies a signature with the public key alone, and not one of another message."""
    kms = server.client("kms")
    key, public = made(kms, {"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"}, tmp_path)
    signature = tmp_path / "signature"
    signature.write_bytes(
        kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    )
    command = ("dgst", *options, "-verify", public, "-keyform", "DER", "-signature", signature)

    assert openssl(*command, sent=MESSAGE) == b"Verified OK\n"
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*command, sent=MESSAGE + b"!")


def test_openssl_verifies_edwards(server: Server, tmp_path: Path) -> None:
    """The same for Ed25519, which signs the message itself."""
    kms = server.client("kms")
    key, public = made(
        kms, {"KeySpec": "ECC_NIST_EDWARDS25519", "KeyUsage": "SIGN_VERIFY"}, tmp_path
    )
    signature, message = tmp_path / "signature", tmp_path / "message"
    message.write_bytes(MESSAGE)
    signature.write_bytes(
        kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")["Signature"]
    )
    command = ("pkeyutl", "-verify", "-pubin", "-inkey", public, "-keyform", "DER", "-rawin",
               "-in", message, "-sigfile", signature)  # fmt: skip
    assert b"Verified Successfully" in openssl(*command)
    message.write_bytes(MESSAGE + b"!")
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*command)


def test_openssl_encrypts(server: Server, tmp_path: Path) -> None:
    """What OpenSSL encrypts with the public key is decrypted."""
    kms = server.client("kms")
    key, public = made(kms, ENCRYPTING, tmp_path)
    blob = openssl(
        "pkeyutl", "-encrypt", "-pubin", "-inkey", public, "-keyform", "DER",
        "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256",
        sent=MESSAGE,
    )  # fmt: skip
    assert kms.decrypt(KeyId=key, CiphertextBlob=blob, **OAEP)["Plaintext"] == MESSAGE


@pytest.mark.parametrize("method", KEYS)
def test_every_refusal(server: Server, method: str) -> None:
    """Each error that the operation can give here, and the call that succeeds."""
    kms, spec = server.client("kms"), KEYS[method]
    key = kms.create_key(**spec)["KeyMetadata"]["Arn"]
    other = ENCRYPTING if spec is SIGNING else SIGNING
    wrong = kms.create_key(**other)["KeyMetadata"]["Arn"]
    asked, call = {"KeyId": key, **good(kms, method, key)}, getattr(kms, method)
    assert call(**asked)["KeyId"] == key
    with refused("InvalidGrantTokenException"):
        call(**asked, GrantTokens=["no token"])
    with refused("NotFoundException"):
        call(**{**asked, "KeyId": "alias/no-such-alias"})
    if method != "get_public_key":
        use = other["KeyUsage"]
        with refused("InvalidKeyUsageException", f"{wrong} key usage is {use} which is not valid"):
            call(**{**asked, "KeyId": wrong})
        with refused("DryRunOperationException"):
            call(**asked, DryRun=True)
        kms.disable_key(KeyId=key)
        for more in ({}, {"DryRun": True}):
            with refused("DisabledException", f"{key} is disabled."):
                call(**asked, **more)
        kms.enable_key(KeyId=key)
        call(**asked)
    kms.schedule_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException", f"{key} is pending deletion."):
        call(**asked)


def test_wrong_proofs(server: Server) -> None:
    """A wrong signature, MAC or ciphertext has its error, and a wrong digest another."""
    kms = server.client("kms")
    signing, macing, encrypting = (
        kms.create_key(**each)["KeyMetadata"]["Arn"] for each in (SIGNING, MACING, ENCRYPTING)
    )
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=signing, Message=MESSAGE, Signature=bytes(256), **PSS)
    with refused("KMSInvalidMacException"):
        kms.verify_mac(KeyId=macing, Message=MESSAGE, Mac=bytes(32), **HMAC)
    with refused("InvalidCiphertextException"):
        kms.decrypt(KeyId=encrypting, CiphertextBlob=bytes(256), **OAEP)
    with refused(
        "ValidationException", "Digest is invalid length for algorithm RSASSA_PSS_SHA_256"
    ):
        kms.sign(KeyId=signing, Message=MESSAGE, MessageType="DIGEST", **PSS)
    digest = {"KeyId": signing, "Message": sha256(MESSAGE).digest(), "MessageType": "DIGEST", **PSS}
    signature = kms.sign(**digest)["Signature"]
    assert kms.verify(KeyId=signing, Message=MESSAGE, Signature=signature, **PSS)["SignatureValid"]


def test_across_accounts(server: Server) -> None:
    """Both accounts must allow it; a key that does not let in the other account is not used."""
    created = server.keystead("account", "create", "--json")
    assert created.returncode == 0, created.stderr
    account = json.loads(created.stdout)
    iam = server.client("iam", Credentials(account["AccessKeyId"], account["SecretAccessKey"]))
    everything = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    users = []
    for name in ("stranger", "nobody"):
        iam.create_user(UserName=name)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        users.append(Credentials(made["AccessKeyId"], made["SecretAccessKey"]))
    iam.put_user_policy(UserName="stranger", PolicyName="all", PolicyDocument=policy(everything))
    kms, own = server.client("kms"), server.client("sts").get_caller_identity()["Account"]
    document = policy(
        *({**everything, "Principal": {"AWS": each}} for each in (own, account["AccountId"]))
    )
    stranger, nobody = (server.client("kms", user) for user in users)
    kinds = {each["KeyUsage"]: each for each in (ENCRYPTING, SIGNING, MACING)}
    both, one = (
        {use: kms.create_key(**each, **more)["KeyMetadata"]["Arn"] for use, each in kinds.items()}
        for more in ({"Policy": document}, {})
    )
    for method, spec in KEYS.items():
        open_to_both, closed = both[spec["KeyUsage"]], one[spec["KeyUsage"]]
        asked = good(kms, method, open_to_both)
        call = getattr(stranger, method)
        assert call(KeyId=open_to_both, **asked)["KeyId"] == open_to_both
        with refused("AccessDeniedException"):
            getattr(nobody, method)(KeyId=open_to_both, **asked)
        with refused("AccessDeniedException"):
            call(KeyId=closed, **asked)


def test_signers_do_not_stop_a_neighbour(server: Server) -> None:
    """While 32 callers sign with a slow key, somebody else's Encrypt is answered in between."""
    kms = server.client("kms")
    signing = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    user = create_user(server, "neighbour", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    near, key = server.client("kms", user), kms.create_key()["KeyMetadata"]["Arn"]
    algorithm = {"SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}

    enough, signed, waited = Event(), list[bytes](), list[int]()

    def sign(number: int) -> bytes:
        while True:
            try:
                made = kms.sign(KeyId=signing, Message=b"%d" % (number % 2), **algorithm)
                signed.append(made["Signature"])
                return bytes(made["Signature"])
            except ClientError as error:  # as an SDK does that tries again
                if error.response["Error"]["Code"] != "ThrottlingException":
                    raise
                time.sleep(0.05)

    def sign_on(number: int) -> bytes:
        first = sign(number)
        while not enough.is_set():
            sign(number)
        return first

    with ThreadPoolExecutor(32) as together:
        asked = [together.submit(sign_on, number) for number in range(32)]
        try:
            for _ in range(11):
                before = len(signed)
                near.encrypt(KeyId=key, Plaintext=b"x")
                waited.append(len(signed) - before)
        finally:
            enough.set()
        signatures = [each.result() for each in asked]
    # In the middle, because the machine may let this thread wait, too, while others sign.
    assert median(waited) <= 4 * 32, "each Encrypt waits for few signatures"
    assert len(set(signatures)) == 2
    for number in range(2):
        kms.verify(KeyId=signing, Message=b"%d" % number, Signature=signatures[number], **algorithm)
