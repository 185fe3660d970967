"""Sign-ins: what each browser has reached, how often somebody tried, and which root passwords stay.

What only some sign-ins have stands in a second row, `SignInFacts`, which comes and goes with it.

A browser holds a random value in a cookie. Only its SHA-256 is stored, so nobody can sign in with a
copy of these rows.
"""

from hashlib import sha256
from typing import Literal

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.accounts import Account
from keystead.identity.repository.signin.going import Going
from keystead.store.protocol import Reader, Transaction

_SESSION, _SUBJECT, _ACCOUNT = ("account", "session_id"), ("subject",), ("account",)
_ROLE = ("person", "role")
_REMEMBERED = 90 * 86_400  # seconds without a use
ATTEMPTS_SECONDS = 3_600
"""So long after a delay attempts are remembered."""
_MOST_REMOVED = 4  # old rows that one new row takes away

Stage = Literal["next", "mfa", "password", "role", "token", "session"]


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


class SignInFacts(Record, frozen=True, kw_only=True, gc=False):
    """What more is known of a sign-in. The encoded values are `identity.signin`'s own."""

    account: str = ""
    session_id: str = ""
    session: bytes = b""  # of a role; b"": the person has one of its own
    outsider: bytes = b""  # what somebody from outside proved
    actors: bytes = b""  # the roles to which the person switched
    next: str = ""  # the path that was asked for before the sign-in
    issuer: str = ""  # where a broker says that it lives


NO_FACTS = SignInFacts()


class UsedRole(Record, frozen=True, kw_only=True, gc=False):
    """A role that a person used."""

    person: str  # a hash that tells persons apart
    role: str  # ARN
    name: str  # as the person calls it
    color: str
    used: int


class SignInAttempts(Record, frozen=True, kw_only=True, gc=False):
    """How often somebody tried to sign in as somebody, or from a network."""

    subject: str
    failures: int
    until: int


class RootChoice(Record, frozen=True, kw_only=True, gc=False):
    """The password that root chose itself; every other one is to be changed at its first use."""

    account: str
    chosen: str


def _of(record: SignIn, facts: SignInFacts) -> SignInFacts:
    """The facts of this sign-in."""
    key = {"account": record.account, "session_id": record.session_id}
    return msgspec.structs.replace(facts, **key, row_version=1)


def _digest(account: Account) -> str:
    return sha256(account.password).hexdigest()


