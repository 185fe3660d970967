"""Which part of an organization is this call about?  It may be there or not: both are asked about.

A call is authorized against the ARN that a part has, or would have; only whoever may do it learns
that there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Literal, TypeVar

from keystead.arns import organizations_arn
from keystead.errors import AwsError
from keystead.identity.organizations import tags
from keystead.identity.repository import (
    Member,
    Organization,
    OrganizationPolicy,
    ResourcePolicy,
    Unit,
)
from keystead.policy.evaluation import NO_KEYS, ContextValue, PolicySource
from keystead.wire.models import organizations as api

T_co = TypeVar("T_co", covariant=True)

Missing = tuple[type[AwsError], str]
"""The error for something that is not there, and its sentence."""

NO_ACCOUNT: Missing = (
    api.AccountNotFoundException,
    "You specified an account that doesn't exist.",
)
NO_UNIT: Missing = (
    api.OrganizationalUnitNotFoundException,
    "You specified an organizational unit that doesn't exist.",
)
NO_PARENT: Missing = (api.ParentNotFoundException, "You specified parent that doesn't exist.")
NO_CHILD: Missing = (api.ChildNotFoundException, "You specified a child that doesn't exist.")
NO_SOURCE: Missing = (
    api.SourceParentNotFoundException,
    "You specified a source parent that doesn't exist.",
)
NO_DESTINATION: Missing = (
    api.DestinationParentNotFoundException,
    "You specified a destination parent that doesn't exist.",
)
NO_TARGET: Missing = (api.TargetNotFoundException, "You specified a target that doesn't exist.")
NO_POLICY: Missing = (api.PolicyNotFoundException, "You specified a policy that doesn't exist.")
NO_RESOURCE_POLICY: Missing = (
    api.ResourcePolicyNotFoundException,
    "We can't find a resource policy request with the parameter that you specified.",
)
NO_ROOT: Missing = (api.RootNotFoundException, "You specified a root that doesn't exist.")

NodeType = Literal["ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"]

_TYPES: Mapping[NodeType, str] = {
    "ROOT": "AWS::Organizations::Root",
    "ORGANIZATIONAL_UNIT": "AWS::Organizations::OrganizationalUnit",
    "ACCOUNT": "AWS::Organizations::Account",
}


_POLICY = "AWS::Organizations::Policy"
_RESOURCE_POLICY = "AWS::Organizations::ResourcePolicy"


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the tree: the root, a unit, an account."""

    id: str
    type: NodeType
    arn: str
    name: str
    tags: Mapping[str, str]
    record: Organization | Unit | Member

    @property
    def parent(self) -> str | None:
        """The id of its parent; None for the root."""
        return None if isinstance(self.record, Organization) else self.record.parent

    def member(self) -> Member:
        """The account that it is."""
        if not isinstance(self.record, Member):
            raise TypeError(f"{self.id} is no account")
        return self.record

    def unit(self) -> Unit:
        """The unit that it is."""
        if not isinstance(self.record, Unit):
            raise TypeError(f"{self.id} is no unit")
        return self.record


@dataclass(frozen=True, slots=True)
class Part(Generic[T_co]):
    """The part that a request names, with its record if it exists. A `call.Resource`."""

    arn_text: str
    owner: str
    resource_type: str
    missing: Missing
    record: T_co | None = None
    condition_keys: Mapping[str, ContextValue] = field(default_factory=lambda: NO_KEYS)
    resource_policies: tuple[PolicySource, ...] = ()
    resource_policy_required: ClassVar[bool] = False
    grants: ClassVar[tuple[PolicySource, ...]] = ()

    def existing(self) -> T_co:
        """The record; raises the error for a part that does not exist."""
        if self.record is None:
            error, sentence = self.missing
            raise error(sentence)
        return self.record


def node_type(identifier: str) -> NodeType:
    """The kind of node that an id of the tree names."""
    if identifier.startswith("r-"):
        return "ROOT"
    return "ORGANIZATIONAL_UNIT" if identifier.startswith("ou-") else "ACCOUNT"


def node(
    organization: Organization,
    identifier: str,
    record: Organization | Unit | Member | None,
    missing: Missing,
) -> Part[Node]:
    """The root, unit or account that a request names; of another organization there is none."""
    kind, arn = node_type(identifier), organization.node_arn(identifier)
    resource_type = _TYPES[kind]
    if record is None or record.organization != organization.organization:
        return Part(arn, organization.management, resource_type, missing)
    name = "Root" if isinstance(record, Organization) else record.name
    known = Node(identifier, kind, arn, name, record.tag_map, record)
    keys = tags.resource_keys(known.tags)
    return Part(arn, organization.management, resource_type, missing, known, keys)


def policy(
    organization: Organization, identifier: str, record: OrganizationPolicy | None
) -> Part[OrganizationPolicy]:
    """The policy that a request names, the organization's or AWS's.

    Nobody knows of which type a policy is that there is not: its ARN is that of an SCP.
    """
    if record is None or record.organization not in {"", organization.organization}:
        unknown = f"policy/{organization.organization}/service_control_policy/{identifier}"
        arn = organizations_arn(organization.management, unknown)
        return Part(arn, organization.management, _POLICY, NO_POLICY)
    keys = tags.resource_keys(record.tag_map)
    arn = record.arn(organization.management)
    return Part(arn, organization.management, _POLICY, NO_POLICY, record, keys)


def resource_policy(
    organization: Organization,
    identifier: str,
    record: ResourcePolicy | None,
    missing: Missing = NO_RESOURCE_POLICY,
) -> Part[ResourcePolicy]:
    """The resource policy of the organization, by its id; any other is none."""
    name = f"resourcepolicy/{organization.organization}/{identifier}"
    arn = organizations_arn(organization.management, name)
    if record is None or record.policy != identifier:
        return Part(arn, organization.management, _RESOURCE_POLICY, missing)
    keys = tags.resource_keys(record.tag_map)
    return Part(arn, organization.management, _RESOURCE_POLICY, missing, record, keys)
