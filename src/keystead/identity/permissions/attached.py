"""Which policies speak for a user, a role, a group?  Inline and managed ones, a user's groups'.

Where the password policy of the account lets users change their own passwords, it is one more
policy of each user (`AllowUsersToChangePassword`, iam.md 1.9).

A stored policy that no longer compiles denies everything for its layer (PE-2). An attached policy
or a boundary that cannot be found is an integrity error. So no policy is ever skipped.

An identity has dozens of documents. Those that are not compiled are compiled together, beside the
loop if they are long (decision 0027).
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from keystead.arns import iam_arn
from keystead.custody.rows import RowIntegrityError
from keystead.identity.permissions import managed_policy
from keystead.identity.repository import Entity, IdentityRepository, User
from keystead.policy.evaluation import PolicySource, PrincipalPolicies
from keystead.policy.language import DocumentKind, Policy, stored_policy
from keystead.store.protocol import Reader

_log = logging.getLogger(__name__)

_OWN_CHANGES = "AllowUsersToChangePassword"
"""The name by which decisions tell of that policy. It is the account's: no user can write it."""

Meant = tuple[tuple[str, str], ...] | None
"""The unique ids of the principals that a document names, if it may name any."""


class Stated(NamedTuple):
    """A stored document, and how reasons name it."""

    document: str
    kind: DocumentKind
    policy_id: str
    attached_to: str
    meant: Meant = None


def of(repository: IdentityRepository, reader: Reader, entity: Entity) -> PrincipalPolicies:
    """The policies and the boundary of a user, a role, or the members of a group."""
    arns = {entity.entity_id: entity.arn}
    if isinstance(entity, User):
        groups = repository.memberships.groups_of(reader, entity)
        arns |= {group.group_id: group.arn for group in groups}
    stated = list(_of_entities(repository, reader, entity.account, arns))
    if isinstance(entity, User) and _may_change_passwords(repository, reader, entity.account):
        stated.append(_own_changes(entity.account))
    if entity.boundary is not None:
        document = managed_document(repository, reader, entity.account, entity.boundary)
        stated.append(Stated(document, DocumentKind.BOUNDARY, entity.boundary, entity.arn))
    found = sources(repository, entity.account, stated)
    boundary = found.pop() if entity.boundary is not None else None
    return PrincipalPolicies(identity_based=tuple(found), boundary=boundary)


def _own_changes(account: str) -> Stated:
    """The policy by which a user may change the own password, the same for every user.

    No two users of an account have one name, so it means the user alone, below any path.
    """
    own = [iam_arn("*", f"user/{path}${{aws:username}}") for path in ("", "*/")]
    statements = [
        {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": own},
        {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"},
    ]
    text = msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode()
    return Stated(text, DocumentKind.IDENTITY, _OWN_CHANGES, iam_arn(account, "root"))


def is_of_account(source: PolicySource) -> bool:
    """Is it the policy that the account gives all of its users, and no policy of an entity?"""
    return source.attached_to.endswith(":root")


def _may_change_passwords(repository: IdentityRepository, reader: Reader, account: str) -> bool:
    """May every user of the account change the own password?"""
    policy = repository.password_policies.of(reader, account)
    return policy is not None and bool(policy.own_changes)


def _of_entities(
    repository: IdentityRepository, reader: Reader, account: str, arns: Mapping[str, str]
) -> Iterator[Stated]:
    """The policies of the entities with these unique ids and ARNs."""
    kind = DocumentKind.IDENTITY
    for inline in repository.inline_policies.of(reader, account, tuple(arns)):
        yield Stated(inline.document, kind, inline.name, arns[inline.entity_id])
    for attached in repository.attachments.of(reader, account, tuple(arns)):
        document = managed_document(repository, reader, account, attached.policy_arn)
        yield Stated(document, kind, attached.policy_arn, arns[attached.entity_id])


def sources(
    repository: IdentityRepository, account: str, stated: Sequence[Stated]
) -> list[PolicySource]:
    """Stored documents of an account, compiled; they are kept, because many entities have them."""
    kept = repository.compiled
    names = [(account, each.kind, each.document, each.meant) for each in stated]
    found = {name: kept.get(name) for name in names}
    missing = [name for name, policy in found.items() if policy is None]
    if missing:
        wanted = tuple((document, kind, meant) for _, kind, document, meant in missing)
        length = sum(len(document) for document, _, _ in wanted)
        made = repository.preparations.make(length, wanted, _compiled, wanted)
        for name, policy in zip(missing, made, strict=True):
            found[name] = kept.put(name, policy, account, policy.weight)
    return [
        source(found[name], each.policy_id, each.attached_to)
        for name, each in zip(names, stated, strict=True)
    ]


def levels(
    repository: IdentityRepository, account: str, stated: Sequence[Sequence[Stated]]
) -> tuple[tuple[PolicySource, ...], ...]:
    """The same, in levels."""
    found = iter(sources(repository, account, [each for level in stated for each in level]))
    return tuple(tuple(next(found) for _ in level) for level in stated)


def _compiled(documents: Sequence[tuple[str, DocumentKind, Meant]]) -> list[Policy]:
    return [
        stored_policy(document, kind, None if meant is None else dict(meant))
        for document, kind, meant in documents
    ]


def source(policy: Policy | None, policy_id: str, attached_to: str) -> PolicySource:
    """The policy with its name in reasons."""
    if policy is None:  # INVARIANT: no policy is skipped
        raise RuntimeError(f"the policy `{policy_id}` of `{attached_to}` was not compiled")
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
