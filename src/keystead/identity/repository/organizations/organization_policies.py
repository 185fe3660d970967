"""The policies of organizations, AWS's own among them, and what is attached where.

Each policy type has a default policy of AWS's that is attached to everything in the tree as long
as nobody detaches it. A row says that it is not; any other attachment is a row (iam.md 1.12).
"""

from collections.abc import Mapping
from typing import Literal

from keystead.arns import organizations_arn
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.names import AWS_ACCOUNT
from keystead.identity.repository.organizations.organizations import Organization
from keystead.identity.repository.tags import packed, unpacked
from keystead.policy.language import DocumentKind
from keystead.policy.text import ascii_lower
from keystead.store.protocol import Reader, Transaction

_POLICY, _TARGET = ("policy",), ("target",)

OrganizationPolicyType = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
SCP: OrganizationPolicyType = "SERVICE_CONTROL_POLICY"
RCP: OrganizationPolicyType = "RESOURCE_CONTROL_POLICY"

DOCUMENT_KINDS: Mapping[str, DocumentKind] = {SCP: DocumentKind.SCP, RCP: DocumentKind.RCP}
"""The policy types that are served, and what their documents may say."""


class OrganizationPolicy(Record, frozen=True, kw_only=True, gc=False):
    """One policy of an organization; AWS's own are of none."""

    policy: str
    organization: str
    type: OrganizationPolicyType
    name: str
    description: str
    content: str
    tags: str
    created: int

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)

    @property
    def is_of_aws(self) -> bool:
        return not self.organization

    def arn(self, management: str) -> str:
        """Its ARN; `management` is the management account of its organization."""
        kind = ascii_lower(self.type)
        if self.is_of_aws:
            return organizations_arn(AWS_ACCOUNT, f"policy/{kind}/{self.policy}")
        return organizations_arn(management, f"policy/{self.organization}/{kind}/{self.policy}")


class OrganizationAttachment(Record, frozen=True, kw_only=True, gc=False):
    """One policy at one target, or a default policy that is not."""

    target: str
    policy: str
    organization: str
    type: OrganizationPolicyType
    enabling: int
    attached: int


def _of_aws(
    policy: str, policy_type: OrganizationPolicyType, description: str, content: str
) -> OrganizationPolicy:
    return OrganizationPolicy(
        policy=policy,
        organization="",
        type=policy_type,
        name=policy.removeprefix("p-"),
        description=description,
        content=content,
        tags=packed({}),
        created=0,
    )


DEFAULTS: Mapping[str, OrganizationPolicy] = {
    SCP: _of_aws(
        "p-FullAWSAccess",
        SCP,
        "Allows access to every operation",
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    ),
    RCP: _of_aws(
        "p-RCPFullAWSAccess",
        RCP,
        "Allows access to every resource",
        '{"Version":"2012-10-17","Statement":'
        '[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}',
    ),
}
"""The default policy of each type."""

_OF_AWS = {each.policy: each for each in DEFAULTS.values()}


