"""In which layer of a decision does a policy stand?  Layers are read and replaced here."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from keystead.policy.evaluation.kinds import KINDS, Form, KindFacts, PolicyKind, Whose
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalPolicies,
    Question,
)
from keystead.policy.evaluation.service_rules import under_resource_control, under_service_control
from keystead.policy.language import OUTSIDERS, UNBOUND, DocumentKind

Sources = tuple[PolicySource, ...]

# The members have names of their own, because every decision reads them.
_SET, _LEVELS = Form.SET, Form.LEVELS
_CALLER, _OWNER = Whose.CALLER, Whose.OWNER

_FORMS: Mapping[str, Form | None] = {
    "grants": Form.SET,  # statements of the resource's own
    **{member.name: None for member in fields(ApplicablePolicies) if member.type is bool},
    **{facts.part: facts.form for facts in KINDS.values()},
}

# Asked once: each time, `fields` leaves objects behind that only the garbage collector frees.
_DEFAULTS: Mapping[type, Mapping[str, Any]] = {
    part: {member.name: member.default for member in fields(part) if member.name in _FORMS}
    for part in (PrincipalPolicies, ApplicablePolicies)
}


class Layer(msgspec.Struct, frozen=True):
    """A kind of policy. For an organization's kind it has a level, from 0."""

    kind: PolicyKind
    level: int = 0

    @property
    def shown_level(self) -> int:
        """The level as people count it, from 1; 0 for a kind without levels."""
        return self.level + 1 if KINDS[self.kind].form is Form.LEVELS else 0


def document_kind(kind: PolicyKind) -> DocumentKind:
    """The kind of document in policies of this kind. A key policy counts as a resource's."""
    return KINDS[kind].document


def form_of(name: str) -> Form | None:
    """The form of a member of a question's policies; None if the member holds no policies."""
    return _FORMS[name]


def members(policies: ApplicablePolicies) -> dict[str, Any]:
    """The members of a question's policies by name, with the caller's, but for the defaults."""
    return {
        name: value
        for part in (policies.principal, policies)
        for name, default in _DEFAULTS[type(part)].items()
        if (value := getattr(part, name)) != default
    }


def of_each(form: Form | None, value: Any, made: Callable[[Any], Any]) -> Any:
    """A member of this form, in which `made` has replaced each policy."""
    match form:
        case Form.ONE:
            return made(value)
        case Form.SET:
            return tuple(map(made, value))
        case Form.LEVELS:
            return tuple(tuple(map(made, level)) for level in value)
        case None:
            return value


def sources_at(policies: ApplicablePolicies, layer: Layer) -> Sources:
    """The policies in a layer."""
    held, form = _held(policies, layer.kind), KINDS[layer.kind].form
    if form is Form.LEVELS:
        level: Sources = held[layer.level] if layer.level < len(held) else ()
        return level
    if form is Form.ONE:
        return () if held is None else (held,)
    return held or ()


def with_sources(
    policies: ApplicablePolicies, layer: Layer, sources: Sources
) -> ApplicablePolicies:
    """The same policies, with `sources` in place of those in one layer."""
    facts = KINDS[layer.kind]
    held: object = sources
    if facts.form is Form.LEVELS:
        levels = _held(policies, layer.kind)
        held = (*levels[: layer.level], sources, *levels[layer.level + 1 :])
    elif facts.form is Form.ONE:
        held = sources[0]
    if facts.of_principal:
        own = msgspec.structs.replace(policies.principal, **{facts.part: held})
        return msgspec.structs.replace(policies, principal=own)
    return msgspec.structs.replace(policies, **{facts.part: held})


def _held(policies: ApplicablePolicies, kind: PolicyKind) -> Any:
    """The member of a question's policies that holds this kind."""
    facts = KINDS[kind]
    return getattr(policies.principal if facts.of_principal else policies, facts.part)


def levels_by_kind(question: Question) -> list[tuple[PolicyKind, tuple[Sources, ...]]]:
    """The policies of each kind that has a say, as levels, which all have to allow.

    A set of policies is one level. A kind with one policy or none has one level or none.
    """
    policies, has_a_say = question.policies, _having_a_say(question)
    own = policies.principal
    having: list[tuple[PolicyKind, tuple[Sources, ...]]] = []
    for kind, facts in KINDS.items():
        held = getattr(own if facts.of_principal else policies, facts.part)
        form = facts.form
        if held is None or (form is _LEVELS and not held) or not has_a_say(kind, facts):
            continue
        if form is not _LEVELS:
            held = (held,) if form is _SET else ((held,),)
        having.append((kind, held))
    return having


def levels_of(question: Question, kind: PolicyKind) -> tuple[Sources, ...]:
    """The same of one kind; () when it has no say."""
    return dict(levels_by_kind(question)).get(kind, ())


def places(question: Question) -> list[Layer]:
    """Every layer whose policies have a say, in the order of the steps."""
    has_a_say = _having_a_say(question)
    return [
        Layer(kind, level)
        for kind, facts in KINDS.items()
        if has_a_say(kind, facts)
        for level in range(_levels(question, kind))
    ]


def _having_a_say(question: Question) -> Callable[[PolicyKind, KindFacts], bool]:
    """Do policies of a kind have a say for this caller and this resource?"""
    who, own = question.context.principal, question.resource_kind
    bound = who.type not in UNBOUND
    # Root has a session policy only if it was passed to this session: none can be added.
    in_session = bound or (who.type not in OUTSIDERS and bool(question.policies.principal.session))

    def has_a_say(kind: PolicyKind, facts: KindFacts) -> bool:
        whose = facts.whose
        if whose is _CALLER:
            if facts.binds_all:
                return True
            return in_session if kind is PolicyKind.SESSION else bound
        if whose is _OWNER:
            return kind is own
        if whose is Whose.NETWORK:
            return True
        if kind is PolicyKind.SERVICE_CONTROL:
            return under_service_control(who)
        return under_resource_control(question.action, question.context.resource, who)

    return has_a_say


def _levels(question: Question, kind: PolicyKind) -> int:
    """The number of layers of this kind."""
    if KINDS[kind].form is not Form.LEVELS:
        return 1
    levels = len(_held(question.policies, kind))
    # A caller without session policies still has a layer for them: one can be added.
    return max(levels, 1) if kind is PolicyKind.SESSION else levels
