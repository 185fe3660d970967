"""Passkeys and security keys: their public keys, whose they are, and the challenges of browsers.

    serial number   arn:aws:iam::ACCOUNT:u2f/user/NAME/DEVICE-ID, of root …:u2f/root/DEVICE-ID

The name of the user is the one of today, so the serial number of a passkey changes with it. The id
at its end stays. A passkey is enabled once, by its registration, and gone when it is deactivated.
"""

import re
from typing import Literal

from keystead.arns import iam_arn
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.signin import Going
from keystead.store.protocol import Reader, Transaction

_KEY, _OWNER, _CREDENTIAL = ("account", "passkey_id"), ("account", "owner_id"), ("credential_id",)
_SESSION = ("account", "session_id")
_SERIAL_NUMBER = re.compile(r"\A[^/]+/(?:root|user/[^/]+)/[^/]+-([A-Z2-7]{26})\Z")
_MOST_REMOVED = 4  # old challenges that one new one takes away

Purpose = Literal["register", "assert"]


class Passkey(Record, frozen=True, kw_only=True, gc=False):
    """One passkey or security key of somebody."""

    account: str
    passkey_id: str
    owner_id: str
    name: str
    credential_id: bytes
    public_key: bytes
    rp_id: str
    transports: str
    sign_count: int
    enabled: int
    used: int | None

    def serial_number(self, user_name: str | None) -> str:
        """Its serial number; `user_name` is that of its owner, None for root."""
        owner = "root" if user_name is None else f"user/{user_name}"
        return iam_arn(self.account, f"u2f/{owner}/{self.name}-{self.passkey_id}")


class Challenge(Record, frozen=True, kw_only=True, gc=False):
    """What one browser is to have signed next. It counts once."""

    account: str
    session_id: str
    purpose: Purpose
    challenge: bytes
    expires: int


class Passkeys:
    """The passkeys of every account."""

    __slots__ = ("_challenges", "_table")

    def __init__(self, seals: RowSeals) -> None:
        lookups = (Lookup(_KEY), Lookup(_OWNER), Lookup(_CREDENTIAL, of_installation=True))
        self._table = SealedTable(seals, "iam_passkey", Passkey, _KEY, lookups)
        self._challenges = SealedTable(
            seals, "signin_challenge", Challenge, _SESSION, (Lookup(_SESSION),)
        )

    @property
    def going(self) -> tuple[Going, ...]:
        """What goes by itself: challenges."""
        return (Going(self._challenges, "expires"),)

    def of_owner(self, reader: Reader, account: str, owner_id: str) -> list[Passkey]:
        """The passkeys of a user or of root, in the order in which they were registered."""
        return self._table.of(reader, _OWNER, account, owner_id, order="enabled, passkey_id")

    def with_serial_number(
        self, reader: Reader, account: str, user_name: str | None, serial_number: str
    ) -> Passkey | None:
        """The passkey with this serial number, which is compared exactly; its owner has this name.

        That the owner is of this name is not checked here.
        """
        match = _SERIAL_NUMBER.match(serial_number)
        if match is None:
            return None
        known = self._table.get(reader, account, match[1])
        is_it = known is not None and known.serial_number(user_name) == serial_number
        return known if is_it else None

    def with_credential(self, reader: Reader, credential_id: bytes) -> Passkey | None:
        """The passkey with this id of its authenticator, of any account."""
        return self._table.only(reader, _CREDENTIAL, credential_id)

    def in_use(self, reader: Reader, account: str) -> int:
        """How many passkeys an account has."""
        row = reader.one("SELECT COUNT(*) FROM iam_passkey WHERE account = ?", (account,))
        return row[0] if row else 0

    def insert(self, transaction: Transaction, record: Passkey) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: Passkey) -> Passkey:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: Passkey) -> None:
        self._table.delete(transaction, record.account, record.passkey_id)

    def challenge(self, transaction: Transaction, challenge: Challenge, now: int) -> None:
        """Keep a new challenge; an earlier one of the same step or session is worth nothing."""
        where = f"expires <= ? ORDER BY expires LIMIT {_MOST_REMOVED}"
        for each in self._challenges.find(transaction, where, (now,)):
            self._challenges.delete(transaction, each.account, each.session_id)
        self._challenges.delete(transaction, challenge.account, challenge.session_id)
        self._challenges.insert(transaction, challenge)

    def take_challenge(
        self, transaction: Transaction, account: str, session_id: str, purpose: Purpose, now: int
    ) -> bytes | None:
        """The challenge of a step or session, which is used up; None if there is none."""
        known = self._challenges.get(transaction, account, session_id)
        if known is None:
            return None
        self._challenges.delete(transaction, account, session_id)
        return known.challenge if known.purpose == purpose and now < known.expires else None
