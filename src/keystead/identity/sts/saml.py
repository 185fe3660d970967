"""AssumeRoleWithSAML: a session of a role, for a person of a SAML provider (iam.md 8.1).

(1) The provider that the request names, in the account of the role. (2) What the assertion proves
(`federation`). From here on the caller has a name. (3) The assertion lists the role beside the
provider, and the trust policy lets the person in. (4) Nobody used the assertion before: it is kept
in the store until it is too old. (5) Credentials (`vouched`).

Whoever sends an assertion is a stranger. An unknown account or provider, and an assertion that
proves nothing, are refused in one sentence and after the same work (OI-6). An unknown role, one
that the assertion does not list, and one that does not trust, are each refused in another.
"""

from typing import Any

from keystead.arns import NotAnArn
from keystead.errors import ThrottlingException
from keystead.identity import times
from keystead.identity.call import SigninCall, StsCall
from keystead.identity.federation import (
    REDEEMED,
    SAML_ASSERTION,
    IdentityProvider,
    SamlIdentity,
    identity_provider,
    invalid,
    judge_assertion,
    prove_assertion,
    prove_nothing,
    rejected,
)
from keystead.identity.names import NotAProviderArn, split_provider_arn
from keystead.identity.repository import SamlProvider, TooManyAssertions
from keystead.identity.sessions import RowKind, SessionRow
from keystead.identity.sts import answers, assumable_roles, session_tags, vouched
from keystead.policy.evaluation import AccessDenied
from keystead.registry import implements_with_work
from keystead.wire.models import sts as api
from keystead.work import Work

_ACTION = "sts:AssumeRoleWithSAML"


@implements_with_work(api.AssumeRoleWithSAML)
def assume_role_with_saml(
    call: StsCall, request: api.AssumeRoleWithSAMLRequest
) -> api.AssumeRoleWithSAMLResponse | Work[Any]:
    provider = _provider(call, request)  # (1)
    if provider is None:
        nothing = prove_nothing(call, request.saml_assertion)
        if nothing is not None:
            return nothing
        raise invalid(f"the role's account has no provider {request.principal_arn}", SAML_ASSERTION)
    assertion = prove_assertion(call, request.saml_assertion, provider)  # (2)
    if isinstance(assertion, Work):
        return assertion
    identity = judge_assertion(assertion, provider, call.service_provider, call.now)
    call.bears(identity.principal)
    bearer = bearer_of(identity)
    if request.role_arn not in identity.roles:  # (3)
        why = "step 13: the assertion does not list the role beside the provider"
        raise AccessDenied(None, vouched.denied(_ACTION), why=why)
    assumed = vouched.assume(call, _ACTION, request, bearer)
    use(call, identity)  # (4)
    return api.AssumeRoleWithSAMLResponse(  # (5)
        credentials=answers.credentials(assumed.issued),
        assumed_role_user=assumed.user,
        packed_policy_size=assumed.packed,
        subject=identity.subject,
        subject_type=identity.subject_type,
        issuer=assertion.issuer,
        audience=identity.recipient,
        name_qualifier=identity.name_qualifier,
        source_identity=identity.given.source_identity or None,
        session_token_size=len(assumed.issued.token),
        session_token_utilization=assumed.issued.utilization,
    )


def _provider(call: StsCall, request: api.AssumeRoleWithSAMLRequest) -> IdentityProvider | None:
    """The provider that is named, if it is of the role's account."""
    account = assumable_roles.parsed(request.role_arn).account
    providers, transaction = call.repository.saml_providers, call.transaction
    owner, stored = call.repository.accounts.get(transaction, account), None
    if owner is not None and owner.is_open:
        stored = providers.named(transaction, account, _name(request.principal_arn, account))
    if stored is None or stored.arn != request.principal_arn:
        return None
    return identity_provider(call.repository, transaction, stored)


def _name(arn: str, account: str) -> str:
    """The name of a provider in an ARN; "" for one of another account, and for other texts."""
    try:
        owner, name = split_provider_arn(arn, SamlProvider.kind.noun)
    except (NotAnArn, NotAProviderArn):
        return ""
    return name if owner == account else ""


def bearer_of(identity: SamlIdentity) -> vouched.Bearer:
    """Who asks for a session, with the tags and times that the assertion gives."""
    try:
        tags = vouched.tags_of(identity)
    except session_tags.InvalidParameterValue as error:
        raise rejected(f"step 13: {error.message}", SAML_ASSERTION) from None
    provider = identity.provider
    ends = [int(end.timestamp()) for end in identity.assertion.session_ends]
    return vouched.Bearer(
        identity, identity.session_name, tags,
        SessionRow(RowKind.SAML_PROVIDER, provider.account, provider.revision),
        identity.longest, min(ends, default=None),
    )  # fmt: skip


def use(call: StsCall | SigninCall, identity: SamlIdentity) -> None:
    """Use the assertion, once; raises InvalidIdentityToken for one that was used."""
    provider, assertion = identity.provider, identity.assertion
    expires = times.stored(assertion.issued + REDEEMED) + 1
    try:
        is_first = call.repository.used_assertions.use(
            call.transaction, provider.account, assertion.issuer, assertion.id, expires,
            times.stored(call.now),
        )  # fmt: skip
    except TooManyAssertions:
        raise ThrottlingException("Rate exceeded") from None
    if not is_first:
        raise invalid("step 14: the assertion was used before", SAML_ASSERTION)
