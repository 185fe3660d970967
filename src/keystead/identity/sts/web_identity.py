"""AssumeRoleWithWebIdentity: a session of a role, for whom a provider vouches (iam.md 8.2).

(1) A token with one reading, that does not say itself that it is over. (2) The provider that it
names, in the account of the role. (3) What the token proves (`federation`). From here on the caller
has a name. (4) May the bearer assume the role, pass these tags, set this source identity?  The
trust policy is asked each time, and must name the provider. (5) Credentials. The session lasts for
as long as the provider is what it was.

Whoever sends a token is a stranger. An unknown account, role or provider, and a role that trusts
another, are each refused in a sentence that does not tell them apart from others (OI-6).
"""

from typing import Any

from keystead import tags as tag_rule
from keystead.arns import sts_arn
from keystead.call import Resource
from keystead.identity import times
from keystead.identity.call import StsCall
from keystead.identity.federation import (
    Provider,
    UnprovenToken,
    WebIdentity,
    invalid,
    keys_of,
    prove,
    read_token,
    rejected,
    require_alive,
    require_for_us,
)
from keystead.identity.names import RESERVED
from keystead.identity.permissions import trust
from keystead.identity.repository import Role
from keystead.identity.sessions import (
    Federation,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    SessionTag,
    issue,
)
from keystead.identity.sts import (
    answers,
    assumable_roles,
    durations,
    session_policies,
    session_tags,
)
from keystead.policy.evaluation import AccessDenied, ContextValue, Permit
from keystead.registry import implements_with_work
from keystead.wire.models import sts as api
from keystead.work import Work

_ACTION = "sts:AssumeRoleWithWebIdentity"
_DENIED = f"Not authorized to perform {_ACTION}"


@implements_with_work(api.AssumeRoleWithWebIdentity)
def assume_role_with_web_identity(
    call: StsCall, request: api.AssumeRoleWithWebIdentityRequest
) -> api.AssumeRoleWithWebIdentityResponse | Work[Any]:
    identity = _identity(call, request)  # (1) to (3)
    if isinstance(identity, Work):
        return identity
    call.bears(identity.principal)
    tags = _tags(identity)
    target = assumable_roles.named(call, request.role_arn)
    permit, role = _allowed(call, request, target, identity, tags)  # (4)
    session, packed = _session(call, request, role, identity, tags)
    least = request.minimum_session_token_size
    credentials = issue(call.session_tokens, permit, session, call.now, least)  # (5)
    name = request.role_session_name
    return api.AssumeRoleWithWebIdentityResponse(
        credentials=answers.credentials(credentials),
        subject_from_web_identity_token=identity.subject,
        assumed_role_user=api.AssumedRoleUser(
            assumed_role_id=f"{role.role_id}:{name}",
            arn=sts_arn(role.account, f"assumed-role/{role.name}/{name}"),
        ),
        packed_policy_size=packed,
        provider=identity.provider.arn,
        audience=identity.audience,
        source_identity=identity.source_identity or None,
        session_token_size=len(credentials.token),
        session_token_utilization=credentials.utilization,
    )


def _identity(
    call: StsCall, request: api.AssumeRoleWithWebIdentityRequest
) -> WebIdentity | Work[Any]:
    """Whom the token proves its bearer to be; at first the work to find out."""
    if request.provider_id is not None:
        raise invalid("ProviderId is for access tokens of two providers that are not served here")
    account = assumable_roles.parsed(request.role_arn).account
    token = read_token(request.web_identity_token)  # (1)
    require_alive(token.claims, call.now)
    provider = _provider(call, account, token)  # (2)
    require_for_us(token.claims, provider, call.now)  # what is refused in the end costs no more
    keys = keys_of(call, call.provider_keys, call.outside, provider, token)  # (3)
    return keys if isinstance(keys, Work) else prove(call, token, provider, keys, call.now)


def _provider(call: StsCall, account: str, token: UnprovenToken) -> Provider:
    """The provider that this account has for the issuer that the token claims (OI-3)."""
    issuer, scheme = token.claims.get("iss"), "https://"
    if not isinstance(issuer, str) or not issuer.startswith(scheme) or len(issuer) > 255:
        raise invalid("step 4: the issuer is no URL of a provider")
    providers, stored = call.repository.oidc_providers, None
    owner = call.repository.accounts.get(call.transaction, account)
    if owner is not None and owner.is_open:
        stored = providers.named(call.transaction, account, issuer.removeprefix(scheme))
    if stored is None or scheme + stored.name != issuer:
        raise invalid(f"step 4: account {account} has no provider {issuer}")
    return Provider(
        account, stored.arn, providers.revision(call.transaction, stored), stored.name,
        frozenset(stored.clients), tuple(stored.certificates),
    )  # fmt: skip


def _tags(identity: WebIdentity) -> tuple[SessionTag, ...]:
    """The session tags that the provider gives its person."""
    try:
        given = [api.Tag(key=key, value=value) for key, value in identity.tags]
        return session_tags.together(session_tags.requested(given, identity.transitive), ())
    except session_tags.InvalidParameterValue as error:
        raise rejected(f"step 8: {error.message}") from None


def _allowed(
    call: StsCall,
    request: api.AssumeRoleWithWebIdentityRequest,
    target: Resource,
    identity: WebIdentity,
    tags: tuple[SessionTag, ...],
) -> tuple[Permit[Resource], Role]:
    """A permit for the role; every refusal has the same words."""
    keys: dict[str, ContextValue] = {
        **identity.keys,
        **tag_rule.request_keys({tag.key: tag.value for tag in tags}),
        "sts:rolesessionname": request.role_session_name,
    }
    if identity.source_identity:
        keys["sts:sourceidentity"] = identity.source_identity
    if identity.transitive:
        keys["sts:transitivetagkeys"] = identity.transitive
    try:
        permit = call.authorize(_ACTION, target, keys)
        if tags:
            call.authorize("sts:TagSession", target, keys)
        if identity.source_identity:
            call.authorize("sts:SetSourceIdentity", target, keys)
    except AccessDenied as refused:
        raise refused.reworded(_DENIED) from None
    if not isinstance(target, trust.Assumable):
        raise TypeError(f"a role that is not there may be assumed: {request.role_arn}")
    if target.role.path.startswith(RESERVED):
        raise AccessDenied(None, _DENIED)
    return permit, target.role


def _session(
    call: StsCall,
    request: api.AssumeRoleWithWebIdentityRequest,
    role: Role,
    identity: WebIdentity,
    tags: tuple[SessionTag, ...],
) -> tuple[Session, int | None]:
    """The new session, and how much of the room for policies and tags it takes, in percent."""
    policies = session_policies.passed_policies(
        call, role.account, request.policy, request.policy_arns
    )
    packed = session_policies.packed_size(policies, tags)
    seconds = durations.of_role_session(
        request.duration_seconds, role.longest_session, chained=False
    )
    issued, provider = times.stored(call.now), identity.provider
    session = Session(
        kind=SessionKind.ROLE,
        account=role.account,
        rows=(
            SessionRow(RowKind.ROLE, role.account, role.role_id),
            SessionRow(RowKind.OIDC_PROVIDER, provider.account, provider.revision),
        ),
        issued=issued,
        expires=issued + seconds,
        name=request.role_session_name,
        layers=(policies,) if policies else (),
        tags=tags,
        source_identity=identity.source_identity,
        federation=Federation(provider.arn, identity.later),
    )
    return session, packed
