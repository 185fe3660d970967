"""Which facts does an operation need that AWS's model does not have?  Those of every service.

Each operation has one row, in the one table of its service: `kms/rules.py`, `identity/rules/`. A
service whose operations need more facts adds fields. A call finds its row by the name of its
operation. An operation without a row is never performed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple, TypeVar

from keystead.quotas import OF_SERVICE
from keystead.wire.operation import Operation

_ITS_OWN = ("",)


class CredentialKind(Enum):
    """The kinds of credentials that a request can have (iam.md 2.7)."""

    USER_KEY = auto()  # an access key of a user
    ROOT_KEY = auto()
    SESSION = auto()  # of GetSessionToken
    SESSION_WITH_MFA = auto()
    ROOT_SESSION = auto()  # of GetSessionToken, of root
    FEDERATION = auto()  # of GetFederationToken
    ROLE = auto()  # of AssumeRole
    ROOT_TASK = auto()  # of AssumeRoot
    SERVICE = auto()  # an access key of a service of the site
    CONSOLE = auto()  # the session of a user who signed in
    CONSOLE_ROOT = auto()
    CONSOLE_ROLE = auto()  # of a role, that somebody chose on a page
    LOGIN = auto()  # of a user, for the command line (decision 0062); that of a role is a ROLE
    LOGIN_ROOT = auto()
    FORWARDED = auto()  # a session of a caller for one service (decision 0052)
    PROOF = auto()  # none: the request carries a proof from elsewhere, and no signature (AU-1)

    __hash__ = object.__hash__  # Enum's own costs a call of Python for each look into a set


_OF_SERVICES = frozenset({CredentialKind.SERVICE, CredentialKind.FORWARDED})
EVERY_KIND = frozenset(CredentialKind) - {CredentialKind.PROOF} - _OF_SERVICES
"""Every kind that signs, but for those of services: rows name these where they are taken."""
SERVICES_TOO = EVERY_KIND | _OF_SERVICES
LONG_TERM = frozenset({CredentialKind.USER_KEY, CredentialKind.ROOT_KEY})
IN_PERSON = frozenset(
    {CredentialKind.CONSOLE, CredentialKind.CONSOLE_ROOT, CredentialKind.CONSOLE_ROLE}
)
"""Those of a person who signed in: on the console's listener alone."""


class Severity(Enum):
    """How much the records of an operation matter to somebody who watches (threat-model 7)."""

    ORDINARY = auto()
    HIGH = auto()  # every record, of refusals too
    IF_OPEN = auto()  # those of a trust policy for everybody, or for another account


_OF_SERVICE: Mapping[str, frozenset[CredentialKind]] = {
    "iam": LONG_TERM
    | {CredentialKind.SESSION_WITH_MFA, CredentialKind.ROLE, CredentialKind.ROOT_TASK}
    | {CredentialKind.LOGIN, CredentialKind.LOGIN_ROOT}
    | IN_PERSON,
    "sts": LONG_TERM | {CredentialKind.ROLE},
    "kms": SERVICES_TOO,
}
"""The credentials that the operations of a service take, unless their rows say otherwise."""
_ITS_SERVICES: frozenset[CredentialKind] = frozenset()


class Elsewhere(NamedTuple):
    """A call counts against a request quota in a second Region."""

    member: str  # of the input, with the Region
    quota: str
    times: int = 1


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

    answer_recorded: bool | None = None
    """Does its record show the answer?  None means: if the operation changes something.

    (kms.md 22.2)
    """

    credentials: frozenset[CredentialKind] = _ITS_SERVICES
    """Which credentials may call it, before any policy is asked?  (iam.md 2.7, ST-4, ST-5)

    Without a word here they are those of its service, and all where a service has no rule.
    """

    severity: Severity = Severity.ORDINARY
    """Which of its records are marked.  What root does is always marked."""

    long_body: bool = False
    """May its body be longer than that of other operations?  (HF-7)"""

    writes_with: str = ""
    """The member with which a call changes something, though its record says that it only reads.

    CloudTrail says so of every call that gives credentials; a code that is shown counts once, and
    so does an assertion.
    """

    quotas: Callable[[Any], tuple[str, ...]] | None = None
    """The request quotas that a call counts against, by its input; by None if that is not readable.

    Without a word here it is that of its service (`quotas.OF_SERVICE`), or none.
    """

    quota_elsewhere: Elsewhere | None = None
    """The request quota that a call counts against in another Region, too."""

    def changes(self, request: object) -> bool:
        """May this request change anything, if it is allowed?"""
        if self.writes_with and getattr(request, self.writes_with) is not None:
            return True
        return not self.operation.read_only

    def __post_init__(self) -> None:
        if self.answer_recorded is None:
            object.__setattr__(self, "answer_recorded", not self.operation.read_only)
        if self.credentials is _ITS_SERVICES:
            of_service = _OF_SERVICE.get(self.operation.service.name, EVERY_KIND)
            object.__setattr__(self, "credentials", of_service)
        shared = OF_SERVICE.get(self.operation.service.name)
        if self.quotas is None and shared is not None:
            object.__setattr__(self, "quotas", lambda _: (shared,))
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
