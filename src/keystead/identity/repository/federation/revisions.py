"""Providers of identities, on whose facts sessions hang.

A provider has a revision, in a row of its own: it moves when anything changes on which a proof
depends, and not with the tags. A session names the revision under which it began, and ends with it.
"""

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.entities import E, Entities
from keystead.store.protocol import Reader, Transaction

PROVIDER = ("account", "provider_id")


class Revision(Record, frozen=True, kw_only=True, gc=False):
    """How often a provider was changed. One that never was has no such row."""

    account: str
    provider_id: str
    revision: int


class RevisedEntities(Entities[E]):
    """The providers of one kind, of every account, with their revisions."""

    __slots__ = ("_revisions",)

    def __init__(self, seals: RowSeals, record: type[E], revisions: str) -> None:
        """`revisions` is the table of their revisions."""
        super().__init__(seals, record)
        self._revisions = SealedTable(seals, revisions, Revision, PROVIDER, (Lookup(PROVIDER),))

    def revision(self, reader: Reader, provider: E) -> str:
        """The name of a provider as it is now: its unique id, and its revision."""
        known = self._revisions.get(reader, provider.account, provider.entity_id)
        return f"{provider.entity_id}/{0 if known is None else known.revision}"

    def is_unrevised(self, reader: Reader, account: str, revision: str) -> bool:
        """Is there a provider that still has the revision of this name?"""
        provider = self.get(reader, account, revision.partition("/")[0])
        return provider is not None and self.revision(reader, provider) == revision

    def revise(self, transaction: Transaction, provider: E) -> E:
        """Keep a provider that differs in something on which proofs depend: a new revision."""
        kept = self.update(transaction, provider)
        account, provider_id = provider.account, provider.entity_id
        known = self._revisions.get(transaction, account, provider_id)
        if known is None:
            record = Revision(account=account, provider_id=provider_id, revision=1)
            self._revisions.insert(transaction, record)
        else:
            later = msgspec.structs.replace(known, revision=known.revision + 1)
            self._revisions.update(transaction, later)
        return kept

    def delete(self, transaction: Transaction, record: E) -> None:
        super().delete(transaction, record)
        self._revisions.delete(transaction, record.account, record.entity_id)
