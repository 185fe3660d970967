"""Login profiles: the password of a user, and those before it. Their hashes are sealed.

A session that began with a password is to name its `password_id`, so that it ends when the password
is changed or the profile deleted.
"""

from collections.abc import Sequence

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_TABLE, _USER, _SUBJECT = "iam_login_profile", ("account", "user_id"), ("account", "subject")
_decode = msgspec.json.Decoder(list[str]).decode


class LoginProfile(Record, frozen=True, kw_only=True, gc=False):
    """The password of one user."""

    account: str
    user_id: str
    password_id: str
    hashes: bytes
    reset_required: int
    created: int
    changed: int


class LoginUse(Record, frozen=True, kw_only=True, gc=False):
    """When somebody last signed in with the password of a user, or of root."""

    account: str
    user_id: str
    used: int


class PasswordAttempts(Record, frozen=True, kw_only=True, gc=False):
    """How often a wrong password was tried, and until when no other is taken."""

    account: str
    subject: str
    failures: int
    until: int


class LoginProfiles:
    """The login profiles of every account, and the attempts at them."""

    __slots__ = ("_attempts", "_secrets", "_table", "_uses")

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, _TABLE, LoginProfile, _USER, (Lookup(_USER),))
        # No decision depends on a last use: it is not counted.
        self._uses = SealedTable(seals, "iam_login_use", LoginUse, _USER, ())
        self._attempts = SealedTable(
            seals, "iam_password_attempt", PasswordAttempts, _SUBJECT, (Lookup(_SUBJECT),)
        )
        self._secrets = seals.secrets

    def get(self, reader: Reader, account: str, user_id: str) -> LoginProfile | None:
        """The login profile of a user, or None."""
        return self._table.get(reader, account, user_id)

    def insert(self, transaction: Transaction, record: LoginProfile) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: LoginProfile) -> LoginProfile:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: LoginProfile) -> None:
        """Remove a profile, with its hashes, its last use and the attempts at it."""
        key = (record.account, record.user_id)
        self._table.delete(transaction, *key)
        self._uses.delete(transaction, *key)
        self._attempts.delete(transaction, *key)

    def seal(self, account: str, user_id: str, hashes: Sequence[str]) -> bytes:
        """The hashes as they are stored, the newest first."""
        secret = msgspec.json.encode(hashes)
        return self._secrets.seal(_TABLE, (account, user_id), "hashes", secret)

    def hashes(self, record: LoginProfile) -> list[str]:
        """The PHC strings of the password and of those before it, the newest first."""
        key = (record.account, record.user_id)
        return _decode(self._secrets.unseal(_TABLE, key, "hashes", record.hashes))

    def last_use(self, reader: Reader, account: str, user_id: str) -> LoginUse | None:
        return self._uses.get(reader, account, user_id)

    def record_use(self, transaction: Transaction, use: LoginUse) -> None:
        """Keep when somebody signed in, if the profile still exists. Root has none, and its id is
        that of the account.
        """
        if use.user_id != use.account and self.get(transaction, use.account, use.user_id) is None:
            return
        known = self.last_use(transaction, use.account, use.user_id)
        if known is None:
            self._uses.insert(transaction, use)
        else:
            versioned = msgspec.structs.replace(use, row_version=known.row_version)
            self._uses.update(transaction, versioned)

    def attempts(self, reader: Reader, account: str, subject: str) -> PasswordAttempts | None:
        """The attempts at a password since the last that was right, or None."""
        return self._attempts.get(reader, account, subject)

    def record_attempts(self, transaction: Transaction, attempts: PasswordAttempts) -> None:
        """Keep the attempts, whose row was read as `attempts.row_version`, or is new."""
        if self.attempts(transaction, attempts.account, attempts.subject) is None:
            self._attempts.insert(transaction, attempts)
        else:
            self._attempts.update(transaction, attempts)

    def forget_attempts(self, transaction: Transaction, account: str, subject: str) -> None:
        """The right password was given."""
        self._attempts.delete(transaction, account, subject)
