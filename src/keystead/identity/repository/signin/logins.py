"""Sessions for the command line, the codes that begin them, and the proofs that were used.

Of a code only its SHA-256 is stored, and of a client's key only its thumbprint. The one secret is
the last answer of a session, which is sealed.
"""

from hashlib import sha256
from typing import Literal, TypeVar

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.signin.going import Going
from keystead.store.protocol import Reader, Transaction

Client = Literal["same-device", "cross-device"]

_LOGIN, _CODE, _PROOF = ("account", "login_id"), ("account", "code_id"), ("account", "proof")
_REMOVED = 4  # old rows that one new row takes away
MOST_PROOFS = 200
"""Proofs of one key that are remembered at a time: one in three seconds."""


class Login(Record, frozen=True, kw_only=True, gc=False):
    """One session for the command line. Refresh tokens follow each other in it."""

    account: str
    login_id: str
    subject: str
    person: str
    factors: str
    session: bytes
    client: Client
    proof_key: str
    generation: int
    renewed: int
    answer: str
    source_ip: str
    agent: str
    began: int
    used: int
    expires: int


class LoginCode(Record, frozen=True, kw_only=True, gc=False):
    """One code, by which a client gets the session that a person allowed."""

    account: str
    code_id: str
    subject: str
    person: str
    factors: str
    session: bytes
    sign_in: str
    client: Client
    redirect: str
    challenge: str
    seconds: int
    source_ip: str
    login_id: str
    proof_key: str
    began: int
    expires: int


class UsedProof(Record, frozen=True, kw_only=True, gc=False):
    """One proof of a key that was used; it is remembered until it would be too old."""

    account: str
    proof: str
    proof_key: str
    expires: int


class TooManyProofs(Exception):
    """A key has used so many that no more can be remembered."""


R = TypeVar("R", Login, LoginCode)


class Logins:
    """The sessions for the command line of all accounts."""

    __slots__ = ("_codes", "_logins", "_proofs")

    def __init__(self, seals: RowSeals) -> None:
        self._logins = SealedTable(seals, "signin_login", Login, _LOGIN, (Lookup(_LOGIN),))
        self._codes = SealedTable(seals, "signin_code", LoginCode, _CODE, (Lookup(_CODE),))
        self._proofs = SealedTable(seals, "signin_proof", UsedProof, _PROOF, (Lookup(_PROOF),))

    @property
    def going(self) -> tuple[Going, ...]:
        """What goes by itself."""
        tables = (self._logins, self._codes, self._proofs)
        return tuple(Going(table, "expires") for table in tables)

    def get(self, reader: Reader, account: str, login_id: str) -> Login | None:
        return self._logins.get(reader, account, login_id)

    def of_subject(self, reader: Reader, account: str, subject: str, now: int) -> list[Login]:
        """The sessions of somebody that are not over, the newest first."""
        where = "account = ? AND subject = ? AND expires > ? ORDER BY began DESC, login_id"
        return self._logins.find(reader, where, (account, subject, now))

    def used_last(
        self, reader: Reader, account: str, subject: str, now: int, most: int
    ) -> list[Login]:
        """Those of an account, or of one person there, that are not over; the last used first."""
        where = "account = ? AND (? = '' OR subject = ?) AND expires > ?"
        values = (account, subject, subject, now, most)
        return self._logins.find(reader, f"{where} ORDER BY used DESC LIMIT ?", values)

    def insert(self, transaction: Transaction, record: Login, most: int) -> None:
        """Keep a new one. Some that are over go, and the oldest of somebody's `most`."""
        _make_room(self._logins, transaction, record, most)
        self._logins.insert(transaction, record)

    def update(self, transaction: Transaction, record: Login) -> Login:
        return self._logins.update(transaction, record)

    def delete(self, transaction: Transaction, account: str, login_id: str) -> None:
        """End a session, if it is there."""
        self._logins.delete(transaction, account, login_id)

    def code(self, reader: Reader, account: str, code_id: str) -> LoginCode | None:
        return self._codes.get(reader, account, code_id)

    def insert_code(self, transaction: Transaction, record: LoginCode, most: int) -> None:
        """Keep a new one, as `insert` does."""
        _make_room(self._codes, transaction, record, most)
        self._codes.insert(transaction, record)

    def use_code(self, transaction: Transaction, record: LoginCode) -> None:
        self._codes.update(transaction, record)

    def use_proof(  # noqa: PLR0917  # as the row has them
        self,
        transaction: Transaction,
        account: str,
        key: str,
        proof_id: str,
        expires: int,
        now: int,
    ) -> bool:
        """Was this proof never used before?  Then it is now. Raises TooManyProofs."""
        name = sha256(f"{key} {proof_id}".encode()).hexdigest()
        if self._proofs.get(transaction, account, name) is not None:
            return False
        over = f"expires <= ? ORDER BY expires LIMIT {_REMOVED}"
        for each in self._proofs.find(transaction, over, (now,)):
            self._proofs.delete(transaction, each.account, each.proof)
        sql = (
            "SELECT COUNT(*) FROM signin_proof WHERE account = ? AND proof_key = ? AND expires > ?"
        )
        row = transaction.one(sql, (account, key, now))
        if row is not None and row[0] >= MOST_PROOFS:
            raise TooManyProofs
        used = UsedProof(account=account, proof=name, proof_key=key, expires=expires)
        self._proofs.insert(transaction, used)
        return True


def _make_room(table: SealedTable[R], transaction: Transaction, record: R, most: int) -> None:
    """Remove some that are over, and the oldest of somebody's `most`."""
    where = f"expires <= ? ORDER BY expires LIMIT {_REMOVED}"
    over = table.find(transaction, where, (record.began,))
    where = f"account = ? AND subject = ? ORDER BY began DESC LIMIT {_REMOVED} OFFSET ?"
    over += table.find(transaction, where, (record.account, record.subject, most - 1))
    keys = {(each.account, getattr(each, table.key[1])) for each in over}
    for account, unique_id in keys:
        table.delete(transaction, account, unique_id)
