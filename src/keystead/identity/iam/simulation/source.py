"""Which user or group does `PolicySourceArn` name, in simulations and for context keys?"""

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
    """The user, group or role with this ARN: path and case must be right, too.

    An entity of another account is never found (IA-10). The question names that account as owner.
    """
    arn = entity_arn(text)
    noun, _, path = arn.resource.partition("/")
    name = path.rpartition("/")[2]
    entities = next(each for each in call.repository.identities if each.record.kind.noun == noun)
    record: Entity | None = None
    if arn.account == call.account:
        record = entities.named(call.transaction, call.account, name)
    if record is not None and record.arn != text:
        record = None
    kind = entities.record.kind
    missing = kind.sentence(kind.missing, name)
    keys = resources.tag_keys(record)
    return Named(text, arn.account, kind.resource_type, missing, record, keys)


def policies_of(call: IamCall, source: Entity) -> PrincipalPolicies:
    """The policies that enforcement would read for a user, a role, or the members of a group."""
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
