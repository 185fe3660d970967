"""What are the operations of the role chooser asked, and what do they answer?  (sign-in.md 4.8)"""

import msgspec

from keystead.identity.signin.shapes import SERVICE, StepAnswer, StepRequest
from keystead.wire.operation import Operation


class DescribeRolesRequest(StepRequest, frozen=True, kw_only=True):
    """Which roles may be chosen?  `search` is a part of an ARN, or of the alias of an account."""

    search: str = ""
    first: int = 0  # of the roles that are found


class ChooseRoleRequest(StepRequest, frozen=True, kw_only=True):
    """The role that somebody chose."""

    choice: int


class RoleShown(msgspec.Struct, frozen=True, kw_only=True):
    """A role that may be chosen, or not."""

    choice: int  # its number
    name: str  # with its path
    account: str
    alias: str
    description: str
    used: int | None  # when the person chose it last
    refused: str  # why it cannot be chosen; "": it can


class RolesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the roles, by account and name. Those that are refused come last."""

    name: str  # of the person
    provider: str
    roles: tuple[RoleShown, ...]
    last: RoleShown | None  # the one that the person chose last
    found: int
    first: int
    seconds: int  # that are left


DESCRIBE_ROLES: Operation[DescribeRolesRequest, RolesAnswer] = Operation(
    SERVICE, "DescribeRoles", DescribeRolesRequest, RolesAnswer, signed=False, read_only=True
)
CHOOSE_ROLE: Operation[ChooseRoleRequest, StepAnswer] = Operation(
    SERVICE, "ChooseRole", ChooseRoleRequest, StepAnswer, signed=False
)
