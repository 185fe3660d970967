"""CreateSAMLProvider, GetSAMLProvider, UpdateSAMLProvider, DeleteSAMLProvider, ListSAMLProviders.

What is stored is what an account says of a provider. A metadata document may have ten million
characters; it is read, compressed and given back beside the loop (decision 0024). A private key is
never shown again. Deleting a provider changes no role that names it, as AWS has it.
"""

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from keystead.custody.randomness import unique_id
from keystead.identity import limits, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.federation import (
    Metadata,
    NotAPrivateKey,
    NotMetadata,
    read_metadata,
    read_private_key,
)
from keystead.identity.iam import entities
from keystead.identity.iam.providers import propagation
from keystead.identity.repository import SamlKey, SamlProvider, certificate_list, packed
from keystead.registry import implements, implements_with_work
from keystead.wire.models import iam as api
from keystead.wire.query import Escaped, escaped
from keystead.work import DOCUMENTS, PROCESSOR, MadeWith, Work, digest, read

_LONG_AGO = timedelta(days=36_525)  # how long metadata without an end is valid, as AWS shows it
_KEY_ID = 26  # characters of a private key's id
_PROVES = ("issuer", "valid_until", "certificates", "encryption_mode")
"""The columns on which proofs depend, beside the private keys: a change ends the sessions."""
_A_KEY = 500_000  # characters whose reading takes as long as the check of a private key


