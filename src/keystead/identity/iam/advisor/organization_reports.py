"""GenerateOrganizationsAccessReport, GetOrganizationsAccessReport: services used below a path.

The path names the root, a unit or an account of the organization, from the top. Accessible is what
the service control policies from the root down to it allow something of, or the one policy that was
named. Both operations only read at AWS, so which reports were asked for is remembered in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from keystead.arns import iam_arn
from keystead.call import Target
from keystead.custody.randomness import urandom
from keystead.identity import paging, times
from keystead.identity.call import IamCall
from keystead.identity.iam.advisor.last_accessed import SERVICES, no_such_report, since
from keystead.identity.permissions import ceilings
from keystead.identity.repository import Access, Organization, OrganizationReport
from keystead.policy.evaluation import NO_KEYS, AccessDenied, ContextValue
from keystead.policy.language import allows_of_service
from keystead.registry import implements
from keystead.wire.models import iam as api

_DEFAULT: api.sortKeyType = "SERVICE_NAMESPACE_ASCENDING"


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in an organization: its targets from the root down, and the accounts below it."""

    organization: Organization
    targets: tuple[str, ...]
    accounts: tuple[str, ...]


@implements(api.GenerateOrganizationsAccessReport)
def generate_organizations_access_report(
    call: IamCall, request: api.GenerateOrganizationsAccessReportRequest
) -> api.GenerateOrganizationsAccessReportResponse:
    path, policy = request.entity_path, request.organizations_policy_id or ""
    keys: Mapping[str, ContextValue] = {"iam:organizationspolicyid": policy} if policy else NO_KEYS
    call.ask(Target(iam_arn(call.account, f"access-report/{path}"), call.account), keys)
    place = _place(call, path)
    _levels(call, place, policy)
    report = OrganizationReport(
        str(UUID(bytes=urandom(16), version=4)), path, policy, times.stored(call.now)
    )
    call.repository.accesses.remember(call.account, report)
    return api.GenerateOrganizationsAccessReportResponse(job_id=report.job_id)


@implements(api.GetOrganizationsAccessReport)
def get_organizations_access_report(
    call: IamCall, request: api.GetOrganizationsAccessReportRequest
) -> api.GetOrganizationsAccessReportResponse:
    call.ask_any()
    report = call.repository.accesses.remembered(call.account, request.job_id)
    if report is None:
        raise no_such_report(request.job_id)
    place = _place(call, report.path)
    levels = _levels(call, place, report.policy)
    services = [each for each in SERVICES if _is_allowed(levels, each)]
    details = [_detail(call, place, service) for service in services]
    used = sum(each.last_authenticated_time is not None for each in details)
    details.sort(key=_ORDERS[request.sort_key or _DEFAULT][0])
    if _ORDERS[request.sort_key or _DEFAULT][1]:
        details.reverse()
    page = paging.cut(call, request, details)
    return api.GetOrganizationsAccessReportResponse(
        job_status="COMPLETED",
        job_creation_date=times.shown(report.created),
        job_completion_date=times.shown(report.created),
        number_of_services_accessible=len(services),
        number_of_services_not_accessed=len(services) - used,
        access_details=page.items,
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def _by_time(detail: api.AccessDetail) -> str:
    time = detail.last_authenticated_time
    return "" if time is None else time.isoformat()


def _by_name(detail: api.AccessDetail) -> str:
    return detail.service_namespace


_ORDERS: Mapping[str, tuple[Callable[[api.AccessDetail], str], bool]] = {
    "SERVICE_NAMESPACE_ASCENDING": (_by_name, False),
    "SERVICE_NAMESPACE_DESCENDING": (_by_name, True),
    "LAST_AUTHENTICATED_TIME_ASCENDING": (_by_time, False),
    "LAST_AUTHENTICATED_TIME_DESCENDING": (_by_time, True),
}
"""The order of each sort key, and whether it goes backwards."""


def _place(call: IamCall, path: str) -> _Place:
    """The place that a path names, if the caller's account manages the organization."""
    repository, reader = call.repository.organizations, call.transaction
    organization = repository.of_account(reader, call.account)
    if organization is None or organization.management != call.account:
        raise AccessDenied(
            None,
            f"User: {call.principal.arn} is not authorized to perform: iam:{call.operation.name}"
            " because its account is not the management account of an organization",
        )
    last = path.rstrip("/").rpartition("/")[2]
    member = repository.member(reader, last)
    if member is not None and member.organization == organization.organization:
        targets = (*repository.above(reader, organization, member.parent), last)
        accounts: tuple[str, ...] = (last,)
        found = "/".join((organization.organization, *targets))
    else:
        unit = repository.unit(reader, last)
        strange = unit is None or unit.organization != organization.organization
        if strange and last != organization.root:
            raise _unknown(path)
        targets = repository.above(reader, organization, last)
        found = organization.path(targets).rstrip("/")
        accounts = tuple(_below(call, last))
    if found != path.rstrip("/"):
        raise _unknown(path)
    return _Place(organization, targets, accounts)


def _unknown(path: str) -> api.InvalidInputException:
    return api.InvalidInputException(f"The path {path} names nothing in the organization.")


def _below(call: IamCall, branch: str) -> list[str]:
    """The accounts below a root or unit, at any depth."""
    repository, reader = call.repository.organizations, call.transaction
    found, branches = [], [branch]
    while branches:
        parent = branches.pop()
        found += [each.account for each in repository.members_in(reader, parent)]
        branches += [each.unit for each in repository.units_in(reader, parent)]
    return found


def _levels(call: IamCall, place: _Place, policy: str) -> ceilings.Levels:
    """The policies that decide what is accessible, or the one policy that was named."""
    repository, reader = call.repository, call.transaction
    bound = place.targets[-1] != place.organization.management
    targets = place.targets if bound else ()
    levels = ceilings.service_control(repository, reader, place.organization, targets)
    if not policy:
        return levels
    here = [each for level in levels[-1:] for each in level if each.id.endswith(f"/{policy}")]
    if not here:
        raise api.InvalidInputException(f"The policy {policy} is not attached to the entity.")
    return (tuple(here),)


def _is_allowed(levels: ceilings.Levels, service: str) -> bool:
    """Does every level allow something of a service?"""
    return all(any(allows_of_service(each.policy, service) for each in level) for level in levels)


def _detail(call: IamCall, place: _Place, service: str) -> api.AccessDetail:
    """When, and in which account below the place, a service was used last."""
    repository, reader = call.repository, call.transaction
    uses = [
        use
        for account in place.accounts
        if (use := repository.accesses.last_in(reader, account, service, since(call))) is not None
    ]
    last: Access | None = max(uses, key=lambda use: use.used, default=None)
    return api.AccessDetail(
        service_name=SERVICES[service],
        service_namespace=service,
        region=last.region if last else None,
        entity_path=_path_of(call, place.organization, last.account) if last else None,
        last_authenticated_time=times.shown(last.used) if last else None,
        total_authenticated_entities=len(uses),
    )


def _path_of(call: IamCall, organization: Organization, account: str) -> str | None:
    repository, reader = call.repository.organizations, call.transaction
    member = repository.member(reader, account)
    if member is None:
        return None
    return organization.path((*repository.above(reader, organization, member.parent), account))
