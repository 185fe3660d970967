"""What must be taken away from an entity before it can be deleted?  (iam.md 10.3)"""

from keystead.identity.call import IamCall
from keystead.identity.repository import Entity
from keystead.wire.models import iam as api

Left = tuple[object, str]
"""What is left, if anything, and what AWS says to do about it."""


def policies_left(call: IamCall, entity: Entity) -> tuple[Left, ...]:
    """The policies of an entity."""
    repository, owner = call.repository, (entity.account, (entity.entity_id,))
    return (
        (repository.attachments.of(call.transaction, *owner), "detach all policies first."),
        (repository.inline_policies.of(call.transaction, *owner), "delete policies first."),
    )


def require_nothing_left(*conflicts: Left) -> None:
    """Refuse for the first that is there."""
    for left, remedy in conflicts:
        if left:
            raise api.DeleteConflictException(f"Cannot delete entity, must {remedy}")
