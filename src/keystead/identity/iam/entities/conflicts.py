"""Which entities may not be changed, and what must be removed before one can be deleted?

iam.md 10.3 has the sentences.
"""

from collections.abc import Mapping

from keystead.identity.call import IamCall
from keystead.identity.repository import E, Entity
from keystead.identity.resources import Named
from keystead.policy.evaluation import NO_KEYS, AccessDenied, ContextValue
from keystead.wire.models import iam as api

Left = tuple[object, str]
"""The parts that are left, and AWS's words for removing them."""

ROLE_IN_PROFILE = "remove roles from instance profile first."


def ask_to_change(call: IamCall, named: Named[E], keys: Mapping[str, ContextValue] = NO_KEYS) -> E:
    """May the caller do this to the entity?  Nobody changes an entity of a service.

    No policy allows that (`policy.evaluation.reserved`). The reason is told to a caller who may
    see the entity; another learns nothing, not even that it is there (P-12).
    """
    try:
        call.ask(named, keys)
    except AccessDenied:
        known = named.record
        if known is None or not known.protected:
            raise
        if not call.decide(f"iam:Get{known.kind.title}", named, keys).allowed:
            raise
    return modifiable(named)


def modifiable(named: Named[E]) -> E:
    """The entity that a request names, unless it belongs to a service (iam.md 1.9)."""
    entity = named.existing()
    if entity.protected:
        raise api.UnmodifiableEntityException(
            f"Cannot perform the operation on the protected {entity.kind.noun} '{entity.name}' -"
            f" this {entity.kind.noun} is only modifiable by AWS"
        )
    return entity


def policies_left(call: IamCall, entity: Entity) -> tuple[Left, ...]:
    """The policies of an entity."""
    repository, owner = call.repository, (entity.account, (entity.entity_id,))
    return (
        (repository.attachments.of(call.transaction, *owner), "detach all policies first."),
        (repository.inline_policies.of(call.transaction, *owner), "delete policies first."),
    )


def require_nothing_left(*conflicts: Left) -> None:
    """Refuse for the first of these that is not empty."""
    for left, remedy in conflicts:
        if left:
            raise api.DeleteConflictException(f"Cannot delete entity, must {remedy}")
