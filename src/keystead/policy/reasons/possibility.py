"""Could this be allowed, and to which requests?  A decision before there is a request.

The principal, the action, the resource and some condition keys are known. All other keys are
unknown until there is a request. A statement then has one of three states:

    never matches      some part of it fails in every request
    certainly matches  no part of it reads an unknown key
    perhaps matches    it matches if its open conditions hold

Only these states are worked out here. `evaluate` decides under the same policies, in which the
statements are supposed to match or not. One more Allow never refuses, and one more Deny never
allows. So a result for both extremes holds for every request between them.

The resource's side can admit the caller in several ways (`Route`). All statements of one policy and
grade admit equally well. So a way is a list of needs, and one statement of each need has to match.

INVARIANT: a request is allowed if it fulfils all needs of a way, no Deny in `unless` matches it,
and it stays within the `budget`. Every allowed request fulfils a way.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec

from keystead.policy.evaluation import (
    ApplicablePolicies,
    DecidingStatement,
    Decision,
    PolicyKind,
    PolicySource,
    Question,
    deciding,
    evaluate,
    grade_of,
    is_exceeded,
    places,
    sources_at,
    with_sources,
)
from keystead.policy.language import EVERY_RESOURCE, Grade, Statement
from keystead.policy.reasons.unknown_keys import (
    KnownKeys,
    Remaining,
    Unknown,
    is_impossible,
    remaining,
)

Sources = tuple[PolicySource, ...]


class Verdict(StrEnum):
    """The answer before the request is known."""

    CAN = "can"
    CONDITIONS = "can under conditions"
    CANNOT = "cannot"


class Route(StrEnum):
    """The way in which the resource's side admits the caller."""

    OPEN = "open to everybody"
    ROOT = "the root user's own right"
    GRANT = "grant"
    RESOURCE = "resource-based policy"  # it names the caller, and that suffices
    ACCOUNT = "identity-based policy, through the account"
    BOTH = "resource-based and identity-based policy"  # of another account
    IDENTITY = "identity-based policy"  # the resource's side has no say


class Supposed(msgspec.Struct, frozen=True):
    """A statement that matches if its open parts hold."""

    statement: DecidingStatement
    level: int  # of the organization, from 1; 0 for a kind without levels
    remaining: tuple[Remaining, ...]


class Need(msgspec.Struct, frozen=True):
    """A need: one of these statements has to match."""

    step: str
    statements: tuple[Supposed, ...]

    @property
    def certain(self) -> bool:
        return not all(statement.remaining for statement in self.statements)


class Way(msgspec.Struct, frozen=True):
    """One way to be allowed."""

    route: Route
    needs: tuple[Need, ...]

    @property
    def certain(self) -> bool:
        return all(need.certain for need in self.needs)


class Possibility(msgspec.Struct, frozen=True):
    """The answer to a question while some keys are unknown."""

    verdict: Verdict
    ways: tuple[Way, ...]
    unless: tuple[Supposed, ...]  # the Denies that perhaps match
    decision: Decision  # the most favourable one: for CANNOT, the reason


def possible(question: Question, unknown: Unknown) -> Possibility:
    """Could this principal do this to this resource?

    The keys of the question are known. A key that is not among them may have any value or none if
    `unknown` is true for it. All other keys are absent.
    """
    if is_exceeded(question):
        return Possibility(Verdict.CANNOT, (), (), evaluate(question))
    supposing = _Supposing(question, KnownKeys(question.context.keys, unknown))
    best = supposing.best()
    ways = _undominated([way for way in _ways(question, best, supposing) if way is not None])
    decision = evaluate(question.under(best))
    if not ways:
        return Possibility(Verdict.CANNOT, (), (), decision)
    unless = supposing.denies() if supposing.uncertain_denies else ()
    certain = not unless and any(way.certain for way in ways)
    return Possibility(
        Verdict.CAN if certain else Verdict.CONDITIONS, tuple(ways), unless, decision
    )


