"""Assertions that were used, so that none is used again; also after a restart (SA-5).

An assertion is known by a hash of its issuer's name and its own id, wherever it was used: it may
name roles of several accounts, and providers of one issuer. Two rows remember it. That of the
installation refuses it, and that of the account counts. It is remembered until it would be refused
as too old. Those that are over go as dated work; some also when others come, so that none waits
for that work.
"""

from hashlib import sha256

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.signin import Going
from keystead.store.protocol import Reader, Transaction

MOST = 20_000
"""Assertions of an account that are remembered at a time: some 55 sign-ins a second."""

_REMOVED = 4  # for each that comes
_KEY = ("account", "assertion")
_INSTALLATION = ""  # the account of rows that belong to none


class UsedAssertion(Record, frozen=True, kw_only=True, gc=False):
    """One assertion that was used."""

    account: str
    assertion: str
    expires: int


class TooManyAssertions(Exception):
    """An account has used so many that no more can be remembered."""


class UsedAssertions:
    """The assertions that were used, of every account."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "iam_saml_assertion", UsedAssertion, _KEY, (Lookup(_KEY),))

    @property
    def going(self) -> Going:
        """Those that are too old."""
        return Going(self._table, "expires")

    def use(  # noqa: PLR0917  # as the row has them
        self,
        transaction: Transaction,
        account: str,
        issuer: str,
        assertion_id: str,
        expires: int,
        now: int,
    ) -> bool:
        """Was it never used before?  Then it is now. Raises TooManyAssertions."""
        name = sha256(msgspec.json.encode([issuer, assertion_id])).hexdigest()
        if self._table.get(transaction, _INSTALLATION, name) is not None:
            return False
        for place in (_INSTALLATION, account):
            self._forget(transaction, place, now)
        if self.count(transaction, account) >= MOST:
            raise TooManyAssertions
        for place in (_INSTALLATION, account):
            record = UsedAssertion(account=place, assertion=name, expires=expires)
            self._table.insert(transaction, record)
        return True

    def count(self, reader: Reader, account: str) -> int:
        """How many are remembered."""
        sql = "SELECT COUNT(*) FROM iam_saml_assertion WHERE account = ?"
        row = reader.one(sql, (account,))
        return row[0] if row else 0

    def _forget(self, transaction: Transaction, account: str, now: int) -> None:
        over = "account = ? AND expires <= ? ORDER BY expires LIMIT ?"
        for record in self._table.find(transaction, over, (account, now, _REMOVED)):
            self._table.delete(transaction, account, record.assertion)
