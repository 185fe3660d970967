"""How each operation comes to each error that AWS's model lists for it, or why it never does.

There is a row for every operation and every modelled error; `test_errors` names the one that has
none. A row is a request that is refused so, the test that shows it elsewhere, or the reason why
the error cannot arise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.conftest import OTHER_REGION
from tests.operations.requests import GOOD, Members
from tests.operations.subjects import Subject, Subjects, number

UNKNOWN = "11111111-2222-3333-4444-555555555555"
STORE = "cks-1234567890abcdef0"


@dataclass(frozen=True, slots=True)
class Refused:
    """The good request about a key in a state, with other members, or about one of another kind."""

    change: Callable[[Subject], Members]
    kind: str = ""  # of the key that it names instead
    state: str = "Enabled"


@dataclass(frozen=True, slots=True)
class Made:
    """A request that needs more than one key, or many calls before it: all of its members."""

    members: Callable[[Subjects], Members]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another test shows it: a file below `tests`, and the function."""

    test: str


@dataclass(frozen=True, slots=True)
class Never:
    """Why it cannot arise."""

    reason: str


Row = Refused | Made | Elsewhere | Never


def _change(**members: Any) -> Refused:
    return Refused(lambda _: members)


def _of(kind: str, **members: Any) -> Refused:
    """The same request about a key of another kind."""
    return Refused(lambda _: members, kind)


def _in(state: str) -> Refused:
    return Refused(lambda _: {}, state=state)


OF_STORES = Never("only of keys in a custom key store")

STORES = Never("only with custom key stores, of which an account has none")

EVERY_STATE = Never("the operation is allowed in every state (kms.md 7)")

FOR_ALL: Mapping[str, Row] = {
    "DependencyTimeoutException": Never(
        "there is no dependency: a store that fails is 503, and work that waits is throttled"
    ),
    "DisabledException": _in("Disabled"),
    "DryRunOperationException": _change(DryRun=True),
    "InvalidArnException": _change(KeyId="arn:x"),
    "InvalidGrantIdException": _change(GrantId="x"),
    "InvalidGrantTokenException": _change(GrantTokens=["x"]),
    "InvalidMarkerException": _change(Marker="x"),
    "KMSInternalException": Elsewhere("operations/test_internal.py::test_our_bug"),
    "KMSInvalidStateException": _in("PendingDeletion"),
    "KeyUnavailableException": OF_STORES,
    "MalformedPolicyDocumentException": _change(Policy="{}"),
    "NotFoundException": _change(KeyId=UNKNOWN),
    "TagException": _change(Tags=[{"TagKey": "aws:x", "TagValue": ""}]),
}
"""The rows of errors that operations have alike; a row of its own goes before."""


def _with_fifty_aliases(subjects: Subjects) -> str:
    key = str(subjects.here.create_key()["KeyMetadata"]["KeyId"])
    for _ in range(50):
        subjects.here.create_alias(AliasName=f"alias/full-{number()}", TargetKeyId=key)
    return key


def _one_more_alias(subjects: Subjects) -> Members:
    return {"AliasName": "alias/too-many", "TargetKeyId": _with_fifty_aliases(subjects)}


def _a_moved_alias(subjects: Subjects) -> Members:
    alias = subjects.get("cipher")["to move"]
    return {"AliasName": alias, "TargetKeyId": _with_fifty_aliases(subjects)}


def _rotated_often(subjects: Subjects) -> Members:
    key = str(subjects.here.create_key()["KeyMetadata"]["KeyId"])
    for _ in range(25):
        subjects.here.rotate_key_on_demand(KeyId=key)
    return {"KeyId": key}


def _with_replica(subjects: Subjects) -> Members:
    return {"KeyId": subjects.get("related").arn, "ReplicaRegion": OTHER_REGION}


def _of_another_key(member: str) -> Made:
    """A ciphertext of one key, and the name of another."""

    def given(subjects: Subjects) -> Members:
        subject, other = subjects.get("cipher"), subjects.get("related")
        sent = {"CiphertextBlob": subject["ciphertext"], member: other.arn}
        return sent if member == "KeyId" else {**sent, "DestinationKeyId": subject.arn}

    return Made(given)


_RSA = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256", "CiphertextBlob": b"x" * 256}
_POLICY_TOO_LONG = _change(Policy=" " * 32_769)
_NO_IMPORTS = _of("cipher")
_NO_ALIAS = _change(AliasName="alias/there-is-none")

