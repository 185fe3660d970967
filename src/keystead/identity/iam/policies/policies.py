"""CreatePolicy, GetPolicy, DeletePolicy."""

import msgspec

from keystead.identity import limits, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.iam import documents, entities
from keystead.identity.iam.policies.policy_usage import (
    UNUSED,
    PolicyUsage,
    entities_after,
    policy_usage,
)
from keystead.identity.repository import ManagedPolicy, PolicyVersion, packed
from keystead.policy.language import DocumentKind, document_size
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreatePolicy)
def create_policy(call: IamCall, request: api.CreatePolicyRequest) -> api.CreatePolicyResponse:
    tags = tagging.requested(request.tags)
    name, path = request.policy_name, request.path or "/"
    entities.ask_to_create(call, ManagedPolicy, name, path, tags=tags)
    require_fit(call, request.policy_document)
    now = times.stored(call.now)
    policy = entities.create(
        call, ManagedPolicy, name, path,
        description=request.description, default_version=1, last_version=1, tags=packed(tags),
        updated=now,
    )  # fmt: skip
    call.repository.policies.insert_version(
        call.transaction,
        PolicyVersion(
            account=call.account,
            policy_id=policy.policy_id,
            version=1,
            document=request.policy_document,
            created=now,
        ),
    )
    shown = listed(policy, UNUSED)
    return api.CreatePolicyResponse(
        policy=msgspec.structs.replace(shown, tags=tagging.shown(tags) or None)
    )


@implements(api.GetPolicy)
def get_policy(call: IamCall, request: api.GetPolicyRequest) -> api.GetPolicyResponse:
    policy = call.policy(request.policy_arn)
    call.ask(policy)
    known = policy.existing()
    shown = msgspec.structs.replace(
        listed(known, policy_usage(call)),
        description=known.description,
        tags=tagging.shown(known.tag_map),
    )
    return api.GetPolicyResponse(policy=shown)


@implements(api.DeletePolicy)
def delete_policy(call: IamCall, request: api.DeletePolicyRequest) -> None:
    policy = call.policy(request.policy_arn, to_change=True)
    call.ask(policy)
    known = policy.existing()
    if len(call.repository.policies.versions(call.transaction, known)) > 1:
        raise api.DeleteConflictException(
            "This policy has more than one version. Before you delete a policy, you must delete"
            " the policy's versions. The default version is deleted with the policy."
        )
    if entities_after(call, known.arn, "", 1):
        raise api.DeleteConflictException("Cannot delete a policy attached to entities.")
    call.repository.policies.delete(call.transaction, known)


def listed(policy: ManagedPolicy, uses: PolicyUsage) -> api.Policy:
    """A policy as lists show it: without description and tags (iam.md 1.9)."""
    attached, bounding = uses.of(policy.arn)
    return api.Policy(
        policy_name=policy.name,
        policy_id=policy.policy_id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=f"v{policy.default_version}",
        attachment_count=attached,
        permissions_boundary_usage_count=bounding,
        is_attachable=True,
        create_date=times.shown(policy.created),
        update_date=times.shown(policy.updated),
    )


def require_fit(call: IamCall, document: str) -> None:
    """Refuse a document that no managed policy may have."""
    documents.require_valid(call, document)
    if document_size(document, DocumentKind.IDENTITY) > limits.MANAGED_POLICY_SIZE:
        raise api.LimitExceededException(
            f"Cannot exceed quota for PolicySize: {limits.MANAGED_POLICY_SIZE}"
        )
