"""What may member accounts do in their organization?  (iam.md 1.12)

The management account delegates by the resource policy of the organization. It speaks to member
accounts alone: the management account needs nothing of it and cannot be shut out by it. As across
accounts everywhere, the member's own policies have to allow, too.
"""

from keystead.identity.permissions import attached, trust
from keystead.identity.repository import IdentityRepository, Organization
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import DocumentKind
from keystead.store.protocol import Reader

POLICY_ID = "ResourcePolicy"
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


def standing(
    repository: IdentityRepository, organization: Organization, account: str, action: str
) -> PolicySource:
    """The right of a delegated administrator of a service to make a call that only reads."""
    return trust.of_account(repository, account, action, _STANDING, organization.arn)