class OrganizationPolicies:
    """The policies of every organization."""

    __slots__ = ("_attachments", "_policies")

    def __init__(self, seals: RowSeals) -> None:
        self._policies = SealedTable(
            seals, "org_policy", OrganizationPolicy, _POLICY,
            [Lookup(_POLICY, of_installation=True)],
        )  # fmt: skip
        self._attachments = SealedTable(
            seals, "org_attachment", OrganizationAttachment, (*_TARGET, *_POLICY),
            [Lookup(_TARGET, of_installation=True)],
        )  # fmt: skip

    # policies

    def get(self, reader: Reader, policy: str) -> OrganizationPolicy | None:
        """The policy with this id, whoever's it is."""
        return _OF_AWS.get(policy) or self._policies.get(reader, policy)

    def named(
        self, reader: Reader, organization: str, policy_type: str, name: str
    ) -> OrganizationPolicy | None:
        """The policy with this name; for conflicts, not for decisions."""
        if (default := DEFAULTS.get(policy_type)) is not None and default.name == name:
            return default
        named = self._policies.find(
            reader, "organization = ? AND type = ? AND name = ?", (organization, policy_type, name)
        )
        return named[0] if named else None

    def after(
        self, reader: Reader, organization: str, policy_type: str, policy: str, limit: int
    ) -> list[OrganizationPolicy]:
        """The next policies of a type, by id; AWS's own begin with a capital and come first."""
        default = DEFAULTS.get(policy_type)
        own = self._policies.find(
            reader,
            "organization = ? AND type = ? AND policy > ? ORDER BY policy LIMIT ?",
            (organization, policy_type, policy, limit),
        )
        if default is None or policy >= default.policy:
            return own
        return [default, *own][:limit]

    def count(self, reader: Reader, organization: str, policy_type: str) -> int:
        sql = "SELECT COUNT(*) FROM org_policy WHERE organization = ? AND type = ?"
        row = reader.one(sql, (organization, policy_type))
        return row[0] if row else 0

    def insert(self, transaction: Transaction, record: OrganizationPolicy) -> None:
        self._policies.insert(transaction, record)

    def update(self, transaction: Transaction, record: OrganizationPolicy) -> OrganizationPolicy:
        return self._policies.update(transaction, record)

    def delete(self, transaction: Transaction, record: OrganizationPolicy) -> None:
        """Remove a policy that is attached to nothing."""
        for old in self._attachments.find(transaction, "policy = ?", (record.policy,)):
            self._attachments.delete(transaction, old.target, old.policy)
        self._policies.delete(transaction, record.policy)

    def delete_all(self, transaction: Transaction, organization: str) -> None:
        """Remove whatever an organization that ends has of policies."""
        for old in self._attachments.find(transaction, "organization = ?", (organization,)):
            self._attachments.delete(transaction, old.target, old.policy)
        for record in self._policies.find(transaction, "organization = ?", (organization,)):
            self._policies.delete(transaction, record.policy)

    # attachments

    def attached(
        self, reader: Reader, organization: Organization, target: str, policy_type: str
    ) -> list[str]:
        """The ids of the policies at a target, the default first; none of a disabled type."""
        number = organization.enabled_types.get(policy_type)
        if number is None:
            return []
        rows = self._current(reader, target, policy_type, number)
        policies = [row.policy for row in rows if row.attached]
        default = DEFAULTS[policy_type].policy
        if any(row.policy == default for row in rows):
            return policies
        return [default, *policies]

    def _current(
        self, reader: Reader, target: str, policy_type: str, number: int
    ) -> list[OrganizationAttachment]:
        rows = self._attachments.of(reader, _TARGET, target, order="policy")
        return [row for row in rows if (row.type, row.enabling) == (policy_type, number)]

    def attach(
        self,
        transaction: Transaction,
        organization: Organization,
        target: str,
        policy: OrganizationPolicy,
    ) -> None:
        """Attach a policy whose type is enabled and that is not attached."""
        self._put(transaction, organization, target, policy, attached=True)

    def detach(
        self,
        transaction: Transaction,
        organization: Organization,
        target: str,
        policy: OrganizationPolicy,
    ) -> None:
        """Detach a policy that is attached."""
        self._put(transaction, organization, target, policy, attached=False)

    def _put(
        self,
        transaction: Transaction,
        organization: Organization,
        target: str,
        policy: OrganizationPolicy,
        *,
        attached: bool,
    ) -> None:
        """Attached or not: a row only where it is not as without one. What is over goes with it."""
        number = organization.enabled_types[policy.type]
        for row in self._attachments.of(transaction, _TARGET, target, order="policy"):
            over = row.type == policy.type and row.enabling != number
            if over or row.policy == policy.policy:
                self._attachments.delete(transaction, target, row.policy)
        if attached == policy.is_of_aws:
            return
        record = OrganizationAttachment(
            target=target,
            policy=policy.policy,
            organization=organization.organization,
            type=policy.type,
            enabling=number,
            attached=int(attached),
        )
        self._attachments.insert(transaction, record)

    def forget_target(self, transaction: Transaction, target: str) -> None:
        """Nothing is attached to a unit or account that is gone."""
        self._attachments.delete_all(transaction, _TARGET, target)

    def targets_after(
        self, reader: Reader, organization: Organization, policy: str, target: str, limit: int
    ) -> list[str]:
        """The next targets to which a customer's policy is attached now, by id."""
        number = organization.enabled_types.get(SCP, 0), organization.enabled_types.get(RCP, 0)
        rows = self._attachments.find(
            reader,
            "policy = ? AND target > ? AND attached = 1"
            " AND enabling = CASE type WHEN 'SERVICE_CONTROL_POLICY' THEN ? ELSE ? END"
            " ORDER BY target LIMIT ?",
            (policy, target, *number, limit),
        )
        return [row.target for row in rows]

    def without_default(
        self, reader: Reader, organization: Organization, policy_type: str, targets: list[str]
    ) -> set[str]:
        """Those of these targets from which the default policy was detached."""
        default = DEFAULTS[policy_type].policy
        return {
            target
            for target in targets
            if default not in self.attached(reader, organization, target, policy_type)
        }
