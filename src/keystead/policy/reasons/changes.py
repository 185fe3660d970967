"""What is the smallest change that would allow it?  One change for each policy in the way.

A refusal is taken away, the question is asked again, and so on until nothing refuses: what is
proposed was tried. A Deny is to be removed; where nothing allows, the Allow that is nearest to
the request is to be widened, or, if only its conditions fail, to be met; otherwise a statement is
to be added. What AWS keeps for itself, and an operation that never works across accounts, no
change can allow.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from keystead.policy.evaluation import (
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    ApplicablePolicies,
    Finding,
    Layer,
    PolicyKind,
    PolicySource,
    Question,
    RequestContext,
    document_kind,
    evaluate,
    places,
    sources_at,
    with_sources,
)
from keystead.policy.language import (
    EVERYBODY,
    RULES,
    VERSION_2012,
    Grade,
    MalformedPolicy,
    Policy,
    Principal,
    PrincipalType,
    Statement,
    compile_policy,
    root_arn,
)
from keystead.policy.reasons.statement_results import ConditionResult, StatementResult, result

_MOST_CHANGES = 64


class What(StrEnum):
    """The kinds of change."""

    REMOVE = "remove the statement"
    MEET = "meet its conditions"
    WIDEN = "widen the statement"
    ADD = "add a statement"


class Change(msgspec.Struct, frozen=True):
    """One change to one policy, or to the request."""

    what: What
    kind: PolicyKind
    policy: str  # PolicySource.id; "" for a policy that does not exist yet
    attached_to: str
    index: int  # of the statement in its document; -1 for a new one
    sid: str
    statement: Mapping[str, Any]  # as it is (remove, meet) or as it would be (widen, add)
    conditions: tuple[ConditionResult, ...] = ()  # those that decide: met (remove) or not (meet)


class _Found(msgspec.Struct, frozen=True):
    """A statement where it stands, and how near it is to the request."""

    place: Layer
    source: PolicySource
    statement: Statement
    result: StatementResult

    def change(self, what: What, statement: Mapping[str, Any] | None = None) -> Change:
        deciding = [one for one in self.result.conditions if one.met is (what is What.REMOVE)]
        return Change(
            what=what,
            kind=self.place.kind,
            policy=self.source.id,
            attached_to=self.source.attached_to,
            index=self.statement.index,
            sid=self.statement.sid,
            statement=statement or self.statement.source,
            conditions=tuple(deciding) if what in (What.REMOVE, What.MEET) else (),
        )


_Step = tuple[Change, ApplicablePolicies]
"""A change, and the policies after it."""


def smallest_changes(context: RequestContext, policies: ApplicablePolicies) -> tuple[Change, ...]:
    """The changes that together allow; () when nothing has to change, or nothing can."""
    changes: list[Change] = []
    for _ in range(_MOST_CHANGES + 1):
        question = Question.of(context, policies)
        refusal = _refusal(evaluate(context, policies).trace)
        if refusal is None:
            return tuple(changes)
        step = _step(question, refusal)
        if step is None:
            return ()
        change, policies = step
        changes.append(change)
    return ()


def _refusal(trace: tuple[Finding, ...]) -> Finding | None:
    return next((one for one in trace if one.effect in (EXPLICIT_DENY, IMPLICIT_DENY)), None)


def _step(question: Question, refusal: Finding) -> _Step | None:
    """Take one refusal away."""
    if refusal.kind is None:
        return None
    found = [one for one in _statements(question) if one.place.kind is refusal.kind]
    if refusal.effect == EXPLICIT_DENY:
        deny = next(one for one in found if not one.statement.allow and one.result.matches)
        return deny.change(What.REMOVE), _replaced(question.policies, deny, None)
    place = _refusing(question, refusal.kind)
    if place is None:
        return None
    return _allowing(question, place, [one for one in found if one.place == place])


def _statements(question: Question) -> Iterator[_Found]:
    for place in places(question):
        for source in sources_at(question.policies, place):
            for statement in source.policy.statements:
                yield _Found(place, source, statement, result(question, statement))


def _refusing(question: Question, kind: PolicyKind) -> Layer | None:
    """Where nothing of this kind allows; None when something does, and yet it is refused."""
    for place in places(question):
        if place.kind is kind:
            matched = question.match(kind, sources_at(question.policies, place))
            if matched.grade is Grade.NOBODY:
                return place
    return None


def _allowing(question: Question, place: Layer, found: list[_Found]) -> _Step | None:
    """Meet or widen the nearest Allow, else add one."""
    allows = [one for one in found if one.statement.allow and not one.statement.void]
    nearest = min(allows, key=_nearness, default=None)
    try:
        if nearest is not None and _only_conditions_fail(nearest.result):
            free = {k: v for k, v in nearest.statement.source.items() if k != "Condition"}
            after = _replaced(question.policies, nearest, _compiled(place, free))
            return nearest.change(What.MEET), after
        if nearest is not None and _distance(nearest.result) == 1:
            wider = _widened(question, nearest)
            if wider is not None:
                after = _replaced(question.policies, nearest, _compiled(place, wider))
                return nearest.change(What.WIDEN, wider), after
        return _added(question, place)
    except MalformedPolicy:
        return None  # the request's own names cannot stand in a document


def _nearness(found: _Found) -> tuple[int, bool]:
    """The smaller, the nearer; what needs no other policy comes before what does."""
    return _distance(found.result), not _only_conditions_fail(found.result)


def _distance(near: StatementResult) -> int:
    """How many of the statement's questions the request answers with no."""
    parts = (near.action, near.principal > Grade.NOBODY, near.resource)
    return parts.count(False) + sum(not condition.met for condition in near.conditions)


