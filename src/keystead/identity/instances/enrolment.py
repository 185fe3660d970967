"""CreateEnrolmentToken, EnrolAgent: how does the host of an instance get its agent?  (IM-2)

A token is minted by somebody who may pass the role of the instance's profile. It is for one
instance, for 15 minutes, and for one agent. We keep its hash, with the role that was asked about:
once the instance has another one, by another profile or another role in it, the token is worthless.

    "ka1" | account (12 digits) | instance id ("i-" and 17 digits) | secret   each behind a "_"

The agent makes a key on its host, and sends the public half with the token. Its signature proves
that it has the private half. The former agent of the instance ends with that, and its sessions go
on: they are the instance's. An agent that heard no answer may send the same again.
"""

import re
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest

from keystead.custody.randomness import urandom
from keystead.custody.tokens import encoded
from keystead.identity import times
from keystead.identity.instances import proofs
from keystead.identity.instances.call import InstanceCall
from keystead.identity.repository import Agent, EnrolmentToken, Instance, Role
from keystead.registry import implements
from keystead.wire.agents import enrolment_text
from keystead.wire.models import keystead_instances as api

LIFETIME = timedelta(minutes=15)
_SECRET_BYTES = 32
_TOKEN = re.compile(r"\Aka1_([0-9]{12})_(i-[0-9a-f]{17})_([A-Za-z0-9_-]{43})\Z")


@implements(api.CreateEnrolmentToken)
def create_enrolment_token(
    call: InstanceCall, request: api.CreateEnrolmentTokenRequest
) -> api.CreateEnrolmentTokenResponse:
    instance = call.instance(request.instance_id)
    target = call.target(request.instance_id, instance)
    call.authorize("keystead-instances:CreateEnrolmentToken", target)
    if instance is None:
        raise api.ResourceNotFoundException(
            f"The instance {request.instance_id} is not registered in {call.region}."
        )
    held = _held(call, instance)
    if held is None:
        raise api.InstanceHasNoRoleException(
            f"The instance {instance.instance_id} has no instance profile with a role."
        )
    role, revision = held
    call.ask_to_pass(role, instance.instance_id)
    secret = encoded(urandom(_SECRET_BYTES))
    token = f"ka1_{call.account}_{instance.instance_id}_{secret}"
    ends = times.stored(call.now + LIFETIME)
    minted = EnrolmentToken(
        account=call.account, instance_id=instance.instance_id,
        token_hash=_hash(token, revision), expires=ends,
    )  # fmt: skip
    call.repository.instances.mint(call.transaction, minted)
    return api.CreateEnrolmentTokenResponse(
        instance_id=instance.instance_id, enrolment_token=token, expiration=times.shown(ends)
    )


@implements(api.EnrolAgent)
def enrol_agent(call: InstanceCall, request: api.EnrolAgentRequest) -> api.EnrolAgentResponse:
    named = _TOKEN.match(request.enrolment_token)
    if named is None:
        raise proofs.refused("the text is no token of enrolment")
    account, instance_id = named[1], named[2]
    instance = proofs.instance(call, account, instance_id)
    text = enrolment_text(request.enrolment_token, request.public_key, request.sequence)
    proofs.require_signed(request.public_key, text, request.signature)
    proofs.require_fresh(call, request.sequence)
    _enrol(call, request, instance)
    call.bears(account)
    proofs.note(call, instance)
    return api.EnrolAgentResponse(
        account_id=account, instance_id=instance_id, region=instance.region
    )


def _enrol(call: InstanceCall, request: api.EnrolAgentRequest, instance: Instance) -> None:
    """Spend the token for an agent with this key; raises AgentRefusedException."""
    instances, account = call.repository.instances, instance.account
    token_hash = _hash(request.enrolment_token)
    agent = Agent(
        account=account, instance_id=instance.instance_id, public_key=request.public_key,
        token_hash=token_hash, enrolled=times.stored(call.now), sequence=request.sequence,
        options_seen=0,
    )  # fmt: skip
    former = instances.agent(call.transaction, account, instance.instance_id)
    if former is not None and compare_digest(former.token_hash, token_hash):
        # The token made this agent. Whoever has its key may have lost our answer.
        if former.public_key != request.public_key or request.sequence <= former.sequence:
            raise proofs.refused("the token was used before")
        instances.heard(call.transaction, former, request.sequence, former.options_seen)
        return
    token = instances.token(call.transaction, account, instance.instance_id)
    held = _held(call, instance)
    if (
        token is None
        or held is None
        or not compare_digest(token.token_hash, _hash(request.enrolment_token, held[1]))
    ):
        raise proofs.refused(
            "the token was used before, or replaced by another, or the instance has another role"
        )
    if times.stored(call.now) >= token.expires:
        raise proofs.refused("the token is older than 15 minutes")
    if not instances.enrol(call.transaction, agent, token):
        raise proofs.refused("the token was used at the same time")


def _held(call: InstanceCall, instance: Instance) -> tuple[Role, str] | None:
    """The role of an instance, and the revision at which it has it."""
    association = call.repository.instances.association_of(
        call.transaction, instance.account, instance.instance_id
    )
    profile = None if association is None else call.profile_of(association)
    role = call.role_of(profile)
    if association is None or profile is None or role is None:
        return None
    revision = call.repository.instance_profiles.revision(call.transaction, profile)
    return role, f"{association.association_id}/{revision}"


def _hash(*parts: str) -> bytes:
    return sha256(" ".join(parts).encode()).digest()
