"""GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy: the keys in policies.

Names are given as they are written, each once, in the order in which the documents mention them.
"""

from collections.abc import Sequence

import msgspec

from keystead.identity.call import IamCall
from keystead.identity.iam.simulation import policies
from keystead.identity.iam.simulation import source as policy_sources
from keystead.identity.iam.simulation.refused import Refused, accepted
from keystead.policy.evaluation import PolicySource
from keystead.policy.reasons import distinct, keys_asked
from keystead.registry import implements_with_work
from keystead.wire.models import iam as api
from keystead.work import MadeWith, Work, digest, read

_Request = api.GetContextKeysForCustomPolicyRequest | api.GetContextKeysForPrincipalPolicyRequest
_Keys = list[str] | Refused
_Answer = api.GetContextKeysForPolicyResponse | Work[_Keys]


@implements_with_work(api.GetContextKeysForCustomPolicy)
def get_context_keys_for_custom_policy(
    call: IamCall, request: api.GetContextKeysForCustomPolicyRequest
) -> _Answer:
    call.ask_any()
    return _answer(call, request, ())


@implements_with_work(api.GetContextKeysForPrincipalPolicy)
def get_context_keys_for_principal_policy(
    call: IamCall, request: api.GetContextKeysForPrincipalPolicyRequest
) -> _Answer:
    source = policy_sources.named(call, request.policy_source_arn)
    call.ask(source)
    own = policy_sources.policies_of(call, source.existing())
    return _answer(call, request, own.identity_based)


def _answer(call: IamCall, request: _Request, own: Sequence[PolicySource]) -> _Answer:
    texts = request.policy_input_list or ()
    length = sum(map(len, texts)) + sum(len(source.policy.text) for source in own)
    made_with = MadeWith(input=digest(msgspec.json.encode(request), *policies.named(own)))
    keys = read(call, length, made_with, _keys, own, texts)
    if isinstance(keys, Work):
        return keys
    return api.GetContextKeysForPolicyResponse(context_key_names=accepted(keys))


def _keys(own: Sequence[PolicySource], texts: Sequence[str]) -> _Keys:
    try:
        sources = (*own, *policies.given(texts))
    except api.InvalidInputException as refused:
        return Refused(refused.message)
    return list(distinct(key for source in sources for key in keys_asked(source.policy)))
