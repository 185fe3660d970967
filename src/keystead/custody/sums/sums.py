"""Is this the newest state?  Sums over the rows that decisions depend on (threat-model RK-5).

A page of the database, put back from an older copy, is well-formed and authentic. But it does not
agree with the newest sums:

    of a lookup    over the MACs of the rows that it finds
    of a bucket    over some 256 lookups, by ranges of their places
    of an account  over its buckets
    of everything  over the accounts; written in each record of a change and in each checkpoint

A MAC is a pseudorandom function of table, key, columns and row version. So a sum of MACs is the
additive multiset hash of Clarke, Devadas, van Dijk, Gassend and Suh (Asiacrypt 2003). Without the
keys nobody can make other rows with the same sum. MACs are added, not XORed, so a doubled row
changes the sum.

A sum is remembered once it is proved. An account is proved when it is first asked for. A bucket is
proved before its first row is used, or found absent. A lookup is remembered with its sum. Later
reads are compared with these. (docs/decisions/0013 says what holds when the file changes under a
running server.)

INVARIANT: sums change in the transaction of the rows that they count. Remembered sums change when
that transaction is durable.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.custody.integrity import NotTheNewest
from keystead.custody.kdf import hmac_contexts
from keystead.custody.lookups import HALF, INSTALLATION, Place, Places
from keystead.custody.secrecy import Guarded
from keystead.custody.sums import sum_rows, vectors
from keystead.custody.sums.sum_rows import Account, Change
from keystead.custody.sums.vectors import plus
from keystead.store.protocol import Ledger, Reader, Reading, Transaction

BUCKET = 256
"""The most elements in a bucket, on average: rows, each counted once for each lookup."""

FOLDED = 2048
"""Changed lookups in the journal that are folded into the sums together."""

LOOKUPS = Room(of_owner=4 * MIB, in_all=32 * MIB)
"""For the proved sums of lookups: of the account whose rows they find."""
BUCKETS = Room(of_owner=16 * MIB, in_all=64 * MIB)
ACCOUNTS = Room(of_owner=64 * KIB, in_all=32 * MIB)

_LOOKUP, _BUCKET, _ACCOUNT = 200, 350, 350  # bytes that each takes
_DIGEST = 16


Noted = tuple[Place, int, int]
"""The place of a lookup, the vector to add to its sum, and the change in its number of rows."""

_Near = tuple[str, bytes, Mapping[bytes, int] | None]
"""An account, the first half of a place, and the written sums of the lookups with it, if few."""
_NOTHING_NEAR: _Near = ("", b"", {})


class _Sum:
    """A remembered sum, which changes with its rows."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


class Joined(Protocol):
    """The store that sums are kept in."""

    def read(self) -> Reader:
        """A view of the newest state."""

    def join(self, ledger: Ledger) -> None:
        """Let the ledger write with every commit."""

    def distrust(self) -> None:
        """Let nothing that was derived from the store be found again."""


