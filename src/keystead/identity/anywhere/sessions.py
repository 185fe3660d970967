"""CreateSession: a session of a role for the bearer of a certificate (iam.md 8.9).

(1) The trust anchor that the request names. (2) What the certificate proves (`certificates`), as
work in the slow lane. (3) No list of the trust anchor revokes it. From here on the caller is Roles
Anywhere, which acts for the bearer. (4) The profile, and the role in it. (5) May Roles Anywhere
assume the role for this trust anchor, with what the certificate says as tags, and its common name
as the source identity?  The trust policy is asked each time. (6) Nobody used the request before.
(7) Credentials. They stand on the trust anchor, the role of the profile, and the certificates.

Until (3) the sender is a stranger, and told one sentence: neither which trust anchors there are nor
which step failed. The record has the step.
"""

from keystead import tags as tag_rule
from keystead.arns import sts_arn
from keystead.audit.records import EventResource
from keystead.call import Resource
from keystead.errors import ThrottlingException
from keystead.identity import times
from keystead.identity.anywhere import bearers, presenting, subjects
from keystead.identity.anywhere.call import AnywhereCall, service_principal
from keystead.identity.anywhere.certificates import Bearer, Presented, Unproven, prove
from keystead.identity.anywhere.naming import ANCHOR, PROFILE, arn_of, invalid, split
from keystead.identity.names import RESERVED
from keystead.identity.permissions import sources, trust
from keystead.identity.repository import (
    AnywhereProfile,
    ProfileRole,
    Role,
    TrustAnchor,
    UsedRequest,
)
from keystead.identity.sessions import (
    IssuedSession,
    PassedPolicy,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    issue,
)
from keystead.identity.sts import assumable_roles, session_policies
from keystead.policy.evaluation import (
    AccessDenied,
    ContextValue,
    Permit,
)
from keystead.registry import implements_with_work
from keystead.times import iso_seconds
from keystead.wire.models import rolesanywhere as api
from keystead.wire.models import sts
from keystead.work import PROCESSOR, MadeWith, Work, digest, result

_SECONDS = 0.0004  # of a signature by a key on P-521, the slowest that count
_UNTRUSTED = "Untrusted certificate. Insufficient certificate"


@implements_with_work(api.CreateSession)
def create_session(
    call: AnywhereCall, request: api.CreateSessionRequest
) -> api.CreateSessionResponse | Work[Bearer | Unproven]:
    region, account, anchor_id = split(request.trust_anchor_arn, ANCHOR.noun)
    sent = _read(call, region)
    anchor = _anchor(call, region, account, anchor_id)  # (1)
    known = _bearer(call, anchor, sent.presented)  # (2)
    if isinstance(known, Work):
        return known
    if isinstance(known, Unproven):
        raise _untrusted(known.why)
    if not known.since <= call.now <= known.until:
        raise _untrusted("step 3: the dates")
    _name(call, anchor, known)
    crls = call.repository.anywhere.crls
    if crls.revoke_any(call.transaction, account, anchor_id, known.digests):  # (3)
        raise AccessDenied(None, "Certificate revoked")
    call.bears(service_principal(region))
    profile, listed = _profile(call, request, anchor)  # (4)
    asked = bearers.asked(profile, known, request.role_session_name)
    permit, role = _allowed(call, request.role_arn, anchor, asked)  # (5)
    policies, packed = _policies(call, profile, asked)
    _use(call, account, sent, known)  # (6)
    path = crls.path_now(call.transaction, account, anchor_id, known.digests)
    rows = (
        SessionRow(RowKind.ROLE, account, role.role_id),
        SessionRow(RowKind.TRUST_ANCHOR, account, anchor.as_it_is),
        SessionRow(RowKind.ANYWHERE_PROFILE, account, profile.as_it_is(listed)),
        SessionRow(RowKind.CERTIFICATE, account, path),
    )
    seconds = min(request.duration_seconds or profile.duration, profile.duration,
                  role.longest_session)  # fmt: skip
    session = _session(call, rows, asked, policies, seconds, known)
    issued = issue(call.session_tokens, permit, session, call.now)  # (7)
    subject = subjects.note(call, region, account, known, sent.presented.leaf)
    return _answer(role, asked, issued, packed, subject)


