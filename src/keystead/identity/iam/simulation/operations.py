"""SimulateCustomPolicy, SimulatePrincipalPolicy: would this be allowed?

The question has the form in which enforcement and `keystead decide` ask it, and the same function
answers (threat-model PE-9). Nothing is done, and no resource is looked at. A page has fewer rows
than MaxItems when its questions take long to answer.
"""

import msgspec

from keystead.identity import limits, paging
from keystead.identity.call import IamCall
from keystead.identity.iam.simulation import policies
from keystead.identity.iam.simulation import source as policy_sources
from keystead.identity.iam.simulation.questions import Questions, questions
from keystead.identity.iam.simulation.results import Results
from keystead.policy.reasons import simulate
from keystead.registry import implements
from keystead.wire.models import iam as api

_Request = api.SimulateCustomPolicyRequest | api.SimulatePrincipalPolicyRequest


@implements(api.SimulateCustomPolicy)
def simulate_custom_policy(
    call: IamCall, request: api.SimulateCustomPolicyRequest
) -> api.SimulatePolicyResponse:
    call.ask_any()
    return _answer(call, request, questions(call, request, policies.custom(request)))


@implements(api.SimulatePrincipalPolicy)
def simulate_principal_policy(
    call: IamCall, request: api.SimulatePrincipalPolicyRequest
) -> api.SimulatePolicyResponse:
    named = policy_sources.named(call, request.policy_source_arn)
    call.ask(named)
    source = named.existing()
    own = policies.of_source(policy_sources.policies_of(call, source), request)
    return _answer(call, request, questions(call, request, own, source))


def _answer(call: IamCall, request: _Request, asked: Questions) -> api.SimulatePolicyResponse:
    """The rows of one page."""
    most = min(request.max_items or limits.PAGE, asked.actions_at_once)
    page = paging.cut(call, msgspec.structs.replace(request, max_items=most), asked.actions)
    results = Results(asked.sources)
    return api.SimulatePolicyResponse(
        evaluation_results=[
            results.row(
                action,
                asked.resources,
                [simulate(asked.ask(action, resource)) for resource in asked.resources],
            )
            for action in page.items
        ],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )
