"""CreatePolicyVersion, GetPolicyVersion, DeletePolicyVersion, ListPolicyVersions,
SetDefaultPolicyVersion.

The default version is the meaning of the policy. So setting it is as sensitive as writing one.
"""

import re

import msgspec

from keystead.identity import limits, paging, times
from keystead.identity.call import IamCall
from keystead.identity.iam import documents
from keystead.identity.iam.policies.policies import require_fit
from keystead.identity.permissions import managed_policy
from keystead.identity.repository import ManagedPolicy, PolicyVersion
from keystead.registry import implements
from keystead.wire.models import iam as api

_VERSION_ID = re.compile(r"\Av([1-9][0-9]{0,8})\Z")


@implements(api.CreatePolicyVersion)
def create_policy_version(
    call: IamCall, request: api.CreatePolicyVersionRequest
) -> api.CreatePolicyVersionResponse:
    named = call.policy(request.policy_arn, to_change=True)
    call.ask(named)
    policy = named.existing()
    require_fit(call, request.policy_document)
    stored = call.repository.policies
    if len(stored.versions(call.transaction, policy)) >= limits.VERSIONS_PER_POLICY:
        raise api.LimitExceededException(
            "A managed policy can have up to 5 versions. Before you create a new version, you"
            " must delete an existing version."
        )
    now = times.stored(call.now)
    version = PolicyVersion(
        account=policy.account,
        policy_id=policy.policy_id,
        version=policy.last_version + 1,
        document=request.policy_document,
        created=now,
    )
    stored.insert_version(call.transaction, version)
    default = version.version if request.set_as_default else policy.default_version
    policy = stored.update(
        call.transaction,
        msgspec.structs.replace(
            policy, default_version=default, last_version=version.version, updated=now
        ),
    )
    return api.CreatePolicyVersionResponse(policy_version=_listed(policy, version))


@implements(api.GetPolicyVersion)
def get_policy_version(
    call: IamCall, request: api.GetPolicyVersionRequest
) -> api.GetPolicyVersionResponse:
    named = call.policy(request.policy_arn)
    call.ask(named)
    policy = named.existing()
    version = _existing(call, policy, request.version_id)
    return api.GetPolicyVersionResponse(policy_version=shown(policy, version))


@implements(api.DeletePolicyVersion)
def delete_policy_version(call: IamCall, request: api.DeletePolicyVersionRequest) -> None:
    named = call.policy(request.policy_arn, to_change=True)
    call.ask(named)
    policy = named.existing()
    version = _existing(call, policy, request.version_id)
    if version.version == policy.default_version:
        raise api.DeleteConflictException("Cannot delete the default version of a policy.")
    call.repository.policies.delete_version(call.transaction, version)


@implements(api.ListPolicyVersions)
def list_policy_versions(
    call: IamCall, request: api.ListPolicyVersionsRequest
) -> api.ListPolicyVersionsResponse:
    named = call.policy(request.policy_arn)
    call.ask(named)
    policy = named.existing()
    page = paging.cut(
        call, request, managed_policy.versions(call.repository, call.transaction, policy)
    )
    return api.ListPolicyVersionsResponse(
        versions=[_listed(policy, version) for version in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.SetDefaultPolicyVersion)
def set_default_policy_version(call: IamCall, request: api.SetDefaultPolicyVersionRequest) -> None:
    named = call.policy(request.policy_arn, to_change=True)
    call.ask(named)
    policy = named.existing()
    version = _existing(call, policy, request.version_id)
    chosen = msgspec.structs.replace(
        policy, default_version=version.version, updated=times.stored(call.now)
    )
    call.repository.policies.update(call.transaction, chosen)


def shown(policy: ManagedPolicy, version: PolicyVersion) -> api.PolicyVersion:
    """A version with its document, percent-encoded."""
    return msgspec.structs.replace(
        _listed(policy, version), document=documents.encoded(version.document)
    )


def _listed(policy: ManagedPolicy, version: PolicyVersion) -> api.PolicyVersion:
    return api.PolicyVersion(
        version_id=f"v{version.version}",
        is_default_version=version.version == policy.default_version,
        create_date=times.shown(version.created),
    )


def _existing(call: IamCall, policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    """The version with this id; raises NoSuchEntity."""
    match = _VERSION_ID.match(version_id)
    version = match and managed_policy.version(
        call.repository, call.transaction, policy, int(match[1])
    )
    if not version:
        raise api.NoSuchEntityException(
            f"Policy {policy.arn} version {version_id} does not exist or is not attachable."
        )
    return version
