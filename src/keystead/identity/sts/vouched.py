"""A session of a role, for whom a provider of identities vouches.  (iam.md 2.6, 5.8, 5.11, 8)

What follows the proof is the same for each kind of it. May the bearer assume the role, pass these
tags, set this source identity?  The trust policy is asked each time, and must name the provider.
Then there is a session: with credentials, or at sign-in without. It lasts for as long as the
provider is what it was.
"""

from dataclasses import dataclass

import msgspec

from keystead import tags as tag_rule
from keystead.arns import sts_arn
from keystead.call import Resource
from keystead.identity import times
from keystead.identity.call import AssumingCall, StsCall
from keystead.identity.federation import Vouched
from keystead.identity.names import RESERVED
from keystead.identity.permissions import trust
from keystead.identity.repository import Role
from keystead.identity.sessions import (
    Federation,
    IssuedSession,
    PassedPolicy,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    SessionTag,
    issue,
)
from keystead.identity.sts import assumable_roles, durations, session_policies, session_tags
from keystead.policy.evaluation import AccessDenied, ContextValue, Permit
from keystead.wire.models import sts as api

Request = api.AssumeRoleWithWebIdentityRequest | api.AssumeRoleWithSAMLRequest


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks for a session, and what follows from the proof."""

    identity: Vouched
    session_name: str
    tags: tuple[SessionTag, ...]
    row: SessionRow  # of the provider
    longest: int | None = None  # seconds, as the provider says
    until: int | None = None  # seconds since the epoch, as the provider says


@dataclass(frozen=True, slots=True)
class Assumed:
    """A session that the bearer has now."""

    user: api.AssumedRoleUser
    issued: IssuedSession
    packed: int | None  # how much of the room for policies and tags it takes, in percent


def tags_of(identity: Vouched) -> tuple[SessionTag, ...]:
    """The session tags that the provider gives its person; raises InvalidParameterValue."""
    given = identity.given
    tags = [api.Tag(key=key, value=value) for key, value in given.tags]
    return session_tags.together(session_tags.requested(tags, given.transitive), ())


def denied(action: str) -> str:
    """The words in which every bearer is refused."""
    return f"Not authorized to perform {action}"


def assume(call: StsCall, action: str, request: Request, bearer: Bearer) -> Assumed:
    """Credentials, if the trust policy allows it; every refusal by policy has the same words."""
    permit, role = _allowed(call, action, request.role_arn, bearer)
    policies = session_policies.passed_policies(
        call, role.account, request.policy, request.policy_arns
    )
    packed = session_policies.packed_size(policies, bearer.tags)
    seconds = durations.of_role_session(
        request.duration_seconds, role.longest_session, chained=False
    )
    session = _session(call, role, bearer, min(seconds, bearer.longest or seconds), policies)
    least = request.minimum_session_token_size
    issued = issue(call.session_tokens, permit, session, call.now, least)
    name = bearer.session_name
    user = api.AssumedRoleUser(
        assumed_role_id=f"{role.role_id}:{name}",
        arn=sts_arn(role.account, f"assumed-role/{role.name}/{name}"),
    )
    return Assumed(user, issued, packed)


def signed_in(
    call: AssumingCall, action: str, role_arn: str, bearer: Bearer, seconds: int
) -> Session:
    """The session of a bearer who signs in, by the same decision. It has no credentials.

    It lasts for as many seconds as the role, the provider and the caller of this function allow.
    """
    _, role = _allowed(call, action, role_arn, bearer)
    session_policies.packed_size((), bearer.tags)  # there is room for them
    seconds = min(seconds, role.longest_session, bearer.longest or seconds)
    session = _session(call, role, bearer, seconds, ())
    return msgspec.structs.replace(session, extendable=False)


def _allowed(
    call: AssumingCall, action: str, role_arn: str, bearer: Bearer
) -> tuple[Permit[Resource], Role]:
    identity, given = bearer.identity, bearer.identity.given
    keys: dict[str, ContextValue] = {
        **identity.keys,
        **tag_rule.request_keys({tag.key: tag.value for tag in bearer.tags}),
        "sts:rolesessionname": bearer.session_name,
    }
    if given.source_identity:
        keys["sts:sourceidentity"] = given.source_identity
    if given.transitive:
        keys["sts:transitivetagkeys"] = given.transitive
    target = assumable_roles.named(call, role_arn)
    refusal = denied(action)
    try:
        permit = call.authorize(action, target, keys)
        if bearer.tags:
            call.authorize("sts:TagSession", target, keys)
        if given.source_identity:
            call.authorize("sts:SetSourceIdentity", target, keys)
    except AccessDenied as refused:
        raise refused.reworded(refusal) from None
    if not isinstance(target, trust.Assumable):
        raise TypeError(f"a role that is not there may be assumed: {role_arn}")
    if target.role.path.startswith(RESERVED):
        raise AccessDenied(None, refusal)
    return permit, target.role


def _session(
    call: AssumingCall, role: Role, bearer: Bearer, seconds: int, policies: tuple[PassedPolicy, ...]
) -> Session:
    issued, identity = times.stored(call.now), bearer.identity
    expires = issued + seconds
    return Session(
        kind=SessionKind.ROLE,
        account=role.account,
        rows=(SessionRow(RowKind.ROLE, role.account, role.role_id), bearer.row),
        issued=issued,
        expires=expires if bearer.until is None else min(expires, bearer.until),
        name=bearer.session_name,
        layers=(policies,) if policies else (),
        tags=bearer.tags,
        source_identity=identity.given.source_identity,
        federation=Federation(identity.principal.issuer_arn, identity.later),
        extendable=bearer.until is None and bearer.longest is None,
    )
