"""Which document would allow exactly this request, and nothing else?

    WIDEN  widen a statement of the caller's own, if that gives exactly the requested permission
    ADD    add a new statement: this action, this resource, this caller
    COPY   use a copy of AWS's own policy, which nobody can change, with one more statement

The caller's own policies are its inline policies and its session's policies. A statement of the
resource's policy is its own if it names nobody else. Managed policies and policies of groups may
belong to others as well. They are neither widened nor extended.

Some policies bind others too (a boundary, an organization's policies). A statement that is added to
such a policy has a condition that names this caller only. So has a statement that names a root
user, because it would otherwise delegate to the policies of its account.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from keystead.arns import partition_in
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
    TRUST_ACTION,
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
"""It gives the policies after a change."""

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
    conditions: tuple[ConditionResult, ...] = ()  # conditions to meet, or to let one of them fail


class Placed(msgspec.Struct, frozen=True):
    """A statement, its layer and its policy, and how near it is to the request."""

    layer: Layer
    source: PolicySource
    statement: Statement
    result: StatementResult

    @property
    def unmet(self) -> list[ConditionResult]:
        """The conditions that fail."""
        return [condition for condition in self.result.conditions if not condition.met]

    def change(
        self,
        what: What,
        statement: Mapping[str, Any] | None = None,
        conditions: tuple[ConditionResult, ...] = (),
    ) -> Change:
        return Change(
            what=what,
            kind=self.layer.kind,
            policy=self.source.id,
            attached_to=self.source.attached_to,
            index=self.statement.index,
            sid=self.statement.sid,
            statement=statement or self.statement.source,
            conditions=conditions,
        )


# Widened


def own_widened(question: Question, here: list[Placed]) -> Proposed | None:
    """The caller's own statement, with the one action or resource that was missing."""
    for placed in here:
        wider = _widened(question, placed) if _is_own(question, placed) else None
        if wider is not None and _fits(
            question, placed.layer, placed.source, placed.statement, wider
        ):
            return placed.change(What.WIDEN, wider), _Replaced(placed, wider)
    return None


class _Replaced(msgspec.Struct, frozen=True):
    """The policies after one statement was replaced by another."""

    before: Placed
    statement: Mapping[str, Any]

    def __call__(self, policies: ApplicablePolicies) -> ApplicablePolicies:
        return replaced(policies, self.before, _compiled(self.before.layer, self.statement))


def _is_own(question: Question, placed: Placed) -> bool:
    """Is this a statement about the caller only?"""
    if not placed.statement.allow or placed.statement.void or placed.unmet:
        return False
    if placed.layer.kind in (PolicyKind.IDENTITY, PolicyKind.SESSION, PolicyKind.SCOPE_DOWN):
        return is_own_policy(question, placed.source)
    written = placed.statement.source.get("Principal")
    if not _names_callers(placed.layer) or not isinstance(written, dict):
        return False
    return {kind: _listed(names) for kind, names in written.items()} == {
        kind: [name] for kind, name in _names(question.context.principal).items()
    }


def is_own_policy(question: Question, source: PolicySource) -> bool:
    """Does only the caller have this policy?  A managed policy, with an ARN, may be shared."""
    who = question.context.principal
    return not source.id.startswith("arn:") and source.attached_to in (
        "",
        who.arn,
        who.principal_arn,
    )


def _widened(question: Question, placed: Placed) -> Mapping[str, Any] | None:
    """The statement with the missing action or resource; None if that would give more."""
    near, source, context = placed.result, placed.statement.source, question.context
    if near.principal is Grade.NOBODY:
        return None
    if near.resource and not near.action and "Action" in source:
        exact = "Resource" not in source or _listed(source["Resource"]) in _same(question, placed)
        more = [*_listed(source["Action"]), context.action]
        return {**source, "Action": more} if exact and "NotResource" not in source else None
    if near.action and not near.resource and "Action" in source and "Resource" in source:
        exact = [ascii_lower(text) for text in _listed(source["Action"])] == [question.action]
        more = [*_listed(source["Resource"]), context.resource]
        return {**source, "Resource": more} if exact else None
    return None


def _same(question: Question, placed: Placed) -> tuple[list[str], ...]:
    """The lists that mean exactly the requested resource. In a key policy `*` is one of them."""
    whole = (["*"],) if _is_of_key(question, placed.layer) else ()
    return ([question.context.resource], *whole)


def _names_callers(layer: Layer) -> bool:
    """Has a statement in this layer a Principal element?"""
    return RULES[document_kind(layer.kind)].principal


def _is_of_key(question: Question, layer: Layer) -> bool:
    return layer.kind is PolicyKind.RESOURCE and question.action.startswith("kms:")


# Added


def added(question: Question, layer: Layer) -> Proposed | None:
    """The change that adds a new statement; None if nobody can write one in this layer."""
    statement = _statement(question, layer)
    if statement is None:
        return None
    target = _target(question, layer, statement)
    if target is None:
        return None
    what = What.COPY if _AWS_OWN in target.id else What.ADD
    change = Change(what, layer.kind, target.id, target.attached_to, -1, "", statement)
    return change, _Added(layer, target.id, statement)


class _Added(msgspec.Struct, frozen=True):
    """The policies after one statement was added, in an existing policy or in a new one."""

    layer: Layer
    policy: str
    statement: Mapping[str, Any]

    def __call__(self, policies: ApplicablePolicies) -> ApplicablePolicies:
        sources = sources_at(policies, self.layer)
        compiled = _policy(self.layer, self.statement)
        if not any(source.id == self.policy for source in sources):
            return with_sources(policies, self.layer, (*sources, PolicySource(compiled, "")))
        longer = tuple(
            _with_statements(source, (*source.policy.statements, *compiled.statements))
            if source.id == self.policy
            else source
            for source in sources
        )
        return with_sources(policies, self.layer, longer)


