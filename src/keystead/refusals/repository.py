"""How does the store keep refusals?  As rows, beside the documents that they name.

The oldest refusals are dropped: those of an account beyond its number, those beyond the number in
all, and those that are too old. A document is dropped with the last refusal that used it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from keystead.custody.rows import Record, RowIntegrityError, RowSeals, SealedTable
from keystead.refusals.written import (
    Document,
    NotARefusal,
    Refusal,
    WrittenRefusal,
    read,
    read_document,
)
from keystead.store.protocol import Reader, Transaction, Value
from keystead.times import from_microseconds, microseconds

DROPPED_AT_ONCE = 100
"""More than are added at once, so that a store with too many refusals shrinks."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many refusals are remembered, and how long."""

    of_account: int = 5_000
    in_all: int = 50_000
    kept: timedelta = timedelta(days=7)


class RefusalRecord(Record, frozen=True, kw_only=True, gc=False):
    """One refusal."""

    request_id: str
    account: str
    number: int
    time_us: int
    content: bytes
    documents: str

    @property
    def written(self) -> WrittenRefusal:
        return WrittenRefusal(
            self.request_id,
            self.account,
            from_microseconds(self.time_us),
            self.content,
            tuple(self.documents.split()),
        )


class DocumentRecord(Record, frozen=True, kw_only=True, gc=False):
    """One policy as it was evaluated."""

    document_id: str
    content: bytes
    uses: int


class RefusalRepository:
    """The refusals and their documents."""

    __slots__ = ("_bounds", "_documents", "_refusals")

    def __init__(self, seals: RowSeals, bounds: Bounds) -> None:
        self._bounds = bounds
        # No decision depends on a refusal, and no audit record tells that one was kept or dropped.
        # So these rows are not counted.
        self._refusals = SealedTable(seals, "refusals", RefusalRecord, ("request_id",), ())
        self._documents = SealedTable(
            seals, "refusal_documents", DocumentRecord, ("document_id",), ()
        )

    def get(self, reader: Reader, request_id: str) -> Refusal | None:
        """The refusal with this id, or None."""
        record = self._refusals.get(reader, request_id)
        if record is None:
            return None

        def document(document_id: str) -> Document:
            return read_document(self._document(reader, document_id).content)

        try:
            return read(record.written, document)
        except NotARefusal:
            raise RowIntegrityError("refusals", (request_id,)) from None

    def add(
        self,
        transaction: Transaction,
        refusals: Sequence[WrittenRefusal],
        documents: Mapping[str, Document],
    ) -> None:
        """Remember these refusals, the oldest first, and drop the oldest beyond the bounds.

        `documents` holds the documents that they use, by id.
        """
        uses = Counter(name for refusal in refusals for name in refusal.documents)
        for document_id, times in uses.items():
            self._use(transaction, document_id, documents[document_id], times)
        numbers: dict[str, int] = {}
        for refusal in refusals:
            account = refusal.account
            number = numbers.get(account) or self._last_number(transaction, account)
            numbers[account] = number + 1
            self._refusals.insert(transaction, _record(refusal, number + 1))
        for account, number in numbers.items():
            last_dropped = number - self._bounds.of_account
            self._drop_oldest(transaction, "account = ? AND number <= ?", (account, last_dropped))
        beyond = self._count(transaction) - self._bounds.in_all
        if beyond > 0:
            self._drop_oldest(transaction, "1 = 1", (), beyond)

    def drop_old(self, transaction: Transaction, now: datetime) -> None:
        """Drop refusals that are older than the bound."""
        before = microseconds(now - self._bounds.kept)
        self._drop_oldest(transaction, "time_us < ?", (before,))

    def _drop_oldest(
        self,
        transaction: Transaction,
        where: str,
        values: tuple[Value, ...],
        count: int = DROPPED_AT_ONCE,
    ) -> None:
        """Drop the oldest of the refusals that `where` describes, at most `count` of them."""
        most = min(count, DROPPED_AT_ONCE)
        where = f"{where} ORDER BY time_us, number LIMIT ?"
        self._drop(transaction, self._refusals.find(transaction, where, (*values, most)))

    def _drop(self, transaction: Transaction, records: Iterable[RefusalRecord]) -> None:
        released: Counter[str] = Counter()
        for record in records:
            self._refusals.delete(transaction, record.request_id)
            released.update(record.written.documents)
        for document_id, times in released.items():
            known = self._document(transaction, document_id)
            if known.uses > times:
                self._documents.update(transaction, _with_uses(known, known.uses - times))
            else:
                self._documents.delete(transaction, document_id)

    def _use(
        self, transaction: Transaction, document_id: str, document: Document, times: int
    ) -> None:
        known = self._documents.get(transaction, document_id)
        if known is None:
            new = DocumentRecord(document_id=document_id, content=document.encode(), uses=times)
            self._documents.insert(transaction, new)
        else:
            self._documents.update(transaction, _with_uses(known, known.uses + times))

    def _document(self, reader: Reader, document_id: str) -> DocumentRecord:
        record = self._documents.get(reader, document_id)
        if record is None:
            raise RowIntegrityError("refusal_documents", (document_id,))
        return record

    def _last_number(self, reader: Reader, account: str) -> int:
        row = reader.one("SELECT MAX(number) FROM refusals WHERE account = ?", (account,))
        return (row and row[0]) or 0

    def _count(self, reader: Reader) -> int:
        row = reader.one("SELECT COUNT(*) FROM refusals")
        return int(row[0]) if row else 0


def _record(refusal: WrittenRefusal, number: int) -> RefusalRecord:
    return RefusalRecord(
        request_id=refusal.request_id,
        account=refusal.account,
        number=number,
        time_us=microseconds(refusal.time),
        content=refusal.content,
        documents="".join(f"{name} " for name in refusal.documents),
    )


def _with_uses(record: DocumentRecord, uses: int) -> DocumentRecord:
    return msgspec.structs.replace(record, uses=uses)
