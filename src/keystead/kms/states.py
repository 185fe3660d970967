"""May a key in this state do this?  The whole table of operations and key states.

The rows are AWS's published table, one refusal per cell; a cell without a refusal allows. What
depends on the key's spec or origin rather than on its state is asked afterwards, in `usage`: the
state comes first (kms.md 7, 8.5).
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from keystead.errors import AwsError
from keystead.wire.models import kms as api


class KeyState(StrEnum):
    """The states of a key; the values are AWS's."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"
    PENDING_REPLICA_DELETION = "PendingReplicaDeletion"
    PENDING_IMPORT = "PendingImport"
    UNAVAILABLE = "Unavailable"
    CREATING = "Creating"
    UPDATING = "Updating"

    __hash__ = str.__hash__  # Enum's own costs a call of Python for each look into a table


class Stateful(Protocol):
    """What the table looks at."""

    @property
    def arn_text(self) -> str: ...

    @property
    def state(self) -> KeyState: ...

    @property
    def origin(self) -> str: ...


Cell = Callable[[Stateful], AwsError]


def _disabled(key: Stateful) -> AwsError:
    return api.DisabledException(f"{key.arn_text} is disabled.")


def _pending_deletion(key: Stateful) -> AwsError:
    kind = "replica deletion" if key.state is KeyState.PENDING_REPLICA_DELETION else "deletion"
    return api.KMSInvalidStateException(f"{key.arn_text} is pending {kind}.")


def _not_pending_deletion(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is not pending deletion.")


def _pending_import(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is pending import.")


def _unavailable(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is unavailable.")


def _creating(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is creating.")


def _updating(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is updating.")


def wrong_origin(key: Stateful) -> AwsError:
    """The refusal of an operation that keys of this origin never allow."""
    return api.UnsupportedOperationException(
        f"{key.arn_text} origin is {key.origin} which is not valid for this operation."
    )


_COLUMNS = (
    (KeyState.ENABLED,),
    (KeyState.DISABLED,),
    (KeyState.PENDING_DELETION, KeyState.PENDING_REPLICA_DELETION),
    (KeyState.PENDING_IMPORT,),
    (KeyState.UNAVAILABLE,),
    (KeyState.CREATING,),
    (KeyState.UPDATING,),
)

ok = None
dis, pdel, nopd, imp = _disabled, _pending_deletion, _not_pending_deletion, _pending_import
una, cre, upd, org = _unavailable, _creating, _updating, wrong_origin

# fmt: off
_ROWS: tuple[tuple[str, tuple[Cell | None, ...]], ...] = (
    #                                  Enabled Disabled PendDel PendImp Unavail Creating Updating
    ("CancelKeyDeletion",                 (nopd, nopd,    ok,    nopd,   nopd,   nopd,    nopd)),
    ("CreateAlias",                       (ok,   ok,      pdel,  ok,     ok,     ok,      ok)),
    ("CreateGrant",                       (ok,   dis,     pdel,  imp,    ok,     cre,     ok)),
    ("Decrypt Encrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext",
                                          (ok,   dis,     pdel,  imp,    una,    cre,     ok)),
    ("GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext",
                                          (ok,   dis,     pdel,  imp,    org,    cre,     ok)),
    ("Sign Verify GenerateMac VerifyMac DeriveSharedSecret Encapsulate Decapsulate",
                                          (ok,   dis,     pdel,  imp,    una,    cre,     ok)),
    ("GetPublicKey",                      (ok,   ok,      pdel,  ok,     una,    cre,     ok)),
    ("DescribeKey GetKeyPolicy PutKeyPolicy ListKeyPolicies ListResourceTags GetKeyLastUsage",
                                          (ok,   ok,      ok,    ok,     ok,     ok,      ok)),
    ("DeleteAlias ListAliases ListGrants RetireGrant RevokeGrant",
                                          (ok,   ok,      ok,    ok,     ok,     ok,      ok)),
    ("DeleteImportedKeyMaterial",         (ok,   ok,      ok,    ok,     org,    cre,     upd)),
    ("DisableKey EnableKey",              (ok,   ok,      pdel,  imp,    ok,     cre,     upd)),
    ("EnableKeyRotation DisableKeyRotation",
                                          (ok,   dis,     pdel,  org,    org,    cre,     ok)),
    ("GetKeyRotationStatus",              (ok,   ok,      ok,    org,    org,    ok,      ok)),
    ("ListKeyRotations",                  (ok,   ok,      ok,    ok,     org,    ok,      ok)),
    ("RotateKeyOnDemand",                 (ok,   dis,     pdel,  imp,    org,    cre,     ok)),
    ("GetParametersForImport",            (ok,   ok,      pdel,  ok,     org,    cre,     ok)),
    ("ImportKeyMaterial",                 (ok,   ok,      org,   ok,     org,    cre,     ok)),
    ("ReplicateKey",                      (ok,   dis,     pdel,  imp,    una,    cre,     upd)),
    ("ScheduleKeyDeletion",               (ok,   ok,      pdel,  ok,     ok,     ok,      upd)),
    ("TagResource UntagResource UpdateKeyDescription",
                                          (ok,   ok,      pdel,  ok,     ok,     ok,      ok)),
    # The key that the alias leaves may be pending deletion; the row is about the new one.
    ("UpdateAlias",                       (ok,   ok,      pdel,  ok,     ok,     ok,      ok)),
    ("UpdatePrimaryRegion",               (ok,   dis,     pdel,  imp,    una,    cre,     ok)),
)
# fmt: on

TABLE: Mapping[tuple[str, KeyState], Cell | None] = {
    (operation, state): refusal
    for operations, cells in _ROWS
    for operation in operations.split()
    for states, refusal in zip(_COLUMNS, cells, strict=True)
    for state in states
}
"""The cell of each operation and state: a refusal, or None when the state allows it."""


def require(operation: str, key: Stateful) -> None:
    """Refuse unless a key in this state may do this; an operation without a row never may."""
    refusal = TABLE[operation, key.state]
    if refusal is not None:
        raise refusal(key)
