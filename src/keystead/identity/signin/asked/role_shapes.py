"""What are the operations of roles asked, and what do they answer?  (sign-in.md 4.8, 4.9)"""

import msgspec

from keystead.identity.signin.asked.shapes import SERVICE, Nothing, StepAnswer, StepRequest
from keystead.wire.operation import Operation


class _OfRole(msgspec.Struct, frozen=True, kw_only=True):
    """A request about a role in which somebody acts."""

    url: str = ""  # of the pages, for the record


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


class SwitchRoleRequest(_OfRole, frozen=True, kw_only=True):
    """A role, as somebody typed it."""

    account: str  # id or alias
    role: str  # with its path
    name: str = ""  # as the person wants to see it
    color: str = ""


class ActorRequest(_OfRole, frozen=True, kw_only=True):
    """A role in which the person acts."""

    actor: str


class SwitchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The person acts in a role; the session has another cookie."""

    cookie: str
    actor: str

    def __repr__(self) -> str:
        return f"SwitchAnswer(actor={self.actor!r}, …)"


class ListSwitchedRolesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which roles did the person use?  `search` is a part of an ARN or a name."""

    search: str = ""


class SwitchedRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role to which the person switched before."""

    account: str
    role: str  # with its path
    name: str
    color: str
    used: int
    actor: str  # the id that it has


class SwitchedRoles(msgspec.Struct, frozen=True, kw_only=True):
    """The last one first."""

    roles: tuple[SwitchedRole, ...]


DESCRIBE_ROLES: Operation[DescribeRolesRequest, RolesAnswer] = Operation(
    SERVICE, "DescribeRoles", DescribeRolesRequest, RolesAnswer, signed=False, read_only=True
)
CHOOSE_ROLE: Operation[ChooseRoleRequest, StepAnswer] = Operation(
    SERVICE, "ChooseRole", ChooseRoleRequest, StepAnswer, signed=False
)
SWITCH_ROLE: Operation[SwitchRoleRequest, SwitchAnswer] = Operation(
    SERVICE, "SwitchRole", SwitchRoleRequest, SwitchAnswer
)
RENEW_ROLE: Operation[ActorRequest, Nothing] = Operation(
    SERVICE, "RenewRole", ActorRequest, Nothing
)
EXIT_ROLE: Operation[ActorRequest, Nothing] = Operation(SERVICE, "ExitRole", ActorRequest, Nothing)
LIST_SWITCHED_ROLES: Operation[ListSwitchedRolesRequest, SwitchedRoles] = Operation(
    SERVICE, "ListSwitchedRoles", ListSwitchedRolesRequest, SwitchedRoles, read_only=True
)
