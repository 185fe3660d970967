"""What does a simulation tell beside the decision?  (iam.md 1.9; threat-model PE-9)

The decision is `evaluate`'s own, and so are the matches from which the rest is drawn: which
statements decided, what the organization, the boundary and each kind of policy say, and which
condition keys were asked about that the question does not have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from keystead.policy.evaluation import (
    OF_ORGANIZATION,
    DecidingStatement,
    Matched,
    Matches,
    Outcome,
    PolicyKind,
    Question,
    evaluate,
    match_all,
    own_policies,
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
    """What would be decided, and why."""

    outcome: Outcome
    statements: tuple[DecidingStatement, ...]  # that decided; never an organization's
    missing: tuple[str, ...]  # condition keys as they are written
    organization: bool | None  # do all SCPs allow?  None: there are none
    boundary: bool | None  # does the permissions boundary allow?  None: there is none
    kinds: Mapping[PolicyKind, Outcome]  # what each says; only of another account's resource


def simulate(question: Question) -> Simulated:
    """What would be decided on one action and one resource."""
    decision = evaluate(question)
    if decision.over_budget:
        return Simulated(decision.outcome, (), (), organization=None, boundary=None, kinds={})
    found = match_all(question)
    decided = () if decision.outcome is Outcome.IMPLICITLY_DENIED else decision.statements
    organization = all(map(_allows, found.service_control)) if found.service_control else None
    return Simulated(
        outcome=decision.outcome,
        statements=tuple(one for one in decided if one.kind not in OF_ORGANIZATION),
        missing=tuple(_missing(question)),
        organization=organization,
        boundary=None if found.boundary is None else _allows(found.boundary),
        kinds=_kinds(question, found) if organization is not False else {},
    )


def combined(each: Sequence[Simulated]) -> Simulated:
    """The sum over several resources: the severest decision, and what led to it."""
    outcome = severest(one.outcome for one in each)
    decided = [one for one in each if one.outcome is outcome]
    kinds = dict.fromkeys(kind for one in each for kind in one.kinds)
    return Simulated(
        outcome=outcome,
        statements=tuple(dict.fromkeys(s for one in decided for s in one.statements)),
        missing=tuple(distinct(key for one in each for key in one.missing)),
        organization=_all(one.organization for one in each),
        boundary=_all(one.boundary for one in each),
        kinds={k: severest(one.kinds[k] for one in each if k in one.kinds) for k in kinds},
    )


def severest(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that refuses most."""
    return max(outcomes, key=_SEVERITY.index)


def distinct(keys: Iterable[str]) -> Iterator[str]:
    """Condition keys in their order, each as it is written first."""
    seen: set[str] = set()
    for key in keys:
        name = ascii_lower(key)
        if name not in seen:
            seen.add(name)
            yield key


def keys_asked(policy: Policy) -> Iterator[str]:
    """The condition keys that a policy asks about, in conditions and variables, as written."""
    dialect = dialect_of(policy)
    for statement in policy.statements:
        yield from (variable.key for variable in statement.resources.variables)
        yield from (key for key, _ in _asked_by_conditions(statement, dialect))


def dialect_of(policy: Policy) -> Dialect:
    """What the texts of a compiled document mean."""
    return dialect_of_kind(policy.kind, variables=policy.version == VERSION_2012)


def could_apply(statement: Statement, dialect: Dialect, resource: str, keys: Keys) -> bool:
    """Does a statement speak of this resource, whatever the variables without a value may hold?"""
    element = statement.resources
    parsed = (template(text, dialect, wild=True) for text in element.patterns)
    templates = [one for one in parsed if not misplaced_variable(one)]
    if not element.negated:
        return element.everything or any(_could_be(one, resource, keys) for one in templates)
    known = [one for one in templates if one.substituted(keys, len(resource)) is not None]
    return not any(_could_be(one, resource, keys) for one in known)


def _could_be(pattern: Template, resource: str, keys: Keys) -> bool:
    return resource_glob(tuple(_token(part, keys) for part in pattern.parts))(resource)


def _token(part: Token | Variable, keys: Keys) -> Token:
    if not isinstance(part, Variable):
        return part
    value = part.value(keys)
    return Wild.ANY if value is None else value


def _missing(question: Question) -> Iterator[str]:
    """The keys without a value that statements on this action and resource ask about."""
    policies, own = question.policies, own_policies(question)
    sources = [*own.identity_based, *policies.resource_based]
    if own.boundary is not None:
        sources.append(own.boundary)
    return distinct(key for source in sources for key in _missing_of(question, source.policy))


def _missing_of(question: Question, policy: Policy) -> Iterator[str]:
    dialect, context = dialect_of(policy), question.context
    for statement in policy.statements:
        if not _speaks_of(question, statement):
            continue
        asked = _asked(statement, dialect, context.keys)
        if asked and could_apply(statement, dialect, context.resource, context.keys):
            yield from asked


def _asked(statement: Statement, dialect: Dialect, keys: Keys) -> list[str]:
    """The keys without a value that a statement asks about; a default is a value."""
    return [
        *(one.key for one in statement.resources.variables if one.value(keys) is None and one.name),
        *(
            key
            for key, default in _asked_by_conditions(statement, dialect)
            if default is None and (name := dialect.name(key)) and name not in keys
        ),
    ]


def _asked_by_conditions(
    statement: Statement, dialect: Dialect
) -> Iterator[tuple[str, str | None]]:
    """Every key that conditions and the variables in their values ask about, and its default."""
    for condition in statement.conditions:
        yield condition.key, None
        for text in condition.values:
            for variable in template(text, dialect, wild=False).variables:
                yield variable.key, variable.default


def _speaks_of(question: Question, statement: Statement) -> bool:
    """Are action and principal of the question those of the statement?"""
    if not statement.actions.matches(question.action):
        return False
    named = statement.principals
    who = question.context.principal
    return named is None or named.grade(who, question.bounded) is not Grade.NOBODY


def _kinds(question: Question, found: Matches) -> dict[PolicyKind, Outcome]:
    """What each kind says on its own of a resource of another account."""
    if not question.foreign:
        return {}
    kinds = {PolicyKind.IDENTITY: found.identity, question.resource_kind: found.resource}
    if found.boundary is not None:
        kinds[PolicyKind.BOUNDARY] = found.boundary
    return {kind: _outcome(matched) for kind, matched in kinds.items()}


def _outcome(matched: Matched) -> Outcome:
    if matched.denies:
        return Outcome.EXPLICITLY_DENIED
    return Outcome.ALLOWED if matched.allows else Outcome.IMPLICITLY_DENIED


def _allows(matched: Matched) -> bool:
    return _outcome(matched) is Outcome.ALLOWED


def _all(answers: Iterable[bool | None]) -> bool | None:
    known = [answer for answer in answers if answer is not None]
    return all(known) if known else None
