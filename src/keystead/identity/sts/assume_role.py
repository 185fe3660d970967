"""AssumeRole: a session of a role, for a user or for a session of a role (iam.md 5.8, 5.11).

(1) The role, in whichever account it is. (2) The second factor, if one is shown: it belongs to the
question, and is spent whatever the answer. (3) May the caller assume the role, pass these tags, set
this source identity?  The trust policy is asked each time. (4) What is passed is understood, and
fits. (5) Credentials. The session does not tell of the second factor (iam.md 2.10). It ends with
the provider of identities behind the calling session, or with the key of the calling service.

A role that is not there is refused as one that trusts nobody: no caller learns which roles exist.
"""

from keystead import tags as tag_rule
from keystead.arns import sts_arn
from keystead.errors import ValidationException
from keystead.identity import identifiers, times
from keystead.identity.call import StsCall
from keystead.identity.permissions import trust
from keystead.identity.repository import Role
from keystead.identity.sessions import (
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
from keystead.policy.evaluation import AccessDenied, ContextValue, PrincipalType
from keystead.registry import implements_with_work
from keystead.wire.models import sts as api
from keystead.work import Work


@implements_with_work(api.AssumeRole)
def assume_role(
    call: StsCall, request: api.AssumeRoleRequest
) -> api.AssumeRoleResponse | Work[bool]:
    passed = session_tags.requested(request.tags, request.transitive_tag_keys)
    passed_on = session_tags.inherited(call.session)
    source_identity = _source_identity(call, request)
    if request.provided_contexts is not None:  # there are no providers of them here
        raise _not_authorized(call, "sts:SetContext", request.role_arn)
    target = assumable_roles.named(call, request.role_arn)  # (1)
    factor = mfa.shown(call, request.serial_number, request.token_code)  # (2)
    if isinstance(factor, Work):
        return factor
    keys = {**_keys(request, passed, source_identity), **factor.keys}
    permit = call.authorize("sts:AssumeRole", target, keys)  # (3)
    if passed or passed_on:
        call.authorize("sts:TagSession", target, keys)
    if source_identity:
        call.authorize("sts:SetSourceIdentity", target, keys)
    if not isinstance(target, trust.Assumable):
        raise TypeError(f"a role that is not there may be assumed: {request.role_arn}")
    role, name = target.role, request.role_session_name
    tags = session_tags.together(passed, passed_on)
    session, packed = _session(call, request, role, tags, source_identity)  # (4)
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


def _session(
    call: StsCall,
    request: api.AssumeRoleRequest,
    role: Role,
    tags: tuple[SessionTag, ...],
    source_identity: str,
) -> tuple[Session, int | None]:
    """The new session, and how much of the room for policies and tags it takes, in percent."""
    policies = session_policies.passed_policies(
        call, role.account, request.policy, request.policy_arns
    )
    packed = session_policies.packed_size(policies, tags)
    seconds = durations.of_role_session(
        request.duration_seconds, role.longest_session, chained=_is_role_session(call)
    )
    issued = times.stored(call.now)
    session = Session(
        kind=SessionKind.ROLE,
        account=role.account,
        rows=(SessionRow(RowKind.ROLE, role.account, role.role_id), *_origin(call)),
        issued=issued,
        expires=issued + seconds,
        name=request.role_session_name,
        layers=(policies,) if policies else (),
        tags=tags,
        source_identity=source_identity,
    )
    return session, packed


def _origin(call: StsCall) -> tuple[SessionRow, ...]:
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


def _source_identity(call: StsCall, request: api.AssumeRoleRequest) -> str:
    """The source identity of the new session: once it is set, it goes on and never changes."""
    asked = request.source_identity or ""
    own = call.session.source_identity if call.session is not None else ""
    if asked.lower().startswith("aws:"):
        raise ValidationException("Source identity must not begin with aws:")
    if own and asked and asked != own:
        raise _not_authorized(call, "sts:SetSourceIdentity", request.role_arn)
    return own or asked


def _not_authorized(call: StsCall, action: str, resource: str) -> AccessDenied:
    """What no policy can allow."""
    who = call.principal.arn
    text = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
    return AccessDenied(None, text)


def _is_role_session(call: StsCall) -> bool:
    """Does a role assume a role?"""
    return call.session is not None and call.session.kind is SessionKind.ROLE
