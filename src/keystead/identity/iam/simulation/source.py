"""Whose policies are meant?  What `PolicySourceArn` names in simulations and context keys."""

from keystead.arns import Arn, NotAnArn, is_account_id
from keystead.identity import resources
from keystead.identity.call import IamCall
from keystead.identity.permissions import attached
from keystead.identity.repository import Entity
from keystead.identity.resources import Named
from keystead.policy.evaluation import PrincipalPolicies
from keystead.wire.models import iam as api

ENTITIES = frozenset({"user", "group", "role"})


def named(call: IamCall, text: str) -> Named[Entity]:
    """The user or group with this ARN: path and case must be right, too.

    What belongs to another account is never found (IA-10), and asked about as that account's.
    """
    arn = entity_arn(text)
    kind, _, path = arn.resource.partition("/")
    name = path.rpartition("/")[2]
    found: Entity | None = None
    if arn.account == call.account:
        found = _found(call, kind, name)
    if found is not None and found.arn != text:
        found = None
    return Named(
        text,
        arn.account,
        f"AWS::IAM::{kind.capitalize()}",
        f"The {kind} with name {name} cannot be found.",
        found,
        resources.tag_keys(found),
    )


def policies_of(call: IamCall, source: Entity) -> PrincipalPolicies:
    """What enforcement would read for a user, or for the members of a group."""
    return attached.of(call.repository, call.transaction, source)


def entity_arn(text: str) -> Arn:
    """The ARN of a user, group or role; raises InvalidInput for anything else."""
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise _unclear(text) from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "iam" or arn.region or not is_account_id(arn.account):
        raise _unclear(text)
    if kind not in ENTITIES or not name.rpartition("/")[2]:
        raise _unclear(text)
    return arn


def _unclear(text: str) -> api.InvalidInputException:
    return api.InvalidInputException(
        f"Invalid Entity Arn: {text} does not clearly define entity type and name."
    )


def _found(call: IamCall, kind: str, name: str) -> Entity | None:
    for entities in call.repository.identities:
        if entities.record.kind.noun == kind:
            return entities.named(call.transaction, call.account, name)
    return None  # there are no roles yet
