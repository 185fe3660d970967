"""GetInstanceCredentials: which role has this instance now, and what are its credentials?  (IM-4)

(1) The agent: its signature, and a sequence that it never used before. (2) The profile of the
instance, and the role in it. (3) May EC2 assume the role?  Its trust policy is asked each time.
(4) Credentials for six hours at most. The session has the name of the instance. It ends with the
association, with the role in the profile, with the role, and with the instance.

An agent that knows the newest revision already gets no credentials unless it asks to renew them. So
it can ask every minute. The revision is of all on which credentials stand. An instance without a
role, and a role that EC2 may not assume, are answers and no errors: a program hears of them from
the agent, in AWS's words.
"""

from typing import NamedTuple

import msgspec

from keystead.identity import times
from keystead.identity.instances import proofs
from keystead.identity.instances.call import InstanceCall, instance_arn
from keystead.identity.permissions import trust
from keystead.identity.repository import (
    Agent,
    Instance,
    InstanceProfile,
    InstanceTags,
    ProfileAssociation,
    Role,
)
from keystead.identity.sessions import (
    Delivery,
    IssuedSession,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    issue,
)
from keystead.policy.evaluation import AccessDenied
from keystead.registry import implements
from keystead.wire.agents import credentials_text
from keystead.wire.models import keystead_instances as api

LONGEST = 6 * 3600  # seconds

_UNAUTHORIZED = "AssumeRoleUnauthorizedAccess"
_SEE = (
    "Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
)


class _Held(NamedTuple):
    """The role that an instance has."""

    association: ProfileAssociation
    profile: InstanceProfile
    revision: str  # of the profile
    role: Role


@implements(api.GetInstanceCredentials)
def get_instance_credentials(
    call: InstanceCall, request: api.GetInstanceCredentialsRequest
) -> api.GetInstanceCredentialsResponse:
    instance, agent = _proved(call, request)  # (1)
    call.bears(instance.account)
    proofs.note(call, instance)
    instances = call.repository.instances
    instances.heard(call.transaction, agent, request.sequence, instance.options_version)
    shown = _shown(instance, instances.tags(call.transaction, instance))
    association = instances.association_of(call.transaction, instance.account, instance.instance_id)
    if association is None:
        return api.GetInstanceCredentialsResponse(instance=shown, revision="")
    profile = call.profile_of(association)  # (2)
    named = api.Profile(arn=association.profile_arn, id=association.profile_id)
    if profile is None:
        return api.GetInstanceCredentialsResponse(
            instance=shown, revision=association.association_id, profile=named,
            code="InstanceProfileNotFound",
            message=f"The instance profile {association.profile_arn} does not exist.",
        )  # fmt: skip
    revision = call.repository.instance_profiles.revision(call.transaction, profile)
    role = call.role_of(profile)
    # Credentials of before the account was last closed are over, so they are of another revision.
    closed = call.repository.accounts.closed(call.transaction, instance.account)
    known = f"{association.association_id}/{revision}" + (f"/{closed}" if closed >= 0 else "")
    if role is None:
        return api.GetInstanceCredentialsResponse(instance=shown, revision=known, profile=named)
    answer = api.GetInstanceCredentialsResponse(
        instance=shown, revision=known, profile=named,
        role=api.Role(arn=role.arn, role_name=role.name),
    )  # fmt: skip
    if request.known == known and not request.renew:
        return answer
    seconds = min(request.duration_seconds or LONGEST, LONGEST)
    return _with_credentials(
        call, answer, instance, _Held(association, profile, revision, role), seconds
    )


def _proved(
    call: InstanceCall, request: api.GetInstanceCredentialsRequest
) -> tuple[Instance, Agent]:
    """The instance whose agent signed this, now and for the first time."""
    account, instance_id = request.account_id, request.instance_id
    instance = proofs.instance(call, account, instance_id)
    agent = call.repository.instances.agent(call.transaction, account, instance_id)
    if agent is None:
        raise proofs.refused("the instance has no agent")
    proofs.require_signed(agent.public_key, credentials_text(request), request.signature)
    proofs.require_fresh(call, request.sequence)
    proofs.require_later(request.sequence, agent.sequence)
    return instance, agent


def _with_credentials(
    call: InstanceCall,
    answer: api.GetInstanceCredentialsResponse,
    instance: Instance,
    held: _Held,
    seconds: int,
) -> api.GetInstanceCredentialsResponse:
    """The answer with credentials of the role, or with the reason why there are none."""
    role = held.role
    try:
        permit = call.authorize("sts:AssumeRole", trust.assumable(call.repository, role))  # (3)
    except AccessDenied:
        return msgspec.structs.replace(
            answer, code=_UNAUTHORIZED,
            message=f"EC2 cannot assume the role {role.name}.  {_SEE}",
        )  # fmt: skip
    session = _session(instance, held, times.stored(call.now), seconds)  # (4)
    issued = issue(call.session_tokens, permit, session, call.now)
    return msgspec.structs.replace(answer, credentials=_credentials(issued, session))


def _session(instance: Instance, held: _Held, issued: int, seconds: int) -> Session:
    account = held.role.account
    return Session(
        kind=SessionKind.ROLE,
        account=account,
        rows=(
            SessionRow(RowKind.ROLE, account, held.role.role_id),
            SessionRow(RowKind.PROFILE_ASSOCIATION, account, held.association.association_id),
            SessionRow(RowKind.INSTANCE_PROFILE, account, held.revision),
        ),
        issued=issued,
        expires=issued + seconds,
        name=instance.instance_id,
        delivery=delivery(instance),
    )


def delivery(instance: Instance) -> Delivery:
    """What policies may ask about the instance that credentials were delivered to."""
    return Delivery(
        instance_arn(instance.region, instance.account, instance.instance_id),
        instance.private_ip,
        instance.vpc_id,
    )


def _credentials(issued: IssuedSession, session: Session) -> api.InstanceCredentials:
    return api.InstanceCredentials(
        access_key_id=issued.access_key_id,
        secret_access_key=issued.secret,
        token=issued.token,
        issued=times.shown(session.issued),
        expiration=times.shown(issued.expires),
    )


def _shown(instance: Instance, tags: InstanceTags) -> api.Instance:
    """What the agent tells programs of their instance; its tags only if they may be told."""
    return api.Instance(
        instance_id=instance.instance_id,
        region=instance.region,
        availability_zone=instance.zone,
        instance_type=instance.instance_type,
        image_id=instance.image_id,
        private_ip_address=instance.private_ip or None,
        vpc_id=instance.vpc_id or None,
        http_endpoint=instance.endpoint,
        http_put_response_hop_limit=instance.hop_limit,
        identity_document=instance.document,
        identity_document_signature=instance.signature,
        identity_document_pkcs7=instance.pkcs7,
        tags=tags.values if tags.in_metadata == "enabled" else None,
    )
