"""Which statements match this request?  Every policy is read once, by kind.

The findings of `evaluate` are drawn from these matches. Nothing is decided here.
"""

from collections.abc import Iterator
from functools import partial

import msgspec

from keystead.policy.evaluation.decision import DecidingStatement, PolicyKind
from keystead.policy.evaluation.question import (
    PolicySource,
    PrincipalPolicies,
    Question,
    RequestContext,
)
from keystead.policy.evaluation.service_rules import under_resource_control, under_service_control
from keystead.policy.language import UNBOUND, Grade, Statement

# The members have names of their own, because every statement reads them.
_NOBODY, _DIRECT = Grade.NOBODY, Grade.DIRECT


class Matched(msgspec.Struct, frozen=True):
    """The matching statements of one set of policies."""

    allows: tuple[DecidingStatement, ...] = ()
    denies: tuple[DecidingStatement, ...] = ()
    grades: tuple[Grade, ...] = ()  # how each of `allows` names the caller
    grade: Grade = Grade.NOBODY  # the highest of `grades`

    def best(self) -> tuple[DecidingStatement, ...]:
        """The Allows that name the caller most exactly."""
        pairs = zip(self.allows, self.grades, strict=True)
        return tuple(statement for statement, its in pairs if its is self.grade)


NONE = Matched()
_NONE_OF_ONES_OWN = PrincipalPolicies()

Levels = tuple[tuple[PolicySource, ...], ...]
"""Sets of policies, from the organization's root to the account."""


def matched(question: Question, kind: PolicyKind, sources: tuple[PolicySource, ...]) -> Matched:
    """The matching statements of these policies."""
    if not sources:
        return NONE
    action, bounded = question.action, question.bounded
    allows: list[DecidingStatement] = []
    denies: list[DecidingStatement] = []
    grades: list[Grade] = []
    for source in sources:
        for statement in source.policy.statements:
            if not statement.actions.matches(action):
                continue
            named = _named(question.context, statement, bounded=bounded)
            if named is _NOBODY:
                continue
            decides = deciding(kind, source, statement)
            if statement.allow:
                allows.append(decides)
                grades.append(named)
            else:
                denies.append(decides)
    best = max(grades, default=Grade.NOBODY)
    return Matched(tuple(allows), tuple(denies), tuple(grades), best)


def grade_of(question: Question, statement: Statement) -> Grade:
    """How a statement names the caller; NOBODY if it does not match the request.

    A policy without principals is about its holder.
    """
    if not statement.actions.matches(question.action):
        return Grade.NOBODY
    return _named(question.context, statement, bounded=question.bounded)


def _named(context: RequestContext, statement: Statement, *, bounded: bool) -> Grade:
    """`grade_of` for a statement about the action."""
    principals, named = statement.principals, _DIRECT
    if principals is not None:
        named = principals.grade(context.principal, bounded)
        if named is _NOBODY:
            return named
    return named if statement.applies(context.resource, context.keys) else _NOBODY


def deciding(kind: PolicyKind, source: PolicySource, statement: Statement) -> DecidingStatement:
    """The statement in the form in which a reason names it."""
    return DecidingStatement(
        kind=kind,
        policy=source.id,
        attached_to=source.attached_to,
        index=statement.index,
        sid=statement.sid,
        effect=statement.effect,
    )


class Matches(msgspec.Struct, frozen=True):
    """All matching statements, by kind and level. None: no policy of this kind applies."""

    service_control: tuple[Matched, ...]
    resource_control: tuple[Matched, ...]
    endpoint: Matched | None
    resource: Matched
    grants: Matched
    identity: Matched
    boundary: Matched | None
    session: Matched | None

    def denies(self) -> Iterator[DecidingStatement]:
        """Every matching Deny. A refusal names the first (iam.md 7.1). Grants only allow."""
        for matched in (
            *self.service_control,
            *self.resource_control,
            self.endpoint,
            self.resource,
            self.identity,
            self.boundary,
            self.session,
        ):
            if matched is not None:
                yield from matched.denies


def own_policies(question: Question) -> PrincipalPolicies:
    """The caller's own policies. They are empty for a kind of caller that cannot have any."""
    unbound = question.context.principal.type in UNBOUND
    return _NONE_OF_ONES_OWN if unbound else question.policies.principal


def is_bound(question: Question, kind: PolicyKind) -> bool:
    """Do the organization's policies of this kind bind this caller, or this use of the resource?"""
    context = question.context
    if kind is PolicyKind.SERVICE_CONTROL:
        return under_service_control(context.principal)
    return under_resource_control(question.action, context.resource, context.principal)


def match_all(question: Question) -> Matches:
    """Read every policy that has a say."""
    policies, kind = question.policies, PolicyKind
    match = partial(matched, question)
    own, endpoint = own_policies(question), policies.endpoint
    # Without policies of an organization, nothing is asked: they would bind nobody.
    service_control = policies.principal.service_control
    if service_control and not is_bound(question, kind.SERVICE_CONTROL):
        service_control = ()
    resource_control = policies.resource_control
    if resource_control and not is_bound(question, kind.RESOURCE_CONTROL):
        resource_control = ()
    return Matches(
        service_control=tuple(match(kind.SERVICE_CONTROL, level) for level in service_control),
        resource_control=tuple(match(kind.RESOURCE_CONTROL, level) for level in resource_control),
        endpoint=match(kind.ENDPOINT, (endpoint,)) if endpoint is not None else None,
        resource=match(question.resource_kind, policies.resource_based),
        grants=match(question.resource_kind, policies.grants),
        identity=match(kind.IDENTITY, own.identity_based),
        boundary=None if own.boundary is None else match(kind.BOUNDARY, (own.boundary,)),
        session=None if own.session is None else match(kind.SESSION, own.session),
    )
