"""In which layer of a decision does a policy stand?  Layers are read and replaced here."""

from typing import Any

import msgspec

from keystead.policy.evaluation.kinds import KINDS, Form, PolicyKind, Whose
from keystead.policy.evaluation.matching import is_bound
from keystead.policy.evaluation.question import ApplicablePolicies, PolicySource, Question
from keystead.policy.language import UNBOUND, DocumentKind

Sources = tuple[PolicySource, ...]


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


def sources_at(policies: ApplicablePolicies, layer: Layer) -> Sources:
    """The policies in a layer."""
    held, form = _held(policies, layer.kind), KINDS[layer.kind].form
    if form is Form.LEVELS:
        level: Sources = held[layer.level]
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


def places(question: Question) -> list[Layer]:
    """Every layer whose policies have a say, in the order of the steps."""
    return [
        Layer(kind, level)
        for kind in KINDS
        if _has_a_say(question, kind)
        for level in range(_levels(question, kind))
    ]


def _has_a_say(question: Question, kind: PolicyKind) -> bool:
    """Do policies of this kind have a say for this caller and this resource?"""
    match KINDS[kind].whose:
        case Whose.CALLER:
            return question.context.principal.type not in UNBOUND
        case Whose.OWNER:
            return kind is question.resource_kind
        case Whose.ORGANIZATION:
            return is_bound(question, kind)
        case Whose.NETWORK:
            return True


def _levels(question: Question, kind: PolicyKind) -> int:
    """The number of layers of this kind."""
    if KINDS[kind].form is not Form.LEVELS:
        return 1
    return len(_held(question.policies, kind))
