"""Which policies bound a session?  Those that were passed when it began (iam.md 5.8, ST-3).

They are read at each use: a managed policy counts as it is now. If it was deleted, or another has
its ARN, it denies everything, because nobody knows any more what it would have denied.
"""

from keystead.identity import managed_policies
from keystead.identity.names import AWS_ACCOUNT, root_arn
from keystead.identity.permissions import attached, managed_policy
from keystead.identity.permissions.attached import Stated
from keystead.identity.repository import IdentityRepository, ManagedPolicy
from keystead.identity.sessions import PassedPolicy, Session
from keystead.policy.evaluation import PolicySource, PrincipalPolicies
from keystead.policy.language import DocumentKind
from keystead.store.protocol import Reader

INLINE = "Policy"
"""The name of a policy that was passed as a text, in reasons: that of the parameter."""

_GONE = ""  # the text of a policy that is not there any more: it is none, so it denies everything


def session_policies(
    repository: IdentityRepository, reader: Reader, session: Session, arn: str
) -> tuple[tuple[PolicySource, ...], ...]:
    """The session policies of a session with this ARN, per level; each level must allow."""
    account = session.account
    stated = [
        [_stated(repository, reader, account, policy, arn) for policy in level]
        for level in session.layers
    ]
    return attached.levels(repository, account, stated)


def scope_down(
    repository: IdentityRepository, session: Session, arn: str
) -> tuple[tuple[PolicySource, ...], ...]:
    """The scope-down policies of a session with this ARN, a level for each (iam.md 1.10)."""
    stated = [
        [Stated(policy.document, DocumentKind.SESSION, f"{INLINE} {level}", arn)]
        for level, policy in enumerate(session.scope_down, 1)
    ]
    return attached.levels(repository, session.account, stated)


def rights_of_root(
    repository: IdentityRepository, reader: Reader, account: str
) -> PrincipalPolicies:
    """The permissions of a federated user of root, before the session policies: everything.

    Root itself needs no policy. For a federated user of root AWS's own policy for administrators
    stands in.
    """
    arn = ManagedPolicy.kind.arn(AWS_ACCOUNT, "/", managed_policies.ADMINISTRATOR_ACCESS)
    document = attached.managed_document(repository, reader, account, arn)
    stated = attached.Stated(document, DocumentKind.IDENTITY, arn, root_arn(account))
    return PrincipalPolicies(identity_based=tuple(attached.sources(repository, account, [stated])))


def _stated(
    repository: IdentityRepository, reader: Reader, account: str, passed: PassedPolicy, arn: str
) -> Stated:
    if not passed.arn:
        return Stated(passed.document, DocumentKind.SESSION, INLINE, arn)
    managed = managed_policy.with_arn(repository, reader, account, passed.arn)
    if managed is None or managed.policy_id != passed.policy_id:
        return Stated(_GONE, DocumentKind.SESSION, passed.arn, arn)
    document = attached.managed_document(repository, reader, account, passed.arn)
    return Stated(document, DocumentKind.IDENTITY, passed.arn, arn)
