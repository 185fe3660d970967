"""Which statements match this request?  Every policy is read once, by kind.

The findings of `evaluate` are drawn from these matches. Nothing is decided here.
"""

from collections.abc import Iterator, Mapping

import msgspec

from keystead.policy.evaluation.decision import DecidingStatement
from keystead.policy.evaluation.kinds import IN_REFUSALS, PolicyKind
from keystead.policy.evaluation.layers import Sources, levels_by_kind
from keystead.policy.evaluation.question import (
    PolicySource,
    Question,
    RequestContext,
)
from keystead.policy.language import Grade, Statement

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


def matched(question: Question, kind: PolicyKind, sources: Sources) -> Matched:
    """The matching statements of these policies."""
    return _matched(question.context, question.action, question.bounded, kind, sources)


def _matched(
    context: RequestContext, action: str, bounded: bool, kind: PolicyKind, sources: Sources
) -> Matched:
    """`matched`, for an action in lower case."""
    if not sources:
        return NONE
    allows: list[DecidingStatement] = []
    denies: list[DecidingStatement] = []
    grades: list[Grade] = []
    for source in sources:
        for statement in source.policy.statements:
            if not statement.actions.matches(action):
                continue
            named = _named(context, statement, bounded)
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
    return _named(question.context, statement, question.bounded)


def _named(context: RequestContext, statement: Statement, bounded: bool) -> Grade:
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
    """All matching statements, by kind and level."""

    by_kind: Mapping[PolicyKind, tuple[Matched, ...]]
    resource_kind: PolicyKind  # of the resource's own policies
    grants: Matched

    @property
    def resource(self) -> Matched:
        """The matching statements of the resource's own policies."""
        return self.by_kind[self.resource_kind][0]

    @property
    def grade(self) -> Grade:
        """How the resource's policies and grants name the caller at best."""
        return max(self.resource.grade, self.grants.grade)

    def levels(self, kind: PolicyKind) -> tuple[Matched, ...]:
        """The matching statements of a kind at each level; () when no policy of it has a say."""
        return self.by_kind.get(kind, ())

    def denies(self) -> Iterator[DecidingStatement]:
        """Every matching Deny. A refusal names the first (iam.md 7.1). Grants only allow."""
        by_kind = self.by_kind
        for kind in IN_REFUSALS:
            if kind in by_kind:
                for level in by_kind[kind]:
                    yield from level.denies


def match_all(question: Question) -> Matches:
    """Read every policy that has a say."""
    context, action, bounded = question.context, question.action, question.bounded
    by_kind = {
        kind: tuple([_matched(context, action, bounded, kind, sources) for sources in levels])
        for kind, levels in levels_by_kind(question)
    }
    kind = question.resource_kind
    grants = _matched(context, action, bounded, kind, question.policies.grants)
    return Matches(by_kind, kind, grants)
