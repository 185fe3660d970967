"""When may somebody try a password again?  An exponential delay (threat-model CO-6).

An attempt is counted before its password is looked at, in the first run of an operation, so that
the count stands whatever follows (decision 0021). The right password during the delay is refused
like any other. It ends the count when it comes after the delay.
"""

import msgspec

from keystead.identity.repository import LoginProfiles, PasswordAttempts
from keystead.store.protocol import Transaction

LONGEST = 900  # seconds
_FORGOTTEN = 86_400  # seconds after a delay


def begin(
    transaction: Transaction, profiles: LoginProfiles, account: str, subject: str, now: int
) -> bool:
    """Count an attempt at this password. False: it is too early, and nothing is counted."""
    known = profiles.attempts(transaction, account, subject)
    if known is None:
        known = PasswordAttempts(account=account, subject=subject, failures=0, until=0)
    if now < known.until:
        return False
    failures = 1 if now > known.until + _FORGOTTEN else known.failures + 1
    counted = msgspec.structs.replace(known, failures=failures, until=now + delay(failures))
    profiles.record_attempts(transaction, counted)
    return True


def delay(failures: int) -> int:
    """The seconds after so many attempts in which no other is taken."""
    return LONGEST if failures > LONGEST.bit_length() else min(LONGEST, 1 << failures - 1)