OWN: Mapping[tuple[str, str], Row] = {
    ("CancelKeyDeletion", "KMSInvalidStateException"): _in("Enabled"),
    ("CreateAlias", "AlreadyExistsException"): Refused(
        lambda subject: {"AliasName": subject["to delete"]}
    ),
    ("CreateAlias", "InvalidAliasNameException"): _change(AliasName="alias/"),
    ("CreateAlias", "LimitExceededException"): Made(_one_more_alias),
    ("CreateAlias", "NotFoundException"): _change(TargetKeyId=UNKNOWN),
    ("CreateGrant", "LimitExceededException"): Elsewhere(
        "kms/test_grant_ends.py::test_a_key_has_so_many_grants"
    ),
    ("CreateKey", "CloudHsmClusterInvalidConfigurationException"): STORES,
    ("CreateKey", "CustomKeyStoreInvalidStateException"): STORES,
    ("CreateKey", "CustomKeyStoreNotFoundException"): _change(
        Origin="AWS_CLOUDHSM", CustomKeyStoreId=STORE
    ),
    ("CreateKey", "InvalidArnException"): Never(
        "an ARN in a policy that names nobody makes the policy malformed"
    ),
    ("CreateKey", "LimitExceededException"): _POLICY_TOO_LONG,
    ("CreateKey", "UnsupportedOperationException"): _change(
        KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE", Origin="EXTERNAL"
    ),
    ("CreateKey", "XksKeyAlreadyInUseException"): STORES,
    ("CreateKey", "XksKeyInvalidConfigurationException"): STORES,
    ("CreateKey", "XksKeyNotFoundException"): STORES,
    ("Decapsulate", "InvalidCiphertextException"): _change(SharedSecretCiphertextBlob=b"x"),
    ("Decapsulate", "InvalidKeyUsageException"): _of("cipher"),
    ("Decrypt", "IncorrectKeyException"): _of_another_key("KeyId"),
    ("Decrypt", "InvalidCiphertextException"): _change(EncryptionContext={"a": "b"}),
    ("Decrypt", "InvalidKeyUsageException"): Made(
        lambda subjects: {"KeyId": subjects.get("signature").arn, **_RSA}
    ),
    ("DeleteAlias", "KMSInvalidStateException"): EVERY_STATE,
    ("DeleteAlias", "NotFoundException"): _NO_ALIAS,
    ("DeleteImportedKeyMaterial", "KMSInvalidStateException"): Never(
        "only while a key is being replicated, which takes no time here"
    ),
    ("DeleteImportedKeyMaterial", "UnsupportedOperationException"): _NO_IMPORTS,
    ("DeriveSharedSecret", "InvalidKeyUsageException"): _of("signature"),
    ("DisableKeyRotation", "UnsupportedOperationException"): _of("mac"),
    ("EnableKey", "LimitExceededException"): Never("a disabled key counts as any other"),
    ("EnableKeyRotation", "UnsupportedOperationException"): _of("mac"),
    ("Encapsulate", "InvalidKeyUsageException"): _of("cipher"),
    ("Encrypt", "InvalidKeyUsageException"): _of("mac"),
    ("GenerateDataKey", "InvalidKeyUsageException"): _of("mac"),
    ("GenerateDataKeyPair", "InvalidKeyUsageException"): _of("mac"),
    ("GenerateDataKeyPair", "UnsupportedOperationException"): OF_STORES,
    ("GenerateDataKeyPairWithoutPlaintext", "InvalidKeyUsageException"): _of("mac"),
    ("GenerateDataKeyPairWithoutPlaintext", "UnsupportedOperationException"): OF_STORES,
    ("GenerateDataKeyWithoutPlaintext", "InvalidKeyUsageException"): _of("mac"),
    ("GenerateMac", "InvalidKeyUsageException"): _of("cipher"),
    ("GenerateRandom", "CustomKeyStoreInvalidStateException"): STORES,
    ("GenerateRandom", "CustomKeyStoreNotFoundException"): _change(CustomKeyStoreId=STORE),
    ("GenerateRandom", "UnsupportedOperationException"): STORES,
    ("GetKeyPolicy", "KMSInvalidStateException"): EVERY_STATE,
    ("GetKeyRotationStatus", "KMSInvalidStateException"): EVERY_STATE,
    ("GetKeyRotationStatus", "UnsupportedOperationException"): _in("PendingImport"),
    ("GetParametersForImport", "UnsupportedOperationException"): _NO_IMPORTS,
    ("GetPublicKey", "DisabledException"): EVERY_STATE,
    ("GetPublicKey", "InvalidKeyUsageException"): Never(
        "every asymmetric key shows its public key, whatever its usage"
    ),
    ("GetPublicKey", "UnsupportedOperationException"): _of("cipher"),
    ("ImportKeyMaterial", "ExpiredImportTokenException"): Elsewhere(
        "kms/test_import_tokens.py::test_a_day"
    ),
    ("ImportKeyMaterial", "IncorrectKeyMaterialException"): Elsewhere(
        "story/test_import_boto3.py::test_another_length"
    ),
    ("ImportKeyMaterial", "InvalidCiphertextException"): _change(EncryptedKeyMaterial=b"x" * 256),
    ("ImportKeyMaterial", "InvalidImportTokenException"): _change(ImportToken=b"x"),
    ("ImportKeyMaterial", "UnsupportedOperationException"): _NO_IMPORTS,
    ("ListGrants", "KMSInvalidStateException"): EVERY_STATE,
    ("ListKeyPolicies", "KMSInvalidStateException"): EVERY_STATE,
    ("ListKeyRotations", "KMSInvalidStateException"): EVERY_STATE,
    ("ListKeyRotations", "UnsupportedOperationException"): _of("mac"),
    ("ListRetirableGrants", "InvalidArnException"): _change(RetiringPrincipal="arn:x"),
    ("ListRetirableGrants", "NotFoundException"): Never(
        "a principal who does not exist is an invalid ARN, as in CreateGrant"
    ),
    ("PutKeyPolicy", "KMSInvalidStateException"): EVERY_STATE,
    ("PutKeyPolicy", "LimitExceededException"): _POLICY_TOO_LONG,
    ("PutKeyPolicy", "UnsupportedOperationException"): Never(
        "every parameter of the model is supported, and every key that a caller sees has a policy"
    ),
    ("ReEncrypt", "IncorrectKeyException"): _of_another_key("SourceKeyId"),
    ("ReEncrypt", "InvalidCiphertextException"): _change(SourceEncryptionContext={"a": "b"}),
    ("ReEncrypt", "InvalidKeyUsageException"): _of("mac"),
    ("ReEncrypt", "NotFoundException"): _change(DestinationKeyId=UNKNOWN),
    ("ReplicateKey", "AlreadyExistsException"): Made(_with_replica),
    ("ReplicateKey", "LimitExceededException"): _POLICY_TOO_LONG,
    ("ReplicateKey", "UnsupportedOperationException"): _change(ReplicaRegion="eu-north-1"),
    ("RetireGrant", "InvalidGrantTokenException"): Made(lambda _: {"GrantToken": "x"}),
    ("RetireGrant", "KMSInvalidStateException"): EVERY_STATE,
    ("RevokeGrant", "KMSInvalidStateException"): EVERY_STATE,
    ("RotateKeyOnDemand", "ConflictException"): Elsewhere(
        "kms/test_rotation.py::test_on_demand_beside_automatic"
    ),
    ("RotateKeyOnDemand", "LimitExceededException"): Made(_rotated_often),
    ("RotateKeyOnDemand", "UnsupportedOperationException"): _of("mac"),
    ("Sign", "InvalidKeyUsageException"): _of("agreement"),
    ("TagResource", "LimitExceededException"): Never(
        "AWS answers too many tags with TagException (kms.md 9)"
    ),
    ("UntagResource", "TagException"): _change(TagKeys=["aws:x"]),
    ("UpdateAlias", "LimitExceededException"): Made(_a_moved_alias),
    ("UpdateAlias", "NotFoundException"): _NO_ALIAS,
    ("UpdatePrimaryRegion", "UnsupportedOperationException"): _of("cipher"),
    ("Verify", "InvalidKeyUsageException"): _of("agreement"),
    ("Verify", "KMSInvalidSignatureException"): _change(Message=b"another message"),
    ("VerifyMac", "InvalidKeyUsageException"): _of("cipher"),
    ("VerifyMac", "KMSInvalidMacException"): _change(Message=b"another message"),
}
"""The rows of one operation each."""


def row(operation: str, error: str) -> Row | None:
    """The row of an operation and an error; None when there is none."""
    return OWN.get((operation, error)) or FOR_ALL.get(error)


def members(subjects: Subjects, operation: str, wanted: Refused) -> Members:
    """The members of a request that is refused."""
    good = GOOD[operation]
    own = subjects.get(good.kind or "cipher", wanted.state)
    given = good.members(own)
    if wanted.kind:
        given[good.key] = subjects.get(wanted.kind).arn
    return {**given, **wanted.change(own)}
