"""Which actions of KMS have which condition key (kms.md 11): with others it never has a value."""

import pytest

from keystead.policy.findings.checks.actions import known
from keystead.policy.findings.examine import findings
from tests.policy.issue_examples import RESOURCE, condition, document

CRYPTOGRAPHY = """
Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair
GenerateDataKeyPairWithoutPlaintext ReEncryptFrom ReEncryptTo
"""
USES = f"""
{CRYPTOGRAPHY} Sign Verify GenerateMac VerifyMac DeriveSharedSecret Encapsulate Decapsulate
DescribeKey GetPublicKey
"""
KEYS = """
BypassPolicyLockoutSafetyCheck  CreateKey PutKeyPolicy
DataKeyPairSpec                 GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
ExpirationModel                 ImportKeyMaterial
ValidTo                         ImportKeyMaterial
GrantConstraintSourceArn        CreateGrant
GrantConstraintType             CreateGrant RetireGrant
GrantIsForAWSResource           CreateGrant ListGrants RevokeGrant
GrantOperations                 CreateGrant
GranteePrincipal                CreateGrant
GranteeServicePrincipal         CreateGrant
RetiringPrincipal               CreateGrant
RetiringServicePrincipal        CreateGrant
KeyAgreementAlgorithm           DeriveSharedSecret
MacAlgorithm                    GenerateMac VerifyMac
MessageType                     Sign Verify
SigningAlgorithm                Sign Verify
PolicyName                      GetKeyPolicy PutKeyPolicy
PrimaryRegion                   UpdatePrimaryRegion
ReplicaRegion                   ReplicateKey
ReEncryptOnSameKey              ReEncryptFrom ReEncryptTo
RecipientAttestation:PCR0       Decrypt DeriveSharedSecret GenerateDataKey GenerateDataKeyPair GenerateRandom
RotationPeriodInDays            EnableKeyRotation
ScheduleKeyDeletionPendingWindowInDays  ScheduleKeyDeletion
TrailingDaysWithoutKeyUsage     DisableKey ScheduleKeyDeletion
WrappingAlgorithm               GetParametersForImport
WrappingKeySpec                 GetParametersForImport
"""  # noqa: E501  # a table
ACTIONS = {
    **{f"kms:{line.split()[0]}": line.split()[1:] for line in KEYS.strip().splitlines()},
    "kms:EncryptionAlgorithm": CRYPTOGRAPHY.split(),
    "kms:EncryptionContext:team": [*CRYPTOGRAPHY.split(), "CreateGrant", "RetireGrant"],
    "kms:EncryptionContextKeys": [*CRYPTOGRAPHY.split(), "CreateGrant", "RetireGrant"],
    "kms:RequestAlias": USES.split(),
    "aws:RequestTag/team": ["CreateKey", "TagResource"],
    "aws:TagKeys": ["CreateKey", "TagResource", "UntagResource"],
}


@pytest.mark.parametrize("key", ACTIONS)
def test_the_actions_of_a_key(key: str) -> None:
    """Of all actions of KMS it is these that have it."""
    every = list(known()["kms"].values())
    elements = {"Action": [f"kms:{name}" for name in every]}
    text = document(RESOURCE, {**elements, **condition("ForAnyValue:StringLike", key, "x")})
    [told] = [
        one
        for one in findings(text, RESOURCE)
        if one.code == "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"
    ]
    lacking = told.details.removeprefix("The following actions: ").partition(" are not")[0]
    assert {f"kms:{name}" for name in every}.difference(lacking.split(", ")) == {
        f"kms:{name}" for name in ACTIONS[key]
    }


@pytest.mark.parametrize(
    "key", ["kms:CallerAccount", "kms:KeySpec", "kms:ViaService", "kms:MultiRegion"]
)
def test_every_action_may_have_these(key: str) -> None:
    elements = {"Action": ["kms:DisableKey", "kms:CreateKey", "kms:Encrypt"]}
    text = document(RESOURCE, {**elements, **condition("StringLike", key, "x")})
    assert "UNSUPPORTED_ACTION_FOR_CONDITION_KEY" not in {
        one.code for one in findings(text, RESOURCE)
    }
