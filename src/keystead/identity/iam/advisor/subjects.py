"""Whom is a report of the access advisor about?  A user, group, role or policy of the account."""

from collections.abc import Sequence
from dataclasses import dataclass

from keystead.identity.call import IamCall
from keystead.identity.iam.simulation import source
from keystead.identity.names import NotAPolicyArn, split_policy_arn
from keystead.identity.permissions import attached, managed_policy
from keystead.identity.repository import Entity, Group, Whose
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import DocumentKind
from keystead.wire.models import iam as api


@dataclass(frozen=True, slots=True)
class Subject:
    """The identities of a report, and the policies that say what they may access."""

    whose: Whose
    policies: Sequence[PolicySource]


def asked(call: IamCall, arn: str) -> str:
    """What has this ARN, as reports remember it, if the caller may ask about it."""
    if is_policy(arn):
        policy = call.policy(arn)
        call.ask(policy)
        policy.existing()
        return arn
    named = source.named(call, arn)
    call.ask(named)
    return named.existing().entity_id


def of(call: IamCall, remembered: str) -> Subject:
    """The subject that was remembered; raises NoSuchEntity if it is gone."""
    repository, reader, account = call.repository, call.transaction, call.account
    if is_policy(remembered):
        if managed_policy.with_arn(repository, reader, account, remembered) is None:
            raise api.NoSuchEntityException(f"Policy {remembered} was not found.")
        document = attached.managed_document(repository, reader, account, remembered)
        stated = attached.Stated(document, DocumentKind.IDENTITY, remembered, remembered)
        policies = attached.sources(repository, account, [stated])
        return Subject(Whose.of_policy(account, remembered), policies)
    for entities in repository.identities:
        entity: Entity | None = entities.get(reader, account, remembered)
        if entity is not None:
            of_group = isinstance(entity, Group)
            whose = Whose.of_group(account, remembered) if of_group else Whose.one(remembered)
            return Subject(whose, attached.of(repository, reader, entity).identity_based)
    raise api.NoSuchEntityException("The entity of this report cannot be found.")


def is_policy(text: str) -> bool:
    """Is this the ARN of a managed policy?"""
    try:
        split_policy_arn(text)
    except (NotAPolicyArn, ValueError):
        return False
    return True
