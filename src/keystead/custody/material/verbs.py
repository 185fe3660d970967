"""What may an action do with key material?  One verb, or nothing."""

from collections.abc import Mapping
from enum import Enum, auto


class Verb(Enum):
    """What custody does with the material of a key."""

    CREATE = auto()
    ROTATE = auto()
    ENCRYPT = auto()
    DECRYPT = auto()
    DESTROY = auto()


VERBS: Mapping[str, Verb] = {
    "kms:CreateKey": Verb.CREATE,
    "kms:Decrypt": Verb.DECRYPT,
    "kms:DeleteKey": Verb.DESTROY,  # the deletion that was scheduled; no operation asks about it
    "kms:Encrypt": Verb.ENCRYPT,
    "kms:GenerateDataKey": Verb.ENCRYPT,
    "kms:GenerateDataKeyPair": Verb.ENCRYPT,
    "kms:GenerateDataKeyPairWithoutPlaintext": Verb.ENCRYPT,
    "kms:GenerateDataKeyWithoutPlaintext": Verb.ENCRYPT,
    "kms:ReEncryptFrom": Verb.DECRYPT,
    "kms:ReEncryptTo": Verb.ENCRYPT,
    "kms:RotateKey": Verb.ROTATE,  # the rotation that was due; no operation asks about it
    "kms:RotateKeyOnDemand": Verb.ROTATE,
}
"""By action, in AWS's own spelling. A permit for an action that is not here opens nothing."""
