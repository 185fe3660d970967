"""The AWS Encryption SDKs for Python and JavaScript: a message that one keyring wrote, others read.

Both work over a primary and its replica, in two Regions of one server.
"""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_cryptographic_material_providers.mpl import (
    AwsCryptographicMaterialProviders,
    models,
)
from aws_cryptographic_material_providers.mpl.config import (
    MaterialProvidersConfig,
)
from aws_encryption_sdk import (
    CommitmentPolicy,
    EncryptionSDKClient,
)
from aws_encryption_sdk.exceptions import (
    AWSEncryptionSDKClientError,
)
from aws_encryption_sdk.identifiers import Algorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from tests.components import needs_node
from tests.conftest import OTHER_REGION, REGION, Server

CONTEXT = {"tenant": "a", "purpose": "orders"}

providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
sdk = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


class Keyrings:
    """The keyrings over a primary here and its replica there."""

    def __init__(self, server: Server) -> None:
        self.here = server.client("kms")
        self.there = server.client("kms", region=OTHER_REGION)
        primary = self.here.create_key(MultiRegion=True)["KeyMetadata"]
        made = self.here.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=OTHER_REGION)
        self.primary = str(primary["Arn"])
        self.replica = str(made["ReplicaKeyMetadata"]["Arn"])
        self.filter = models.DiscoveryFilter(account_ids=[primary["AWSAccountId"]], partition="aws")

    def strict(self, arn: str, client: Any) -> Any:
        """Of this key alone."""
        return providers.create_aws_kms_keyring(
            models.CreateAwsKmsKeyringInput(kms_key_id=arn, kms_client=client)
        )

    def related(self, arn: str, client: Any) -> Any:
        """Of this key and of those that are related to it."""
        return providers.create_aws_kms_mrk_keyring(
            models.CreateAwsKmsMrkKeyringInput(kms_key_id=arn, kms_client=client)
        )

    def discovery(self) -> Any:
        return providers.create_aws_kms_discovery_keyring(
            models.CreateAwsKmsDiscoveryKeyringInput(
                kms_client=self.here, discovery_filter=self.filter
            )
        )

    def related_discovery(self) -> Any:
        return providers.create_aws_kms_mrk_discovery_keyring(
            models.CreateAwsKmsMrkDiscoveryKeyringInput(
                kms_client=self.there, region=OTHER_REGION, discovery_filter=self.filter
            )
        )


@pytest.fixture(scope="module")
def keyrings(server: Server) -> Keyrings:
    return Keyrings(server)


def written(keyring: Any, text: bytes = b"hello") -> bytes:
    message: bytes = sdk.encrypt(source=text, keyring=keyring, encryption_context=CONTEXT)[0]
    return message


def read(message: bytes, keyring: Any, context: dict[str, str] = CONTEXT) -> bytes:
    text, header = sdk.decrypt(source=message, keyring=keyring, encryption_context=context)
    assert CONTEXT.items() <= header.encryption_context.items()
    plaintext: bytes = text
    return plaintext


def refused(message: bytes, keyring: Any) -> str:
    """Why a message is not read, with what KMS said of it."""
    with pytest.raises(AWSEncryptionSDKClientError) as caught:
        read(message, keyring)
    return repr(caught.value)


def test_python_reads_in_both_regions(keyrings: Keyrings) -> None:
    """The key's own keyring, those of multi-Region keys, and discovery; the context is bound."""
    message = written(keyrings.strict(keyrings.primary, keyrings.here))
    theirs = written(keyrings.related(keyrings.replica, keyrings.there), b"there")

    for keyring in (
        keyrings.strict(keyrings.primary, keyrings.here),
        keyrings.related(keyrings.replica, keyrings.there),
        keyrings.discovery(),
        keyrings.related_discovery(),
    ):
        assert read(message, keyring) == b"hello"
    assert read(theirs, keyrings.related(keyrings.primary, keyrings.here)) == b"there"
    with pytest.raises(AWSEncryptionSDKClientError, match="does not match"):
        read(message, keyrings.discovery(), {"tenant": "b"})


def test_python_is_refused_with_its_key(keyrings: Keyrings) -> None:
    """Without relations a replica is another key; a disabled replica opens nothing."""
    message = written(keyrings.strict(keyrings.primary, keyrings.here))
    related = keyrings.related(keyrings.replica, keyrings.there)

    unrelated = refused(message, keyrings.strict(keyrings.replica, keyrings.there))
    assert "No Encrypted Data Keys found" in unrelated
    keyrings.there.disable_key(KeyId=keyrings.replica)
    assert "is disabled" in refused(message, related)
    keyrings.there.enable_key(KeyId=keyrings.replica)
    assert read(message, related) == b"hello"


def test_an_rsa_keyring(server: Server) -> None:
    """It wraps with the public key alone, and KMS opens; the context is bound by the message."""
    kms = server.client("kms")
    made = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    public = load_der_public_key(kms.get_public_key(KeyId=made["Arn"])["PublicKey"])
    keyring = providers.create_aws_kms_rsa_keyring(
        models.CreateAwsKmsRsaKeyringInput(
            kms_key_id=made["Arn"],
            encryption_algorithm="RSAES_OAEP_SHA_256",
            public_key=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            kms_client=kms,
        )
    )
    message = sdk.encrypt(
        source=b"hello", keyring=keyring, encryption_context=CONTEXT,
        algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
    )[0]  # fmt: skip

    assert read(message, keyring) == b"hello"
    kms.disable_key(KeyId=made["Arn"])
    assert "is disabled" in refused(message, keyring)


@needs_node("the Encryption SDK for JavaScript was")
def test_javascript_and_python_read_each_other(
    server: Server, js: Path, keyrings: Keyrings
) -> None:
    """Every keyring of JavaScript, and messages that cross from one SDK to the other."""
    message = written(keyrings.strict(keyrings.primary, keyrings.here))
    ran = subprocess.run(
        ["node", "encryption.mjs"],
        cwd=js, capture_output=True, text=True, check=False, timeout=120,
        env={
            "PATH": os.environ["PATH"], "AWS_REGION": REGION, "KEYSTEAD_ENDPOINT": server.endpoint,
            "AWS_ACCESS_KEY_ID": server.admin.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.admin.secret,
            "KEYSTEAD_HERE": REGION, "KEYSTEAD_THERE": OTHER_REGION,
            "KEYSTEAD_MESSAGE": base64.b64encode(message).decode(),
        },
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)

    hello = {"text": "hello", "context": True}
    for keyring in ("strict", "related", "several", "discovery", "found", "other"):
        assert found[keyring] == hello, keyring
    assert found["back"] == {"text": "there", "context": True}
    assert "allowed" not in found["unrelated"]
    assert "is disabled" in found["disabled"]["message"]
    theirs = base64.b64decode(found["message"])
    assert read(theirs, keyrings.strict(found["primary"], keyrings.here)) == b"hello"
