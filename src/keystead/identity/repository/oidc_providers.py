"""Providers of OpenID Connect. A role's trust policy may name one as its federated principal.

A provider has a revision, in a row of its own: it moves when anything changes on which a proof
depends, and not with the tags. A session names the revision under which it began, and ends with it.
"""

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.kinds import OIDC_PROVIDER, EntityKind
from keystead.identity.repository.entities import Entities, Entity
from keystead.store.protocol import Reader, Transaction

_PROVIDER = ("account", "provider_id")
_decode = msgspec.json.Decoder(list[str]).decode


class OidcProvider(Entity, frozen=True, kw_only=True, gc=False):
    """One provider. Its name is its URL without `https://`."""

    kind: ClassVar[EntityKind] = OIDC_PROVIDER

    account: str
    provider_id: str
    name: str
    name_key: str
    path: str
    client_ids: str
    thumbprints: str
    tags: str
    created: int

    @property
    def clients(self) -> list[str]:
        """The client ids, in the order in which they came."""
        return _decode(self.client_ids)

    @property
    def certificates(self) -> list[str]:
        """The thumbprints, in the order in which they were given."""
        return _decode(self.thumbprints)


class OidcRevision(Record, frozen=True, kw_only=True, gc=False):
    """How often a provider was changed. One that never was has no such row."""

    account: str
    provider_id: str
    revision: int


class OidcProviders(Entities[OidcProvider]):
    """The providers of every account, with their revisions."""

    __slots__ = ("_revisions",)

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, OidcProvider)
        lookups = (Lookup(_PROVIDER),)
        self._revisions = SealedTable(seals, "iam_oidc_revision", OidcRevision, _PROVIDER, lookups)

    def revision(self, reader: Reader, provider: OidcProvider) -> str:
        """The name of a provider as it is now: its unique id, and its revision."""
        known = self._revisions.get(reader, provider.account, provider.provider_id)
        return f"{provider.provider_id}/{0 if known is None else known.revision}"

    def is_unrevised(self, reader: Reader, account: str, revision: str) -> bool:
        """Is there a provider that still has the revision of this name?"""
        provider = self.get(reader, account, revision.partition("/")[0])
        return provider is not None and self.revision(reader, provider) == revision

    def revise(self, transaction: Transaction, provider: OidcProvider) -> None:
        """Keep a provider that differs in something on which proofs depend: a new revision."""
        self.update(transaction, provider)
        account, provider_id = provider.account, provider.provider_id
        known = self._revisions.get(transaction, account, provider_id)
        if known is None:
            record = OidcRevision(account=account, provider_id=provider_id, revision=1)
            self._revisions.insert(transaction, record)
        else:
            later = msgspec.structs.replace(known, revision=known.revision + 1)
            self._revisions.update(transaction, later)

    def delete(self, transaction: Transaction, record: OidcProvider) -> None:
        super().delete(transaction, record)
        self._revisions.delete(transaction, record.account, record.provider_id)


def listed(texts: Sequence[str]) -> str:
    """The column of these texts, each of them once, in their order."""
    return msgspec.json.encode(list(dict.fromkeys(texts))).decode()
