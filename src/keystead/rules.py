"""Which facts does an operation need that AWS's model does not have?  Those of every service.

Each operation has one row, in the one table of its service: `kms/rules.py`, `identity/rules/`. A
service whose operations need more facts adds fields. A call finds its row by the name of its
operation. An operation without a row is never performed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from keystead.wire.operation import Operation

_ITS_OWN = ("",)


@dataclass(frozen=True, slots=True)
class Rules:
    """The row of one operation."""

    operation: Operation[Any, Any]

    asks: tuple[str, ...] = _ITS_OWN
    """The actions that it asks about. The default is the action of its own name.

    An operation with none answers every authenticated caller without asking (iam.md 2.4).
    """

    across_accounts: bool = False
    """Does it work on another account's resource, when both accounts allow it?"""

    answer_recorded: bool = True
    """Does its record show the answer, if the operation changes something?  (kms.md 22.2)"""

    def __post_init__(self) -> None:
        if self.asks is _ITS_OWN:
            own = f"{self.operation.service.name}:{self.operation.name}"
            object.__setattr__(self, "asks", (own,))


R = TypeVar("R", bound=Rules)


def table(*rows: R) -> Mapping[str, R]:
    """The rows of a service, by the names of the operations; each has one."""
    by_name = {row.operation.name: row for row in rows}
    if len(by_name) != len(rows):
        raise RuntimeError("an operation has two rows")
    return by_name