def _statement(question: Question, layer: Layer) -> Mapping[str, Any] | None:
    """The statement that allows this action on this resource to this caller, and nothing else."""
    context, principal = question.context, question.context.principal
    if layer.kind is PolicyKind.TRUST and not TRUST_ACTION.fullmatch(question.action):
        return None  # no document says who assumes a root user
    statement: dict[str, Any] = {"Effect": "Allow"}
    if _names_callers(layer):
        statement["Principal"] = _names(principal)
    statement["Action"] = context.action
    if _is_of_key(question, layer):
        statement["Resource"] = "*"  # in a key policy: this key
    elif RULES[document_kind(layer.kind)].resource:
        statement["Resource"] = context.resource
    if _names_callers(layer) and principal.type is PrincipalType.ANONYMOUS:
        return None  # the statement would name everybody
    if _is_about_others(question, layer):
        arn = context.keys.get(ascii_lower(_ONLY_KEY))
        if not isinstance(arn, str):
            return None  # no key distinguishes this caller from others
        statement["Condition"] = {"ArnEquals": {_ONLY_KEY: arn}}
    return statement


def _is_about_others(question: Question, layer: Layer) -> bool:
    """Would the statement allow others, too?  A statement that names a root user delegates."""
    if _names_callers(layer):
        return question.context.principal.type is PrincipalType.ACCOUNT
    first = next(iter(sources_at(question.policies, layer)), None)
    return layer.kind in _SHARED and first is not None and _AWS_OWN not in first.id


def _target(question: Question, layer: Layer, statement: Mapping[str, Any]) -> PolicySource | None:
    """The policy to which the statement is added. A new policy has no id."""
    who, sources = question.context.principal, sources_at(question.policies, layer)
    if layer.kind is PolicyKind.IDENTITY:
        for source in sources:
            if is_own_policy(question, source) and _fits(question, layer, source, None, statement):
                return source
        return PolicySource(_policy(layer, statement), "", who.principal_arn or who.arn)
    if not sources:
        # No resource of IAM has a policy of its own.
        nowhere = layer.kind is PolicyKind.RESOURCE and question.action.startswith("iam:")
        return None if nowhere else PolicySource(_policy(layer, statement), "")
    return sources[0] if _fits(question, layer, sources[0], None, statement) else None


def _fits(
    question: Question,
    layer: Layer,
    source: PolicySource,
    instead: Statement | None,
    statement: Mapping[str, Any],
) -> bool:
    """Is the document short enough to be stored, with `statement` added or put for `instead`?"""
    kept = [other.source for other in source.policy.statements if other is not instead]
    document = {"Version": source.policy.version, "Statement": [*kept, statement]}
    kind = DocumentKind.KEY if _is_of_key(question, layer) else document_kind(layer.kind)
    size = document_size(msgspec.json.encode(document).decode(), kind)
    most = GREATEST_SIZES.get(kind)
    if kind is DocumentKind.IDENTITY:  # all inline policies together
        user = question.context.principal.type is PrincipalType.USER
        most = USER_POLICIES_SIZE if user else ROLE_POLICIES_SIZE
        size += sum(
            document_size(other.policy.text, kind)
            for other in sources_at(question.policies, layer)
            if other is not source and is_own_policy(question, other)
        )
    return most is None or size <= most


def _names(who: Principal) -> Mapping[str, str]:
    """The principal by which a policy names the caller. A session does not last: it is its role."""
    match who.type:
        case PrincipalType.ASSUMED_ROLE:
            return {"AWS": who.principal_arn}
        case PrincipalType.ACCOUNT:
            return {"AWS": root_arn(who.account, partition_in(who.arn))}
        case PrincipalType.SERVICE:
            return {"Service": who.service_names[0]}
        case PrincipalType.FEDERATED:
            return {"Federated": who.issuer_arn}
        case PrincipalType.ANONYMOUS:
            return {"AWS": EVERYBODY}
        case PrincipalType.USER | PrincipalType.FEDERATED_USER:
            return {"AWS": who.arn}


def _policy(layer: Layer, statement: Mapping[str, Any]) -> Policy:
    document = {"Version": VERSION_2012, "Statement": [statement]}
    return compile_policy(
        msgspec.json.encode(document).decode(),
        document_kind(layer.kind),
        accept_unsupported_condition_keys=True,
    )


def _compiled(layer: Layer, statement: Mapping[str, Any]) -> Statement:
    return _policy(layer, statement).statements[0]


def replaced(
    policies: ApplicablePolicies, placed: Placed, by: Statement | None
) -> ApplicablePolicies:
    """The policies with one statement replaced or removed."""
    changed = [] if by is None else [by]
    sources = tuple(
        _with_statements(
            source,
            tuple(
                kept
                for statement in source.policy.statements
                for kept in (changed if statement is placed.statement else [statement])
            ),
        )
        if any(statement is placed.statement for statement in source.policy.statements)
        else source
        for source in sources_at(policies, placed.layer)
    )
    return with_sources(policies, placed.layer, sources)


def _with_statements(source: PolicySource, statements: tuple[Statement, ...]) -> PolicySource:
    """The source with other statements. Its policy has no id, because it has no document."""
    policy = msgspec.structs.replace(source.policy, id="", statements=statements)
    return msgspec.structs.replace(source, policy=policy)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
