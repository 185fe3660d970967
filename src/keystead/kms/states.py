"""May a key in this state do this?  The states, and the refusals of AWS's published table.

Each operation has its line of that table in its row (`rules`), with one cell for each state. A cell
is a refusal, or nothing, which allows. Rules about the key's spec or origin are checked afterwards,
in `usage`: the state comes first (kms.md 7, 8.5).
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
    """A key, as far as the table has to know it."""

    @property
    def arn_text(self) -> str: ...

    @property
    def state(self) -> KeyState: ...

    @property
    def origin(self) -> str: ...


Cell = Callable[[Stateful], AwsError] | None
"""The refusal of an operation in a state; None when the state allows it."""

Line = Mapping[KeyState, Cell]
"""An operation's line of the table."""

NO_KEY: Line = {}
"""The line of an operation that is about no key: nothing is allowed by it."""


def disabled(key: Stateful) -> AwsError:
    return api.DisabledException(f"{key.arn_text} is disabled.")


def pending_deletion(key: Stateful) -> AwsError:
    kind = "replica deletion" if key.state is KeyState.PENDING_REPLICA_DELETION else "deletion"
    return api.KMSInvalidStateException(f"{key.arn_text} is pending {kind}.")


def not_pending_deletion(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is not pending deletion.")


def pending_import(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is pending import.")


def unavailable(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is unavailable.")


def creating(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is creating.")


def updating(key: Stateful) -> AwsError:
    return api.KMSInvalidStateException(f"{key.arn_text} is updating.")


def wrong_origin(key: Stateful) -> AwsError:
    """The refusal of an operation that keys of this origin never allow."""
    return api.UnsupportedOperationException(
        f"{key.arn_text} origin is {key.origin} which is not valid for this operation."
    )


def no_import(key: Stateful) -> AwsError:
    """The refusal to import into a key that ends, or into one that could never be imported into."""
    return pending_deletion(key) if key.origin == "EXTERNAL" else wrong_origin(key)


_COLUMNS = (
    (KeyState.ENABLED,),
    (KeyState.DISABLED,),
    (KeyState.PENDING_DELETION, KeyState.PENDING_REPLICA_DELETION),
    (KeyState.PENDING_IMPORT,),
    (KeyState.UNAVAILABLE,),
    (KeyState.CREATING,),
    (KeyState.UPDATING,),
)


def line(*cells: Cell) -> Line:
    """A line of the table, from its cells in the order of the columns."""
    columns = zip(_COLUMNS, cells, strict=True)
    return {state: cell for states, cell in columns for state in states}


def require(cells: Line, key: Stateful) -> None:
    """Refuse unless these cells allow the operation for a key in this state."""
    refusal = cells[key.state]
    if refusal is not None:
        raise refusal(key)
