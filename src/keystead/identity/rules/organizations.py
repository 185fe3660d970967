"""The rows of the Organizations operations, in the order of their names.

An operation that makes something with tags asks about `organizations:TagResource` as well.
"""

from dataclasses import dataclass

from keystead.rules import Rules, table
from keystead.wire.models import organizations as api

_TAG = f"organizations:{api.TagResource.name}"


@dataclass(frozen=True, slots=True)
class OrganizationsRules(Rules):
    """The row of an Organizations operation."""

    by_members: bool = False
    """May every account call it, and not the management account of its organization alone?"""


ORGANIZATIONS = table(
    OrganizationsRules(api.AcceptHandshake, by_members=True),
    OrganizationsRules(api.AttachPolicy),
    OrganizationsRules(api.CancelHandshake, by_members=True),
    OrganizationsRules(api.CloseAccount),
    OrganizationsRules(api.CreateAccount, asks=("organizations:CreateAccount", _TAG)),
    OrganizationsRules(api.CreateOrganization, by_members=True),
    OrganizationsRules(
        api.CreateOrganizationalUnit, asks=("organizations:CreateOrganizationalUnit", _TAG)
    ),
    OrganizationsRules(api.CreatePolicy, asks=("organizations:CreatePolicy", _TAG)),
    OrganizationsRules(api.DeclineHandshake, by_members=True),
    OrganizationsRules(api.DeleteOrganization),
    OrganizationsRules(api.DeleteOrganizationalUnit),
    OrganizationsRules(api.DeletePolicy),
    OrganizationsRules(api.DeregisterDelegatedAdministrator),
    OrganizationsRules(api.DescribeAccount),
    OrganizationsRules(api.DescribeCreateAccountStatus),
    OrganizationsRules(api.DescribeHandshake, by_members=True),
    OrganizationsRules(api.DescribeOrganization, by_members=True),
    OrganizationsRules(api.DescribeOrganizationalUnit),
    OrganizationsRules(api.DescribePolicy),
    OrganizationsRules(api.DetachPolicy),
    OrganizationsRules(api.DisableAWSServiceAccess),
    OrganizationsRules(api.DisablePolicyType),
    OrganizationsRules(api.EnableAWSServiceAccess),
    OrganizationsRules(api.EnablePolicyType),
    OrganizationsRules(
        api.InviteAccountToOrganization, asks=("organizations:InviteAccountToOrganization", _TAG)
    ),
    OrganizationsRules(api.LeaveOrganization, by_members=True),
    OrganizationsRules(api.ListAWSServiceAccessForOrganization),
    OrganizationsRules(api.ListAccounts),
    OrganizationsRules(api.ListAccountsForParent),
    OrganizationsRules(api.ListChildren),
    OrganizationsRules(api.ListCreateAccountStatus),
    OrganizationsRules(api.ListDelegatedAdministrators),
    OrganizationsRules(api.ListDelegatedServicesForAccount),
    OrganizationsRules(api.ListHandshakesForAccount, by_members=True),
    OrganizationsRules(api.ListHandshakesForOrganization),
    OrganizationsRules(api.ListOrganizationalUnitsForParent),
    OrganizationsRules(api.ListParents),
    OrganizationsRules(api.ListPolicies),
    OrganizationsRules(api.ListPoliciesForTarget),
    OrganizationsRules(api.ListRoots),
    OrganizationsRules(api.ListTagsForResource),
    OrganizationsRules(api.ListTargetsForPolicy),
    OrganizationsRules(api.MoveAccount),
    OrganizationsRules(api.RegisterDelegatedAdministrator),
    OrganizationsRules(api.RemoveAccountFromOrganization),
    OrganizationsRules(api.TagResource),
    OrganizationsRules(api.UntagResource),
    OrganizationsRules(api.UpdateOrganizationalUnit),
    OrganizationsRules(api.UpdatePolicy),
)
