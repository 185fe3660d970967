"""GenerateServiceLastAccessedDetails, GetServiceLastAccessedDetails,
GetServiceLastAccessedDetailsWithEntities.

A report lists the services that the policies of its subject allow something of; a service that is
not served here is not listed. It is complete at once, and is read from what is stored when somebody
looks at it: a use appears within a quarter of an hour (iam.md 1.9).
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from keystead.custody.randomness import urandom
from keystead.identity import paging, times
from keystead.identity.call import IamCall
from keystead.identity.iam.advisor import subjects
from keystead.identity.iam.advisor.subjects import Subject
from keystead.identity.repository import A_SERVICE, KEPT, Access, AccessJob, Role, User
from keystead.policy.language import allowed_of, allows_of_service
from keystead.registry import implemented, implements
from keystead.wire.models import iam as api

SERVICES: Mapping[str, str] = {
    "access-analyzer": "AWS IAM Access Analyzer",
    "cloudtrail": "AWS CloudTrail",
    "ec2": "Amazon EC2",
    "iam": "AWS Identity and Access Management",
    "kms": "AWS Key Management Service",
    "organizations": "AWS Organizations",
    "rolesanywhere": "AWS Identity and Access Management Roles Anywhere",
    "sts": "AWS Security Token Service",
}
"""The services that are served here, as AWS names them in its reports."""

_SERVICE_LEVEL: api.AccessAdvisorUsageGranularityType = "SERVICE_LEVEL"
_ACTION_LEVEL: api.AccessAdvisorUsageGranularityType = "ACTION_LEVEL"


@implements(api.GenerateServiceLastAccessedDetails)
def generate_service_last_accessed_details(
    call: IamCall, request: api.GenerateServiceLastAccessedDetailsRequest
) -> api.GenerateServiceLastAccessedDetailsResponse:
    subject = subjects.asked(call, request.arn)
    job = AccessJob(
        account=call.account,
        job_id=str(UUID(bytes=urandom(16), version=4)),
        subject=subject,
        granularity=request.granularity or _SERVICE_LEVEL,
        created=times.stored(call.now),
    )
    call.repository.accesses.begin(call.transaction, job)
    return api.GenerateServiceLastAccessedDetailsResponse(job_id=job.job_id)


@implements(api.GetServiceLastAccessedDetails)
def get_service_last_accessed_details(
    call: IamCall, request: api.GetServiceLastAccessedDetailsRequest
) -> api.GetServiceLastAccessedDetailsResponse:
    call.ask_any()
    job = _job(call, request.job_id)
    subject = subjects.of(call, job.subject)
    page = paging.cut(call, request, _allowed(subject))
    detailed = job.granularity == _ACTION_LEVEL
    return api.GetServiceLastAccessedDetailsResponse(
        job_status="COMPLETED",
        job_type=_ACTION_LEVEL if detailed else _SERVICE_LEVEL,
        job_creation_date=times.shown(job.created),
        job_completion_date=times.shown(job.created),
        services_last_accessed=[
            _service(call, subject, service, detailed=detailed) for service in page.items
        ],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.GetServiceLastAccessedDetailsWithEntities)
def get_service_last_accessed_details_with_entities(
    call: IamCall, request: api.GetServiceLastAccessedDetailsWithEntitiesRequest
) -> api.GetServiceLastAccessedDetailsWithEntitiesResponse:
    call.ask_any()
    job, service = _job(call, request.job_id), request.service_namespace
    subject = subjects.of(call, job.subject)
    if service not in _allowed(subject):
        raise api.NoSuchEntityException(
            f"The service {service} cannot be found in the report {job.job_id}."
        )
    everybody = call.repository.accesses.users_of(
        call.transaction, call.account, subject.whose, service, since(call)
    )
    page = paging.cut(call, request, everybody)
    shown = (_entity(call, entity_id, service) for entity_id in page.items)
    return api.GetServiceLastAccessedDetailsWithEntitiesResponse(
        job_status="COMPLETED",
        job_creation_date=times.shown(job.created),
        job_completion_date=times.shown(job.created),
        entity_details_list=[details for details in shown if details is not None],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def _job(call: IamCall, job_id: str) -> AccessJob:
    job = call.repository.accesses.job(call.transaction, call.account, job_id)
    if job is None:
        raise no_such_report(job_id)
    return job


def no_such_report(job_id: str) -> api.NoSuchEntityException:
    """The refusal of an unknown job id."""
    return api.NoSuchEntityException(f"The report with the job id {job_id} cannot be found.")


def since(call: IamCall) -> int:
    """The begin of the tracking period."""
    return times.stored(call.now) - KEPT


def _allowed(subject: Subject) -> list[str]:
    """The services that the subject may do something with, as far as its policies say."""
    return [
        service
        for service in SERVICES
        if any(allows_of_service(each.policy, service) for each in subject.policies)
    ]


def _service(
    call: IamCall, subject: Subject, service: str, *, detailed: bool
) -> api.ServiceLastAccessed:
    found = call.repository.accesses.latest(
        call.transaction, call.account, subject.whose, service, since(call)
    )
    access, total = found.get(A_SERVICE, (None, 0))
    return api.ServiceLastAccessed(
        service_name=SERVICES[service],
        service_namespace=service,
        last_authenticated=_time(access),
        last_authenticated_entity=_arn(call, access),
        last_authenticated_region=access.region if access else None,
        total_authenticated_entities=total,
        tracked_actions_last_accessed=(
            [
                _action(call, action, found.get(action, (None, 0))[0])
                for action in _actions(subject, service)
            ]
            if detailed
            else None
        ),
    )


def _actions(subject: Subject, service: str) -> list[str]:
    """The actions of a service that are served, and that the subject's policies allow."""
    names = [
        f"{service}:{each.operation.name}"
        for each in implemented()
        if each.operation.service.name == service
    ]
    allowed = set().union(*(allowed_of(each.policy, names) for each in subject.policies))
    return [name.partition(":")[2] for name in names if name in allowed]


def _action(call: IamCall, action: str, access: Access | None) -> api.TrackedActionLastAccessed:
    return api.TrackedActionLastAccessed(
        action_name=action,
        last_accessed_entity=_arn(call, access),
        last_accessed_time=_time(access),
        last_accessed_region=access.region if access else None,
    )


def _time(access: Access | None) -> datetime | None:
    return None if access is None else times.shown(access.used)


def _arn(call: IamCall, access: Access | None) -> str | None:
    """The ARN of the identity that is still there."""
    entity = None if access is None else _user_or_role(call, access.entity_id)
    return None if entity is None else entity.arn


def _user_or_role(call: IamCall, entity_id: str) -> User | Role | None:
    reader, account = call.transaction, call.account
    user = call.repository.users.get(reader, account, entity_id)
    return user or call.repository.roles.get(reader, account, entity_id)


def _entity(call: IamCall, entity_id: str, service: str) -> api.EntityDetails | None:
    """A user or role, and when it last used the service."""
    entity = _user_or_role(call, entity_id)
    if entity is None:
        return None
    access = call.repository.accesses.of(call.transaction, call.account, entity_id, service)
    return api.EntityDetails(
        entity_info=api.EntityInfo(
            arn=entity.arn,
            name=entity.name,
            type="USER" if isinstance(entity, User) else "ROLE",
            id=entity_id,
            path=entity.path,
        ),
        last_authenticated=_time(access),
    )
