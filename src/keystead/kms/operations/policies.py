"""GetKeyPolicy, PutKeyPolicy, ListKeyPolicies."""

from typing import Any

from keystead.errors import ValidationException
from keystead.kms import key_policies
from keystead.kms.call import KmsCall
from keystead.kms.keys import DEFAULT_POLICY
from keystead.kms.paging import page
from keystead.policy.language import shown_again
from keystead.registry import implements, implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work


@implements(api.GetKeyPolicy)
def get_key_policy(call: KmsCall, request: api.GetKeyPolicyRequest) -> api.GetKeyPolicyResponse:
    name = request.policy_name or DEFAULT_POLICY
    key = call.key(request.key_id)
    call.authorize("kms:GetKeyPolicy", key, {"kms:policyname": name})
    call.require_state(key)
    if name != DEFAULT_POLICY:
        raise api.NotFoundException("No such policy exists")
    policy = call.repository.policies.stored(call.transaction, key.record)
    return api.GetKeyPolicyResponse(
        policy=shown_again(policy.text, policy.meant, call.principals.arn), policy_name=name
    )


@implements_with_work(api.PutKeyPolicy)
def put_key_policy(call: KmsCall, request: api.PutKeyPolicyRequest) -> Work[Any] | None:
    name = request.policy_name or DEFAULT_POLICY
    bypass = request.bypass_policy_lockout_safety_check
    key = call.key(request.key_id)
    call.authorize("kms:PutKeyPolicy", key, key_policies.policy_keys(name, bypass))
    call.require_state(key)
    _require_writable(name)
    policy = key_policies.read_policy(call, request.policy)
    if isinstance(policy, Work):
        return policy
    if not bypass:
        key_policies.require_no_lockout(call, key, policy)
    call.repository.change_policy(
        call.transaction, key.record, policy.compiled.id, policy.text, policy.principals
    )
    key_policies.remember(call, policy)
    return None


@implements(api.ListKeyPolicies)
def list_key_policies(
    call: KmsCall, request: api.ListKeyPoliciesRequest
) -> api.ListKeyPoliciesResponse:
    key = call.key(request.key_id)
    call.authorize("kms:ListKeyPolicies", key)
    call.require_state(key)

    def following(name: str, _count: int) -> list[str]:
        return [policy for policy in (DEFAULT_POLICY,) if policy > name]

    listed = page(
        call, request, fetch=following, position=lambda name: name, parameters=(key.key_id,)
    )
    return api.ListKeyPoliciesResponse(
        policy_names=listed.items, next_marker=listed.marker, truncated=listed.is_truncated
    )


def _require_writable(name: str) -> None:
    if name == "AWS_RAM":
        raise ValidationException("The AWS_RAM policy can only be managed by the RAM service")
    if name != DEFAULT_POLICY:
        raise api.NotFoundException("No such policy exists")
