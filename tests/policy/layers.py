"""Which layers of policies decide a question?  A layer that is never missed is not tested."""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalPolicies,
    RequestContext,
)
from tests.policy.support import evaluate

Asked = tuple[RequestContext, ApplicablePolicies]
_replace = msgspec.structs.replace


def _own(policies: ApplicablePolicies, own: PrincipalPolicies) -> ApplicablePolicies:
    return _replace(policies, principal=own)


def _allowing(source: PolicySource) -> PolicySource:
    """The policy without its Denies."""
    kept = tuple(one for one in source.policy.statements if one.allow)
    return _replace(source, policy=_replace(source.policy, id="allowing", statements=kept))


def _without_own_denies(policies: ApplicablePolicies) -> ApplicablePolicies:
    own = policies.principal
    return _own(
        policies,
        PrincipalPolicies(
            tuple(map(_allowing, own.identity_based)),
            None if own.boundary is None else _allowing(own.boundary),
            tuple(tuple(map(_allowing, level)) for level in own.session),
            own.service_control,
            own.scope_down,
        ),
    )


WITHOUT: dict[str, Callable[[ApplicablePolicies], ApplicablePolicies]] = {
    "own denies": _without_own_denies,
    "identity": lambda p: _own(p, _replace(p.principal, identity_based=())),
    "boundary": lambda p: _own(p, _replace(p.principal, boundary=None)),
    "session": lambda p: _own(p, _replace(p.principal, session=())),
    "scope-down": lambda p: _own(p, _replace(p.principal, scope_down=())),
    "service control": lambda p: _own(p, _replace(p.principal, service_control=())),
    "resource control": lambda p: _replace(p, resource_control=()),
    "endpoint": lambda p: _replace(p, endpoint=None),
    "resource": lambda p: _replace(p, resource_based=()),
    "grants": lambda p: _replace(p, grants=()),
}


def shares(questions: Iterable[Asked]) -> dict[str, float]:
    """In which share of these questions each layer decides, and how many are allowed."""
    decided: Counter[str] = Counter()
    count = 0
    for context, policies in questions:
        count += 1
        allowed = evaluate(context, policies).allowed
        decided["allowed"] += allowed
        for layer, without in WITHOUT.items():
            decided[layer] += evaluate(context, without(policies)).allowed is not allowed
    return {layer: decided[layer] / count for layer in ("allowed", *WITHOUT)}
