"""CreateOpenIDConnectProvider, GetOpenIDConnectProvider, ListOpenIDConnectProviders,
DeleteOpenIDConnectProvider, AddClientIDToOpenIDConnectProvider,
RemoveClientIDFromOpenIDConnectProvider, UpdateOpenIDConnectProviderThumbprint.

What is stored is what an account says of a provider; nothing is fetched from it (iam.md 8.2).
"""

import re
from collections.abc import Sequence

import msgspec

from keystead.identity import limits, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.iam import entities
from keystead.identity.iam.providers import propagation
from keystead.identity.repository import OidcProvider, listed, packed
from keystead.registry import implements
from keystead.wire.models import iam as api

# `https://`, a host name, a path; no port, query or fragment, and nothing that is a wildcard.
_URL = re.compile(
    r"https://((?=[^/]{1,253}(?:/|\Z))[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"(?:/[A-Za-z0-9._~!&'()+,;=:@%-]*)*)"
)
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
_CLIENT_ID = re.compile(r"[\x20-\x7e]+")


@implements(api.CreateOpenIDConnectProvider)
def create_open_id_connect_provider(
    call: IamCall, request: api.CreateOpenIDConnectProviderRequest
) -> api.CreateOpenIDConnectProviderResponse:
    tags = tagging.requested(request.tags)
    name = _name(request.url)
    entities.ask_to_create(call, OidcProvider, name, "/", tags=tags)
    propagation.require_none(request)
    provider = entities.create(
        call,
        OidcProvider,
        name,
        "/",
        client_ids=_client_ids(request.client_id_list or ()),
        thumbprints=_thumbprints(request.thumbprint_list or ()),
        tags=packed(tags),
    )
    return api.CreateOpenIDConnectProviderResponse(
        open_id_connect_provider_arn=provider.arn, tags=tagging.shown(provider.tag_map)
    )


@implements(api.GetOpenIDConnectProvider)
def get_open_id_connect_provider(
    call: IamCall, request: api.GetOpenIDConnectProviderRequest
) -> api.GetOpenIDConnectProviderResponse:
    named = call.oidc_provider(request.open_id_connect_provider_arn)
    call.ask(named)
    provider = named.existing()
    return api.GetOpenIDConnectProviderResponse(
        url=provider.name,
        client_id_list=provider.clients,
        thumbprint_list=provider.certificates,
        create_date=times.shown(provider.created),
        tags=tagging.shown(provider.tag_map),
    )


@implements(api.ListOpenIDConnectProviders)
def list_open_id_connect_providers(
    call: IamCall, _request: api.ListOpenIDConnectProvidersRequest
) -> api.ListOpenIDConnectProvidersResponse:
    call.ask_any()
    providers = call.repository.of(OidcProvider)
    most = limits.OIDC_PROVIDERS_PER_ACCOUNT  # this list has no pages
    every = providers.after(call.transaction, call.account, "", "/", most)
    return api.ListOpenIDConnectProvidersResponse(
        open_id_connect_provider_list=[
            api.OpenIDConnectProviderListEntry(arn=provider.arn) for provider in every
        ]
    )


@implements(api.DeleteOpenIDConnectProvider)
def delete_open_id_connect_provider(
    call: IamCall, request: api.DeleteOpenIDConnectProviderRequest
) -> None:
    named = call.oidc_provider(request.open_id_connect_provider_arn)
    call.ask(named)
    provider = named.existing()
    call.repository.oidc_providers.delete(call.transaction, provider)
    said = call.repository.sign_in_providers  # by the operator
    said.delete(call.transaction, provider.account, provider.provider_id)


@implements(api.AddClientIDToOpenIDConnectProvider)
def add_client_id_to_open_id_connect_provider(
    call: IamCall, request: api.AddClientIDToOpenIDConnectProviderRequest
) -> None:
    named = call.oidc_provider(request.open_id_connect_provider_arn)
    call.ask(named)
    provider = named.existing()
    _keep(call, provider, client_ids=_client_ids((*provider.clients, request.client_id)))


@implements(api.RemoveClientIDFromOpenIDConnectProvider)
def remove_client_id_from_open_id_connect_provider(
    call: IamCall, request: api.RemoveClientIDFromOpenIDConnectProviderRequest
) -> None:
    named = call.oidc_provider(request.open_id_connect_provider_arn)
    call.ask(named)
    provider = named.existing()
    left = [client for client in provider.clients if client != request.client_id]
    _keep(call, provider, client_ids=_client_ids(left))


@implements(api.UpdateOpenIDConnectProviderThumbprint)
def update_open_id_connect_provider_thumbprint(
    call: IamCall, request: api.UpdateOpenIDConnectProviderThumbprintRequest
) -> None:
    named = call.oidc_provider(request.open_id_connect_provider_arn)
    call.ask(named)
    _keep(call, named.existing(), thumbprints=_thumbprints(request.thumbprint_list))


def _name(url: str) -> str:
    """The URL without its scheme, by which ARNs name a provider (iam.md 8.2)."""
    match = _URL.fullmatch(url)
    if match is None:
        raise api.InvalidInputException("Invalid Open ID Connect Provider URL")
    return match[1]


def _client_ids(given: Sequence[str]) -> str:
    """The column of client ids; refuses too many of them."""
    if not all(map(_CLIENT_ID.fullmatch, given)):
        raise api.InvalidInputException("A client ID may have printable ASCII characters only.")
    most = limits.CLIENT_IDS_PER_OIDC_PROVIDER
    if len(set(given)) > most:
        raise api.LimitExceededException(
            f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {most}"
        )
    return listed(given)


def _thumbprints(given: Sequence[str]) -> str:
    """The column of thumbprints; AWS's sentence says fewer than 5, and 5 are taken (iam.md 8.2)."""
    if len(given) > limits.THUMBPRINTS_PER_OIDC_PROVIDER:
        raise api.InvalidInputException("Thumbprint list must contain fewer than 5 entries.")
    if not all(map(_THUMBPRINT.fullmatch, given)):
        raise api.InvalidInputException("A thumbprint must have 40 hexadecimal digits.")
    return listed(given)


def _keep(call: IamCall, provider: OidcProvider, **columns: str) -> None:
    """Keep a change of the provider, if it is one; its sessions end."""
    changed = msgspec.structs.replace(provider, **columns)
    if changed != provider:
        call.repository.oidc_providers.revise(call.transaction, changed)
