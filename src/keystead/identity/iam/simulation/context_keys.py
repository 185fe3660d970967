"""GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy: the keys in policies.

Names are given as they are written, each once, in the order in which the documents mention them.
"""

from collections.abc import Iterable

from keystead.identity.call import IamCall
from keystead.identity.iam.simulation import policies
from keystead.identity.iam.simulation import source as policy_sources
from keystead.policy.evaluation import PolicySource
from keystead.policy.reasons import distinct, keys_asked
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.GetContextKeysForCustomPolicy)
def get_context_keys_for_custom_policy(
    call: IamCall, request: api.GetContextKeysForCustomPolicyRequest
) -> api.GetContextKeysForPolicyResponse:
    call.ask_any()
    return _answer(policies.given(request.policy_input_list))


@implements(api.GetContextKeysForPrincipalPolicy)
def get_context_keys_for_principal_policy(
    call: IamCall, request: api.GetContextKeysForPrincipalPolicyRequest
) -> api.GetContextKeysForPolicyResponse:
    source = policy_sources.named(call, request.policy_source_arn)
    call.ask(source)
    own = policy_sources.policies_of(call, source.existing())
    return _answer((*own.identity_based, *policies.given(request.policy_input_list)))


def _answer(sources: Iterable[PolicySource]) -> api.GetContextKeysForPolicyResponse:
    keys = (key for source in sources for key in keys_asked(source.policy))
    return api.GetContextKeysForPolicyResponse(context_key_names=list(distinct(keys)))
