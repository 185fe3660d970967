"""Which facts does a simulation tell beside the decision?  (iam.md 1.9; threat-model PE-9)

The decision is that of `evaluate`. The facts are drawn from its matches:

- the statements that decided
- the answers of the organization, of the boundary and of each kind of policy
- the condition keys that statements use and the question does not have
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from keystead.pauses import pausing
from keystead.policy.evaluation import (
    OF_ORGANIZATION,
    DecidingStatement,
    Matched,
    Matches,
    Outcome,
    PolicyKind,
    Question,
    evaluate,
    levels_of,
    match_all,
)
from keystead.policy.language import (
    VERSION_2012,
    Dialect,
    Grade,
    Keys,
    Policy,
    Statement,
    Template,
    Variable,
    misplaced_variable,
    template,
)
from keystead.policy.language import dialect_of as dialect_of_kind
from keystead.policy.text import Token, Wild, ascii_lower, resource_glob

_SEVERITY = (Outcome.ALLOWED, Outcome.IMPLICITLY_DENIED, Outcome.EXPLICITLY_DENIED)


class Simulated(msgspec.Struct, frozen=True):
    """The simulated decision, and its reasons."""

    outcome: Outcome
    statements: tuple[DecidingStatement, ...]  # that decided, without those of an organization
    missing: tuple[str, ...]  # condition keys as they are written
    organization: bool | None  # do all SCPs allow?  None: there are none
    boundary: bool | None  # does the permissions boundary allow?  None: there is none
    kinds: Mapping[PolicyKind, Outcome]  # the answer of each; only for another account's resource


def simulate(question: Question) -> Simulated:
    """The simulated decision on one action and one resource."""
    decision = evaluate(question)
    if decision.over_budget:
        return Simulated(decision.outcome, (), (), organization=None, boundary=None, kinds={})
    matches = match_all(question)
    decided = () if decision.outcome is Outcome.IMPLICITLY_DENIED else decision.statements
    organization = _all(map(_allows, matches.levels(PolicyKind.SERVICE_CONTROL)))
    return Simulated(
        outcome=decision.outcome,
        statements=tuple(
            statement for statement in decided if statement.kind not in OF_ORGANIZATION
        ),
        missing=tuple(_missing(question)),
        organization=organization,
        boundary=_all(map(_allows, matches.levels(PolicyKind.BOUNDARY))),
        kinds=_kinds(question, matches) if organization is not False else {},
    )


def combined(each: Sequence[Simulated]) -> Simulated:
    """The result for several resources: the severest decision, and its reasons."""
    outcome = severest(result.outcome for result in each)
    decided = [result for result in each if result.outcome is outcome]
    kinds = dict.fromkeys(kind for result in each for kind in result.kinds)
    return Simulated(
        outcome=outcome,
        statements=tuple(dict.fromkeys(s for result in decided for s in result.statements)),
        missing=tuple(distinct(key for result in each for key in result.missing)),
        organization=_all(result.organization for result in each),
        boundary=_all(result.boundary for result in each),
        kinds={k: severest(result.kinds[k] for result in each if k in result.kinds) for k in kinds},
    )


def severest(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that refuses most."""
    return max(outcomes, key=_SEVERITY.index)


def distinct(keys: Iterable[str]) -> Iterator[str]:
    """The distinct condition keys, in their order, each in its first spelling."""
    seen: set[str] = set()
    for key in pausing(keys):
        name = ascii_lower(key)
        if name not in seen:
            seen.add(name)
            yield key


def keys_asked(policy: Policy) -> Iterator[str]:
    """The condition keys in the conditions and variables of a policy, as written."""
    dialect = dialect_of(policy)
    for statement in policy.statements:
        yield from (variable.key for variable in statement.resources.variables)
        yield from (key for key, _ in _asked_by_conditions(statement, dialect))


def dialect_of(policy: Policy) -> Dialect:
    """The dialect in which the texts of a compiled document are read."""
    return dialect_of_kind(policy.kind, variables=policy.version == VERSION_2012)


def could_apply(statement: Statement, dialect: Dialect, resource: str, keys: Keys) -> bool:
    """Could a statement be about this resource, if variables without a value had one?"""
    element = statement.resources
    parsed = (template(text, dialect, wild=True) for text in pausing(element.patterns))
    templates = [pattern for pattern in parsed if not misplaced_variable(pattern)]
    if not element.negated:
        return element.everything or any(
            _could_be(pattern, resource, keys) for pattern in pausing(templates)
        )
    known = [
        pattern for pattern in templates if pattern.substituted(keys, len(resource)) is not None
    ]
    return not any(_could_be(pattern, resource, keys) for pattern in known)


def _could_be(pattern: Template, resource: str, keys: Keys) -> bool:
    return resource_glob(tuple(_token(part, keys) for part in pattern.parts))(resource)


def _token(part: Token | Variable, keys: Keys) -> Token:
    if not isinstance(part, Variable):
        return part
    value = part.value(keys)
    return Wild.ANY if value is None else value


def _missing(question: Question) -> Iterator[str]:
    """The keys without a value that statements about this action and resource use."""
    sources = (
        source
        for kind in _told_of(question)
        for level in levels_of(question, kind)
        for source in level
    )
    return distinct(key for source in sources for key in _missing_of(question, source.policy))


def _missing_of(question: Question, policy: Policy) -> Iterator[str]:
    dialect, context = dialect_of(policy), question.context
    for statement in pausing(policy.statements):
        if not _speaks_of(question, statement):
            continue
        asked = _asked(statement, dialect, context.keys)
        if asked and could_apply(statement, dialect, context.resource, context.keys):
            yield from asked


def _asked(statement: Statement, dialect: Dialect, keys: Keys) -> list[str]:
    """The keys without a value that a statement uses. A default counts as a value."""
    return [
        *(
            variable.key
            for variable in statement.resources.variables
            if variable.value(keys) is None and variable.name
        ),
        *(
            key
            for key, default in _asked_by_conditions(statement, dialect)
            if default is None and (name := dialect.name(key)) and name not in keys
        ),
    ]


def _asked_by_conditions(
    statement: Statement, dialect: Dialect
) -> Iterator[tuple[str, str | None]]:
    """Every key in the conditions and in the variables of their values, with its default."""
    for condition in pausing(statement.conditions):
        yield condition.key, None
        for text in pausing(condition.values):
            for variable in template(text, dialect, wild=False).variables:
                yield variable.key, variable.default


def _speaks_of(question: Question, statement: Statement) -> bool:
    """Is the statement about the action and the principal of the question?"""
    if not statement.actions.matches(question.action):
        return False
    named = statement.principals
    who = question.context.principal
    return named is None or named.grade(who, question.bounded) is not Grade.NOBODY


def _kinds(question: Question, matches: Matches) -> dict[PolicyKind, Outcome]:
    """The answer of each kind of policy alone, for a resource of another account."""
    if not question.foreign:
        return {}
    return {
        kind: _outcome(matched) for kind in _told_of(question) for matched in matches.levels(kind)
    }


def _told_of(question: Question) -> tuple[PolicyKind, ...]:
    """The kinds of policy of which a simulation tells by itself, in AWS's order."""
    return PolicyKind.IDENTITY, question.resource_kind, PolicyKind.BOUNDARY


def _outcome(matched: Matched) -> Outcome:
    if matched.denies:
        return Outcome.EXPLICITLY_DENIED
    return Outcome.ALLOWED if matched.allows else Outcome.IMPLICITLY_DENIED


def _allows(matched: Matched) -> bool:
    return _outcome(matched) is Outcome.ALLOWED


def _all(answers: Iterable[bool | None]) -> bool | None:
    known = [answer for answer in answers if answer is not None]
    return all(known) if known else None
