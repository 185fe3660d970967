"""What an account demands of the passwords of its users: one policy for each account."""

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_ACCOUNT = ("account",)


class PasswordPolicy(Record, frozen=True, kw_only=True, gc=False):
    """One password policy. What is not set has the default of iam.md 1.9; a flag is 0 or 1."""

    account: str
    minimum_length: int
    symbols: int
    numbers: int
    uppercase: int
    lowercase: int
    own_changes: int  # may every user change the own password?
    longest_days: int | None  # the age at which a password expires
    remembered: int | None  # earlier passwords that are not taken again
    hard_expiry: int | None  # does an expired password need an administrator?


class PasswordPolicies:
    """The password policies of the accounts that have set one."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookups = (Lookup(_ACCOUNT),)
        self._table = SealedTable(seals, "iam_password_policy", PasswordPolicy, _ACCOUNT, lookups)

    def of(self, reader: Reader, account: str) -> PasswordPolicy | None:
        """The policy that this account has set; None where the defaults apply."""
        return self._table.get(reader, account)

    def replace(self, transaction: Transaction, policy: PasswordPolicy) -> None:
        """Set the policy of its account, whether there was one or not."""
        known = self.of(transaction, policy.account)
        if known is None:
            self._table.insert(transaction, policy)
        else:
            versioned = msgspec.structs.replace(policy, row_version=known.row_version)
            self._table.update(transaction, versioned)

    def delete(self, transaction: Transaction, account: str) -> bool:
        """Remove the policy of an account; False when there is none."""
        return self._table.delete(transaction, account)