class _Supposing:
    """The policies of a question, with the state of every statement.

    In `policies`, the index of a statement is its index in `statements`. So a finding leads back to
    the statement.
    """

    def __init__(self, question: Question, asked: KnownKeys) -> None:
        self._question = question
        self._asked = asked
        self._places = places(question)
        self._granted: set[int] = set()
        self.statements: list[Supposed] = []
        self.policies = self._judged()
        self.uncertain_denies = [
            statement
            for serial, statement in enumerate(self.statements)
            if statement.remaining
            and statement.statement.effect == "Deny"
            and serial not in self._granted
        ]

    def _judged(self) -> ApplicablePolicies:
        policies, kind = self._question.policies, self._question.resource_kind
        for layer in self._places:
            sources = sources_at(policies, layer)
            if sources:
                level = layer.shown_level
                judged = tuple(self._source(layer.kind, level, source) for source in sources)
                policies = with_sources(policies, layer, judged)
        begun = len(self.statements)
        grants = tuple(self._source(kind, 0, grant) for grant in policies.grants)
        self._granted = set(range(begun, len(self.statements)))
        return msgspec.structs.replace(policies, grants=grants)

    def _source(self, kind: PolicyKind, level: int, source: PolicySource) -> PolicySource:
        kept: list[Statement] = []
        for statement in source.policy.statements:
            supposed = msgspec.structs.replace(
                statement,
                index=len(self.statements),
                resources=EVERY_RESOURCE,
                conditions=(),
            )
            if grade_of(self._question, supposed) is Grade.NOBODY:
                continue
            left = remaining(statement, self._question.context.resource, self._asked)
            if left is not None:
                kept.append(supposed)
                named = deciding(kind, source, statement)
                self.statements.append(Supposed(named, level, left))
        return _with_statements(source, tuple(kept))

    def best(self) -> ApplicablePolicies:
        """The policies for the most favourable request: with every Allow that is possible."""
        conditions = [statement.remaining for statement in self.uncertain_denies]
        resource = self._question.context.resource
        dropped = {
            serial
            for serial, statement in enumerate(self.statements)
            if statement.remaining
            and (
                statement.statement.effect == "Deny"
                or is_impossible(statement.remaining, conditions, resource, self._asked)
            )
        }
        return self._without(dropped) if dropped else self.policies

    def _without(self, dropped: set[int]) -> ApplicablePolicies:
        def kept(source: PolicySource) -> PolicySource:
            return _filtered(source, lambda statement: statement.index not in dropped)

        policies = self.policies
        for layer in self._places:
            sources = sources_at(policies, layer)
            if sources:
                policies = with_sources(policies, layer, tuple(map(kept, sources)))
        return msgspec.structs.replace(policies, grants=tuple(map(kept, policies.grants)))

    def denies(self) -> tuple[Supposed, ...]:
        """The Denies that refuse in the least favourable request."""
        decision = evaluate(self._question.under(self.policies))
        return tuple(
            self.statements[statement.index]
            for finding in decision.trace
            for statement in finding.statements
            if statement.effect == "Deny"
        )


def _with_statements(source: PolicySource, statements: tuple[Statement, ...]) -> PolicySource:
    policy = msgspec.structs.replace(source.policy, statements=statements)
    return PolicySource(policy, source.id, source.attached_to)


def _filtered(source: PolicySource, keep: Callable[[Statement], bool]) -> PolicySource:
    return _with_statements(source, tuple(filter(keep, source.policy.statements)))


def _ways(
    question: Question, best: ApplicablePolicies, supposing: _Supposing
) -> Iterator[Way | None]:
    """For each manner in which the resource's side may admit the caller: a way, or None."""
    yield _way(question, _letting_in(question, best, None, None), Grade.NOBODY, supposing)
    for grade in _grades(question, best.resource_based):
        yield _way(question, _letting_in(question, best, grade, None), grade, supposing)
    for grade in _grades(question, best.grants):
        yield _way(question, _letting_in(question, best, None, grade), grade, supposing)


def _grades(question: Question, sources: Sources) -> list[Grade]:
    """The grades by which the Allows of these policies name the caller, the highest first."""
    allows = (
        statement for source in sources for statement in source.policy.statements if statement.allow
    )
    return sorted({grade_of(question, statement) for statement in allows}, reverse=True)


def _letting_in(
    question: Question,
    policies: ApplicablePolicies,
    by_policy: Grade | None,
    by_grant: Grade | None,
) -> ApplicablePolicies:
    """The same policies, but on the resource's side only the Allows of one grade stay."""

    def only(grade: Grade | None, sources: Sources) -> Sources:
        def keep(statement: Statement) -> bool:
            return not statement.allow or grade_of(question, statement) is grade

        return tuple(_filtered(source, keep) for source in sources)

    return msgspec.structs.replace(
        policies,
        resource_based=only(by_policy, policies.resource_based),
        grants=only(by_grant, policies.grants),
    )


def _way(
    question: Question, policies: ApplicablePolicies, grade: Grade, supposing: _Supposing
) -> Way | None:
    decision = evaluate(question.under(policies))
    if not decision.allowed:
        return None
    needs: list[Need] = []
    for finding in decision.trace:
        # An Allow of an RCP is no need.
        if finding.statements and finding.kind is not PolicyKind.RESOURCE_CONTROL:
            every = tuple(supposing.statements[statement.index] for statement in finding.statements)
            certain = tuple(statement for statement in every if not statement.remaining)
            needs.append(Need(finding.step, certain or every))
    granted = any(source.policy.statements for source in policies.grants)
    return Way(_route(decision, grade, granted=granted), tuple(needs))


def _route(decision: Decision, grade: Grade, *, granted: bool) -> Route:
    if decision.kind is None:
        return Route.ROOT if len(decision.trace) > 1 else Route.OPEN
    if granted:
        return Route.GRANT
    if decision.kind is not PolicyKind.IDENTITY:
        return Route.RESOURCE
    if grade is Grade.NOBODY:
        return Route.IDENTITY
    return Route.ACCOUNT if grade is Grade.ACCOUNT else Route.BOTH


def _undominated(ways: list[Way]) -> list[Way]:
    """The ways, without each way that has all needs of another way, and more."""
    needs = [frozenset(way.needs) for way in ways]
    return [
        way for way, own in zip(ways, needs, strict=True) if not any(other < own for other in needs)
    ]
