"""The rows of the STS operations, in the order of their names; the declined ones stand apart."""

from keystead.identity.rules.declined import DECLINED_STS
from keystead.rules import (
    EVERY_KIND,
    IN_PERSON,
    LONG_TERM,
    SERVICES_TOO,
    CredentialKind,
    Rules,
    Severity,
    table,
)
from keystead.wire.models import sts as api

_MAY_ASSUME = frozenset(
    {
        CredentialKind.LOGIN,
        CredentialKind.USER_KEY,
        CredentialKind.SESSION,
        CredentialKind.SESSION_WITH_MFA,
        CredentialKind.ROLE,
        CredentialKind.SERVICE,
    }
)

STS = table(
    Rules(
        api.AssumeRole,
        asks=("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"),
        across_accounts=True,
        answer_recorded=True,
        credentials=_MAY_ASSUME,
        writes_with="token_code",
    ),
    Rules(
        api.AssumeRoleWithSAML,
        asks=("sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"),
        answer_recorded=True,
        credentials=frozenset({CredentialKind.PROOF}),
        writes_with="saml_assertion",
    ),
    Rules(
        api.AssumeRoleWithWebIdentity,
        asks=("sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"),
        answer_recorded=True,
        credentials=frozenset({CredentialKind.PROOF}),
    ),
    Rules(
        api.AssumeRoot,
        across_accounts=True,
        severity=Severity.HIGH,
        answer_recorded=True,
        credentials=frozenset({CredentialKind.USER_KEY, CredentialKind.ROLE}),
    ),
    Rules(api.DecodeAuthorizationMessage),
    Rules(api.GetAccessKeyInfo),
    Rules(api.GetCallerIdentity, asks=(), credentials=SERVICES_TOO),
    Rules(
        api.GetFederationToken,
        asks=("sts:GetFederationToken", "sts:TagSession"),
        answer_recorded=True,
        credentials=LONG_TERM,
    ),
    Rules(
        api.GetScopedCredentials,
        answer_recorded=True,
        credentials=EVERY_KIND - LONG_TERM - IN_PERSON - {CredentialKind.ROOT_TASK},
    ),
    Rules(
        api.GetSessionToken,
        answer_recorded=True,
        credentials=LONG_TERM,
        writes_with="token_code",
    ),
    *DECLINED_STS,
)
