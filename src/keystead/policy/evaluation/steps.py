"""The steps of an evaluation, one function each: what did this step find?

Each gives Findings drawn from the matching statements. The order, and what follows from a
finding, is `evaluate`'s.
"""

from collections.abc import Iterator

from keystead.policy.evaluation.binding import Bound, resource_refuses
from keystead.policy.evaluation.decision import DecidingStatement, Finding, PolicyKind
from keystead.policy.evaluation.matching import Matched, Matches
from keystead.policy.evaluation.question import Question
from keystead.policy.evaluation.service_rules import reserved
from keystead.policy.language import OUTSIDERS, Grade, PrincipalType

ALLOW, EXPLICIT_DENY, IMPLICIT_DENY = "allow", "explicit deny", "implicit deny"
NO_EFFECT, DELEGATED = "no effect", "delegated"

_NAMED_AS = {
    Grade.DIRECT: (ALLOW, "names the caller"),
    Grade.LIMITED: (ALLOW, "names whom the caller acts for"),
    Grade.ACCOUNT: (DELEGATED, "leaves it to the policies of the caller's account"),
}


def explicit_deny(found: Matches) -> Finding:
    """(1) A Deny that matches, in any policy."""
    denies = tuple(found.denies())
    if not denies:
        return Finding("1 explicit deny", None, NO_EFFECT, "no matching statement denies")
    detail = "a matching statement denies"
    return Finding("1 explicit deny", denies[0].kind, EXPLICIT_DENY, detail, denies)


def reservation(question: Question) -> Finding | None:
    """(1) What no policy can give."""
    why = reserved(question.action, question.context.resource)
    return Finding("1 reserved by AWS", None, IMPLICIT_DENY, why) if why else None


def resource_control(found: Matches) -> Iterator[Finding]:
    """(2) RCPs only deny: the full access that AWS attaches at every level allows."""
    count = len(found.resource_control)
    for level, matched in enumerate(found.resource_control, 1):
        step = f"2 resource control policies, level {level} of {count}"
        yield Finding(step, PolicyKind.RESOURCE_CONTROL, ALLOW, "", matched.allows)


def service_control(found: Matches) -> Iterator[Finding]:
    """(3) Every level must allow."""
    count = len(found.service_control)
    for level, matched in enumerate(found.service_control, 1):
        step = f"3 service control policies, level {level} of {count}"
        yield _must_allow(step, PolicyKind.SERVICE_CONTROL, matched)


def endpoint(found: Matches) -> Finding | None:
    """(4) The policy of the VPC endpoint must allow, however it names the caller."""
    if found.endpoint is None:
        return None
    return _must_allow("4 VPC endpoint policy", PolicyKind.ENDPOINT, found.endpoint)


def resource(question: Question, found: Matches) -> Finding:
    """(5) The resource's own policies, and grants as their statements."""
    step, kind = "5 resource-based policies", question.resource_kind
    policies, principal = question.policies, question.context.principal
    grade = max(found.resource.grade, found.grants.grade)
    if resource_refuses(
        principal.type,
        grade,
        foreign=question.foreign,
        required=policies.resource_policy_required,
        cross_account=policies.cross_account_allowed,
    ):
        detail = "nothing in it allows the caller or the caller's account"
        if grade is not Grade.NOBODY:
            detail = "this operation never works on another account's resource"
        return Finding(step, kind, IMPLICIT_DENY, detail)
    if grade is Grade.NOBODY:
        return Finding(step, kind, NO_EFFECT, "no statement allows, and none has to")
    effect, how = _NAMED_AS[grade]
    return Finding(step, kind, effect, f"a statement {how}", _best(grade, found))


def _best(grade: Grade, found: Matches) -> tuple[DecidingStatement, ...]:
    both = (found.resource, found.grants)
    return tuple(one for matched in both if matched.grade is grade for one in matched.best())


def identity(question: Question, found: Matches, bound: Bound) -> Finding | None:
    """(6) The identity-based policies of the caller must allow, unless the resource's suffice."""
    step, kind = "6 identity-based policies", PolicyKind.IDENTITY
    caller = question.context.principal.type
    if caller in OUTSIDERS:
        return None
    if caller is PrincipalType.ACCOUNT:
        return Finding(step, None, ALLOW, "the root user needs no identity-based policy")
    if Bound.IDENTITY not in bound:
        return _not_needed(step, kind)
    return _must_allow(step, kind, found.identity)


def boundary(found: Matches, bound: Bound) -> Finding | None:
    """(7) The permissions boundary must allow, when there is one."""
    step, kind = "7 permissions boundary", PolicyKind.BOUNDARY
    if found.boundary is None:
        return None
    return (
        _must_allow(step, kind, found.boundary)
        if Bound.BOUNDARY in bound
        else _not_needed(step, kind)
    )


def session(question: Question, found: Matches, bound: Bound) -> Finding | None:
    """(8) The session's policies must allow, when any were passed; a federated user needs some."""
    step, kind = "8 session policies", PolicyKind.SESSION
    federated = question.context.principal.type is PrincipalType.FEDERATED_USER
    if found.session is None and not federated:
        return None
    if Bound.SESSION not in bound:
        return _not_needed(step, kind)
    if found.session is None:
        detail = "a federated user without a session policy has no permissions of its own"
        return Finding(step, kind, IMPLICIT_DENY, detail)
    return _must_allow(step, kind, found.session)


def _must_allow(step: str, kind: PolicyKind, matched: Matched) -> Finding:
    if matched.allows:
        return Finding(step, kind, ALLOW, "a statement allows", matched.allows)
    return Finding(step, kind, IMPLICIT_DENY, "no statement allows")


def _not_needed(step: str, kind: PolicyKind) -> Finding:
    return Finding(step, kind, NO_EFFECT, "the resource-based policy suffices")
