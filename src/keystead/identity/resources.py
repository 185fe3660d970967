"""Entities as the resources of questions: their ARNs and condition keys.

A request may name an entity that does not exist. Then the question is asked about the ARN in the
request. Only a caller who is allowed learns that the entity does not exist (P-12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from keystead.identity import tagging
from keystead.identity.repository import Account, E, Entity, ManagedPolicy, User
from keystead.policy.evaluation import NO_KEYS, ContextValue, PolicySource
from keystead.wire.models import iam as api

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Named(Generic[T_co]):
    """The entity that a request names, with its record if it exists. A `call.Resource`."""

    arn_text: str
    owner: str
    resource_type: str
    missing: str  # AWS's sentence when there is nothing
    record: T_co | None = None
    condition_keys: Mapping[str, ContextValue] = field(default_factory=lambda: NO_KEYS)
    resource_policies: ClassVar[tuple[PolicySource, ...]] = ()
    resource_policy_required: ClassVar[bool] = False
    grants: ClassVar[tuple[PolicySource, ...]] = ()

    def existing(self) -> T_co:
        """The record; raises NoSuchEntity."""
        if self.record is None:
            raise api.NoSuchEntityException(self.missing)
        return self.record


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """An owner of access keys: a user, or the root user of the account."""

    owner_id: str  # a user's unique id, or the account id
    user_name: str | None  # None for root


def entity(record: type[E], account: str, name: str, known: E | None) -> Named[E]:
    """The entity of this kind that a request names."""
    kind = record.kind
    return Named(
        kind.arn(account, "/", name) if known is None else known.arn,
        account,
        kind.resource_type,
        kind.sentence(kind.missing, name),
        known,
        tag_keys(known),
    )


def tag_keys(known: Entity | None) -> Mapping[str, ContextValue]:
    """`aws:ResourceTag/…`, and `iam:ResourceTag/…` where IAM has it."""
    if known is None or known.kind.tagging is None:
        return NO_KEYS
    return tagging.resource_keys(known.tag_map, *known.kind.tagging.prefixes)


def owner_of_keys(named: Named[User]) -> Named[KeyOwner]:
    """A user as the owner of access keys."""
    user = named.record
    return Named(
        named.arn_text,
        named.owner,
        named.resource_type,
        named.missing,
        None if user is None else KeyOwner(user.user_id, user.name),
        named.condition_keys,
    )


def root(account: Account) -> Named[KeyOwner]:
    """The root of an account as the owner of access keys."""
    owner = KeyOwner(account.account, None)
    return Named(account.root_arn, account.account, "AWS::IAM::User", "", owner)


def policy(arn: str, owner: str, known: ManagedPolicy | None) -> Named[ManagedPolicy]:
    """The managed policy that a request names by its ARN."""
    missing = f"Policy {arn} was not found."
    return Named(arn, owner, ManagedPolicy.kind.resource_type, missing, known, tag_keys(known))


def with_arn(record: type[E], account: str, arn: str, known: E | None) -> Named[E]:
    """The entity of this kind that a request names by its ARN."""
    kind = record.kind
    missing = kind.sentence(kind.missing, "", arn)
    return Named(arn, account, kind.resource_type, missing, known, tag_keys(known))


def boundary_keys(arn: str | None) -> dict[str, ContextValue]:
    """`iam:PermissionsBoundary`, when there is one."""
    return {} if arn is None else {"iam:permissionsboundary": arn}


def own_boundary_keys(named: Named[Entity]) -> dict[str, ContextValue]:
    """`iam:PermissionsBoundary` where it means the boundary that the entity has already."""
    return boundary_keys(named.record.boundary if named.record else None)
