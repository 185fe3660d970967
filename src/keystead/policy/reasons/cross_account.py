"""Which facts may a stranger learn from a refusal?  About another account's resource, no new ones.

A stranger may write any policy for itself. Suppose that the sentence of a refusal told whether the
stranger's own Deny matched. Then each call would answer one question about the resource: whether it
exists, which id it has, or how it is tagged. So the sentence about another account's resource is
worked out again. It uses only the caller, the caller's policies and the request (threat-model KM-2,
EX-1).

INVARIANT: before any statement is compared, the resource's policies and condition keys are removed,
and its ARN is replaced by the name that the caller used. A statement that uses a removed fact is
removed, too. So the sentence depends neither on the state of the resource nor on its existence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from keystead.policy.evaluation import (
    OF_CALLER,
    OF_OWNER,
    AccessDenied,
    ContextValue,
    DecidingStatement,
    Decision,
    Layer,
    Outcome,
    PolicyKind,
    PolicySource,
    Question,
    RefusedQuestion,
    RequestContext,
    about_a_name,
    deciding,
    grade_of,
    is_exceeded,
    places,
    sources_at,
)
from keystead.policy.language import Grade, PrincipalType, Statement
from keystead.policy.text import ascii_lower

_VARIABLE = re.compile(r"\$\{([^},]+)")

# The value of this condition key follows from two keys, and neither need be the caller's.
_BESIDE_OWNER = OF_OWNER | OF_CALLER
_WITH_POLICIES = frozenset(
    {PrincipalType.USER, PrincipalType.ASSUMED_ROLE, PrincipalType.FEDERATED_USER}
)
_OF_CIPHERTEXT = " on the resource associated with this ciphertext"

_COMPARES_RESOURCES = frozenset({"kms:reencryptonsamekey"})


class Match(msgspec.Struct, frozen=True):
    """A statement that matched, its layer and its policy."""

    layer: Layer
    source: PolicySource
    statement: Statement

    @property
    def deciding(self) -> DecidingStatement:
        return deciding(self.layer.kind, self.source, self.statement)


def refusal(decision: Decision, asked: RefusedQuestion) -> AccessDenied:
    """The refusal in the words that the caller may read."""
    told = _told(decision, asked) if decision.foreign else decision
    if asked.shown_as:
        told = msgspec.structs.replace(told, resource=asked.shown_as)
    return AccessDenied(decision, told.message, asked)


def _told(decision: Decision, asked: RefusedQuestion) -> Decision:
    """The decision on another account's resource, as the caller's own side explains it."""
    known = as_known(asked)
    denies = [match.deciding for match in matches(known) if not match.statement.allow]
    if denies:
        outcome, kind = Outcome.EXPLICITLY_DENIED, denies[0].kind
    elif decision.outcome is Outcome.EXPLICITLY_DENIED or decision.kind in _BESIDE_OWNER:
        outcome, kind = Outcome.IMPLICITLY_DENIED, _lacking(known)
    else:
        return decision
    return msgspec.structs.replace(decision, outcome=outcome, kind=kind, statements=tuple(denies))


def of_ciphertext(refused: AccessDenied) -> AccessDenied:
    """The same refusal for a caller who sent a ciphertext and named no key (kms.md 8.4).

    It does not tell whether the key in the ciphertext exists in any account.
    """
    decision, asked = refused.decision, refused.asked
    if decision is None or asked is None:
        return refused
    told = decision
    if decision.foreign:
        told = _told(decision, asked)
    elif decision.kind is PolicyKind.RESOURCE:
        told = msgspec.structs.replace(
            decision, outcome=Outcome.IMPLICITLY_DENIED, kind=_lacking(asked), statements=()
        )
    told = msgspec.structs.replace(told, foreign=True, place=_OF_CIPHERTEXT)
    return refused.reworded(told.message)


def _lacking(known: RefusedQuestion) -> PolicyKind:
    """The first kind of the caller's own policies that cannot allow, or else the resource's kind.

    Only facts that the caller knows are used.
    """
    question = known.question
    owners = question.resource_kind
    if is_exceeded(question):
        return owners
    who, own = question.context.principal, question.policies.principal
    layers: tuple[tuple[PolicyKind, tuple[PolicySource, ...] | None], ...] = (
        (PolicyKind.IDENTITY, own.identity_based if who.type in _WITH_POLICIES else None),
        (PolicyKind.BOUNDARY, None if own.boundary is None else (own.boundary,)),
        *((PolicyKind.SESSION, level) for level in own.session),
        *((PolicyKind.SCOPE_DOWN, level) for level in own.scope_down),
    )
    for kind, sources in layers:
        if sources is not None and not _may_allow(sources, question):
            return kind
    return owners


def _may_allow(sources: tuple[PolicySource, ...], question: Question) -> bool:
    """Is there an Allow that is about the action, and that the known facts do not exclude?"""
    context, action = question.context, question.action
    return any(
        statement.allow and statement.actions.matches(action) and _may_match(statement, context)
        for source in sources
        for statement in source.policy.statements
    )


def _may_match(statement: Statement, context: RequestContext) -> bool:
    """Do resource and conditions match, if those that cannot be known are left out?"""
    keys, resources = context.keys, statement.resources
    of_alias = ":alias/" in context.resource  # the key of the alias is not known
    varies = not all(_is_known(variable.name, keys) for variable in resources.variables)
    if not (of_alias or varies or resources.test(context.resource, keys)):
        return False
    return all(
        condition.test(keys)
        for condition in statement.conditions
        if _is_known(condition.name, keys)
    )


def as_known(asked: RefusedQuestion) -> RefusedQuestion:
    """The question with the facts that the caller knows.

    It is the same question, or for another account's resource a question about a mere name.
    """
    question = asked.question
    if not question.foreign:
        return asked
    context, hidden = question.context, asked.described | _COMPARES_RESOURCES
    known = {name: value for name, value in context.keys.items() if name not in hidden}
    return RefusedQuestion(about_a_name(question, asked.shown_as or context.resource, known))


def matches(known: RefusedQuestion) -> Iterator[Match]:
    """The statements that match a question of `as_known`, in the order of the steps.

    If the comparison would take too long, there are none.
    """
    question = known.question
    if is_exceeded(question):
        return
    for match in _statements(question):
        if grade_of(question, match.statement) is Grade.NOBODY:
            continue
        if not (question.foreign and _asks_beyond(match.statement, question.context.keys)):
            yield match


def _statements(question: Question) -> Iterator[Match]:
    """Every statement that has a say."""
    for layer in places(question):
        own = layer.kind is question.resource_kind
        grants = question.policies.grants if own else ()
        for source in (*sources_at(question.policies, layer), *grants):
            for statement in source.policy.statements:
                yield Match(layer, source, statement)


def _asks_beyond(statement: Statement, known: Mapping[str, ContextValue]) -> bool:
    """Does a statement use a key that the caller cannot know?"""
    names = (*(condition.name for condition in statement.conditions), *_variables(statement))
    return not all(_is_known(name, known) for name in names)


def _is_known(name: str, known: Mapping[str, ContextValue]) -> bool:
    return name in known or _is_of_request(name)


def _variables(statement: Statement) -> Iterable[str]:
    """The condition keys that a statement uses as variables: `${aws:username}`."""
    # No escape hides a `$`: our own encoder wrote this text, not the policy's author.
    return (ascii_lower(name.strip()) for name in _VARIABLE.findall(statement.text))


def _is_of_request(name: str) -> bool:
    """Is this a key that never describes a resource, so that it is truly absent?"""
    if name.startswith("aws:"):
        return not name.startswith("aws:resource")
    return name.startswith("kms:encryptioncontext") or name in {"*", "?", "$"}
