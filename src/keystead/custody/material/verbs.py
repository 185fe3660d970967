"""What may an action do with key material?  One verb, or nothing."""

from collections.abc import Mapping

from keystead.custody.backends import Verb

__all__ = ("VERBS", "Verb")

VERBS: Mapping[str, Verb] = {
    "kms:CreateKey": Verb.CREATE,
    "kms:Decapsulate": Verb.DECAPSULATE,
    "kms:Decrypt": Verb.DECRYPT,
    # The expiry that was told at the import; no operation asks about it:
    "kms:DeleteExpiredKeyMaterial": Verb.DELETE_IMPORTED,
    "kms:DeleteImportedKeyMaterial": Verb.DELETE_IMPORTED,
    "kms:DeleteKey": Verb.DESTROY,  # the deletion that was scheduled; no operation asks about it
    "kms:DeriveSharedSecret": Verb.AGREE,
    "kms:Encapsulate": Verb.ENCAPSULATE,
    "kms:Encrypt": Verb.ENCRYPT,
    "kms:GenerateDataKey": Verb.ENCRYPT,
    "kms:GenerateDataKeyPair": Verb.ENCRYPT,
    "kms:GenerateDataKeyPairWithoutPlaintext": Verb.ENCRYPT,
    "kms:GenerateDataKeyWithoutPlaintext": Verb.ENCRYPT,
    "kms:GenerateMac": Verb.MAC,
    "kms:GetParametersForImport": Verb.WRAP,
    "kms:GetPublicKey": Verb.PUBLIC_KEY,
    "kms:ImportKeyMaterial": Verb.IMPORT,
    "kms:ReEncryptFrom": Verb.DECRYPT,
    "kms:ReEncryptTo": Verb.ENCRYPT,
    "kms:RotateKey": Verb.ROTATE,  # the rotation that was due; no operation asks about it
    "kms:RotateKeyOnDemand": Verb.ROTATE,
    "kms:Sign": Verb.SIGN,
    "kms:Verify": Verb.VERIFY,
    "kms:VerifyMac": Verb.VERIFY_MAC,
}
"""By action, in AWS's own spelling. A permit for an action that is not here opens nothing."""
