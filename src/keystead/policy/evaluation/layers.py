"""Where does a policy stand in a decision?  Finding its place, and asking "what if" there."""

import msgspec

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.evaluation.matching import Question, resource_levels, service_levels
from keystead.policy.evaluation.question import ApplicablePolicies, PolicySource
from keystead.policy.language import UNBOUND, DocumentKind

Sources = tuple[PolicySource, ...]

_DOCUMENTS = {
    PolicyKind.IDENTITY: DocumentKind.IDENTITY,
    PolicyKind.RESOURCE: DocumentKind.RESOURCE,
    PolicyKind.TRUST: DocumentKind.TRUST,
    PolicyKind.BOUNDARY: DocumentKind.BOUNDARY,
    PolicyKind.SESSION: DocumentKind.SESSION,
    PolicyKind.SERVICE_CONTROL: DocumentKind.SCP,
    PolicyKind.RESOURCE_CONTROL: DocumentKind.RCP,
    PolicyKind.ENDPOINT: DocumentKind.ENDPOINT,
}


class Layer(msgspec.Struct, frozen=True):
    """A kind of policy and, for an organization's, a level from 0."""

    kind: PolicyKind
    level: int = 0


def document_kind(kind: PolicyKind) -> DocumentKind:
    """What a document of this kind may say; a key policy is asked as any resource's."""
    return _DOCUMENTS[kind]


def sources_at(policies: ApplicablePolicies, place: Layer) -> Sources:
    """The policies at a place."""
    own = policies.principal
    match place.kind:
        case PolicyKind.SERVICE_CONTROL:
            return own.service_control[place.level]
        case PolicyKind.RESOURCE_CONTROL:
            return policies.resource_control[place.level]
        case PolicyKind.ENDPOINT:
            return _some(policies.endpoint)
        case PolicyKind.IDENTITY:
            return own.identity_based
        case PolicyKind.BOUNDARY:
            return _some(own.boundary)
        case PolicyKind.SESSION:
            return own.session or ()
        case PolicyKind.RESOURCE | PolicyKind.TRUST:
            return policies.resource_based


def with_sources(
    policies: ApplicablePolicies, place: Layer, sources: Sources
) -> ApplicablePolicies:
    """The same policies, but for those at one place."""
    match place.kind:
        case PolicyKind.RESOURCE | PolicyKind.TRUST:
            return msgspec.structs.replace(policies, resource_based=sources)
        case PolicyKind.RESOURCE_CONTROL:
            levels = _with_level(policies.resource_control, place.level, sources)
            return msgspec.structs.replace(policies, resource_control=levels)
        case PolicyKind.ENDPOINT:
            return msgspec.structs.replace(policies, endpoint=sources[0])
    own = policies.principal
    match place.kind:
        case PolicyKind.SERVICE_CONTROL:
            levels = _with_level(own.service_control, place.level, sources)
            own = msgspec.structs.replace(own, service_control=levels)
        case PolicyKind.IDENTITY:
            own = msgspec.structs.replace(own, identity_based=sources)
        case PolicyKind.BOUNDARY:
            own = msgspec.structs.replace(own, boundary=sources[0])
        case PolicyKind.SESSION:
            own = msgspec.structs.replace(own, session=sources)
    return msgspec.structs.replace(policies, principal=own)


def _some(source: PolicySource | None) -> Sources:
    return () if source is None else (source,)


def _with_level(levels: tuple[Sources, ...], level: int, sources: Sources) -> tuple[Sources, ...]:
    return (*levels[:level], sources, *levels[level + 1 :])


def places(question: Question) -> list[Layer]:
    """Every place whose policies have a say, in the order of the steps."""
    context, policies, kind = question.context, question.policies, PolicyKind
    unbound = context.principal.type in UNBOUND
    resource_control = resource_levels(context, policies, question.action)
    return [
        *(Layer(kind.RESOURCE_CONTROL, level) for level in range(len(resource_control))),
        *(
            Layer(kind.SERVICE_CONTROL, level)
            for level in range(len(service_levels(context, policies)))
        ),
        Layer(kind.ENDPOINT),
        Layer(question.resource_kind),
        *(() if unbound else (Layer(kind.IDENTITY), Layer(kind.BOUNDARY), Layer(kind.SESSION))),
    ]
