"""Shared secrets and data key pairs with boto3: in one account, and across two."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from tests.conftest import Credentials, Server, create_user, policy, refused

PEER = ec.generate_private_key(ec.SECP256R1())
ASKED: dict[str, dict[str, Any]] = {
    "encapsulate": {"EncapsulationAlgorithm": "ML_KEM"},
    "decapsulate": {
        "EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": bytes(1088),
    },
    "derive_shared_secret": {
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": PEER.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        ),
    },
    "generate_data_key_pair": {"KeyPairSpec": "ECC_NIST_P256"},
    "generate_data_key_pair_without_plaintext": {"KeyPairSpec": "RSA_2048"},
}  # fmt: skip
"""Method → a good request, but for its key."""

KEM = {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}
KEYS: dict[str, dict[str, Any]] = {
    "encapsulate": KEM,
    "decapsulate": KEM,
    "derive_shared_secret": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
    "generate_data_key_pair": {},
    "generate_data_key_pair_without_plaintext": {},
}
"""Method → the key that it needs."""


@dataclass(frozen=True)
class Shared:
    """A second account, and the keys that its user may use, by method."""

    stranger: Credentials
    nobody: Credentials
    keys: dict[str, str]


@pytest.fixture(scope="module")
def shared(server: Server) -> Shared:
    """Keys that let in a second account, which allows one of its users everything, one nothing."""
    made = server.keystead("account", "create", "--json")
    assert made.returncode == 0, made.stderr
    account = json.loads(made.stdout)
    iam = server.client("iam", Credentials(account["AccessKeyId"], account["SecretAccessKey"]))
    users = []
    for name in ("stranger", "nobody"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        users.append(Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    everything = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    iam.put_user_policy(UserName="stranger", PolicyName="all", PolicyDocument=policy(everything))
    kms, own = server.client("kms"), server.client("sts").get_caller_identity()["Account"]
    document = policy(
        *({**everything, "Principal": {"AWS": each}} for each in (own, account["AccountId"]))
    )
    keys = {
        method: kms.create_key(Policy=document, **key)["KeyMetadata"]["Arn"]
        for method, key in KEYS.items()
    }
    return Shared(users[0], users[1], keys)


def caller(server: Server, method: str, who: Credentials | None = None) -> Callable[..., Any]:
    call: Callable[..., Any] = getattr(server.client("kms", who), method)
    return call


def test_encapsulation(server: Server) -> None:
    """Encapsulate and Decapsulate give the same secret of 32 bytes, here as outside."""
    kms = server.client("kms")
    key = kms.create_key(**KEM)["KeyMetadata"]
    assert key["EncapsulationAlgorithms"] == ["ML_KEM"]
    made = kms.encapsulate(KeyId=key["KeyId"], **ASKED["encapsulate"])
    assert (made["KeyId"], made["EncapsulationAlgorithm"]) == (key["Arn"], "ML_KEM")
    found = kms.decapsulate(
        KeyId=key["KeyId"], EncapsulationAlgorithm="ML_KEM",
        SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"],
    )  # fmt: skip
    assert found["SharedSecret"] == made["SharedSecret"]
    assert len(found["SharedSecret"]) == 32
    with refused("InvalidCiphertextException"):
        kms.decapsulate(
            KeyId=key["KeyId"], EncapsulationAlgorithm="ML_KEM",
            SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"][:-1],
        )  # fmt: skip


def test_data_key_pairs(server: Server) -> None:
    """The private key fits the public one, and is in the blob, under the context alone."""
    kms, context = server.client("kms"), {"app": "orders"}
    key = kms.create_key()["KeyMetadata"]["Arn"]
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048", EncryptionContext=context)
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.public_key() == load_der_public_key(made["PublicKey"])
    blob = made["PrivateKeyCiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    hidden = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ML_KEM_1024")
    assert "PrivateKeyPlaintext" not in hidden
    assert isinstance(load_der_public_key(hidden["PublicKey"]), mlkem.MLKEM1024PublicKey)
    assert len(kms.decrypt(CiphertextBlob=hidden["PrivateKeyCiphertextBlob"])["Plaintext"]) == 86


@pytest.mark.parametrize("method", ASKED)
def test_across_accounts(server: Server, shared: Shared, method: str) -> None:
    """Both accounts must allow it; a key that does not let in the other account is not used."""
    asked = {"KeyId": shared.keys[method], **ASKED[method]}
    assert caller(server, method, shared.stranger)(**asked)["KeyId"] == shared.keys[method]
    with refused("AccessDeniedException"):
        caller(server, method, shared.nobody)(**asked)
    private = server.client("kms").create_key(**KEYS[method])["KeyMetadata"]["Arn"]
    caller(server, method)(**{**asked, "KeyId": private})
    with refused("AccessDeniedException"):
        caller(server, method, shared.stranger)(**{**asked, "KeyId": private})


@pytest.mark.parametrize("method", ASKED)
def test_every_refusal(server: Server, method: str) -> None:
    """Each error that the operation can give here, and the call that succeeds."""
    kms, call = server.client("kms"), caller(server, method)
    key = kms.create_key(**KEYS[method])["KeyMetadata"]["Arn"]
    asked = {"KeyId": key, **ASKED[method]}
    mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    call(**asked)
    with refused("DryRunOperationException"):
        call(**asked, DryRun=True)
    with refused("InvalidGrantTokenException"):
        call(**asked, GrantTokens=["no token"])
    with refused("NotFoundException"):
        call(**{**asked, "KeyId": "alias/no-such-alias"})
    with refused("InvalidKeyUsageException", "key usage is GENERATE_VERIFY_MAC which is not valid"):
        call(**{**asked, "KeyId": mac})
    kms.disable_key(KeyId=key)
    with refused("DisabledException", f"{key} is disabled."):
        call(**asked)
    with refused("DisabledException"):
        call(**asked, DryRun=True)
    kms.enable_key(KeyId=key)
    call(**asked)
    kms.schedule_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException", f"{key} is pending deletion."):
        call(**asked)


def test_its_own_permission(server: Server) -> None:
    """A user who may do one of them may do no other."""
    kms = server.client("kms")
    keys = {method: kms.create_key(**key)["KeyMetadata"]["Arn"] for method, key in KEYS.items()}
    for method in ASKED:
        name = "".join(word.capitalize() for word in method.split("_"))
        user = create_user(
            server, f"shares-by-{name}",
            {"Effect": "Allow", "Action": f"kms:{name}", "Resource": "*"},
        )  # fmt: skip
        for other, asked in ASKED.items():
            if other == method:
                caller(server, other, user)(KeyId=keys[other], **asked)
                continue
            with refused("AccessDeniedException"):
                caller(server, other, user)(KeyId=keys[other], **asked)
