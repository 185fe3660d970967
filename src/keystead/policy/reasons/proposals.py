"""Which document would allow just this, and nothing else?

    WIDEN  a statement of the caller's own that, widened, gives what was asked and no more
    ADD    a statement of its own: this action, this resource, this caller
    COPY   AWS's own policies nobody can change: a copy of one with one statement more

The caller's own are its inline policies, its session's, and a statement of the resource's policy
that names nobody else. Managed policies and those of groups may be others' as well: they are
neither widened nor added to. Where a statement is added to a policy that binds others too (a
boundary, an organization's), it is for this caller alone, and so is one that names a root user,
which would leave it to the policies of its account.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from keystead.policy.evaluation import (
    OF_ORGANIZATION,
    ApplicablePolicies,
    Layer,
    PolicyKind,
    PolicySource,
    Question,
    document_kind,
    sources_at,
    with_sources,
)
from keystead.policy.language import (
    EVERYBODY,
    GREATEST_SIZES,
    ROLE_POLICIES_SIZE,
    RULES,
    USER_POLICIES_SIZE,
    VERSION_2012,
    DocumentKind,
    Grade,
    Policy,
    Principal,
    PrincipalType,
    Statement,
    compile_policy,
    document_size,
    root_arn,
)
from keystead.policy.reasons.statement_results import ConditionResult, StatementResult
from keystead.policy.text import ascii_lower

After = Callable[[ApplicablePolicies], ApplicablePolicies]
"""What a change makes of policies."""

Proposed = tuple["Change", After]

_SHARED = OF_ORGANIZATION | {PolicyKind.BOUNDARY}
_AWS_OWN = ":iam::aws:policy/"
_ONLY_KEY = "aws:PrincipalArn"


class What(StrEnum):
    """The kinds of change."""

    MEET = "meet its conditions"
    AVOID = "let one of its conditions fail"
    WIDEN = "widen the statement"
    ADD = "add a statement"
    COPY = "use a copy with one more statement"


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """One change to one policy, or to the request."""

    what: What
    kind: PolicyKind
    policy: str  # PolicySource.id; "" for a policy that does not exist yet
    attached_to: str
    index: int  # of the statement in its document; -1 for a new one
    sid: str
    statement: Mapping[str, Any]  # as it is (meet, avoid) or as it would be
    conditions: tuple[ConditionResult, ...] = ()  # that the request is to meet, or to let fail


class Found(msgspec.Struct, frozen=True):
    """A statement where it stands, and how near it is to the request."""

    place: Layer
    source: PolicySource
    statement: Statement
    result: StatementResult

    @property
    def unmet(self) -> list[ConditionResult]:
        """The conditions that fail."""
        return [one for one in self.result.conditions if not one.met]

    def change(
        self,
        what: What,
        statement: Mapping[str, Any] | None = None,
        conditions: tuple[ConditionResult, ...] = (),
    ) -> Change:
        return Change(
            what=what,
            kind=self.place.kind,
            policy=self.source.id,
            attached_to=self.source.attached_to,
            index=self.statement.index,
            sid=self.statement.sid,
            statement=statement or self.statement.source,
            conditions=conditions,
        )


# Widened


def own_widened(question: Question, here: list[Found]) -> Proposed | None:
    """The caller's own statement, with the one action or resource that it lacks."""
    for found in here:
        wider = _widened(question, found) if _is_own(question, found) else None
        if wider is not None and _fits(question, found.place, found.source, found.statement, wider):
            return found.change(What.WIDEN, wider), _Replaced(found, wider)
    return None


class _Replaced(msgspec.Struct, frozen=True):
    """One statement is another one."""

    found: Found
    statement: Mapping[str, Any]

    def __call__(self, policies: ApplicablePolicies) -> ApplicablePolicies:
        return replaced(policies, self.found, _compiled(self.found.place, self.statement))


def _is_own(question: Question, found: Found) -> bool:
    """Is this a statement about nobody but the caller?"""
    if not found.statement.allow or found.statement.void or found.unmet:
        return False
    if found.place.kind in (PolicyKind.IDENTITY, PolicyKind.SESSION):
        return is_own_policy(question, found.source)
    written = found.statement.source.get("Principal")
    if not _names_callers(found.place) or not isinstance(written, dict):
        return False
    return {kind: _listed(names) for kind, names in written.items()} == {
        kind: [name] for kind, name in _names(question.context.principal).items()
    }


def is_own_policy(question: Question, source: PolicySource) -> bool:
    """Is this a policy that only the caller has?  Managed ones, by their ARNs, may be others'."""
    who = question.context.principal
    return not source.id.startswith("arn:") and source.attached_to in (
        "",
        who.arn,
        who.principal_arn,
    )


def _widened(question: Question, found: Found) -> Mapping[str, Any] | None:
    """The statement with what it lacks; None when more than that would be given."""
    near, source, context = found.result, found.statement.source, question.context
    if near.principal is Grade.NOBODY:
        return None
    if near.resource and not near.action and "Action" in source:
        exact = "Resource" not in source or _listed(source["Resource"]) in _same(question, found)
        more = [*_listed(source["Action"]), context.action]
        return {**source, "Action": more} if exact and "NotResource" not in source else None
    if near.action and not near.resource and "Resource" in source:
        exact = [ascii_lower(one) for one in _listed(source.get("Action"))] == [question.action]
        more = [*_listed(source["Resource"]), context.resource]
        return {**source, "Resource": more} if exact else None
    return None


