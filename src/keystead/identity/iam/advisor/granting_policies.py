"""ListPoliciesGrantingServiceAccess: which policies of an identity allow actions of a service?"""

from keystead.identity.call import IamCall
from keystead.identity.iam.advisor import subjects
from keystead.identity.iam.simulation import source
from keystead.identity.permissions import attached
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import allows_of_service
from keystead.registry import implements
from keystead.wire.models import iam as api

_TYPES: dict[str, api.policyOwnerEntityType] = {"user": "USER", "group": "GROUP", "role": "ROLE"}


@implements(api.ListPoliciesGrantingServiceAccess)
def list_policies_granting_service_access(
    call: IamCall, request: api.ListPoliciesGrantingServiceAccessRequest
) -> api.ListPoliciesGrantingServiceAccessResponse:
    named = source.named(call, request.arn)
    call.ask(named)
    policies = source.policies_of(call, named.existing()).identity_based
    return api.ListPoliciesGrantingServiceAccessResponse(
        policies_granting_service_access=[
            api.ListPoliciesGrantingServiceAccessEntry(
                service_namespace=service,
                policies=[
                    _shown(each)
                    for each in policies
                    if not attached.is_of_account(each) and allows_of_service(each.policy, service)
                ],
            )
            for service in dict.fromkeys(request.service_namespaces)
        ],
        is_truncated=False,
    )


def _shown(policy: PolicySource) -> api.PolicyGrantingServiceAccess:
    """A managed policy by its ARN; an inline policy by its name and its owner."""
    if subjects.is_policy(policy.id):
        name = policy.id.rpartition("/")[2]
        return api.PolicyGrantingServiceAccess(
            policy_name=name, policy_type="MANAGED", policy_arn=policy.id
        )
    noun, _, path = policy.attached_to.split(":", 5)[5].partition("/")
    return api.PolicyGrantingServiceAccess(
        policy_name=policy.id,
        policy_type="INLINE",
        entity_type=_TYPES[noun],
        entity_name=path.rpartition("/")[2],
    )
