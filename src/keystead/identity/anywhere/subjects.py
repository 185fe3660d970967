"""GetSubject, ListSubjects: by which certificates were sessions had?  (`sessions` notes them)"""

from keystead.identity import times
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.listing import page
from keystead.identity.anywhere.naming import SUBJECT, arn, ask, found
from keystead.identity.repository import AnywhereSubject, SeenCertificate
from keystead.registry import implements
from keystead.wire.models import rolesanywhere as api


@implements(api.GetSubject)
def get_subject(call: AnywhereCall, request: api.ScalarSubjectRequest) -> api.SubjectDetailResponse:
    named = found(call, SUBJECT, request.subject_id)
    ask(call, named.target)
    return api.SubjectDetailResponse(subject=_shown(named.existing()))


@implements(api.ListSubjects)
def list_subjects(call: AnywhereCall, request: api.ListRequest) -> api.ListSubjectsResponse:
    subjects = call.repository.anywhere.subjects
    some = page(
        call, request,
        lambda after, n: subjects.after(call.transaction, call.account, call.region, after, n),
    )  # fmt: skip
    return api.ListSubjectsResponse(
        subjects=[_summary(each) for each in some.items], next_token=some.marker
    )


def _summary(subject: AnywhereSubject) -> api.SubjectSummary:
    seen = times.shown(subject.last_seen)
    return api.SubjectSummary(
        subject_arn=arn(SUBJECT, subject),
        subject_id=subject.subject_id,
        enabled=True,
        x509_subject=subject.x509_subject,
        last_seen_at=seen,
        created_at=times.shown(subject.created),
        updated_at=seen,
    )


def _shown(subject: AnywhereSubject) -> api.SubjectDetail:
    seen = times.shown(subject.last_seen)
    return api.SubjectDetail(
        subject_arn=arn(SUBJECT, subject),
        subject_id=subject.subject_id,
        enabled=True,
        x509_subject=subject.x509_subject,
        last_seen_at=seen,
        created_at=times.shown(subject.created),
        updated_at=seen,
        credentials=[_credential(each) for each in subject.certificates],
        instance_properties=[],
    )


def _credential(seen: SeenCertificate) -> api.CredentialSummary:
    return api.CredentialSummary(
        seen_at=times.shown(seen.seen),
        serial_number=seen.serial,
        issuer=seen.issuer,
        enabled=True,
        x509_certificate_data=seen.pem,
        failed=False,
    )
