"""What does each KMS operation need?  One row for each of AWS's 56, in the order of their names.

Which of them work across accounts is a fact that policies are evaluated by, wherever they are: it
stands with the other facts about actions, in `policy/evaluation/service_rules.py`.
"""

from dataclasses import dataclass, replace

from keystead.policy.evaluation import works_across_accounts
from keystead.policy.text import ascii_lower
from keystead.rules import Rules, table
from keystead.wire.models import kms as api


@dataclass(frozen=True, slots=True)
class KmsRules(Rules):
    """The row of one KMS operation."""

    answer_recorded: bool = False


_ROWS = (
    KmsRules(api.CancelKeyDeletion, answer_recorded=True),
    KmsRules(api.ConnectCustomKeyStore),
    KmsRules(api.CreateAlias),
    KmsRules(api.CreateCustomKeyStore),
    KmsRules(api.CreateGrant, answer_recorded=True),
    KmsRules(api.CreateKey, asks=("kms:CreateKey", "kms:TagResource"), answer_recorded=True),
    KmsRules(api.Decapsulate),
    KmsRules(api.Decrypt),
    KmsRules(api.DeleteAlias),
    KmsRules(api.DeleteCustomKeyStore),
    KmsRules(api.DeleteImportedKeyMaterial),
    KmsRules(api.DeriveSharedSecret),
    KmsRules(api.DescribeCustomKeyStores),
    KmsRules(api.DescribeKey),
    KmsRules(api.DisableKey),
    KmsRules(api.DisableKeyRotation),
    KmsRules(api.DisconnectCustomKeyStore),
    KmsRules(api.EnableKey),
    KmsRules(api.EnableKeyRotation),
    KmsRules(api.Encapsulate),
    KmsRules(api.Encrypt),
    KmsRules(api.GenerateDataKey),
    KmsRules(api.GenerateDataKeyPair),
    KmsRules(api.GenerateDataKeyPairWithoutPlaintext),
    KmsRules(api.GenerateDataKeyWithoutPlaintext),
    KmsRules(api.GenerateMac),
    KmsRules(api.GenerateRandom),
    KmsRules(api.GetKeyLastUsage),
    KmsRules(api.GetKeyPolicy),
    KmsRules(api.GetKeyRotationStatus),
    KmsRules(api.GetParametersForImport),
    KmsRules(api.GetPublicKey),
    KmsRules(api.ImportKeyMaterial),
    KmsRules(api.ListAliases),
    KmsRules(api.ListGrants),
    KmsRules(api.ListKeyPolicies),
    KmsRules(api.ListKeyRotations),
    KmsRules(api.ListKeys),
    KmsRules(api.ListResourceTags),
    KmsRules(api.ListRetirableGrants),
    KmsRules(api.PutKeyPolicy),
    KmsRules(api.ReEncrypt, asks=("kms:ReEncryptFrom", "kms:ReEncryptTo")),
    KmsRules(api.ReplicateKey, answer_recorded=True),
    KmsRules(api.RetireGrant),
    KmsRules(api.RevokeGrant),
    KmsRules(api.RotateKeyOnDemand),
    KmsRules(api.ScheduleKeyDeletion, answer_recorded=True),
    KmsRules(api.Sign),
    KmsRules(api.TagResource),
    KmsRules(api.UntagResource),
    KmsRules(api.UpdateAlias),
    KmsRules(api.UpdateCustomKeyStore),
    KmsRules(api.UpdateKeyDescription),
    KmsRules(api.UpdatePrimaryRegion),
    KmsRules(api.Verify),
    KmsRules(api.VerifyMac),
)


def _complete(row: KmsRules) -> KmsRules:
    """The row, with what policies know of its actions."""
    across = any(works_across_accounts(ascii_lower(action)) for action in row.asks)
    return replace(row, across_accounts=across)


KMS = table(*map(_complete, _ROWS))