def _read(call: AnywhereCall, region: str) -> presenting.Read:
    """What the request carries, if it is signed for this Region."""
    if call.proof is None:
        raise RuntimeError("a request without a signature is not there")
    if call.endpoint.vpce_id and region != call.region:
        raise invalid("The trust anchor is not of the Region of this endpoint")
    return presenting.presented(call.proof, region, call.now)


def _anchor(call: AnywhereCall, region: str, account: str, anchor_id: str) -> TrustAnchor:
    owner = call.repository.accounts.get(call.transaction, account)
    anchor = call.repository.anywhere.anchors.get(call.transaction, account, anchor_id)
    if owner is None or not owner.is_open or anchor is None or anchor.region != region:
        raise _untrusted("step 1: there is no such trust anchor")
    # It acts in the Region of the trust anchor. No record has what a stranger calls a Region.
    call.region = call.event.region = region
    call.keys["aws:requestedregion"] = region
    if not anchor.enabled:
        raise _untrusted("step 1: the trust anchor is disabled")
    return anchor


def _bearer(
    call: AnywhereCall, anchor: TrustAnchor, presented: Presented
) -> Bearer | Unproven | Work[Bearer | Unproven]:
    """Whom the certificate proves the sender to be; at first the work to find out."""
    parts = (presented.algorithm.encode(), presented.leaf, *presented.chain, presented.text,
             presented.signature, str(presented.serial).encode())  # fmt: skip
    made_with = MadeWith(key=anchor.anchor_id, version=anchor.row_version, input=digest(*parts))
    given = (anchor.certificates, presented, call.now)
    seconds = _SECONDS * (2 + len(presented.chain))
    return result(call, Work(PROCESSOR, seconds, made_with, prove, given))


def _untrusted(why: str) -> AccessDenied:
    return AccessDenied(None, _UNTRUSTED, why=why)


def _name(call: AnywhereCall, anchor: TrustAnchor, bearer: Bearer) -> None:
    """Name the proved certificate in the record of its account, also if it is refused now."""
    arn = arn_of(ANCHOR, anchor.region, anchor.account, anchor.anchor_id)
    call.event.resources.append(EventResource(anchor.account, ANCHOR.resource_type, arn))
    call.event.additional = {
        **call.event.additional,
        "trustAnchorArn": arn,
        "x509Subject": bearer.subject[:1024],
        "x509SerialNumber": format(bearer.serial, "x"),
    }


def _profile(
    call: AnywhereCall, request: api.CreateSessionRequest, anchor: TrustAnchor
) -> tuple[AnywhereProfile, ProfileRole]:
    """The profile that is named, and the role in it."""
    region, account, profile_id = split(request.profile_arn, PROFILE.noun)
    profile = call.repository.anywhere.profiles.get(call.transaction, anchor.account, profile_id)
    place = (anchor.region, anchor.account)
    if profile is None or place != (region, account) or profile.region != region:
        raise AccessDenied(None, f"Profile {profile_id} not found")
    if not profile.enabled:
        raise AccessDenied(None, f"Profile {profile_id} is disabled")
    if profile.needs_properties and not request.instance_properties:
        raise invalid("The profile requires instanceProperties")
    for role in profile.role_list:
        if role.arn == request.role_arn:
            return profile, role
    raise AccessDenied(None, f"Role {request.role_arn} is not in the profile")


