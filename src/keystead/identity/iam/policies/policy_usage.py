"""Which entities use a managed policy, as an attached policy or as their boundary?"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

from keystead.identity.call import IamCall
from keystead.identity.repository import LAST_ID, Entity

LOOKED_AT = 5000
"""How many who use a policy one call looks at for those below a path: it takes two milliseconds.

AWS's quota of users is the same, and its other quotas of entities are smaller.
"""

UsageFilter = Literal["PermissionsPolicy", "PermissionsBoundary"]


class PolicyUsage:
    """How often each policy is attached, and how often it is a boundary, by ARN.

    It is counted when it is first asked for. Many pages of users and roles show no policy, and to
    count takes longer the more are attached.
    """

    __slots__ = ("_count", "_counted")

    def __init__(self, count: Callable[[], tuple[Mapping[str, int], Mapping[str, int]]]) -> None:
        self._count = count
        self._counted: tuple[Mapping[str, int], Mapping[str, int]] | None = None

    def of(self, arn: str) -> tuple[int, int]:
        """How often the policy is attached, and how often it is a boundary."""
        if self._counted is None:
            self._counted = self._count()
        attached, bounding = self._counted
        return attached.get(arn, 0), bounding.get(arn, 0)


UNUSED = PolicyUsage(lambda: ({}, {}))
"""The usage of a policy that is new."""


def policy_usage(call: IamCall) -> PolicyUsage:
    """How the caller's account uses policies."""
    uses = call.repository.attachments.uses
    return PolicyUsage(lambda: (uses(call.transaction, call.account), _bounding(call)))


def entities_after(
    call: IamCall,
    arn: str,
    entity_id: str,
    count: int,
    *,
    usage: UsageFilter | None = None,
    kind: str | None = None,
    path_prefix: str = "/",
    until: str = LAST_ID,
) -> list[Entity]:
    """The next identities that use a policy, in the order of their unique ids."""
    which: Any = {"after": entity_id, "prefix": path_prefix, "limit": count, "until": until}
    policy = (call.transaction, call.account, arn)
    users_of_policy: dict[str, Entity] = {}
    for entities in call.repository.identities:
        if kind not in (None, entities.record.kind.title):
            continue
        if usage != "PermissionsBoundary":
            attached = entities.attached_after(*policy, **which)
            users_of_policy |= {entity.entity_id: entity for entity in attached}
        if usage != "PermissionsPolicy" and entities.record.kind.bounded:
            bounded = entities.bounded_after(*policy, **which)
            users_of_policy |= {entity.entity_id: entity for entity in bounded}
    page = [users_of_policy[name] for name in sorted(users_of_policy)[:count]]
    for entity in page:  # raises for an attachment that we did not write
        call.repository.attachments.get(call.transaction, call.account, entity.entity_id, arn)
    return page


def entities_below(
    call: IamCall,
    arn: str,
    entity_id: str,
    count: int,
    *,
    usage: UsageFilter | None,
    kind: str | None,
    path_prefix: str,
) -> tuple[list[Entity], str | None]:
    """The same below a path, and where the search ended; None: there are no others.

    An index leads to those who use the policy, and tells no path. So of each kind and use
    `LOOKED_AT` are looked at in one call, whether they are below the path or not.
    """
    policy = (call.transaction, call.account, arn)
    ends: list[str | None] = []
    for entities in call.repository.identities:
        if kind not in (None, entities.record.kind.title):
            continue
        if usage != "PermissionsBoundary":
            ends.append(entities.attached_until(*policy, entity_id, LOOKED_AT))
        if usage != "PermissionsPolicy" and entities.record.kind.bounded:
            ends.append(entities.bounded_until(*policy, entity_id, LOOKED_AT))
    until = min((end for end in ends if end is not None), default=None)
    page = entities_after(
        call, arn, entity_id, count, usage=usage, kind=kind, path_prefix=path_prefix,
        until=LAST_ID if until is None else until,
    )  # fmt: skip
    return page, until


def _bounding(call: IamCall) -> dict[str, int]:
    """How many entities each policy bounds."""
    uses: Counter[str] = Counter()
    for entities in call.repository.identities:
        if entities.record.kind.bounded:
            uses.update(entities.boundary_uses(call.transaction, call.account))
    return uses
