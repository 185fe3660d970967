"""Accounts: the owner of everything else, each with its root user."""

from typing import Literal

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.names import canonical, root_arn
from keystead.store.protocol import Reader, Transaction

_NUMBER, _EMAIL, _ALIAS = ("account",), ("email_key",), ("alias",)

AccountState = Literal["ACTIVE", "SUSPENDED", "CLOSED"]


class Account(Record, frozen=True, kw_only=True, gc=False):
    """One account. `password` is the sealed hash of root's password; empty: root has none."""

    account: str
    email: str
    email_key: str
    alias: str | None
    password: bytes
    state: AccountState
    created: int

    @property
    def root_arn(self) -> str:
        return root_arn(self.account)

    @property
    def is_open(self) -> bool:
        return self.state == "ACTIVE"


class Closing(Record, frozen=True, kw_only=True, gc=False):
    """When an account was last suspended or closed. One that never was has no such row."""

    account: str
    closed: int


class TokenPreference(Record, frozen=True, kw_only=True, gc=False):
    """Which version of tokens the global endpoint of STS is to give; kept and shown, no more."""

    account: str
    version: int


class Accounts:
    """The accounts of the installation."""

    __slots__ = ("_closings", "_preferences", "_secrets", "_table")

    def __init__(self, seals: RowSeals) -> None:
        # Which accounts there are is the installation's own matter.
        lookups = [Lookup(columns, of_installation=True) for columns in (_NUMBER, _EMAIL, _ALIAS)]
        self._table = SealedTable(seals, "iam_account", Account, _NUMBER, lookups)
        self._closings = SealedTable(seals, "iam_account_closing", Closing, _NUMBER, lookups[:1])
        # No decision depends on a preference: it is not counted.
        self._preferences = SealedTable(seals, "iam_sts_preference", TokenPreference, _NUMBER, ())
        self._secrets = seals.secrets

    def get(self, reader: Reader, account: str) -> Account | None:
        return self._table.get(reader, account)

    def with_email(self, reader: Reader, email: str) -> Account | None:
        return self._table.only(reader, _EMAIL, canonical(email))

    def with_alias(self, reader: Reader, alias: str) -> Account | None:
        return self._table.only(reader, _ALIAS, alias)

    def every(self, reader: Reader) -> list[Account]:
        """All of them, oldest first: for what happens once."""
        return self._table.find(reader, "TRUE ORDER BY created, account")

    def after(self, reader: Reader, account: str, limit: int) -> list[Account]:
        """The next ones, by number."""
        return self._table.find(reader, "account > ? ORDER BY account LIMIT ?", (account, limit))

    def numbers(self, reader: Reader) -> list[str]:
        """Those of all, oldest first, to be shown."""
        rows = reader.all("SELECT account FROM iam_account ORDER BY created, account")
        return [account for (account,) in rows]

    def only(self, reader: Reader) -> Account | None:
        """The only account of the installation; None if there are several."""
        some = self._table.find(reader, "TRUE ORDER BY account LIMIT 2")
        return some[0] if len(some) == 1 else None

    def insert(self, transaction: Transaction, record: Account) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: Account) -> Account:
        return self._table.update(transaction, record)

    def close(
        self, transaction: Transaction, record: Account, state: AccountState, now: int
    ) -> Account:
        """Suspend or close an account: every session that began until now is over, for good."""
        self._closings.delete(transaction, record.account)
        self._closings.insert(transaction, Closing(account=record.account, closed=now))
        return self.update(transaction, msgspec.structs.replace(record, state=state))

    def is_open_since(self, reader: Reader, record: Account, second: int) -> bool:
        """Was the account open all the time since then?

        Sessions know the second in which they began, and no more. Those of the second in which the
        account was closed are over, too.
        """
        return record.is_open and self.closed(reader, record.account) < second

    def closed(self, reader: Reader, account: str) -> int:
        """The second in which an account was last suspended or closed; -1: it never was."""
        closing = self._closings.get(reader, account)
        return -1 if closing is None else closing.closed

    def token_version(self, reader: Reader, account: str) -> int:
        """The version that `keep_token_version` kept, or 2."""
        kept = self._preferences.get(reader, account)
        return 2 if kept is None else kept.version

    def keep_token_version(self, transaction: Transaction, account: str, version: int) -> None:
        """Keep a version, in the place of an earlier one."""
        self._preferences.delete(transaction, account)
        self._preferences.insert(transaction, TokenPreference(account=account, version=version))

    def seal_password(self, account: str, password_hash: str) -> bytes:
        """Root's password hash as it is stored."""
        secret = password_hash.encode()
        return self._secrets.seal("iam_account", (account,), "password", secret)

    def password_hash(self, record: Account) -> str | None:
        """Root's password hash, to verify a password with; None when root has none."""
        if not record.password:
            return None
        key = (record.account,)
        return self._secrets.unseal("iam_account", key, "password", record.password).decode()
