"""AssumeRoleWithWebIdentity: a session of a role, for whom a provider vouches (iam.md 8.2).

(1) A token with one reading, that does not say itself that it is over. (2) The provider that it
names, in the account of the role, or built in. (3) What the token proves (`federation`). From here
on the caller has a name. (4) May the bearer assume the role, with these tags and this source
identity?  (5) Credentials (`vouched`).

Whoever sends a token is a stranger. An unknown account, role or provider, and a role that trusts
another, are each refused in a sentence that does not tell them apart from others (OI-6).
"""

from dataclasses import replace
from typing import Any

from keystead.identity.call import StsCall
from keystead.identity.federation import (
    Provider,
    UnprovenToken,
    WebIdentity,
    built_in,
    invalid,
    keys_of,
    prove,
    read_token,
    rejected,
    require_alive,
    require_for_us,
    web_provider,
)
from keystead.identity.permissions import shared_issuers, trust
from keystead.identity.sessions import RowKind, SessionRow
from keystead.identity.sts import answers, assumable_roles, session_tags, vouched
from keystead.policy.evaluation import AccessDenied
from keystead.policy.language import MalformedPolicy
from keystead.registry import implements_with_work
from keystead.wire.models import sts as api
from keystead.work import Work

_ACTION = "sts:AssumeRoleWithWebIdentity"


@implements_with_work(api.AssumeRoleWithWebIdentity)
def assume_role_with_web_identity(
    call: StsCall, request: api.AssumeRoleWithWebIdentityRequest
) -> api.AssumeRoleWithWebIdentityResponse | Work[Any]:
    identity = _identity(call, request)  # (1) to (3)
    if isinstance(identity, Work):
        return identity
    call.bears(identity.principal)
    provider = identity.provider
    bearer = bearer_of(identity, request.role_session_name)
    if provider.built_in:
        bearer = _of_built_in(call, request, bearer, provider.name)
    assumed = vouched.assume(call, _ACTION, request, bearer)  # (4), (5)
    return api.AssumeRoleWithWebIdentityResponse(
        credentials=answers.credentials(assumed.issued),
        subject_from_web_identity_token=identity.subject,
        assumed_role_user=assumed.user,
        packed_policy_size=assumed.packed,
        provider=provider.arn,
        audience=identity.audience,
        source_identity=identity.given.source_identity or None,
        session_token_size=len(assumed.issued.token),
        session_token_utilization=assumed.issued.utilization,
    )


def bearer_of(identity: WebIdentity, session_name: str) -> vouched.Bearer:
    """Who asks for a session, with the tags that the token gives."""
    try:
        tags = vouched.tags_of(identity)
    except session_tags.InvalidParameterValue as error:
        raise rejected(f"step 8: {error.message}") from None
    provider = identity.provider
    row = SessionRow(RowKind.OIDC_PROVIDER, provider.account, provider.revision)
    return vouched.Bearer(identity, session_name, tags, row)


def _of_built_in(
    call: StsCall,
    request: api.AssumeRoleWithWebIdentityRequest,
    bearer: vouched.Bearer,
    provider: str,
) -> vouched.Bearer:
    """The bearer of a token of such a provider; refused if anybody whom it knows could be one.

    The trust policy may have been written before the provider was turned on, or where
    `allow_unscoped_trust` is set. Nothing else tells whose audience counts.
    """
    target = assumable_roles.named(call, request.role_arn)
    if isinstance(target, trust.Assumable):
        try:
            shared_issuers.require_tenants(target.role.trust_policy)
        except MalformedPolicy:
            raise AccessDenied(None, vouched.denied(_ACTION)) from None
    account = assumable_roles.parsed(request.role_arn).account
    return replace(bearer, row=SessionRow(RowKind.WEB_IDENTITY_PROVIDER, account, provider))


def _identity(
    call: StsCall, request: api.AssumeRoleWithWebIdentityRequest
) -> WebIdentity | Work[Any]:
    """Whom the token proves its bearer to be; at first the work to find out."""
    if request.provider_id is not None:
        raise invalid("ProviderId is for access tokens of two providers, which are not taken")
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
        if stored is None:
            known = built_in(issuer, call.repository.web_identity_providers)
            if known is not None:
                return known
    if stored is None or scheme + stored.name != issuer:
        raise invalid(f"step 4: account {account} has no provider {issuer}")
    return web_provider(call.repository, call.transaction, stored)
