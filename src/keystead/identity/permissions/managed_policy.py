"""Which managed policy is this?  AWS's own and the customers', behind one look-up.

INVARIANT: a policy of another account is never found (IA-10).
"""

from keystead.identity import managed_policies
from keystead.identity.names import AWS_ACCOUNT, split_policy_arn
from keystead.identity.repository import IdentityRepository, ManagedPolicy, PolicyVersion
from keystead.store.protocol import Reader


def with_arn(
    repository: IdentityRepository, reader: Reader, account: str, arn: str
) -> ManagedPolicy | None:
    """The policy with this ARN, as seen from `account`; raises NotAPolicyArn."""
    owner, _, name = split_policy_arn(arn)
    if owner == AWS_ACCOUNT:
        return managed_policies.with_arn(arn)
    if owner != account:
        return None
    policy = repository.policies.named(reader, account, name)
    return policy if policy is not None and policy.arn == arn else None


def version(
    repository: IdentityRepository, reader: Reader, policy: ManagedPolicy, number: int
) -> PolicyVersion | None:
    """One version of a policy, or None."""
    if policy.account == AWS_ACCOUNT:
        only = managed_policies.version(policy)
        return only if only.version == number else None
    return repository.policies.version(reader, policy, number)


def versions(
    repository: IdentityRepository, reader: Reader, policy: ManagedPolicy
) -> list[PolicyVersion]:
    """Every version of a policy, the newest first."""
    if policy.account == AWS_ACCOUNT:
        return [managed_policies.version(policy)]
    return repository.policies.versions(reader, policy)
