"""Which policies bind a caller beside the resource's policy?  The table of iam.md 5.4, and 5.3.

| the resource's policy names             | identity | boundary | session policy |
| --------------------------------------- | -------- | -------- | -------------- |
| the caller itself, or everybody         | -        | -        | -              |
| the caller's role, or federating user   | -        | binds    | binds          |
| the caller's account, or nobody         | binds    | binds    | binds          |
| a caller of another account             | binds    | binds    | binds          |
| (the root user, however it is named)    | -        | -        | binds          |

A grant to a caller of another account replaces the identity-based policy there (kms.md 10.2). The
root user has neither identity-based policies nor a boundary. Its session may have session policies,
and nothing spares it from them (threat-model ST-3). A service, a bearer of an assertion and an
anonymous caller have no account. For them only the resource's policy counts, and must name them.
"""

from enum import IntFlag

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.language import OUTSIDERS, Grade, PrincipalType


class Bound(IntFlag):
    """The policies that must allow beside the resource's policy."""

    NOTHING = 0
    IDENTITY = 1
    BOUNDARY = 2
    SESSION = 4


_EVERYTHING = Bound.IDENTITY | Bound.BOUNDARY | Bound.SESSION
_CEILINGS = Bound.BOUNDARY | Bound.SESSION

_SAME_ACCOUNT = {
    Grade.NOBODY: _EVERYTHING,
    Grade.ACCOUNT: _EVERYTHING,
    Grade.LIMITED: _CEILINGS,
    Grade.DIRECT: Bound.NOTHING,
}


def bound_by(
    kind: PrincipalType, grade: Grade, granted: Grade, *, foreign: bool, strict: bool
) -> Bound:
    """The policies that must allow beside a resource's policy.

    `grade` is how exactly the resource's policies and grants name the caller. `granted` is the same
    for its grants alone. With `strict`, a session policy binds even a caller who is named directly.
    """
    if kind in OUTSIDERS:
        return Bound.NOTHING
    if kind is PrincipalType.ACCOUNT:
        return Bound.SESSION
    if foreign:
        return _CEILINGS if granted >= Grade.LIMITED else _EVERYTHING
    bound = _SAME_ACCOUNT[grade]
    return bound | Bound.SESSION if strict else bound


def resource_refuses(
    kind: PrincipalType, grade: Grade, *, foreign: bool, required: bool, cross_account: bool
) -> bool:
    """Does the request end here, because the resource's side does not allow it?

    `required`: the resource's policy must allow or delegate. `cross_account`: the operation works
    on another account's resource.
    """
    if kind in OUTSIDERS:
        return grade is not Grade.DIRECT
    if foreign:
        return grade is Grade.NOBODY or not cross_account
    return required and grade is Grade.NOBODY


def allowed_by(grade: Grade, bound: Bound, resource: PolicyKind) -> PolicyKind | None:
    """The kind of policy that gave the permission; None if it is the root user's own.

    `resource` is the kind of the resource's policy. Only the root user needs neither that policy
    nor an identity-based policy.
    """
    if Bound.IDENTITY in bound:
        return PolicyKind.IDENTITY
    return None if grade is Grade.NOBODY else resource
