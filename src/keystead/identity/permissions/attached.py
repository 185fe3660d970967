"""Which policies speak for a user, a role, a group?  Inline and managed ones, a user's groups'.

Where the password policy of the account lets users change their own passwords, it is one more
policy of each user (`AllowUsersToChangePassword`, iam.md 1.9).

A stored policy that no longer compiles denies everything for its layer (PE-2). An attached policy
or a boundary that cannot be found is an integrity error. So no policy is ever skipped.
"""

import logging
from collections.abc import Iterator, Mapping

import msgspec

from keystead.arns import iam_arn
from keystead.custody.rows import RowIntegrityError
from keystead.identity.permissions import managed_policy
from keystead.identity.repository import Entity, IdentityRepository, User
from keystead.policy.evaluation import PolicySource, PrincipalPolicies
from keystead.policy.language import DocumentKind, Policy, stored_policy
from keystead.store.protocol import Reader

_log = logging.getLogger(__name__)

OWN_CHANGES = "AllowUsersToChangePassword"
"""The name by which decisions tell of that policy."""


def of(repository: IdentityRepository, reader: Reader, entity: Entity) -> PrincipalPolicies:
    """The policies and the boundary of a user, a role, or the members of a group."""
    arns = {entity.entity_id: entity.arn}
    if isinstance(entity, User):
        groups = repository.memberships.groups_of(reader, entity)
        arns |= {group.group_id: group.arn for group in groups}
    boundary = None
    if entity.boundary is not None:
        document = managed_document(repository, reader, entity.account, entity.boundary)
        bounding = compiled(repository, entity.account, document, DocumentKind.BOUNDARY)
        boundary = source(bounding, entity.boundary, entity.arn)
    sources = [*_of_entities(repository, reader, entity.account, arns)]
    if isinstance(entity, User) and _may_change_passwords(repository, reader, entity.account):
        policy = compiled(repository, entity.account, _own_changes(), DocumentKind.IDENTITY)
        sources.append(source(policy, OWN_CHANGES, entity.arn))
    return PrincipalPolicies(identity_based=tuple(sources), boundary=boundary)


def _own_changes() -> str:
    """The policy by which a user may change the own password, the same for every user.

    No two users of an account have one name, so it means the user alone, below any path.
    """
    own = [iam_arn("*", f"user/{path}${{aws:username}}") for path in ("", "*/")]
    statements = [
        {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": own},
        {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"},
    ]
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode()


def _may_change_passwords(repository: IdentityRepository, reader: Reader, account: str) -> bool:
    """May every user of the account change the own password?"""
    policy = repository.password_policies.of(reader, account)
    return policy is not None and bool(policy.own_changes)


def _of_entities(
    repository: IdentityRepository, reader: Reader, account: str, arns: Mapping[str, str]
) -> Iterator[PolicySource]:
    """The policies of the entities with these unique ids and ARNs."""
    for inline in repository.inline_policies.of(reader, account, tuple(arns)):
        policy = compiled(repository, account, inline.document, DocumentKind.IDENTITY)
        yield source(policy, inline.name, arns[inline.entity_id])
    for attached in repository.attachments.of(reader, account, tuple(arns)):
        document = managed_document(repository, reader, account, attached.policy_arn)
        policy = compiled(repository, account, document, DocumentKind.IDENTITY)
        yield source(policy, attached.policy_arn, arns[attached.entity_id])


def compiled(
    repository: IdentityRepository,
    account: str,
    document: str,
    kind: DocumentKind,
    meant: Mapping[str, str] | None = None,
) -> Policy:
    """A stored document, compiled; it is kept, because many entities have the same.

    `meant` gives the unique ids of the principals that a document names, if it may name any.
    """
    resolved = None if meant is None else tuple(sorted(meant.items()))
    name = (account, kind, document, resolved)
    policy = repository.compiled.get(name)
    if policy is None:
        policy = stored_policy(document, kind, meant)
        repository.compiled.put(name, policy, account, policy.weight)
    return policy


def source(policy: Policy, policy_id: str, attached_to: str) -> PolicySource:
    if policy.broken:
        _log.error(
            "stored policy `%s` of `%s` is invalid and denies everything", policy_id, attached_to
        )
    return PolicySource(policy, policy_id, attached_to)


def managed_document(repository: IdentityRepository, reader: Reader, account: str, arn: str) -> str:
    """The default version's document of a policy that must be there."""
    policy = managed_policy.with_arn(repository, reader, account, arn)
    if policy is None:
        raise RowIntegrityError("iam_policy", (account, arn))
    version = managed_policy.version(repository, reader, policy, policy.default_version)
    if version is None:
        key = (account, policy.policy_id, policy.default_version)
        raise RowIntegrityError("iam_policy_version", key)
    return version.document
