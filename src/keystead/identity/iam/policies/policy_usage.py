"""Who uses a managed policy: attached to whom, and whose boundary."""

from dataclasses import dataclass
from typing import Any, Literal

from keystead.identity.call import IamCall
from keystead.identity.repository import Group, User

UsageFilter = Literal["PermissionsPolicy", "PermissionsBoundary"]
Entity = User | Group


@dataclass(frozen=True, slots=True)
class PolicyUsage:
    """How often each policy is attached, and how often it is a boundary, by ARN."""

    attached: dict[str, int]
    bounding: dict[str, int]

    def of(self, arn: str) -> tuple[int, int]:
        return self.attached.get(arn, 0), self.bounding.get(arn, 0)


def policy_usage(call: IamCall) -> PolicyUsage:
    """How the caller's account uses policies."""
    return PolicyUsage(
        call.repository.attachments.uses(call.transaction, call.account),
        call.repository.users.boundary_uses(call.transaction, call.account),
    )


def entities_after(
    call: IamCall,
    arn: str,
    entity_id: str,
    count: int,
    *,
    usage: UsageFilter | None = None,
    kind: str | None = None,
    path_prefix: str = "/",
) -> list[Entity]:
    """The next identities that use a policy, in the order of their unique ids."""
    which: Any = {"after": entity_id, "prefix": path_prefix, "limit": count}
    policy = (call.transaction, call.account, arn)
    users, groups = call.repository.users, call.repository.groups
    found: dict[str, Entity] = {}
    if usage != "PermissionsBoundary":
        if kind in (None, "Group"):
            found |= {group.entity_id: group for group in groups.attached_after(*policy, **which)}
        if kind in (None, "User"):
            found |= {user.entity_id: user for user in users.attached_after(*policy, **which)}
    if usage != "PermissionsPolicy" and kind in (None, "User"):
        found |= {user.entity_id: user for user in users.bounded_after(*policy, **which)}
    page = [found[name] for name in sorted(found)[:count]]
    for one in page:  # raises for an attachment that we did not write
        call.repository.attachments.get(call.transaction, call.account, one.entity_id, arn)
    return page
