"""Every KMS operation on a key: unknown, malformed, elsewhere, foreign, disabled, pending."""

import json
from typing import Any

import pytest

import keystead.kms.operations
from keystead.registry import implemented
from tests.conftest import REGION, Credentials, Server, policy, refused

REGISTERED = keystead.kms.operations  # the operations register themselves

_ML_KEM = {"EncapsulationAlgorithm": "ML_KEM"}
_MAC = {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
_SIGNED = {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
_GRANT = {"GrantId": "a" * 64}

# Everything else that each operation on a key needs.
OTHER_MEMBERS: dict[str, dict[str, Any]] = {
    "CancelKeyDeletion": {},
    "CreateAlias": {"AliasName": "alias/wrong-keys"},
    "Decrypt": {"CiphertextBlob": b"x"},
    "DescribeKey": {},
    "DisableKey": {},
    "DisableKeyRotation": {},
    "EnableKey": {},
    "EnableKeyRotation": {},
    "Encrypt": {"Plaintext": b"x"},
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
    "GetKeyPolicy": {},
    "GetKeyRotationStatus": {},
    "ListAliases": {},
    "ListKeyPolicies": {},
    "ListKeyRotations": {},
    "ListResourceTags": {},
    "PutKeyPolicy": {"Policy": policy()},
    "ReEncrypt": {"CiphertextBlob": b"x"},
    "RotateKeyOnDemand": {},
    "ScheduleKeyDeletion": {},
    "TagResource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "UntagResource": {"TagKeys": ["a"]},
    "UpdateAlias": {"AliasName": "alias/nothing"},
    "UpdateKeyDescription": {"Description": "x"},
    "CreateGrant": {
        "GranteeServicePrincipal": "sns.amazonaws.com", "Operations": ["Encrypt"],
        "RetiringServicePrincipal": "sns.amazonaws.com",
        "Constraints": {"SourceArn": "arn:aws:sns:us-west-2:111122223333:x"},
    },
    "Decapsulate": {**_ML_KEM, "SharedSecretCiphertextBlob": b"x"},
    "DeleteImportedKeyMaterial": {},
    "DeriveSharedSecret": {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"},
    "Encapsulate": _ML_KEM,
    "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"},
    "GenerateMac": _MAC,
    "GetKeyLastUsage": {},
    "GetParametersForImport": {
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
    },
    "GetPublicKey": {},
    "ImportKeyMaterial": {
        "ImportToken": b"x", "EncryptedKeyMaterial": b"x",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    },
    "ListGrants": {},
    "ReplicateKey": {"ReplicaRegion": "us-west-2"},
    "RetireGrant": _GRANT,
    "RevokeGrant": _GRANT,
    "Sign": _SIGNED,
    "UpdatePrimaryRegion": {"PrimaryRegion": "us-west-2"},
    "Verify": {**_SIGNED, "Signature": b"x"},
    "VerifyMac": {**_MAC, "Mac": b"x"},
}  # fmt: skip
WITHOUT_KEY = {
    "CreateKey", "ListKeys", "GenerateRandom", "DeleteAlias", "ListRetirableGrants",
    "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore",
    "DescribeCustomKeyStores", "DisconnectCustomKeyStore", "UpdateCustomKeyStore",
}  # fmt: skip
KEY_MEMBER = {
    "ReEncrypt": "DestinationKeyId",
    "CreateAlias": "TargetKeyId",
    "UpdateAlias": "TargetKeyId",
}
# These need something else first, and say so before they look at the key.
ASKS_FIRST = {"Decrypt", "ReEncrypt", "UpdateAlias", "PutKeyPolicy"}
SERVED = sorted(OTHER_MEMBERS)
READS_ANY_STATE = {
    "DescribeKey", "GetKeyLastUsage", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases",
    "ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListResourceTags",
}  # fmt: skip
# These need imported material, or a grant, and are refused for want of it in this state too.
NEEDS_MORE = {
    "DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial", "RetireGrant",
    "RevokeGrant",
}  # fmt: skip
DEPENDS_ON_STATE = [o for o in SERVED if o not in ASKS_FIRST | READS_ANY_STATE | NEEDS_MORE]
UNKNOWN = "11111111-2222-3333-4444-555555555555"


def call(kms: Any, operation: str, key: str) -> dict[str, Any]:
    """The operation on this key, everything else about it right."""
    members = {KEY_MEMBER.get(operation, "KeyId"): key, **OTHER_MEMBERS[operation]}
    answer: dict[str, Any] = kms._make_api_call(operation, members)
    return answer


def test_table_is_complete() -> None:
    """Every KMS operation that is served is in one of the tables above."""
    names = {e.operation.name for e in implemented() if e.operation.service.name == "kms"}
    assert names == set(OTHER_MEMBERS) | WITHOUT_KEY


@pytest.fixture(scope="module")
def pending(server: Server) -> str:
    """A key that waits to be deleted."""
    kms = server.client("kms")
    arn = str(kms.create_key()["KeyMetadata"]["Arn"])
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    return arn


@pytest.fixture(scope="module")
def foreign(server: Server) -> Any:
    """The root user of another account."""
    made = json.loads(server.keystead("account", "create", "--json").stdout)
    return server.client("kms", Credentials(made["AccessKeyId"], made["SecretAccessKey"]))


@pytest.mark.parametrize("operation", [o for o in SERVED if o not in ASKS_FIRST])
def test_names_of_nothing(server: Server, operation: str) -> None:
    """Unknown, malformed and elsewhere: AWS's sentence for each."""
    kms = server.client("kms")
    account = server.client("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:kms:{REGION}:{account}:key/{UNKNOWN}"

    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        call(kms, operation, UNKNOWN)
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        call(kms, operation, arn)
    with refused("NotFoundException", "Invalid arn us-west-2"):
        call(kms, operation, arn.replace(REGION, "us-west-2"))
    if operation != "CreateAlias":
        with refused("NotFoundException", "Invalid keyId 'not-a-key'"):
            call(kms, operation, "not-a-key")


@pytest.mark.parametrize("operation", [o for o in SERVED if o not in ASKS_FIRST])
def test_foreign_keys(server: Server, foreign: Any, operation: str) -> None:
    """A stranger is refused alike for a key that exists and for one that does not."""
    real = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    for arn in (real, real[: -len(UNKNOWN)] + UNKNOWN):
        if operation == "ListAliases":  # asks for the caller's own aliases, not about the key
            with refused("NotFoundException", f"Key '{arn}' does not exist"):
                call(foreign, operation, arn)
        else:
            with refused("AccessDeniedException", "on this resource because the resource does not"):
                call(foreign, operation, arn)


@pytest.mark.parametrize("operation", DEPENDS_ON_STATE)
def test_pending_deletion(server: Server, pending: str, operation: str) -> None:
    """A key that waits for its deletion does nothing but wait, and can be called back."""
    kms = server.client("kms")
    if operation == "CancelKeyDeletion":
        call(kms, operation, pending)
        with refused("KMSInvalidStateException", "is not pending deletion"):
            call(kms, operation, pending)
        kms.schedule_key_deletion(KeyId=pending, PendingWindowInDays=7)
        return
    with refused("KMSInvalidStateException", f"{pending} is pending deletion."):
        call(kms, operation, pending)


@pytest.mark.parametrize("operation", sorted(READS_ANY_STATE))
def test_reads_in_any_state(server: Server, pending: str, operation: str) -> None:
    """What only reads works on a key that waits for its deletion."""
    assert call(server.client("kms"), operation, pending)["ResponseMetadata"]


@pytest.mark.parametrize(
    "operation",
    ["Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "EnableKeyRotation",
     "DisableKeyRotation", "RotateKeyOnDemand"],
)  # fmt: skip
def test_disabled(server: Server, operation: str) -> None:
    """A disabled key is refused by name; enabled again, it works."""
    kms = server.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=arn)
    with refused("DisabledException", f"{arn} is disabled."):
        call(kms, operation, arn)
    kms.enable_key(KeyId=arn)
    assert call(kms, operation, arn)["ResponseMetadata"]
