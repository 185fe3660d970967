"""What may member accounts do in their organization?  (iam.md 1.12)

The management account delegates by the resource policy of the organization. It speaks to member
accounts alone: the management account needs nothing of it and cannot be shut out by it. As across
accounts everywhere, the member's own policies have to allow, too.
"""

from keystead.call import Target
from keystead.identity.permissions import attached, trust
from keystead.identity.repository import IdentityRepository, Organization
from keystead.identity.rules import ORGANIZATIONS
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import DocumentKind
from keystead.store.protocol import Reader

POLICY_ID = "ResourcePolicy"
_MOST_ASKED = 1_000  # delegated administrators in a question of the operator
_STANDING = "DelegatedAdministrator"


def policy_of(
    repository: IdentityRepository, reader: Reader, organization: Organization
) -> PolicySource | None:
    """The resource policy of an organization. One that no longer compiles denies everything."""
    stored = repository.resource_policies.get(reader, organization.organization)
    if stored is None:
        return None
    meant = tuple(sorted(stored.meant_ids.items()))
    stated = attached.Stated(
        stored.content, DocumentKind.RESOURCE, POLICY_ID, organization.arn, meant
    )
    [source] = attached.sources(repository, organization.management, [stated])
    return source


def asked_about(
    repository: IdentityRepository, reader: Reader, arn: str, management: str, action: str
) -> Target:
    """A part of an organization in a question about an action, by whichever caller.

    It is the management account's. The resource policy has its say, and so has the standing of
    delegated administrators in what only reads.
    """
    organization = repository.organizations.of_account(reader, management)
    row = ORGANIZATIONS.get(action.partition(":")[2])
    if organization is None or row is None or organization.management != management:
        return Target(arn, management)
    written = policy_of(repository, reader, organization)
    policies = [] if written is None else [written]
    if row.operation.read_only:
        delegates = repository.delegations.accounts_after(
            reader, organization.organization, None, "", _MOST_ASKED
        )
        policies += [standing(repository, organization, each, action) for each in delegates]
    return Target(arn, management, "", tuple(policies))


def standing(
    repository: IdentityRepository, organization: Organization, account: str, action: str
) -> PolicySource:
    """The right of a delegated administrator of a service to make a call that only reads."""
    return trust.of_account(repository, account, action, _STANDING, organization.arn)
