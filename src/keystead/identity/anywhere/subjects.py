"""GetSubject, ListSubjects: by which certificates were sessions had?  (`sessions` notes them)"""

import hashlib
import ssl

import msgspec

from keystead.identity import times
from keystead.identity.anywhere import limits
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.certificates import Bearer
from keystead.identity.anywhere.listing import page
from keystead.identity.anywhere.naming import SUBJECT, arn, ask, found, new_id
from keystead.identity.repository import AnywhereSubject, SeenCertificate, written
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
        lambda each: len(each.x509_subject),
    )  # fmt: skip
    return api.ListSubjectsResponse(
        subjects=[_summary(each) for each in some.items], next_token=some.marker
    )


def note(call: AnywhereCall, region: str, account: str, bearer: Bearer, leaf: bytes) -> str:
    """Note that the bearer of this certificate (DER) had a session; the ARN of its subject."""
    subjects, now = call.repository.anywhere.subjects, times.stored(call.now)
    name = hashlib.sha256(f"{region} {bearer.subject}".encode()).hexdigest()
    serial = str(bearer.serial)
    seen = SeenCertificate(serial, bearer.issuer, now, ssl.DER_cert_to_PEM_cert(leaf))
    known = subjects.named(call.transaction, account, name)
    others = () if known is None else known.certificates
    last = [one for one in others if (one.serial, one.issuer) != (serial, bearer.issuer)]
    credentials = written([seen, *last][: limits.CERTIFICATES_PER_SUBJECT])
    if known is not None:
        later = msgspec.structs.replace(known, credentials=credentials, last_seen=now)
        return arn(SUBJECT, subjects.update(call.transaction, later))
    subject = AnywhereSubject(
        account=account,
        subject_id=new_id(),
        region=region,
        subject_key=name,
        x509_subject=bearer.subject,
        credentials=credentials,
        created=now,
        last_seen=now,
        tags="{}",
    )
    subjects.insert(call.transaction, subject, limits.SUBJECTS)
    return arn(SUBJECT, subject)


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