class SignIns:
    """The sign-ins of all accounts."""

    __slots__ = ("_attempts", "_choices", "_facts", "_roles", "_sessions")

    def __init__(self, seals: RowSeals) -> None:
        self._sessions = SealedTable(seals, "signin_session", SignIn, _SESSION, (Lookup(_SESSION),))
        self._facts = SealedTable(seals, "signin_facts", SignInFacts, _SESSION, (Lookup(_SESSION),))
        self._roles = SealedTable(
            seals, "signin_role", UsedRole, _ROLE, (Lookup(_ROLE, of_installation=True),)
        )
        self._attempts = SealedTable(
            seals, "signin_attempt", SignInAttempts, _SUBJECT,
            (Lookup(_SUBJECT, of_installation=True),),
        )  # fmt: skip
        self._choices = SealedTable(
            seals, "signin_root_password", RootChoice, _ACCOUNT, (Lookup(_ACCOUNT),)
        )

    @property
    def table_name(self) -> str:
        """The name of the table of sign-ins."""
        return self._sessions.name

    def going(self, idle_seconds: int) -> tuple[Going, ...]:
        """What goes by itself; a session also so many seconds after its last use."""
        return (
            Going(self._sessions, "expires"),
            Going(self._sessions, "used", idle_seconds, " AND stage = 'session'"),
            Going(self._attempts, "until", ATTEMPTS_SECONDS + 1),
            Going(self._roles, "used", _REMEMBERED + 1),
        )

    def get(self, reader: Reader, account: str, session_id: str) -> SignIn | None:
        return self._sessions.get(reader, account, session_id)

    def sessions(self, reader: Reader, account: str, subject: str, most: int) -> list[SignIn]:
        """The sessions of an account, or of one person there; those that were used last."""
        where = "account = ? AND (? = '' OR subject = ?) AND stage = 'session'"
        values = (account, subject, subject, most)
        return self._sessions.find(reader, f"{where} ORDER BY used DESC LIMIT ?", values)

    def with_access_key(self, reader: Reader, account: str, access_key_id: str) -> SignIn | None:
        """The session whose records have this access key id."""
        where = "account = ? AND access_key_id = ? AND stage = 'session'"
        found = self._sessions.find(reader, where, (account, access_key_id))
        return found[0] if found else None

    def facts(self, reader: Reader, record: SignIn) -> SignInFacts:
        """What more is known of a sign-in."""
        found = self._facts.get(reader, record.account, record.session_id)
        return NO_FACTS if found is None else found

    def insert(
        self,
        transaction: Transaction,
        record: SignIn,
        most: int,
        facts: SignInFacts = NO_FACTS,
        *,
        of_account: int | None = None,
    ) -> list[tuple[SignIn, SignInFacts]]:
        """Keep a new one. Some that are over go, and the oldest of its stage, of a person's `most`.

        So somebody who knows a password alone drives out no session. Of a stage whose rows are long
        the oldest of the account's `of_account` goes, too. Returns those that went.
        """
        where = f"expires <= ? ORDER BY expires LIMIT {_MOST_REMOVED}"
        over = self._sessions.find(transaction, where, (record.began,))
        where = (
            "account = ? AND subject = ? AND stage = ? ORDER BY began DESC"
            f" LIMIT {_MOST_REMOVED} OFFSET ?"
        )
        key = (record.account, record.subject, record.stage, most - 1)
        over += self._sessions.find(transaction, where, key)
        if of_account is not None:
            where = (  # not by the index of the account, which may have very many sessions
                "account || '' = ? AND stage = ? AND expires > ? AND expires <= ?"
                f" ORDER BY expires DESC LIMIT {_MOST_REMOVED} OFFSET ?"
            )
            soon = (record.began, record.expires)  # few rows are over so soon
            over += self._sessions.find(
                transaction, where, (record.account, record.stage, *soon, of_account - 1)
            )
        gone = list({(each.account, each.session_id): each for each in over}.values())
        told = [(each, self.facts(transaction, each)) for each in gone]
        for each in gone:
            self.delete(transaction, each)
        self._sessions.insert(transaction, record)
        if facts is not NO_FACTS:
            self._facts.insert(transaction, _of(record, facts))
        return told

    def update(self, transaction: Transaction, record: SignIn) -> SignIn:
        return self._sessions.update(transaction, record)

    def delete(self, transaction: Transaction, record: SignIn) -> None:
        self._sessions.delete(transaction, record.account, record.session_id)
        self._facts.delete(transaction, record.account, record.session_id)

    def change_facts(self, transaction: Transaction, facts: SignInFacts) -> None:
        """Other facts of a sign-in that has some."""
        self._facts.update(transaction, facts)

    def used_role(self, reader: Reader, person: str, role: str) -> UsedRole | None:
        """The use of a role by a person, if it is remembered."""
        return self._roles.get(reader, person, role)

    def used_roles(self, reader: Reader, person: str, most: int) -> list[UsedRole]:
        """The roles that a person used, the last one first."""
        return self._roles.find(reader, "person = ? ORDER BY used DESC LIMIT ?", (person, most))

    def use_role(self, transaction: Transaction, use: UsedRole, most: int) -> None:
        """Remember the use of a role; of one person the last `most` stay, for three months."""
        self._roles.delete(transaction, use.person, use.role)
        self._roles.insert(transaction, use)
        where = f"person = ? ORDER BY used DESC LIMIT {_MOST_REMOVED} OFFSET ?"
        gone = self._roles.find(transaction, where, (use.person, most))
        where = f"used < ? ORDER BY used LIMIT {_MOST_REMOVED}"
        gone += self._roles.find(transaction, where, (use.used - _REMEMBERED,))
        for each in gone:
            self._roles.delete(transaction, each.person, each.role)

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
