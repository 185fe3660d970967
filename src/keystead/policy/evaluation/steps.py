"""Which finding has each step of an evaluation?  Each step is one function.

The findings are drawn from the matching statements. `evaluate` decides the order of the steps, and
the consequence of a finding.
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
    Grade.LIMITED: (ALLOW, "names the role or user for which the caller acts"),
    Grade.ACCOUNT: (DELEGATED, "leaves it to the policies of the caller's account"),
}


def explicit_deny(matches: Matches) -> Finding:
    """(1) A Deny that matches, in any policy."""
    denies = tuple(matches.denies())
    if not denies:
        return Finding("1 explicit deny", None, NO_EFFECT, "no matching statement denies")
    detail = "a matching statement denies"
    return Finding("1 explicit deny", denies[0].kind, EXPLICIT_DENY, detail, denies)


def reservation(question: Question) -> Finding | None:
    """(1) AWS reserves the action, and no policy can allow it."""
    why = reserved(question.action, question.context.resource)
    return Finding("1 reserved by AWS", None, IMPLICIT_DENY, why) if why else None


def resource_control(matches: Matches) -> Iterator[Finding]:
    """(2) RCPs only deny. AWS attaches a policy at every level that allows full access."""
    levels = matches.levels(PolicyKind.RESOURCE_CONTROL)
    count = len(levels)
    for level, matched in enumerate(levels, 1):
        step = f"2 resource control policies, level {level} of {count}"
        yield Finding(step, PolicyKind.RESOURCE_CONTROL, ALLOW, "", matched.allows)


def service_control(matches: Matches) -> Iterator[Finding]:
    """(3) Every level must allow."""
    levels = matches.levels(PolicyKind.SERVICE_CONTROL)
    count = len(levels)
    for level, matched in enumerate(levels, 1):
        step = f"3 service control policies, level {level} of {count}"
        yield _must_allow(step, PolicyKind.SERVICE_CONTROL, matched)


def endpoint(matches: Matches) -> Finding | None:
    """(4) The policy of the VPC endpoint must allow. It may name the caller in any way."""
    levels = matches.levels(PolicyKind.ENDPOINT)
    if not levels:
        return None
    (matched,) = levels
    return _must_allow("4 VPC endpoint policy", PolicyKind.ENDPOINT, matched)


def resource(question: Question, matches: Matches) -> Finding:
    """(5) The resource's own policies, and grants as their statements."""
    step, kind = "5 resource-based policies", matches.resource_kind
    policies, principal = question.policies, question.context.principal
    grade = matches.grade
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
    return Finding(step, kind, effect, f"a statement {how}", _best(grade, matches))


def _best(grade: Grade, matches: Matches) -> tuple[DecidingStatement, ...]:
    both = (matches.resource, matches.grants)
    return tuple(
        statement for matched in both if matched.grade is grade for statement in matched.best()
    )


def identity(question: Question, matches: Matches, bound: Bound) -> Finding | None:
    """(6) The caller's identity-based policies must allow, unless the resource's suffice."""
    step, kind = "6 identity-based policies", PolicyKind.IDENTITY
    caller = question.context.principal.type
    if caller in OUTSIDERS:
        return None
    if caller is PrincipalType.ACCOUNT:
        return Finding(step, None, ALLOW, "the root user needs no identity-based policy")
    if Bound.IDENTITY not in bound:
        return _not_needed(step, kind)
    (matched,) = matches.levels(kind)
    return _must_allow(step, kind, matched)


def boundary(matches: Matches, bound: Bound) -> Finding | None:
    """(7) The permissions boundary must allow, if there is one."""
    step, kind = "7 permissions boundary", PolicyKind.BOUNDARY
    levels = matches.levels(kind)
    if not levels:
        return None
    (matched,) = levels
    return _must_allow(step, kind, matched) if Bound.BOUNDARY in bound else _not_needed(step, kind)


def session(question: Question, matches: Matches, bound: Bound) -> Iterator[Finding]:
    """(8) The session policies of every level must allow. A federated user needs some."""
    step, kind = "8 session policies", PolicyKind.SESSION
    federated = question.context.principal.type is PrincipalType.FEDERATED_USER
    levels = matches.levels(kind)
    if not levels and not federated:
        return
    if Bound.SESSION not in bound:
        yield _not_needed(step, kind)
    elif not levels:
        detail = "a federated user without a session policy has no permissions of its own"
        yield Finding(step, kind, IMPLICIT_DENY, detail)
    elif len(levels) == 1:
        yield _must_allow(step, kind, levels[0])
    else:
        for level, matched in enumerate(levels, 1):
            yield _must_allow(f"{step}, level {level} of {len(levels)}", kind, matched)


def scope_down(matches: Matches) -> Iterator[Finding]:
    """(9) The scope-down policy of every level must allow, whoever the caller is."""
    kind = PolicyKind.SCOPE_DOWN
    levels = matches.levels(kind)
    for level, matched in enumerate(levels, 1):
        yield _must_allow(f"9 scope-down policies, level {level} of {len(levels)}", kind, matched)


def _must_allow(step: str, kind: PolicyKind, matched: Matched) -> Finding:
    if matched.allows:
        return Finding(step, kind, ALLOW, "a statement allows", matched.allows)
    return Finding(step, kind, IMPLICIT_DENY, "no statement allows")


def _not_needed(step: str, kind: PolicyKind) -> Finding:
    return Finding(step, kind, NO_EFFECT, "the resource-based policy suffices")
