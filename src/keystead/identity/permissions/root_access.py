"""Who may act as the root user of a member account, and for which tasks?  (iam.md 1.10, 2.8)

The management account of an organization, and the accounts that administer IAM for it, when trusted
access of IAM and the feature of the task are enabled. What follows from this is asked by STS when a
session begins, and again at each of its uses (threat-model 7, AssumeRoot).

The root user of a member account is a resource to be assumed, as a role is. What stands above is
its trust policy: it trusts one of these accounts, whose own policies say which callers may do it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from keystead.call import Target
from keystead.identity.names import AWS_ACCOUNT, root_arn
from keystead.identity.permissions import trust
from keystead.identity.repository import (
    IdentityRepository,
    ManagedPolicy,
    Organization,
    RootFeature,
    RootFeatureName,
)
from keystead.policy.evaluation import NO_KEYS, ContextValue, PolicySource
from keystead.store.protocol import Reader

SERVICE: Final = "iam.amazonaws.com"
"""The service that needs trusted access, and for which delegated administrators are registered."""

CREDENTIALS: Final[RootFeatureName] = "RootCredentialsManagement"
SESSIONS: Final[RootFeatureName] = "RootSessions"

TASKS: Final[Mapping[str, RootFeatureName]] = {
    "IAMAuditRootUserCredentials": CREDENTIALS,
    "IAMCreateRootUserPassword": CREDENTIALS,
    "IAMDeleteRootUserCredentials": CREDENTIALS,
    "S3UnlockBucketPolicy": SESSIONS,
    "SQSUnlockQueuePolicy": SESSIONS,
}
"""The task policies, each with the feature that it belongs to."""

PATH: Final = "/root-task/"
_TRUST = "RootAccess"
_MOST_ASKED = 1_000  # delegated administrators in a question of the operator


@dataclass(frozen=True, slots=True)
class AssumableRoot:
    """The root user of a member account as the resource of AssumeRoot. A `call.Resource`."""

    account: str
    organization: str
    enabling: str  # of the feature that the task belongs to
    resource_policies: tuple[PolicySource, ...]
    resource_type: ClassVar[str] = "AWS::IAM::User"
    resource_policy_required: ClassVar[bool] = True
    condition_keys: ClassVar[Mapping[str, ContextValue]] = NO_KEYS
    grants: ClassVar[tuple[PolicySource, ...]] = ()

    @property
    def arn_text(self) -> str:
        return root_arn(self.account)

    @property
    def owner(self) -> str:
        return self.account


def task_arn(task: str) -> str:
    """The ARN of a task policy."""
    return ManagedPolicy.kind.arn(AWS_ACCOUNT, PATH, task)


def is_administrator(
    repository: IdentityRepository, reader: Reader, organization: Organization, account: str
) -> bool:
    """Is this the management account, or does it administer IAM for its organization?"""
    if account == organization.management:
        return True
    return any(
        each.service == SERVICE and each.organization == organization.organization
        for each in repository.delegations.of(reader, account)
    )


def is_trusted(repository: IdentityRepository, reader: Reader, organization: Organization) -> bool:
    """Has IAM trusted access in an organization, which has all features?"""
    service = repository.delegations.service(reader, organization.organization, SERVICE)
    return service is not None and organization.feature_set == "ALL"


def assumable(
    repository: IdentityRepository, reader: Reader, account: str, task: str, by: str
) -> AssumableRoot | None:
    """The root user of an account, for a task that the account `by` wants done there.

    None if that account may not have it done, whatever its policies say.
    """
    organization = _organization_over(repository, reader, account)
    if organization is None or not _may_administer(repository, reader, organization, by):
        return None
    stored = repository.accounts.get(reader, account)
    if stored is None or not stored.is_open:
        return None
    for feature in repository.root_features.of(reader, organization.organization):
        if feature.feature == TASKS[task]:
            policy = trust.of_account(repository, by, "sts:AssumeRoot", _TRUST, root_arn(account))
            name, enabling = organization.organization, feature.enabling
            return AssumableRoot(account, name, enabling, (policy,))
    return None


def asked_about(repository: IdentityRepository, reader: Reader, account: str) -> Target:
    """The root user of an account in a question about AssumeRoot, by whichever caller and task.

    It trusts every account that administers IAM for the organization, if any feature is enabled.
    """
    arn = root_arn(account)
    organization = _organization_over(repository, reader, account)
    if organization is None or not enabled(repository, reader, organization):
        return Target(arn, account, resource_policy_required=True)
    trusted = [
        organization.management,
        *repository.delegations.accounts_after(
            reader, organization.organization, SERVICE, "", _MOST_ASKED
        ),
    ]
    policies = [
        trust.of_account(repository, each, "sts:AssumeRoot", _TRUST, arn) for each in trusted
    ]
    return Target(arn, account, "", tuple(policies), resource_policy_required=True)


def is_accessible(
    repository: IdentityRepository, reader: Reader, account: str, enabling: str
) -> bool:
    """Is this still a member account, under a feature that was enabled then and is since?"""
    organization = _organization_over(repository, reader, account)
    return organization is not None and any(
        feature.enabling == enabling
        for feature in repository.root_features.of(reader, organization.organization)
    )


def administers(
    repository: IdentityRepository, reader: Reader, account: str, organization: str
) -> bool:
    """Is this still an account that administers IAM for the organization with this id?"""
    found = repository.organizations.of_account(reader, account)
    if found is None or found.organization != organization:
        return False
    return _may_administer(repository, reader, found, account)


def _organization_over(
    repository: IdentityRepository, reader: Reader, account: str
) -> Organization | None:
    """The organization of a member account, if IAM has trusted access there."""
    organization = repository.organizations.of_account(reader, account)
    if organization is None or account == organization.management:
        return None
    return organization if is_trusted(repository, reader, organization) else None


def _may_administer(
    repository: IdentityRepository, reader: Reader, organization: Organization, account: str
) -> bool:
    """Is this account in the organization, and one of its administrators of IAM?"""
    member = repository.organizations.member(reader, account)
    if member is None or member.organization != organization.organization:
        return False
    return is_administrator(repository, reader, organization, account)


def enabled(
    repository: IdentityRepository, reader: Reader, organization: Organization
) -> list[RootFeature]:
    """The features that are enabled."""
    return repository.root_features.of(reader, organization.organization)
