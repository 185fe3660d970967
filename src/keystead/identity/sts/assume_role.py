"""AssumeRole: a session of a role, for a user or for a session of a role (iam.md 5.8, 5.11).

(1) The role, in whichever account it is. (2) The second factor, if one is shown: it belongs to the
question, and is spent whatever the answer. (3) May the caller assume the role, pass these tags, set
this source identity?  The trust policy is asked each time. (4) What is passed is understood, and
fits. (5) Credentials. The session does not tell of the second factor (iam.md 2.10). It ends with
the provider of identities behind the calling session, or with the key of the calling service.

A role that is not there is refused as one that trusts nobody: no caller learns which roles exist.
"""

from collections.abc import Mapping

import msgspec

from keystead import tags as tag_rule
from keystead.arns import sts_arn
from keystead.call import Resource
from keystead.errors import ValidationException
from keystead.identity import identifiers, times
from keystead.identity.call import AssumingCall, StsCall
from keystead.identity.permissions import trust
from keystead.identity.repository import Role
from keystead.identity.sessions import (
    PassedPolicy,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    SessionTag,
    issue,
    passed_on,
)
from keystead.identity.sts import (
    answers,
    assumable_roles,
    durations,
    mfa,
    session_policies,
    session_tags,
)
from keystead.policy.evaluation import (
    AccessDenied,
    ContextValue,
    Permit,
    Principal,
    PrincipalType,
)
from keystead.registry import implements_with_work
from keystead.wire.models import sts as api
from keystead.work import Work


@implements_with_work(api.AssumeRole)
def assume_role(
    call: StsCall, request: api.AssumeRoleRequest
) -> api.AssumeRoleResponse | Work[bool]:
    passed = session_tags.requested(request.tags, request.transitive_tag_keys)
    source_identity = _source_identity(call, request)
    if request.provided_contexts is not None:  # there are no providers of them here
        raise _not_authorized(call, "sts:SetContext", request.role_arn)
    target = assumable_roles.named(call, request.role_arn)  # (1)
    factor = mfa.shown(call, request.serial_number, request.token_code)  # (2)
    if isinstance(factor, Work):
        return factor
    keys = {**_keys(request, passed, source_identity), **factor.keys}
    permit, role = _allowed(call, target, passed, source_identity, keys)  # (3)
    tags = session_tags.together(passed, session_tags.inherited(call.session))
    policies = session_policies.passed_policies(  # (4)
        call, role.account, request.policy, request.policy_arns
    )
    packed = session_policies.packed_size(policies, tags)
    seconds = durations.of_role_session(
        request.duration_seconds, role.longest_session, chained=_is_role_session(call)
    )
    name = request.role_session_name
    session = _session(call, role, name, seconds, policies, tags, source_identity)
    least = request.minimum_session_token_size
    credentials = issue(call.session_tokens, permit, session, call.now, least)  # (5)
    return api.AssumeRoleResponse(
        credentials=answers.credentials(credentials),
        assumed_role_user=api.AssumedRoleUser(
            assumed_role_id=f"{role.role_id}:{name}",
            arn=sts_arn(role.account, f"assumed-role/{role.name}/{name}"),
        ),
        packed_policy_size=packed,
        source_identity=source_identity or None,
        **answers.of_size(credentials),
    )


def switched(call: AssumingCall, role_arn: str, name: str, longest: int) -> tuple[Session, Role]:
    """The session of a role for somebody on a page, by the same decision; it has no credentials.

    It lasts as long as the role allows, and at most for so many seconds.
    """
    request = api.AssumeRoleRequest(role_arn=role_arn, role_session_name=name)
    source_identity = _source_identity(call, request)
    target = assumable_roles.named(call, role_arn)
    keys = _keys(request, (), source_identity)
    _, role = _allowed(call, target, (), source_identity, keys)
    tags = session_tags.inherited(call.session)
    seconds = min(longest, durations.longest_of_role(role, chained=_is_role_session(call)))
    session = _session(call, role, name, seconds, (), tags, source_identity)
    return msgspec.structs.replace(session, extendable=False), role


def _allowed(
    call: AssumingCall,
    target: Resource,
    passed: tuple[SessionTag, ...],
    source_identity: str,
    keys: Mapping[str, ContextValue],
) -> tuple[Permit[Resource], Role]:
    permit = call.authorize("sts:AssumeRole", target, keys)
    if passed or session_tags.inherited(call.session):
        call.authorize("sts:TagSession", target, keys)
    if source_identity:
        call.authorize("sts:SetSourceIdentity", target, keys)
    if not isinstance(target, trust.Assumable):
        raise TypeError(f"a role that is not there may be assumed: {target.arn_text}")
    return permit, target.role


def _session(  # noqa: PLR0917  # the facts of one session
    call: AssumingCall,
    role: Role,
    name: str,
    seconds: int,
    policies: tuple[PassedPolicy, ...],
    tags: tuple[SessionTag, ...],
    source_identity: str,
) -> Session:
    issued = times.stored(call.now)
    return Session(
        kind=SessionKind.ROLE,
        account=role.account,
        rows=(SessionRow(RowKind.ROLE, role.account, role.role_id), *_origin(call)),
        issued=issued,
        expires=issued + seconds,
        name=name,
        layers=(policies,) if policies else (),
        tags=tags,
        source_identity=source_identity,
        chained=_is_role_session(call),
        extendable=not _is_role_session(call),
        begun_by=_beginner(call.principal),
    )


def _beginner(caller: Principal) -> str:
    """Who began this chain of sessions?  Whoever goes on from role to role stays one caller."""
    if caller.type is PrincipalType.SERVICE:
        return ""
    own = caller.unique_id or caller.issuer_id or caller.user_id
    return caller.begun_by or f"{caller.account} {own}"


def _origin(call: AssumingCall) -> tuple[SessionRow, ...]:
    """What the session ends with, beside its role: the key of a service, or what came before it."""
    if call.principal.type is not PrincipalType.SERVICE:
        return passed_on(call.session)
    key_id = call.event.access_key_id
    return (SessionRow(RowKind.SERVICE_KEY, identifiers.account_of(key_id) or "", key_id),)


def _keys(
    request: api.AssumeRoleRequest, tags: tuple[SessionTag, ...], source_identity: str
) -> dict[str, ContextValue]:
    """The condition keys of a request to assume a role (iam.md 6.4)."""
    keys = tag_rule.request_keys({tag.key: tag.value for tag in tags})
    keys["sts:rolesessionname"] = request.role_session_name
    if request.external_id is not None:
        keys["sts:externalid"] = request.external_id
    if source_identity:
        keys["sts:sourceidentity"] = source_identity
    if request.transitive_tag_keys:
        keys["sts:transitivetagkeys"] = tuple(request.transitive_tag_keys)
    return keys


def _source_identity(call: AssumingCall, request: api.AssumeRoleRequest) -> str:
    """The source identity of the new session: once it is set, it goes on and never changes."""
    asked = request.source_identity or ""
    own = call.session.source_identity if call.session is not None else ""
    if asked.lower().startswith("aws:"):
        raise ValidationException("Source identity must not begin with aws:")
    if own and asked and asked != own:
        raise _not_authorized(call, "sts:SetSourceIdentity", request.role_arn)
    return own or asked


def _not_authorized(call: AssumingCall, action: str, resource: str) -> AccessDenied:
    """What no policy can allow."""
    who = call.principal.arn
    text = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
    return AccessDenied(None, text)


def _is_role_session(call: AssumingCall) -> bool:
    """Does a role assume a role?"""
    return call.session is not None and call.session.kind is SessionKind.ROLE
