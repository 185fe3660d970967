"""How do people sign in by a provider?  The operator says it; a provider itself is its account's.

A provider of SAML needs nothing of this, unless its people must not begin at the provider. One of
OpenID Connect is for people once a client is named, and what decides their roles.
"""

import re
from collections.abc import Mapping
from typing import Any

from keystead.arns import Arn, NotAnArn
from keystead.failures import Failure
from keystead.identity.names import NotAProviderArn, split_provider_arn
from keystead.identity.repository import OidcProvider, SamlProvider, SignInProvider
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.store.protocol import Reader

_CLAIM = re.compile(r"[\x21-\x7e]{1,128}")
_SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_LONGEST = 255


def saml(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """May people begin at this provider?"""
    provider = _provider(installation, installation.store.read(), str(arguments["provider"]))
    if not isinstance(provider, SamlProvider):
        raise Failure(
            f"`{provider.arn}` is no provider of SAML", "for it there is `keystead federation oidc`"
        )
    begins = bool(arguments["provider_initiated"])
    said = SignInProvider(
        account=provider.account, provider_id=provider.provider_id, provider_initiated=int(begins)
    )
    return _keep(installation, provider, said, {"providerInitiated": begins})


def oidc(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """People sign in by this provider, with this client."""
    provider = _provider(installation, installation.store.read(), str(arguments["provider"]))
    if not isinstance(provider, OidcProvider):
        raise Failure(
            f"`{provider.arn}` is no provider of OpenID Connect",
            "for it there is `keystead federation saml`",
        )
    client_id, secret = str(arguments["client_id"]), str(arguments.get("client_secret") or "")
    if client_id not in provider.clients:
        raise Failure(
            f"`{client_id}` is not among the client ids of `{provider.arn}`",
            "add it first: aws iam add-client-id-to-open-id-connect-provider",
        )
    claim, role = str(arguments.get("role_claim") or ""), str(arguments.get("role") or "")
    name = str(arguments.get("name_claim") or "sub")
    scopes = str(arguments.get("scopes") or "openid")
    _require_words(claim, role, name, scopes)
    _require_role(role, provider)
    if len(secret) > _LONGEST or not secret.isprintable():
        raise Failure(
            "the client's secret cannot be used", "give a file with one line of 255 characters"
        )
    said = SignInProvider(
        account=provider.account, provider_id=provider.provider_id, client_id=client_id,
        role_claim=claim, role=role, name_claim=name, scopes=scopes,
    )  # fmt: skip
    told: dict[str, str | bool] = {
        "clientId": client_id, "roleClaim": claim, "role": role, "nameClaim": name,
        "scopes": scopes, "hasSecret": bool(secret),
    }  # fmt: skip
    return _keep(installation, provider, said, told, secret)


def remove(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Forget what was said of a provider: of OpenID Connect, people sign in by it no more."""
    provider = _provider(installation, installation.store.read(), str(arguments["provider"]))
    now = installation.clock.now()
    with installation.store.write() as transaction:
        place = provider.account, provider.provider_id
        if not installation.identities.sign_in_providers.delete(transaction, *place):
            raise Failure(f"nothing was said of `{provider.arn}`", "see `keystead federation list`")
        told = {"provider": provider.arn}
        installation.trail.record(ceremony_event("RemoveSignInProvider", now, told))
    return {"Provider": provider.arn}


def every(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The providers by which people sign in, and where they begin, account by account.

    Those of at most `_PART` accounts at a time, and of fewer if these have many, because others
    wait meanwhile; `Next` says where to go on.
    """
    reader, identities = installation.store.read(), installation.identities
    said = {each.provider_id: each for each in identities.sign_in_providers.every(reader)}
    listed: list[dict[str, str | bool]] = []
    after = str(arguments.get("next") or "")
    for taken, account in enumerate(identities.accounts.after(reader, after, _PART + 1)):
        if taken == _PART or len(listed) >= _PART:
            return {"Providers": listed, "Next": after}
        after = account.account
        number = account.account
        for saml_provider in identities.saml_providers.after(reader, number, "", "/", _MOST):
            known = said.get(saml_provider.provider_id)
            listed.append(_shown(saml_provider, known))
        for oidc_provider in identities.oidc_providers.after(reader, number, "", "/", _MOST):
            known = said.get(oidc_provider.provider_id)
            if known is not None:
                listed.append(_shown(oidc_provider, known))
    return {"Providers": listed}


_MOST = 1_000  # providers of an account and kind
_PART = 100


def _shown(
    provider: SamlProvider | OidcProvider, said: SignInProvider | None
) -> dict[str, str | bool]:
    kind = "saml" if isinstance(provider, SamlProvider) else "oidc"
    shown: dict[str, str | bool] = {
        "Provider": provider.arn, "Start": f"/{kind}/start/{provider.provider_id}",
    }  # fmt: skip
    if kind == "saml":
        return {**shown, "ProviderInitiated": said is None or bool(said.provider_initiated)}
    if said is None:
        return shown

    return {
        **shown, "Callback": f"/{said.callback}", "ClientId": said.client_id,
        "HasSecret": bool(said.client_secret), "RoleClaim": said.role_claim, "Role": said.role,
        "NameClaim": said.name_claim, "Scopes": said.scopes,
    }  # fmt: skip


def _provider(installation: Installation, reader: Reader, arn: str) -> SamlProvider | OidcProvider:
    """The provider with this ARN; raises Failure."""
    identities = installation.identities
    for kind in (SamlProvider, OidcProvider):
        try:
            account, name = split_provider_arn(arn, kind.kind.noun)
        except (NotAnArn, NotAProviderArn):
            continue
        stored = identities.of(kind).named(reader, account, name)
        if stored is not None and stored.arn == arn:
            return stored  # type: ignore[return-value]  # the kinds are those of the loop
    raise Failure(
        f"there is no provider `{arn}`",
        "give the ARN that `aws iam list-saml-providers` or"
        " `aws iam list-open-id-connect-providers` shows",
    )


def _require_words(claim: str, role: str, name: str, scopes: str) -> None:
    if bool(claim) == bool(role):
        raise Failure(
            "either a claim names the roles, or one role is everybody's",
            "give `--role-claim NAME` or `--role ARN`",
        )
    for each in (claim, name):
        if each and _CLAIM.fullmatch(each) is None:
            raise Failure(
                f"`{each}` is no name of a claim", "give it as the provider's tokens have it"
            )
    if (
        len(scopes) > _LONGEST
        or _SCOPES.fullmatch(scopes) is None
        or "openid" not in scopes.split()
    ):
        raise Failure(f"`{scopes}` are no scopes", "give `openid`, and others after a space")


def _require_role(role: str, provider: OidcProvider) -> None:
    if not role:
        return
    try:
        arn = Arn.parse(role)
    except NotAnArn:
        arn = None
    if arn is None or arn.account != provider.account or not arn.resource.startswith("role/"):
        raise Failure(
            f"`{role}` is no role of account {provider.account}",
            "give the ARN of a role in the account of the provider",
        )


def _keep(
    installation: Installation,
    provider: SamlProvider | OidcProvider,
    said: SignInProvider,
    told: Mapping[str, str | bool],
    secret: str = "",
) -> dict[str, Any]:
    now = installation.clock.now()
    with installation.store.write() as transaction:
        installation.identities.sign_in_providers.put(transaction, said, secret.encode())
        details = {"provider": provider.arn, **{name: str(text) for name, text in told.items()}}
        installation.trail.record(ceremony_event("SetSignInProvider", now, details))
    stored = installation.identities.sign_in_providers.get(
        installation.store.read(), said.account, said.provider_id
    )
    return _shown(provider, stored)