def _only_conditions_fail(near: StatementResult) -> bool:
    return near.action and near.principal > Grade.NOBODY and near.resource


def _widened(question: Question, nearest: _Found) -> Mapping[str, Any] | None:
    """The nearest statement with what it lacks; None when that cannot be added to it."""
    near, source, context = nearest.result, nearest.statement.source, question.context
    if not near.action and "Action" in source:
        return {**source, "Action": [*_listed(source["Action"]), context.action]}
    if not near.resource and "Resource" in source:
        return {**source, "Resource": [*_listed(source["Resource"]), context.resource]}
    if near.principal is Grade.NOBODY and isinstance(source.get("Principal"), dict):
        ((kind, name),) = _names(context.principal).items()
        listed = _listed(source["Principal"].get(kind, []))
        return {**source, "Principal": {**source["Principal"], kind: [*listed, name]}}
    return None


def _added(question: Question, place: Layer) -> _Step:
    """A statement of its own, in the first policy at this place or a new one."""
    context = question.context
    statement: dict[str, Any] = {"Effect": "Allow"}
    if RULES[document_kind(place.kind)].principal:
        statement["Principal"] = _names(context.principal)
    statement["Action"] = context.action
    if place.kind is PolicyKind.RESOURCE and question.action.startswith("kms:"):
        statement["Resource"] = "*"  # in a key policy: this key
    elif RULES[document_kind(place.kind)].resource:
        statement["Resource"] = context.resource
    sources = sources_at(question.policies, place)
    compiled = _compiled(place, statement)
    first = sources[0] if sources else PolicySource(_policy(place, statement), "")
    change = Change(What.ADD, place.kind, first.id, first.attached_to, -1, "", statement)
    if not sources:
        return change, with_sources(question.policies, place, (first,))
    longer = _with_statements(first, (*first.policy.statements, compiled))
    return change, with_sources(question.policies, place, (longer, *sources[1:]))


def _names(who: Principal) -> Mapping[str, str]:
    """How a policy names the caller as exactly as lasts: a session by its role."""
    match who.type:
        case PrincipalType.ASSUMED_ROLE:
            return {"AWS": who.principal_arn}
        case PrincipalType.ACCOUNT:
            return {"AWS": root_arn(who.account, who.arn.split(":")[1])}
        case PrincipalType.SERVICE:
            return {"Service": who.service_names[0]}
        case PrincipalType.FEDERATED:
            return {"Federated": who.issuer_arn}
        case PrincipalType.ANONYMOUS:
            return {"AWS": EVERYBODY}
        case PrincipalType.USER | PrincipalType.FEDERATED_USER:
            return {"AWS": who.arn}


def _policy(place: Layer, statement: Mapping[str, Any]) -> Policy:
    document = {"Version": VERSION_2012, "Statement": [statement]}
    return compile_policy(
        msgspec.json.encode(document).decode(),
        document_kind(place.kind),
        accept_unsupported_condition_keys=True,
    )


def _compiled(place: Layer, statement: Mapping[str, Any]) -> Statement:
    return _policy(place, statement).statements[0]


def _replaced(
    policies: ApplicablePolicies, found: _Found, by: Statement | None
) -> ApplicablePolicies:
    """The policies with one statement replaced, or removed."""
    changed = [] if by is None else [by]
    statements: list[Statement] = []
    for statement in found.source.policy.statements:
        statements += changed if statement is found.statement else [statement]
    sources = tuple(
        _with_statements(one, tuple(statements)) if one is found.source else one
        for one in sources_at(policies, found.place)
    )
    return with_sources(policies, found.place, sources)


def _with_statements(source: PolicySource, statements: tuple[Statement, ...]) -> PolicySource:
    """The source with other statements; its policy has no document, so it has no id."""
    policy = msgspec.structs.replace(source.policy, id="", statements=statements)
    return msgspec.structs.replace(source, policy=policy)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
