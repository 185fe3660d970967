"""Sign-ins: what each browser has reached, how often somebody tried, and which root passwords stay.

A browser holds a random value in a cookie. Only its SHA-256 is stored, so nobody can sign in with a
copy of these rows.
"""

from hashlib import sha256
from typing import Literal

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.accounts import Account
from keystead.store.protocol import Reader, Transaction

_SESSION, _SUBJECT, _ACCOUNT = ("account", "session_id"), ("subject",), ("account",)
_MOST_REMOVED = 4  # old rows that one new row takes away

Stage = Literal["mfa", "password", "session"]


class SignIn(Record, frozen=True, kw_only=True, gc=False):
    """One browser's sign-in or session. It can take the step of its stage, and no other (CO-8)."""

    account: str
    session_id: str
    subject: str
    stage: Stage
    factors: str
    access_key_id: str
    device: str
    mfa: int | None
    tries: int
    began: int
    used: int
    expires: int


class SignInAttempts(Record, frozen=True, kw_only=True, gc=False):
    """How often somebody tried to sign in as somebody, or from a network."""

    subject: str
    failures: int
    until: int


class RootChoice(Record, frozen=True, kw_only=True, gc=False):
    """The password that root chose itself; every other one is to be changed at its first use."""

    account: str
    chosen: str


def _digest(account: Account) -> str:
    return sha256(account.password).hexdigest()


class SignIns:
    """The sign-ins of all accounts."""

    __slots__ = ("_attempts", "_choices", "_sessions")

    def __init__(self, seals: RowSeals) -> None:
        self._sessions = SealedTable(seals, "signin_session", SignIn, _SESSION, (Lookup(_SESSION),))
        self._attempts = SealedTable(
            seals, "signin_attempt", SignInAttempts, _SUBJECT,
            (Lookup(_SUBJECT, of_installation=True),),
        )  # fmt: skip
        self._choices = SealedTable(
            seals, "signin_root_password", RootChoice, _ACCOUNT, (Lookup(_ACCOUNT),)
        )

    def get(self, reader: Reader, account: str, session_id: str) -> SignIn | None:
        return self._sessions.get(reader, account, session_id)

    def insert(self, transaction: Transaction, record: SignIn, most: int) -> None:
        """Keep a new one. Some that are over go, and the oldest of its stage, of a person's `most`.

        So somebody who knows a password alone drives out no session.
        """
        where = f"expires <= ? ORDER BY expires LIMIT {_MOST_REMOVED}"
        over = self._sessions.find(transaction, where, (record.began,))
        where = (
            "account = ? AND subject = ? AND stage = ? ORDER BY began DESC"
            f" LIMIT {_MOST_REMOVED} OFFSET ?"
        )
        key = (record.account, record.subject, record.stage, most - 1)
        over += self._sessions.find(transaction, where, key)
        for each in {(each.account, each.session_id) for each in over}:
            self._sessions.delete(transaction, *each)
        self._sessions.insert(transaction, record)

    def update(self, transaction: Transaction, record: SignIn) -> SignIn:
        return self._sessions.update(transaction, record)

    def delete(self, transaction: Transaction, record: SignIn) -> None:
        self._sessions.delete(transaction, record.account, record.session_id)

    def attempts(self, reader: Reader, subject: str) -> SignInAttempts | None:
        return self._attempts.get(reader, subject)

    def record_attempts(self, transaction: Transaction, attempts: SignInAttempts) -> None:
        """Keep the attempts, whose row was read as `attempts.row_version`, or is new."""
        if self.attempts(transaction, attempts.subject) is None:
            self._attempts.insert(transaction, attempts)
        else:
            self._attempts.update(transaction, attempts)

    def forget_attempts(self, transaction: Transaction, subject: str) -> None:
        self._attempts.delete(transaction, subject)

    def forget_old_attempts(self, transaction: Transaction, before: int) -> None:
        """Remove some that nobody made since this second."""
        where = f"until < ? ORDER BY until LIMIT {_MOST_REMOVED}"
        for each in self._attempts.find(transaction, where, (before,)):
            self._attempts.delete(transaction, each.subject)

    def is_chosen(self, reader: Reader, account: Account) -> bool:
        """Did root choose the password that the account has now?"""
        choice = self._choices.get(reader, account.account)
        return choice is not None and choice.chosen == _digest(account)

    def choose(self, transaction: Transaction, account: Account) -> None:
        """Root chose the password that the account has now."""
        self._choices.delete(transaction, account.account)
        self._choices.insert(
            transaction, RootChoice(account=account.account, chosen=_digest(account))
        )