def _allowed(
    call: AnywhereCall, role_arn: str, anchor: TrustAnchor, asked: bearers.Asked
) -> tuple[Permit[Resource], Role]:
    keys: dict[str, ContextValue] = {
        **tag_rule.request_keys({tag.key: tag.value for tag in asked.tags}),
        **{f"aws:principaltag/{tag.key.lower()}": tag.value for tag in asked.tags},
        **sources.of_account(call.repository, call.transaction, anchor.account),
        "aws:sourcearn": arn_of(ANCHOR, anchor.region, anchor.account, anchor.anchor_id),
        "sts:rolesessionname": asked.name,
    }
    if asked.source_identity:
        keys["sts:sourceidentity"] = asked.source_identity
    refusal = f"Unable to assume role for {role_arn}"
    target = assumable_roles.named(call, role_arn)
    try:
        permit = call.authorize("sts:AssumeRole", target, keys)
        if asked.tags:
            call.authorize("sts:TagSession", target, keys)
        if asked.source_identity:
            call.authorize("sts:SetSourceIdentity", target, keys)
    except AccessDenied as refused:
        raise refused.reworded(refusal) from None
    if not isinstance(target, trust.Assumable):
        raise TypeError(f"a role that is not there may be assumed: {role_arn}")
    if target.role.path.startswith(RESERVED):
        raise AccessDenied(None, refusal)
    return permit, target.role


def _policies(
    call: AnywhereCall, profile: AnywhereProfile, asked: bearers.Asked
) -> tuple[tuple[PassedPolicy, ...], int | None]:
    """The policies of the profile, and how much of the room they take with the tags."""
    try:
        policies = session_policies.passed_policies(
            call, profile.account, profile.session_policy or None,
            [sts.PolicyDescriptorType(arn=arn) for arn in profile.policy_arns],
        )  # fmt: skip
        return policies, session_policies.packed_size(policies, asked.tags)
    except (sts.MalformedPolicyDocumentException, sts.PackedPolicyTooLargeException) as refused:
        raise AccessDenied(None, f"The policies of the profile: {refused.message}") from None


def _use(call: AnywhereCall, account: str, sent: presenting.Read, bearer: Bearer) -> None:
    """Use the request, once: who copied it on its way has nothing of it.

    The refusal is one after which SDKs sign anew: two processes of a host can ask in one second.
    """
    stale = times.stored(sent.signed) + presenting.SKEW + 60
    request = UsedRequest(account=account, digest=bearer.request, stale=stale)
    used = call.repository.anywhere.used_requests
    if not used.use(call.transaction, request, times.stored(call.now)):
        raise ThrottlingException("The request was used before: sign a new one")


def _session(  # noqa: PLR0917  # the facts of one session
    call: AnywhereCall,
    rows: tuple[SessionRow, ...],
    asked: bearers.Asked,
    policies: tuple[PassedPolicy, ...],
    seconds: int,
    bearer: Bearer,
) -> Session:
    """The session. It ends with the first of the certificates, however long it was asked for."""
    issued = times.stored(call.now)
    return Session(
        kind=SessionKind.ROLE,
        account=rows[0].account,
        rows=rows,
        issued=issued,
        expires=min(issued + seconds, times.stored(bearer.until)),
        name=asked.name,
        layers=(policies,) if policies else (),
        tags=asked.tags,
        source_identity=asked.source_identity,
    )


def _answer(
    role: Role, asked: bearers.Asked, issued: IssuedSession, packed: int | None, subject: str
) -> api.CreateSessionResponse:
    user = api.AssumedRoleUser(
        arn=sts_arn(role.account, f"assumed-role/{role.name}/{asked.name}"),
        assumed_role_id=f"{role.role_id}:{asked.name}",
    )
    credentials = api.Credentials(
        access_key_id=issued.access_key_id,
        secret_access_key=issued.secret,
        session_token=issued.token,
        expiration=iso_seconds(times.shown(issued.expires)),
    )
    one = api.CredentialResponse(
        assumed_role_user=user,
        credentials=credentials,
        packed_policy_size=packed,
        role_arn=role.arn,
        source_identity=asked.source_identity or None,
    )
    return api.CreateSessionResponse(credential_set=[one], subject_arn=subject)