class Sums(Guarded):
    """The sums of one store; those that are proved are remembered. (store.protocol.Ledger)"""

    __slots__ = (
        "_accounts", "_broken", "_buckets", "_call", "_folded", "_inner", "_journal", "_known",
        "_near", "_outer", "_store", "_total", "_turn", "_waiting", "failure", "places",
    )  # fmt: skip

    def __init__(self, places_key: bytes, digest_key: bytes) -> None:
        self.places = Places(places_key)
        self._inner, self._outer = hmac_contexts(digest_key)
        self._store: Joined | None = None
        self._forget()

    def _forget(self) -> None:
        self.failure: Exception | None = None  # why no call may be served any more
        self._broken: set[str] = set()  # accounts whose calls are refused
        # The sums as they are written, without the journal:
        self._total = 0
        self._accounts: BoundedCache[str, Account] = BoundedCache(ACCOUNTS)
        self._buckets: BoundedCache[tuple[str, int], _Sum] = BoundedCache(BUCKETS)
        self._near: _Near = _NOTHING_NEAR
        # The proved sums of lookups, with the journal:
        self._known: BoundedCache[bytes, _Sum] = BoundedCache(LOOKUPS)
        # The changes that are not in the written sums:
        self._journal: dict[Place, Change] = {}  # durable
        self._waiting: dict[str, int] = {}  # the journal's sum for each account
        self._turn: dict[Place, Change] = {}  # of finished calls, not yet durable
        self._call: dict[Place, Change] = {}  # of the call in progress
        self._folded: sum_rows.Written | None = None

    def open(self, store: Joined) -> None:
        """Keep the sums of this store from now on."""
        self._forget()
        self._store = store
        self._total = sum_rows.total(store.read())
        self._extend_journal(sum_rows.journal(store.read()))
        store.join(self)

    @property
    def kept_bytes(self) -> int:
        """The cost, in bytes, of the sums that are remembered."""
        return self._known.cost + self._buckets.cost + self._accounts.cost

    # reading

    def expected(self, place: Place, *, remember: bool = True) -> int:
        """The sum of the rows that a lookup has to find; raises NotTheNewest.

        `remember` is False for a lookup that nobody will ask for again soon.
        """
        if self._broken and place[0] in self._broken:
            raise NotTheNewest(place[0], "state_accounts", (place[0],))
        remembered = self._known.get(place[1])
        if remembered is None:
            known = self._durable(place)
            if remember:
                self._known.put(place[1], _Sum(known), place[0], _LOOKUP)
        else:
            known = remembered.value
        if self._turn and (change := self._turn.get(place)):
            known = plus(known, change.vector)
        if self._call and (change := self._call.get(place)):
            known = plus(known, change.vector)
        return known

    def asks(self, places: Sequence[Place]) -> list[Reading]:
        """What the proof of these lookups is going to ask of the store."""
        near: dict[tuple[str, bytes], None] = {}
        buckets: dict[tuple[str, int], int] = {}
        for account, where in places:
            if where in self._known:
                continue
            near[account, where[:HALF]] = None
            start, end = sum_rows.bucket(where, self.account(account).buckets)
            if (account, start) not in self._buckets:
                buckets[account, start] = end
        return [
            *(sum_rows.reading_of_near(*each) for each in near),
            *(sum_rows.reading_of_bucket(*each) for each in buckets),
            *(sum_rows.reading_of_lookups(*each, end) for each, end in buckets.items()),
        ]

    def distrust(self, account: str, table: str, key: tuple[object, ...]) -> NotTheNewest:
        """Refuse all calls of this account from now on; returns the error to raise."""
        named = [str(part) for part in key]
        self._broken.add(account)
        if account == INSTALLATION:
            self.failure = NotTheNewest(account, table, named)  # never raised: it holds no frame
        self._joined().distrust()
        return NotTheNewest(account, table, named)

    def _joined(self) -> Joined:
        if self._store is None:
            raise RuntimeError("a sealed table needs sums: open them on its store first")
        return self._store

    def _durable(self, place: Place) -> int:
        """The durable sum of a lookup: from a proved bucket, with the journal's change.

        A call that needs one lookup of a thing soon needs others, and they lie together. So all of
        them are read at once, unless they are many.
        """
        account, where = place
        half = where[:HALF]
        near_account, near_half, near = self._near
        is_near = half == near_half and account == near_account
        if near is None or not is_near:
            self._prove_bucket(account, where)
            if not is_near:
                near = sum_rows.near(self._joined().read(), account, half)
                self._near = account, half, near
        if near is None:
            stored = sum_rows.of_lookup(self._joined().read(), account, where)
        else:
            stored = near.get(where, 0)
        change = self._journal.get(place)
        return stored if change is None else plus(stored, change.vector)

    def _prove_bucket(self, account: str, where: bytes) -> None:
        """Is the bucket of this place the sum of its lookups?  Raises NotTheNewest."""
        start, end = sum_rows.bucket(where, self.account(account).buckets)
        if (account, start) in self._buckets:
            return
        reader = self._joined().read()
        stored = sum_rows.of_bucket(reader, account, start)
        if sum_rows.of_lookups(reader, account, start, end) != stored:
            raise self.distrust(account, "state_buckets", (account, start))
        self._buckets.put((account, start), _Sum(stored), account, _BUCKET)

    def account(self, name: str) -> Account:
        """The written sums of an account, proved; raises NotTheNewest."""
        known = self._accounts.get(name)
        if known is not None:
            return known
        reader = self._joined().read()
        if sum_rows.total(reader) != self._total:
            raise self.distrust(INSTALLATION, "state_accounts", ("every account",))
        stored = sum_rows.of_account(reader, name)
        if sum_rows.of_buckets(reader, name) != stored.total:
            raise self.distrust(name, "state_accounts", (name,))
        return self._accounts.put(name, stored, name, _ACCOUNT)

    # changing

    def note(self, changes: Sequence[Noted]) -> None:
        """A row was written, replaced or removed: the sums of its lookups change by this much."""
        accounts, noted = self._accounts, self._call
        for place, vector, elements in changes:
            if place[0] not in accounts:
                self.account(place[0])
            change = Change(vector, elements)
            known = noted.get(place)
            noted[place] = change if known is None else change.plus(known)

    def call_ended(self, *, keep: bool) -> None:
        """The call is over: keep its changes in the turn, or drop them."""
        if keep:
            _add(self._turn, self._call)
        self._call = {}

    def settle(self, transaction: Transaction) -> None:
        """Write the turn's changes, just before they are committed."""
        if not self._turn:
            return
        if len(self._journal) + len(self._turn) < FOLDED:
            sum_rows.append(transaction, self._turn)
            return
        changes = dict(self._journal)
        _add(changes, self._turn)
        self._folded = self._write(transaction, changes)
        sum_rows.empty_journal(transaction)

    def turn_ended(self, *, durable: bool) -> None:
        """The turn is over: its changes are durable, or were undone."""
        if durable and self._turn:
            self._renew(self._turn)
            if self._folded:
                self._remember(self._folded)
                self._journal, self._waiting = {}, {}
            else:
                self._extend_journal(self._turn)
        self._turn, self._call, self._folded = {}, {}, None

    def _renew(self, changes: Mapping[Place, Change]) -> None:
        """Add these changes, durable now, to the sums of remembered lookups."""
        for (_, where), change in changes.items():
            known = self._known.get(where)
            if known is not None:
                known.value = plus(known.value, change.vector)

    def _extend_journal(self, changes: Mapping[Place, Change]) -> None:
        _add(self._journal, changes)
        for (name, _), change in changes.items():
            self._waiting[name] = plus(self._waiting.get(name, 0), change.vector)

    def add(self, transaction: Transaction, changes: Mapping[Place, Change]) -> None:
        """Add rows that were never counted, before the first call; a failure ends the start."""
        self._remember(self._write(transaction, changes))

    def _write(self, transaction: Transaction, changes: Mapping[Place, Change]) -> sum_rows.Written:
        self._near = _NOTHING_NEAR
        written = sum_rows.Written()
        for (name, where), change in changes.items():
            account = self.account(name)
            written.count(
                name, sum_rows.bucket(where, account.buckets)[0], change.vector, change.elements
            )
        for name, (vector, elements) in written.accounts.items():
            account = self.account(name)
            written.after[name] = Account(
                plus(account.total, vector), account.elements + elements, account.buckets
            )
        sum_rows.write(transaction, changes, written)
        for name, account in written.after.items():
            if account.elements > BUCKET * account.buckets:
                self._split(transaction, name, account, written)
        return written

    def _split(
        self, transaction: Transaction, name: str, account: Account, written: sum_rows.Written
    ) -> None:
        """Give a growing account more buckets, by one split after the other (linear hashing)."""
        buckets = account.buckets
        while account.elements > BUCKET * buckets:
            start, middle, end = sum_rows.next_split(buckets)
            upper = sum_rows.of_lookups(transaction, name, middle, end)
            lower = sum_rows.of_lookups(transaction, name, start, middle)
            if plus(lower, upper) != sum_rows.of_bucket(transaction, name, start):
                self.distrust(name, "state_buckets", (name, start))
                break
            sum_rows.split(transaction, name, start, middle, upper)
            written.split.append((name, start))
            buckets += 1
        written.after[name] = Account(account.total, account.elements, buckets)
        sum_rows.set_buckets(transaction, name, buckets)

    def _remember(self, written: sum_rows.Written) -> None:
        """Add these changes, written now, to the sums of remembered buckets and accounts."""
        for bucket, vector in written.buckets.items():
            known = self._buckets.get(bucket)
            if known is not None:
                known.value = plus(known.value, vector)
        for bucket in written.split:
            self._buckets.discard(bucket)
        for name, (vector, _) in written.accounts.items():
            self._total = plus(self._total, vector)
            self._accounts.put(name, written.after[name], name, _ACCOUNT)

    # for the audit log

    def changed(self) -> dict[str, str]:
        """The digest of each account's sum that this turn changes, with the turn's changes."""
        if not self._turn:
            return {}
        totals: dict[str, int] = {}
        for (name, _), change in self._turn.items():
            total = totals.get(name)
            if total is None:
                total = plus(self.account(name).total, self._waiting.get(name, 0))
            totals[name] = plus(total, change.vector)
        return {name: self._digest(name, total) for name, total in totals.items()}

    def newest(self) -> str:
        """The digest of the sum of everything, with this turn's changes."""
        total = self._total
        for vector in self._waiting.values():
            total = plus(total, vector)
        for change in self._turn.values():
            total = plus(total, change.vector)
        return self._digest("*", total)

    def _digest(self, name: str, total: int) -> str:
        """A sum as everybody may see it: the first 16 bytes of its HMAC-SHA256, in hexadecimal."""
        inner = self._inner.copy()
        inner.update(name.encode() + b"\0" + vectors.as_bytes(total))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:_DIGEST].hex()


def _add(changes: dict[Place, Change], more: Mapping[Place, Change]) -> None:
    both = {place: changes[place].plus(more[place]) for place in changes.keys() & more.keys()}
    changes.update(more)
    changes.update(both)