def _same(question: Question, found: Found) -> tuple[list[str], ...]:
    """The lists of resources that mean the one that was asked about; in a key policy `*` does."""
    whole = (["*"],) if _is_of_key(question, found.place) else ()
    return ([question.context.resource], *whole)


def _names_callers(place: Layer) -> bool:
    """Has a statement there a Principal element?"""
    return RULES[document_kind(place.kind)].principal


def _is_of_key(question: Question, place: Layer) -> bool:
    return place.kind is PolicyKind.RESOURCE and question.action.startswith("kms:")


# Added


def added(question: Question, place: Layer) -> Proposed | None:
    """A statement of its own; None when nobody can write one there."""
    statement = _statement(question, place)
    if statement is None:
        return None
    target = _target(question, place, statement)
    if target is None:
        return None
    what = What.COPY if _AWS_OWN in target.id else What.ADD
    change = Change(what, place.kind, target.id, target.attached_to, -1, "", statement)
    return change, _Added(place, target.id, statement)


class _Added(msgspec.Struct, frozen=True):
    """One statement more, in a policy that is there or in a new one."""

    place: Layer
    policy: str
    statement: Mapping[str, Any]

    def __call__(self, policies: ApplicablePolicies) -> ApplicablePolicies:
        sources = sources_at(policies, self.place)
        compiled = _policy(self.place, self.statement)
        if not any(one.id == self.policy for one in sources):
            return with_sources(policies, self.place, (*sources, PolicySource(compiled, "")))
        longer = tuple(
            _with_statements(one, (*one.policy.statements, *compiled.statements))
            if one.id == self.policy
            else one
            for one in sources
        )
        return with_sources(policies, self.place, longer)


def _statement(question: Question, place: Layer) -> Mapping[str, Any] | None:
    """What allows this action on this resource to this caller, and nothing else."""
    context, principal = question.context, question.context.principal
    statement: dict[str, Any] = {"Effect": "Allow"}
    if _names_callers(place):
        statement["Principal"] = _names(principal)
    statement["Action"] = context.action
    if _is_of_key(question, place):
        statement["Resource"] = "*"  # in a key policy: this key
    elif RULES[document_kind(place.kind)].resource:
        statement["Resource"] = context.resource
    if _names_callers(place) and principal.type is PrincipalType.ANONYMOUS:
        return None  # that would be everybody
    if _is_about_others(question, place):
        arn = context.keys.get(ascii_lower(_ONLY_KEY))
        if not isinstance(arn, str):
            return None  # nothing tells this caller from others
        statement["Condition"] = {"ArnEquals": {_ONLY_KEY: arn}}
    return statement


def _is_about_others(question: Question, place: Layer) -> bool:
    """Would the statement be about others, too?  To name a root is to leave it to its account."""
    if _names_callers(place):
        return question.context.principal.type is PrincipalType.ACCOUNT
    first = next(iter(sources_at(question.policies, place)), None)
    return place.kind in _SHARED and first is not None and _AWS_OWN not in first.id


def _target(question: Question, place: Layer, statement: Mapping[str, Any]) -> PolicySource | None:
    """The policy that the statement is added to; a new one has no id."""
    who, sources = question.context.principal, sources_at(question.policies, place)
    if place.kind is PolicyKind.IDENTITY:
        for source in sources:
            if is_own_policy(question, source) and _fits(question, place, source, None, statement):
                return source
        return PolicySource(_policy(place, statement), "", who.principal_arn or who.arn)
    if not sources:
        # Nothing of IAM's has a policy of its own.
        nowhere = place.kind is PolicyKind.RESOURCE and question.action.startswith("iam:")
        return None if nowhere else PolicySource(_policy(place, statement), "")
    return sources[0] if _fits(question, place, sources[0], None, statement) else None


def _fits(
    question: Question,
    place: Layer,
    source: PolicySource,
    instead: Statement | None,
    statement: Mapping[str, Any],
) -> bool:
    """Is the document with one more statement, or another one, short enough to be stored?"""
    kept = [one.source for one in source.policy.statements if one is not instead]
    document = {"Version": source.policy.version, "Statement": [*kept, statement]}
    kind = DocumentKind.KEY if _is_of_key(question, place) else document_kind(place.kind)
    size = document_size(msgspec.json.encode(document).decode(), kind)
    most = GREATEST_SIZES.get(kind)
    if kind is DocumentKind.IDENTITY:  # all inline policies together
        user = question.context.principal.type is PrincipalType.USER
        most = USER_POLICIES_SIZE if user else ROLE_POLICIES_SIZE
        size += sum(
            document_size(one.policy.text, kind)
            for one in sources_at(question.policies, place)
            if one is not source and is_own_policy(question, one)
        )
    return most is None or size <= most


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


def replaced(
    policies: ApplicablePolicies, found: Found, by: Statement | None
) -> ApplicablePolicies:
    """The policies with one statement replaced, or without it."""
    changed = [] if by is None else [by]
    sources = tuple(
        _with_statements(
            one,
            tuple(
                kept
                for statement in one.policy.statements
                for kept in (changed if statement is found.statement else [statement])
            ),
        )
        if any(statement is found.statement for statement in one.policy.statements)
        else one
        for one in sources_at(policies, found.place)
    )
    return with_sources(policies, found.place, sources)


def _with_statements(source: PolicySource, statements: tuple[Statement, ...]) -> PolicySource:
    """The source with other statements; its policy has no document, so it has no id."""
    policy = msgspec.structs.replace(source.policy, id="", statements=statements)
    return msgspec.structs.replace(source, policy=policy)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
