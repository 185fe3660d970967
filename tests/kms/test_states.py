"""May a key in this state do this?"""

from dataclasses import dataclass

import pytest

from keystead.errors import AwsError
from keystead.kms import states
from keystead.kms.rules import KMS
from keystead.kms.states import KeyState
from keystead.wire.models import kms as api

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass
class Key:
    state: KeyState
    arn_text: str = ARN
    origin: str = "AWS_KMS"


def require(operation: str, key: Key) -> None:
    states.require(KMS[operation].states, key)


@pytest.mark.parametrize(
    ("operation", "state", "code", "message"),
    [
        ("Encrypt", "Disabled", "DisabledException", f"{ARN} is disabled."),
        ("Encrypt", "PendingDeletion", "KMSInvalidStateException", f"{ARN} is pending deletion."),
        ("Decrypt", "PendingReplicaDeletion", "KMSInvalidStateException",
         f"{ARN} is pending replica deletion."),
        ("Encrypt", "PendingImport", "KMSInvalidStateException", f"{ARN} is pending import."),
        ("Encrypt", "Unavailable", "KMSInvalidStateException", f"{ARN} is unavailable."),
        ("Encrypt", "Creating", "KMSInvalidStateException", f"{ARN} is creating."),
        ("EnableKey", "Updating", "KMSInvalidStateException", f"{ARN} is updating."),
        ("CancelKeyDeletion", "Enabled", "KMSInvalidStateException",
         f"{ARN} is not pending deletion."),
        ("EnableKeyRotation", "Disabled", "DisabledException", f"{ARN} is disabled."),
        ("TagResource", "PendingDeletion", "KMSInvalidStateException",
         f"{ARN} is pending deletion."),
    ],
)  # fmt: skip
def test_refusals(operation: str, state: str, code: str, message: str) -> None:
    """A cell refuses with AWS's code and text."""
    with pytest.raises(AwsError) as caught:
        require(operation, Key(KeyState(state)))
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(
    ("operation", "state"),
    [
        ("Encrypt", "Enabled"),
        ("Encrypt", "Updating"),
        ("CancelKeyDeletion", "PendingDeletion"),
        ("DisableKey", "Disabled"),
        ("PutKeyPolicy", "PendingDeletion"),
        ("DeleteAlias", "PendingDeletion"),
        ("TagResource", "Disabled"),
        ("GetPublicKey", "Disabled"),
        ("GetKeyRotationStatus", "PendingDeletion"),
    ],
)
def test_allowed(operation: str, state: str) -> None:
    """A cell without a refusal allows."""
    require(operation, Key(KeyState(state)))


def test_rotation_of_imported_material_names_the_origin() -> None:
    """A key that waits for its material refuses automatic rotation because of its origin."""
    with pytest.raises(api.UnsupportedOperationException) as caught:
        require("EnableKeyRotation", Key(KeyState.PENDING_IMPORT, origin="EXTERNAL"))
    assert caught.value.message == (
        f"{ARN} origin is EXTERNAL which is not valid for this operation."
    )


def test_an_operation_without_a_line_is_never_allowed() -> None:
    """Forgetting the cells of an operation refuses."""
    with pytest.raises(KeyError):
        states.require(states.NO_KEY, Key(KeyState.ENABLED))
