"""Which parts of an entity must be removed before it can be deleted?  (iam.md 10.3)"""

from keystead.identity.call import IamCall
from keystead.identity.repository import Entity
from keystead.wire.models import iam as api

Left = tuple[object, str]
"""The parts that are left, and AWS's words for removing them."""


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
