"""What stands above an account?  Its organization, the policies there, and whether it is open.

An organization's policies bind the principals and the resources of every account in it, but for
its management account (iam.md 5.5, 5.6). They stand in levels, from the root down to the account.
What is found here is found by announced lookups only, so that whatever is kept of it goes when a
policy, an attachment, a policy type, a unit, a parent or an account changes.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.caches import KIB, MIB, Room
from keystead.custody.rows import RowIntegrityError
from keystead.identity.permissions import attached
from keystead.identity.permissions.attached import Stated
from keystead.identity.repository import (
    DEFAULTS,
    DOCUMENT_KINDS,
    RCP,
    SCP,
    IdentityRepository,
    Organization,
)
from keystead.policy.evaluation import (
    NOTHING_OVER,
    ContextValue,
    OverAccount,
    PolicySource,
    documents,
)
from keystead.store.cache import NamedCache, Noting
from keystead.store.protocol import Reader

Levels = tuple[tuple[PolicySource, ...], ...]

ROOM: Final = Room(of_owner=2 * MIB, in_all=16 * MIB)
"""For what stands above accounts: of each account that is asked about."""

_ABOVE = 1 * KIB  # bytes that one takes, beside its policies


class Above(msgspec.Struct, frozen=True):
    """What stands above one account."""

    organization: str = ""  # "" for an account of its own
    path: str = ""  # `o-…/r-…/ou-…/`
    service_control: Levels = ()
    resource_control: Levels = ()
    is_open: bool = True

    @property
    def over_resources(self) -> OverAccount:
        """As far as it is about the account's resources."""
        if self == _NOTHING:
            return NOTHING_OVER
        keys: Mapping[str, ContextValue] = {}
        if self.organization:
            keys = {
                "aws:resourceorgid": self.organization,
                "aws:resourceorgpaths": (self.path,),
            }
        return OverAccount(self.resource_control, keys, self.is_open)


_NOTHING = Above()


def above(repository: IdentityRepository, reader: Reader, account: str) -> Above:
    """What stands above an account now."""
    stored = repository.accounts.get(reader, account)
    is_open = stored is None or stored.is_open
    member = repository.organizations.member(reader, account)
    if member is None:
        return _NOTHING if is_open else Above(is_open=False)
    organization = repository.organizations.get(reader, member.organization)
    if organization is None:
        raise RowIntegrityError("org_organization", (member.organization,))
    branch = repository.organizations.above(reader, organization, member.parent)
    bound = account != organization.management
    targets = (*branch, account) if bound else ()
    return Above(
        organization.organization,
        organization.path(branch),
        _levels(repository, reader, organization, SCP, targets),
        _levels(repository, reader, organization, RCP, targets),
        is_open,
    )


def service_control(
    repository: IdentityRepository,
    reader: Reader,
    organization: Organization,
    targets: tuple[str, ...],
) -> Levels:
    """The SCPs at each of these places, from the root down; none where the type is disabled."""
    return _levels(repository, reader, organization, SCP, targets)


def _levels(
    repository: IdentityRepository,
    reader: Reader,
    organization: Organization,
    policy_type: str,
    targets: tuple[str, ...],
) -> Levels:
    """The policies at each of these targets; none when the type is disabled, or none but AWS's.

    RCPs only deny, so AWS's own, which allows everything at every level, is not among them.
    """
    if policy_type not in organization.enabled_types:
        return ()
    stated = [
        [
            _stated(repository, reader, organization, policy, target)
            for policy in repository.organization_policies.attached(
                reader, organization, target, policy_type
            )
            if policy != DEFAULTS[RCP].policy
        ]
        for target in targets
    ]
    levels = attached.levels(repository, organization.management, stated)
    return levels if any(levels) or policy_type == SCP else ()


def _stated(
    repository: IdentityRepository,
    reader: Reader,
    organization: Organization,
    policy: str,
    target: str,
) -> Stated:
    found = repository.organization_policies.get(reader, policy)
    if found is None:
        raise RowIntegrityError("org_policy", (policy,))
    kind = DOCUMENT_KINDS[found.type]
    arn = found.arn(organization.management)
    return Stated(found.content, kind, arn, organization.node_arn(target))


class StoredGuardrails:
    """What stands over the resources of accounts, as the store has it now. (call.Guardrails)"""

    __slots__ = ("_changes", "_kept", "_last", "_reader", "_repository")

    def __init__(self, repository: IdentityRepository, reader: Reader) -> None:
        self._repository = repository
        self._reader = reader
        self._changes = reader.changes
        self._kept: NamedCache[str, OverAccount] = NamedCache(ROOM)
        self._last: tuple[str, int, OverAccount] = ("", -1, NOTHING_OVER)

    def over(self, account: str) -> OverAccount:
        """What stands over an account's resources."""
        changes = self._changes
        last_account, state, over = self._last
        if state == changes.state and last_account == account and not changes.unsettled:
            return over
        found = self._kept.get(self._reader, account)
        if found is None:
            noting = Noting(self._reader)
            found = above(self._repository, noting, account).over_resources
            sources = (source for level in found.resource_control for source in level)
            self._kept.put(noting, account, found, account, _ABOVE, documents(sources))
        if not changes.unsettled:
            self._last = (account, changes.state, found)
        return found

    @property
    def kept_bytes(self) -> int:
        """What is kept."""
        return self._kept.kept.cost
