"""The rows of the Organizations operations, in the order of their names; the declined stand apart.

An operation that makes something with tags asks about `organizations:TagResource` as well.
"""

from dataclasses import dataclass

from keystead.identity.rules.declined import EmptyList, Missing, Refused
from keystead.rules import Rules, table
from keystead.wire.models import organizations as api

_TAG = f"organizations:{api.TagResource.name}"

_DELEGABLE = """
AttachPolicy CreatePolicy DeletePolicy DescribeAccount DescribeCreateAccountStatus
DescribeEffectivePolicy DescribeHandshake DescribeOrganization DescribeOrganizationalUnit
DescribePolicy DescribeResourcePolicy DetachPolicy DisablePolicyType EnablePolicyType ListAccounts
ListAccountsForParent ListAWSServiceAccessForOrganization ListChildren ListCreateAccountStatus
ListDelegatedAdministrators ListDelegatedServicesForAccount ListHandshakesForAccount
ListHandshakesForOrganization ListOrganizationalUnitsForParent ListParents ListPolicies
ListPoliciesForTarget ListRoots ListTagsForResource ListTargetsForPolicy TagResource UntagResource
UpdatePolicy
"""
DELEGABLE = frozenset(_DELEGABLE.split())
"""The operations that a resource policy may delegate: the list of the Organizations guide."""


@dataclass(frozen=True, slots=True)
class OrganizationsRules(Rules):
    """The row of an Organizations operation."""

    by_members: bool = False
    """May every account call it, and not the management account of its organization alone?"""

    def __post_init__(self) -> None:
        # A member account acts on what is the management account's: it has to be let by a policy
        # of the organization, and by its own.
        delegable = self.operation.name in DELEGABLE or self.operation.read_only
        object.__setattr__(self, "across_accounts", delegable and not self.by_members)
        super(OrganizationsRules, self).__post_init__()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclinedOrganizationsRules(OrganizationsRules):
    """The row of a declined operation."""

    target: str = ""  # the member of the request that names a root, unit or account
    answer: EmptyList | Missing | Refused = Refused.DENIED


_NO_TRANSFER = Missing(
    "We can't find a transfer that you specified.", api.ResponsibilityTransferNotFoundException
)

DECLINED_ORGANIZATIONS = (
    DeclinedOrganizationsRules(
        api.CreateGovCloudAccount, asks=("organizations:CreateGovCloudAccount", _TAG)
    ),
    DeclinedOrganizationsRules(
        api.DescribeEffectivePolicy,
        target="target_id",
        answer=Missing(
            "The account doesn't have an effective policy of this type.",
            api.EffectivePolicyNotFoundException,
        ),
    ),
    DeclinedOrganizationsRules(api.DescribeResponsibilityTransfer, answer=_NO_TRANSFER),
    DeclinedOrganizationsRules(
        api.InviteOrganizationToTransferResponsibility,
        asks=("organizations:InviteOrganizationToTransferResponsibility", _TAG),
    ),
    DeclinedOrganizationsRules(
        api.ListAccountsWithInvalidEffectivePolicy, answer=EmptyList("accounts")
    ),
    DeclinedOrganizationsRules(
        api.ListEffectivePolicyValidationErrors,
        target="account_id",
        answer=EmptyList("effective_policy_validation_errors"),
    ),
    DeclinedOrganizationsRules(
        api.ListInboundResponsibilityTransfers, answer=EmptyList("responsibility_transfers")
    ),
    DeclinedOrganizationsRules(
        api.ListOutboundResponsibilityTransfers, answer=EmptyList("responsibility_transfers")
    ),
    DeclinedOrganizationsRules(api.TerminateResponsibilityTransfer),
    DeclinedOrganizationsRules(api.UpdateResponsibilityTransfer),
)
"""What they are about takes no part in decisions about access (iam.md 1.12, threat-model 7)."""


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
    OrganizationsRules(api.DeleteResourcePolicy),
    OrganizationsRules(api.DeregisterDelegatedAdministrator),
    OrganizationsRules(api.DescribeAccount),
    OrganizationsRules(api.DescribeCreateAccountStatus),
    OrganizationsRules(api.DescribeHandshake, by_members=True),
    OrganizationsRules(api.DescribeOrganization, by_members=True),
    OrganizationsRules(api.DescribeOrganizationalUnit),
    OrganizationsRules(api.DescribePolicy),
    OrganizationsRules(api.DescribeResourcePolicy),
    OrganizationsRules(api.DetachPolicy),
    OrganizationsRules(api.DisableAWSServiceAccess),
    OrganizationsRules(api.DisablePolicyType),
    OrganizationsRules(api.EnableAWSServiceAccess),
    OrganizationsRules(api.EnableAllFeatures),
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
    OrganizationsRules(api.PutResourcePolicy, asks=("organizations:PutResourcePolicy", _TAG)),
    OrganizationsRules(api.RegisterDelegatedAdministrator),
    OrganizationsRules(api.RemoveAccountFromOrganization),
    OrganizationsRules(api.TagResource),
    OrganizationsRules(api.UntagResource),
    OrganizationsRules(api.UpdateOrganizationalUnit),
    OrganizationsRules(api.UpdatePolicy),
    *DECLINED_ORGANIZATIONS,
)