@dataclass(frozen=True, slots=True)
class _Given:
    """What a request brings: a document, a private key, or both."""

    metadata: Metadata | None
    document: bytes  # compressed
    private_key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why it is refused."""

    sentence: str


@implements_with_work(api.CreateSAMLProvider)
def create_saml_provider(
    call: IamCall, request: api.CreateSAMLProviderRequest
) -> api.CreateSAMLProviderResponse | Work[_Given | _Refused]:
    tags = tagging.requested(request.tags)
    entities.ask_to_create(call, SamlProvider, request.name, "/", tags=tags)
    propagation.require_none(request)
    given = _given(call, request.saml_metadata_document, request.add_private_key)
    if isinstance(given, Work):
        return given
    provider = entities.create(
        call,
        SamlProvider,
        request.name,
        "/",
        **_columns(call, given, request.saml_metadata_document),
        encryption_mode=request.assertion_encryption_mode or "Allowed",
        tags=packed(tags),
    )
    _keep(call, provider, given)
    return api.CreateSAMLProviderResponse(
        saml_provider_arn=provider.arn, tags=tagging.shown(tags) or None
    )


@implements_with_work(api.UpdateSAMLProvider)
def update_saml_provider(
    call: IamCall, request: api.UpdateSAMLProviderRequest
) -> api.UpdateSAMLProviderResponse | Work[_Given | _Refused]:
    named = call.saml_provider(request.saml_provider_arn)
    call.ask(named)
    provider = named.existing()
    propagation.require_none(request)
    given = _given(call, request.saml_metadata_document, request.add_private_key)
    if isinstance(given, Work):
        return given
    columns = _columns(call, given, request.saml_metadata_document, provider.size)
    if request.assertion_encryption_mode is not None:
        columns["encryption_mode"] = request.assertion_encryption_mode
    if request.remove_private_key is not None:
        _remove_key(call, provider, request.remove_private_key)
    after = msgspec.structs.replace(provider, **columns)
    providers, keys = (
        call.repository.saml_providers,
        (request.remove_private_key, given.private_key),
    )
    revised = any(keys) or any(getattr(after, name) != getattr(provider, name) for name in _PROVES)
    changed = (providers.revise if revised else providers.update)(call.transaction, after)
    _keep(call, changed, given)
    return api.UpdateSAMLProviderResponse(saml_provider_arn=changed.arn)


@implements_with_work(api.GetSAMLProvider)
def get_saml_provider(
    call: IamCall, request: api.GetSAMLProviderRequest
) -> api.GetSAMLProviderResponse | Work[Escaped]:
    named = call.saml_provider(request.saml_provider_arn)
    call.ask(named)
    provider = named.existing()
    document = _document(call, provider)
    if isinstance(document, Work):
        return document
    return api.GetSAMLProviderResponse(
        saml_provider_uuid=provider.provider_id,
        saml_metadata_document=document,
        create_date=times.shown(provider.created),
        valid_until=_valid_until(provider),
        tags=tagging.shown(provider.tag_map),
        assertion_encryption_mode=_mode(provider),
        private_key_list=[
            api.SAMLPrivateKey(key_id=key.key_id, timestamp=times.shown(key.created))
            for key in call.repository.saml_providers.keys(call.transaction, provider)
        ],
    )


@implements(api.DeleteSAMLProvider)
def delete_saml_provider(call: IamCall, request: api.DeleteSAMLProviderRequest) -> None:
    named = call.saml_provider(request.saml_provider_arn)
    call.ask(named)
    provider = named.existing()
    call.repository.saml_providers.delete(call.transaction, provider)
    said = call.repository.sign_in_providers  # by the operator
    said.delete(call.transaction, provider.account, provider.provider_id)


@implements(api.ListSAMLProviders)
def list_saml_providers(
    call: IamCall, _request: api.ListSAMLProvidersRequest
) -> api.ListSAMLProvidersResponse:
    call.ask_any()
    most = limits.SAML_PROVIDERS_PER_ACCOUNT  # this list has no pages
    every = call.repository.saml_providers.after(call.transaction, call.account, "", "/", most)
    return api.ListSAMLProvidersResponse(
        saml_provider_list=[
            api.SAMLProviderListEntry(
                arn=provider.arn,
                valid_until=_valid_until(provider),
                create_date=times.shown(provider.created),
            )
            for provider in every
        ]
    )


# what a request brings


def _given(
    call: IamCall, document: str | None, pem: str | None
) -> _Given | Work[_Given | _Refused]:
    """What a request brings, read; or the work of reading it. Raises InvalidInput."""
    text, key = document or "", pem or ""
    length = len(text) + (_A_KEY if key else 0)
    made_with = MadeWith(input=digest(text.encode(errors="surrogatepass"), key.encode()))
    # The check of a key is long, and lets go of the interpreter: readers of documents do not wait.
    pool = PROCESSOR if key else DOCUMENTS
    came = read(call, length, made_with, _read, text, key, pool=pool)
    if isinstance(came, Work):
        return came
    if isinstance(came, _Refused):
        raise api.InvalidInputException(came.sentence)
    return came


def _read(document: str, pem: str) -> _Given | _Refused:
    """Read a document and a key, each of which may be empty."""
    try:
        metadata = read_metadata(document) if document else None
        key = read_private_key(pem) if pem else None
    except NotMetadata as reason:
        return _Refused(f"Could not parse metadata: {reason}")
    except NotAPrivateKey as reason:
        return _Refused(f"Could not parse the private key: {reason}")
    return _Given(metadata, zlib.compress(document.encode()) if metadata else b"", key)


def _columns(
    call: IamCall, given: _Given, document: str | None, before: int = 0
) -> dict[str, str | int | None]:
    """The columns that a document decides; refuses one that is over, and too many characters."""
    if given.metadata is None or document is None:
        return {}
    end = given.metadata.valid_until
    if end is not None and end <= call.now:
        raise api.InvalidInputException("Could not parse metadata: its validUntil has passed")
    most, repository = limits.SAML_CHARACTERS, call.repository.saml_providers
    others = repository.characters(call.transaction, call.account) - before
    if others + len(document) > most:
        raise api.LimitExceededException(f"Cannot exceed quota for SAMLMetadataSize: {most}")
    return {
        "issuer": given.metadata.entity_id,
        "valid_until": None if end is None else times.stored(end),
        "certificates": certificate_list(given.metadata.certificates),
        "size": len(document),
    }


def _keep(call: IamCall, provider: SamlProvider, given: _Given) -> None:
    """Keep document and key of a provider; refuses a third key."""
    repository, transaction = call.repository.saml_providers, call.transaction
    if given.metadata is not None:
        repository.keep_document(transaction, provider, given.document)
        place = given.metadata.sign_on
        known = None if place is None else (place.binding, place.location)
        repository.keep_sign_on(transaction, provider, known)
    if given.private_key is None:
        return
    most = limits.PRIVATE_KEYS_PER_SAML_PROVIDER
    if len(repository.keys(transaction, provider)) >= most:
        raise api.LimitExceededException(
            f"Cannot exceed quota for PrivateKeysPerSAMLProvider: {most}"
        )
    now = times.stored(call.now)
    repository.add_key(transaction, provider, unique_id(length=_KEY_ID), given.private_key, now)


def _remove_key(call: IamCall, provider: SamlProvider, key_id: str) -> None:
    repository = call.repository.saml_providers
    known: list[SamlKey] = repository.keys(call.transaction, provider)
    for key in known:
        if key.key_id == key_id:
            repository.remove_key(call.transaction, key)
            return
    raise api.NoSuchEntityException(f"The private key with id {key_id} cannot be found.")


# what is shown


def _document(call: IamCall, provider: SamlProvider) -> Escaped | Work[Escaped]:
    """The document as an answer carries it, or the work of unpacking it."""
    made_with = MadeWith(key=provider.provider_id, version=provider.row_version)
    done = call.done(Work(DOCUMENTS, 0.0, made_with, _shown))
    if done is not None:
        return done.value
    compressed = call.repository.saml_providers.document(call.transaction, provider)
    return read(call, provider.size, made_with, _shown, compressed)


def _shown(compressed: bytes) -> Escaped:
    return escaped(zlib.decompress(compressed).decode())


def _valid_until(provider: SamlProvider) -> datetime:
    """When its metadata ends; AWS shows a hundred years for metadata without an end."""
    if provider.valid_until is None:
        return times.shown(provider.created) + _LONG_AGO
    return times.shown(provider.valid_until)


def _mode(provider: SamlProvider) -> Literal["Required", "Allowed"]:
    return "Required" if provider.encryption_mode == "Required" else "Allowed"
