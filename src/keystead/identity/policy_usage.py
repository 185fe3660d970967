"""Who uses a managed policy: attached to whom, and whose boundary."""

from dataclasses import dataclass
from typing import Literal

from keystead.identity.calls import IamCall

UsageFilter = Literal["PermissionsPolicy", "PermissionsBoundary"]


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


def entity_ids(call: IamCall, arn: str, usage: UsageFilter | None = None) -> list[str]:
    """The unique ids of the identities that use a policy, in order."""
    found: set[str] = set()
    if usage != "PermissionsBoundary":
        attachments = call.repository.attachments.to(call.transaction, call.account, arn)
        found.update(attachment.entity_id for attachment in attachments)
    if usage != "PermissionsPolicy":
        bounded = call.repository.users.bounded_by(call.transaction, call.account, arn)
        found.update(user.user_id for user in bounded)
    return sorted(found)
