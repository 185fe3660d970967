"""How do answers show an organization and its parts?"""

from keystead.custody.rows import RowIntegrityError
from keystead.identity import times
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.repository import (
    Account,
    Creation,
    Member,
    Organization,
    OrganizationPolicy,
    Unit,
)
from keystead.wire.models import organizations as api


def organization(call: OrganizationsCall, record: Organization) -> api.Organization:
    """An organization. As at AWS, `ListRoots` says which policy types are enabled, and this not."""
    types = [api.PolicyTypeSummary(type="SERVICE_CONTROL_POLICY", status="ENABLED")]
    return api.Organization(
        id=record.organization,
        arn=record.arn,
        feature_set=record.feature_set,
        master_account_arn=record.node_arn(record.management),
        master_account_id=record.management,
        master_account_email=stored_account(call, record.management).email,
        available_policy_types=types if record.feature_set == "ALL" else [],
    )


def root(record: Organization) -> api.Root:
    """The root, with the policy types that are enabled."""
    return api.Root(
        id=record.root,
        arn=record.node_arn(record.root),
        name="Root",
        policy_types=[
            api.PolicyTypeSummary(type=name, status="ENABLED")  # type: ignore[arg-type]  # as it was written
            for name in sorted(record.enabled_types)
        ],
    )


def account(call: OrganizationsCall, organization: Organization, record: Member) -> api.Account:
    """An account in its organization."""
    stored = stored_account(call, record.account)
    return api.Account(
        id=record.account,
        arn=organization.node_arn(record.account),
        email=stored.email,
        name=record.name,
        status="ACTIVE" if stored.is_open else "SUSPENDED",
        state=stored.state,
        paths=[f"{path(call, organization, record.parent)}{record.account}/"],
        joined_method=record.joined_method,
        joined_timestamp=times.shown(record.joined),
    )


def stored_account(call: OrganizationsCall, account: str) -> Account:
    """An account that must be there."""
    stored = call.repository.accounts.get(call.transaction, account)
    if stored is None:
        raise RowIntegrityError("iam_account", (account,))
    return stored


def unit(
    call: OrganizationsCall, organization: Organization, record: Unit
) -> api.OrganizationalUnit:
    """A unit."""
    return api.OrganizationalUnit(
        id=record.unit,
        arn=organization.node_arn(record.unit),
        name=record.name,
        path=path(call, organization, record.unit),
    )


def path(call: OrganizationsCall, organization: Organization, branch: str) -> str:
    """The path of a root or unit: `o-…/r-…/ou-…/`."""
    above = call.repository.organizations.above(call.transaction, organization, branch)
    return organization.path(above)


def creation(record: Creation) -> api.CreateAccountStatus:
    """The outcome of a request to make an account: it is made, or refused, at once."""
    when = times.shown(record.requested)
    return api.CreateAccountStatus(
        id=record.request,
        account_name=record.account_name,
        state=record.state,
        requested_timestamp=when,
        completed_timestamp=when,
        account_id=record.account,
        failure_reason=record.failure,
    )


def policy(organization: Organization, record: OrganizationPolicy) -> api.Policy:
    """A policy with its document."""
    summary = policy_summary(organization, record)
    return api.Policy(policy_summary=summary, content=record.content)


def policy_summary(organization: Organization, record: OrganizationPolicy) -> api.PolicySummary:
    """A policy without its document."""
    return api.PolicySummary(
        id=record.policy,
        arn=record.arn(organization.management),
        name=record.name,
        description=record.description,
        type=record.type,
        aws_managed=record.is_of_aws,
    )
