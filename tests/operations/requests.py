"""A good request for every KMS operation but those about custom key stores.

An operation that joins has its row here: which kind of key it is about, and what else it needs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.conftest import OTHER_REGION, policy
from tests.operations.subjects import KEM, MAC, SIGNED, Subject, number, peer

Members = dict[str, Any]


class Good(NamedTuple):
    """Which kind of key a request is about, and its members."""

    kind: str  # empty: of no key
    members: Callable[[Subject], Members]
    changes: bool = False  # is the key, or what was made with it, another afterwards?
    key: str = "KeyId"  # the member that names the key


def _with(**more: Any) -> Callable[[Subject], Members]:
    """The key, and these members."""
    return lambda subject: {"KeyId": subject.arn, **more}


def _made(member: str, name: str, **more: Any) -> Callable[[Subject], Members]:
    """The key, these members, and one that was made with the key."""
    return lambda subject: {"KeyId": subject.arn, member: subject[name], **more}


def _without(**members: Any) -> Callable[[Subject], Members]:
    return lambda _: dict(members)


def _account(subject: Subject) -> str:
    return f"arn:aws:iam::{subject.arn.split(':')[4]}:root"


def _key_policy(subject: Subject) -> str:
    return policy(
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Principal": {"AWS": _account(subject)},
        }
    )


_WRAPPING = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
_PAIR = {"KeyPairSpec": "ECC_NIST_P256"}
_TAG = {"TagKey": "team", "TagValue": "orders"}

GOOD: Mapping[str, Good] = {
    "CancelKeyDeletion": Good("cipher", _with(), True),
    "CreateAlias": Good(
        "cipher",
        lambda subject: {"AliasName": f"alias/new-{number()}", "TargetKeyId": subject.arn},
        key="TargetKeyId",
    ),
    "CreateGrant": Good(
        "cipher",
        lambda subject: {
            "KeyId": subject.arn,
            "GranteePrincipal": _account(subject),
            "Operations": ["Encrypt"],
        },
    ),
    "CreateKey": Good("", _without()),
    "Decapsulate": Good(
        "encapsulation", _made("SharedSecretCiphertextBlob", "encapsulated", **KEM)
    ),
    "Decrypt": Good("cipher", _made("CiphertextBlob", "ciphertext")),
    "DeleteAlias": Good("cipher", lambda subject: {"AliasName": subject["to delete"]}, True, ""),
    "DeleteImportedKeyMaterial": Good("external", _with(), True),
    "DeriveSharedSecret": Good("agreement", _with(KeyAgreementAlgorithm="ECDH", PublicKey=peer())),
    "DescribeKey": Good("cipher", _with()),
    "DisableKey": Good("cipher", _with(), True),
    "DisableKeyRotation": Good("cipher", _with()),
    "EnableKey": Good("cipher", _with(), True),
    "EnableKeyRotation": Good("cipher", _with(RotationPeriodInDays=90)),
    "Encapsulate": Good("encapsulation", _with(**KEM)),
    "Encrypt": Good("cipher", _with(Plaintext=b"x")),
    "GenerateDataKey": Good("cipher", _with(KeySpec="AES_256")),
    "GenerateDataKeyPair": Good("cipher", _with(**_PAIR)),
    "GenerateDataKeyPairWithoutPlaintext": Good("cipher", _with(**_PAIR)),
    "GenerateDataKeyWithoutPlaintext": Good("cipher", _with(KeySpec="AES_256")),
    "GenerateMac": Good("mac", _with(**MAC)),
    "GenerateRandom": Good("", _without(NumberOfBytes=8)),
    "GetKeyLastUsage": Good("cipher", _with()),
    "GetKeyPolicy": Good("cipher", _with()),
    "GetKeyRotationStatus": Good("cipher", _with()),
    "GetParametersForImport": Good("external", _with(**_WRAPPING)),
    "GetPublicKey": Good("signature", _with()),
    "ImportKeyMaterial": Good("external", lambda subject: {**subject["import"]}, True),
    "ListAliases": Good("cipher", _with()),
    "ListGrants": Good("cipher", _with()),
    "ListKeyPolicies": Good("cipher", _with()),
    "ListKeyRotations": Good("cipher", _with()),
    "ListKeys": Good("", _without()),
    "ListResourceTags": Good("cipher", _with()),
    "ListRetirableGrants": Good(
        "cipher", lambda subject: {"RetiringPrincipal": _account(subject)}, key=""
    ),
    "PutKeyPolicy": Good(
        "cipher", lambda subject: {"KeyId": subject.arn, "Policy": _key_policy(subject)}
    ),
    "ReEncrypt": Good(
        "cipher",
        lambda subject: {
            "DestinationKeyId": subject.arn,
            "CiphertextBlob": subject["ciphertext"],
        },
        key="DestinationKeyId",
    ),
    "ReplicateKey": Good("primary", _with(ReplicaRegion=OTHER_REGION), True),
    "RetireGrant": Good("cipher", _made("GrantId", "to retire"), True),
    "RevokeGrant": Good("cipher", _made("GrantId", "to revoke"), True),
    "RotateKeyOnDemand": Good("cipher", _with(), True),
    "ScheduleKeyDeletion": Good("cipher", _with(PendingWindowInDays=7), True),
    "Sign": Good("signature", _with(**SIGNED)),
    "TagResource": Good("cipher", _with(Tags=[_TAG])),
    "UntagResource": Good("cipher", _with(TagKeys=["team"])),
    "UpdateAlias": Good(
        "cipher",
        lambda subject: {"AliasName": subject["to move"], "TargetKeyId": subject.arn},
        True,
        "TargetKeyId",
    ),
    "UpdateKeyDescription": Good("cipher", _with(Description="orders")),
    "UpdatePrimaryRegion": Good("related", _with(PrimaryRegion=OTHER_REGION), True),
    "Verify": Good("signature", _made("Signature", "signature", **SIGNED)),
    "VerifyMac": Good("mac", _made("Mac", "mac", **MAC)),
}
"""By the operation's name."""
