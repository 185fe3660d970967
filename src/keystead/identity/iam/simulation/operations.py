"""SimulateCustomPolicy, SimulatePrincipalPolicy: would this be allowed?

The question has the form in which enforcement and `keystead decide` ask it, and the same function
answers (threat-model PE-9). Nothing is done, and no resource is looked at. A page has fewer rows
than MaxItems when its questions take long to answer. What is long is read beside the loop (`work`).
"""

from typing import NamedTuple

import msgspec

from keystead.identity import limits, paging
from keystead.identity.call import IamCall
from keystead.identity.iam.simulation import caller_and_facts, policies
from keystead.identity.iam.simulation import source as policy_sources
from keystead.identity.iam.simulation.questions import questions, require_askable
from keystead.identity.iam.simulation.refused import Refused, accepted
from keystead.identity.iam.simulation.results import Results
from keystead.identity.repository import Entity
from keystead.policy.evaluation import Keys, Principal, PrincipalPolicies
from keystead.policy.reasons import simulate
from keystead.registry import implements_with_work
from keystead.wire.models import iam as api
from keystead.work import MadeWith, Work, digest, read

_Request = api.SimulateCustomPolicyRequest | api.SimulatePrincipalPolicyRequest


class _Rows(NamedTuple):
    """What was decided, for the actions of one page."""

    most: int  # actions of a page
    rows: list[api.EvaluationResult]


_Answer = api.SimulatePolicyResponse | Work[_Rows | Refused]


@implements_with_work(api.SimulateCustomPolicy)
def simulate_custom_policy(call: IamCall, request: api.SimulateCustomPolicyRequest) -> _Answer:
    call.ask_any()
    return _answer(call, request, None, None)


@implements_with_work(api.SimulatePrincipalPolicy)
def simulate_principal_policy(
    call: IamCall, request: api.SimulatePrincipalPolicyRequest
) -> _Answer:
    named = policy_sources.named(call, request.policy_source_arn)
    call.ask(named)
    source = named.existing()
    return _answer(call, request, source, policy_sources.policies_of(call, source))


def _answer(
    call: IamCall, request: _Request, source: Entity | None, own: PrincipalPolicies | None
) -> _Answer:
    """The rows of one page."""
    require_askable(request)
    principal, facts = caller_and_facts.caller(
        call, request.caller_arn, source, resource_policy=request.resource_policy is not None
    )
    start = paging.start(call, request)
    asked = (request, own, principal, facts, start)
    page = read(call, _length(request, own), _made_with(*asked), _rows, *asked)
    if isinstance(page, Work):
        return page
    most, rows = accepted(page)
    cut = paging.cut(call, msgspec.structs.replace(request, max_items=most), request.action_names)
    return api.SimulatePolicyResponse(
        evaluation_results=rows, is_truncated=cut.is_truncated, marker=cut.marker
    )


def _length(request: _Request, own: PrincipalPolicies | None) -> int:
    """Characters of policies that are read: once each, and a part again for each question."""
    levels = getattr(request, "ordered_organization_policy_input_list", None) or ()
    texts = [
        *(request.policy_input_list or ()),
        *(request.permissions_boundary_policy_input_list or ()),
        *(text for level in levels for text in level.service_control_policy_input_list or ()),
        *(source.policy.text for source in (own.every if own else ())),
        request.resource_policy or "",
    ]
    asked = min(len(request.action_names), limits.PAGE) * len(request.resource_arns or [""])
    return sum(map(len, texts)) * (1 + asked // _QUESTIONS)


_QUESTIONS = 4  # that take about as long as reading the policies that they ask


def _made_with(
    request: _Request, own: PrincipalPolicies | None, principal: Principal, facts: Keys, start: int
) -> MadeWith:
    """What the rows depend on."""
    who = repr((principal, sorted(facts.items()), start)).encode()
    return MadeWith(
        input=digest(msgspec.json.encode(request), who, *policies.named(own.every if own else ()))
    )


def _rows(
    request: _Request, own: PrincipalPolicies | None, principal: Principal, facts: Keys, start: int
) -> _Rows | Refused:
    try:
        return _decided(request, own, principal, facts, start)
    except api.InvalidInputException as refused:
        return Refused(refused.message)


def _decided(
    request: _Request, own: PrincipalPolicies | None, principal: Principal, facts: Keys, start: int
) -> _Rows:
    if isinstance(request, api.SimulateCustomPolicyRequest):
        given = policies.custom(request)
    else:
        given = policies.of_source(own or PrincipalPolicies(), request)
    asked = questions(request, given, principal, facts)
    most = min(request.max_items or limits.PAGE, limits.PAGE, asked.actions_at_once)
    results = Results(asked.sources)
    rows = [
        results.row(
            action,
            asked.resources,
            [simulate(asked.ask(action, resource)) for resource in asked.resources],
        )
        for action in asked.actions[start : start + most]
    ]
    return _Rows(most, rows)
