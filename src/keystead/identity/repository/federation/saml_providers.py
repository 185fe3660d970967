"""Providers of SAML. A role's trust policy may name one as its federated principal.

A provider's row is small, because lists read many of them. Its document stands in a row of its
own, compressed, and each private key in another, sealed. Their sessions hang on a revision
(`revisions`).
"""

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.kinds import SAML_PROVIDER, EntityKind
from keystead.identity.repository.entities import Entity
from keystead.identity.repository.federation.revisions import PROVIDER, RevisedEntities
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "key_id")
_decode = msgspec.json.Decoder(list[bytes]).decode


class SamlProvider(Entity, frozen=True, kw_only=True, gc=False):
    """One provider."""

    kind: ClassVar[EntityKind] = SAML_PROVIDER

    account: str
    provider_id: str
    name: str
    name_key: str
    path: str
    issuer: str  # of its assertions: the entityID of its metadata
    valid_until: int | None
    certificates: str  # of the keys that sign
    encryption_mode: str  # Required, or Allowed
    size: int  # characters of the document
    tags: str
    created: int

    @property
    def signing_certificates(self) -> list[bytes]:
        """The certificates of the keys that sign, in DER."""
        return _decode(self.certificates)


class SamlDocument(Record, frozen=True, kw_only=True, gc=False):
    """The metadata of a provider, compressed (RFC 1950)."""

    account: str
    provider_id: str
    document: bytes


class SamlSignOn(Record, frozen=True, kw_only=True, gc=False):
    """Where a provider takes requests that browsers bring, as its metadata says."""

    account: str
    provider_id: str
    binding: str  # Redirect, POST
    location: str


class SamlKey(Record, frozen=True, kw_only=True, gc=False):
    """A private key that decrypts what a provider encrypts; sealed."""

    account: str
    key_id: str
    provider_id: str
    private_key: bytes
    created: int


def certificate_list(certificates: Sequence[bytes]) -> str:
    """The column of these certificates."""
    return msgspec.json.encode(list(certificates)).decode()


class SamlProviders(RevisedEntities[SamlProvider]):
    """The providers of every account, with their documents and keys."""

    __slots__ = ("_documents", "_keys", "_secrets", "_sign_ons")

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, SamlProvider, "iam_saml_revision")
        self._documents = SealedTable(
            seals, "iam_saml_document", SamlDocument, PROVIDER, (Lookup(PROVIDER),)
        )
        self._sign_ons = SealedTable(
            seals, "iam_saml_sign_on", SamlSignOn, PROVIDER, (Lookup(PROVIDER),)
        )
        lookups = (Lookup(_KEY), Lookup(PROVIDER))
        self._keys = SealedTable(seals, "iam_saml_key", SamlKey, _KEY, lookups)
        self._secrets = seals.secrets

    def delete(self, transaction: Transaction, record: SamlProvider) -> None:
        super().delete(transaction, record)
        self._documents.delete(transaction, record.account, record.provider_id)
        self._sign_ons.delete(transaction, record.account, record.provider_id)
        self._keys.delete_all(transaction, PROVIDER, record.account, record.provider_id)

    def characters(self, reader: Reader, account: str) -> int:
        """How many characters the documents of an account have together."""
        row = reader.one("SELECT SUM(size) FROM iam_saml_provider WHERE account = ?", (account,))
        return (row[0] or 0) if row else 0

    def document(self, reader: Reader, provider: SamlProvider) -> bytes:
        """The compressed document; raises RowIntegrityError if somebody removed it."""
        kept = self._documents.get(reader, provider.account, provider.provider_id)
        if kept is None:
            raise RuntimeError(f"SAML provider {provider.arn} has no document")
        return kept.document

    def keep_document(
        self, transaction: Transaction, provider: SamlProvider, document: bytes
    ) -> None:
        """Keep a provider's document, in the place of an earlier one."""
        account, provider_id = provider.account, provider.provider_id
        known = self._documents.get(transaction, account, provider_id)
        record = SamlDocument(account=account, provider_id=provider_id, document=document)
        if known is None:
            self._documents.insert(transaction, record)
        else:
            versioned = msgspec.structs.replace(record, row_version=known.row_version)
            self._documents.update(transaction, versioned)

    def sign_on(self, reader: Reader, provider: SamlProvider) -> SamlSignOn | None:
        """Where the provider takes requests; None if its metadata does not say it.

        It is not known either of metadata that was given before such requests were made.
        """
        return self._sign_ons.get(reader, provider.account, provider.provider_id)

    def keep_sign_on(
        self, transaction: Transaction, provider: SamlProvider, place: tuple[str, str] | None
    ) -> None:
        """Keep where the provider takes requests: a binding and a URL."""
        account, provider_id = provider.account, provider.provider_id
        self._sign_ons.delete(transaction, account, provider_id)
        if place is not None:
            binding, location = place
            record = SamlSignOn(
                account=account, provider_id=provider_id, binding=binding, location=location
            )
            self._sign_ons.insert(transaction, record)

    def keys(self, reader: Reader, provider: SamlProvider) -> list[SamlKey]:
        """The private keys of a provider, the oldest first."""
        order = "created, key_id"
        return self._keys.of(reader, PROVIDER, provider.account, provider.provider_id, order=order)

    def add_key(
        self, transaction: Transaction, provider: SamlProvider, key_id: str, der: bytes, now: int
    ) -> None:
        """Seal a private key, and keep it."""
        account = provider.account
        sealed = self._secrets.seal("iam_saml_key", (account, key_id), "private_key", der)
        self._keys.insert(
            transaction,
            SamlKey(
                account=account,
                key_id=key_id,
                provider_id=provider.provider_id,
                private_key=sealed,
                created=now,
            ),
        )

    def private_key(self, key: SamlKey) -> bytes:
        """The key itself, as PKCS #8 in DER."""
        place = (key.account, key.key_id)
        return self._secrets.unseal("iam_saml_key", place, "private_key", key.private_key)

    def remove_key(self, transaction: Transaction, key: SamlKey) -> None:
        self._keys.delete(transaction, key.account, key.key_id)
