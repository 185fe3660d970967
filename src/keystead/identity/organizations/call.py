"""One Organizations call in progress: which accounts may make it, and about which parts.

The management account's policies decide about everything in its organization. Which operations
every member account may call is said in their rows; a delegated administrator may call those that
only read. The resource policy of the organization may let members do more, and deny them something.
Without one, members get one answer to all others (iam.md 1.12).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from keystead.call import Call, Target
from keystead.custody.tokens import Tokens
from keystead.identity.organizations import resources
from keystead.identity.organizations.resources import Missing, Node, Part
from keystead.identity.permissions import delegation
from keystead.identity.repository import IdentityRepository, Organization, OrganizationPolicy
from keystead.identity.rules import OrganizationsRules
from keystead.policy.evaluation import NO_KEYS, ContextValue, Permit, PolicySource
from keystead.tags import request_keys
from keystead.wire.models import organizations as api

T = TypeVar("T")


class OrganizationsCall(Call, kw_only=True):
    """One Organizations call."""

    rules: OrganizationsRules
    repository: IdentityRepository
    tokens: Tokens
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)

    @property
    def action(self) -> str:
        """The action that this operation asks about: its own name (IA-1)."""
        return f"{self.operation.service.name}:{self.operation.name}"

    def found_organization(self) -> Organization | None:
        """The organization of the caller's account, or None."""
        return self.repository.organizations.of_account(self.transaction, self.account)

    def organization(self) -> Organization:
        """The organization of the caller's account; raises AWSOrganizationsNotInUseException.

        A caller without permission does not learn that there is none.
        """
        organization = self.found_organization()
        if organization is None:
            self.authorize_any(self.action)
            raise api.AWSOrganizationsNotInUseException(
                "Your account is not a member of an organization."
            )
        return organization

    def ask(
        self,
        organization: Organization,
        part: Part[T],
        keys: Mapping[str, ContextValue] = NO_KEYS,
    ) -> None:
        """May the caller do what this operation does to this part of the organization?"""
        self._ask(organization, self.action, part, keys)

    def ask_to_tag(
        self,
        organization: Organization,
        arn: str,
        tags: Mapping[str, str],
        keys: Mapping[str, ContextValue] = NO_KEYS,
    ) -> None:
        """May the caller give these tags to something new, which will have this ARN?

        Nothing is asked if there are no tags.
        """
        if not tags:
            return
        part: Part[Node] = Part(arn, organization.management, "", resources.NO_TARGET)
        action = f"{self.operation.service.name}:{api.TagResource.name}"
        self._ask(organization, action, part, {**request_keys(tags), **keys})

    def _ask(
        self,
        organization: Organization,
        action: str,
        part: Part[T],
        keys: Mapping[str, ContextValue],
    ) -> None:
        policies = self._delegated(organization, action)
        owner = organization.management if policies else self.account
        self.authorize(action, replace(part, owner=owner, resource_policies=policies), keys)
        if not policies:
            self._require_standing(organization)

    def ask_any(
        self, organization: Organization, keys: Mapping[str, ContextValue] = NO_KEYS
    ) -> Permit[Target]:
        """May the caller do what this operation does, when it is about no one part?"""
        policies = self._delegated(organization, self.action)
        if policies:
            whole = Target("*", organization.management, resource_policies=policies)
            return self.authorize(self.action, whole, keys)
        permit = self.authorize_any(self.action, keys)
        self._require_standing(organization)
        return permit

    def _delegated(self, organization: Organization, action: str) -> tuple[PolicySource, ...]:
        """What the organization says about this call of a member; () where it has no say.

        It has one about members alone, if there is a resource policy (`permissions/delegation`).
        """
        if self.account == organization.management or self.rules.by_members:
            return ()
        written = delegation.policy_of(self.repository, self.transaction, organization)
        if written is None:
            return ()
        if not (self.operation.read_only and self._is_delegate()):
            return (written,)
        standing = delegation.standing(self.repository, organization, self.account, action)
        return (written, standing)

    def _require_standing(self, organization: Organization) -> None:
        """Refuse the call of an account that may not make it, even if its policies allow it."""
        if self.account == organization.management or self.rules.by_members:
            return
        if not (self.operation.read_only and self._is_delegate()):
            raise api.AccessDeniedException("You don't have permissions to access this resource.")

    def _is_delegate(self) -> bool:
        """Does the caller's account administer a service for its organization?"""
        return bool(self.repository.delegations.of(self.transaction, self.account))

    def node(self, organization: Organization, identifier: str, missing: Missing) -> Part[Node]:
        """The root, the unit or the account with this id."""
        table, reader = self.repository.organizations, self.transaction
        match resources.node_type(identifier):
            case "ROOT":
                record = organization if identifier == organization.root else None
                return resources.node(organization, identifier, record, missing)
            case "ORGANIZATIONAL_UNIT":
                unit = table.unit(reader, identifier)
                return resources.node(organization, identifier, unit, missing)
            case "ACCOUNT":
                member = table.member(reader, identifier)
                return resources.node(organization, identifier, member, missing)

    def policy(self, organization: Organization, identifier: str) -> Part[OrganizationPolicy]:
        """The policy with this id, the organization's or AWS's."""
        record = self.repository.organization_policies.get(self.transaction, identifier)
        return resources.policy(organization, identifier, record)
