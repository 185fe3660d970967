"""When may somebody try to sign in again?  (threat-model CO-6)

Tries are counted for the name as it was typed, whether somebody has it or not, and for the network
that they come from. They are counted before a password is looked at, in the first run of the
operation, so that the count stands whatever follows (decision 0021). The right password during a
delay is refused like any other.

A browser in which the person has signed in before has a count of its own, and neither that of the
name nor that of the network. So strangers who try for ever keep nobody out of a known browser.

A right password ends the count of its name, and an hour without a try does. A network gets back
the one try of a right password, and one for each minute: many people may share it. So who has a
password cannot try those of others without end.

A second factor that is asked for and not shown is counted, too (`progress.ask_for_factor`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from keystead.identity.factors import attempts
from keystead.identity.repository import ATTEMPTS_SECONDS, SignInAttempts, SignIns
from keystead.store.protocol import Transaction


class Subject(NamedTuple):
    """Whose tries are counted, and how many of them have no delay."""

    name: str
    free: int
    regain: int = 0  # seconds after a delay for which one try is given back; 0: none is


def begin(
    transaction: Transaction, sign_ins: SignIns, subjects: Sequence[Subject], now: int
) -> int:
    """Count a try for all of these. Returns the seconds to wait if it is too early for one."""
    known = [_known(transaction, sign_ins, subject) for subject in subjects]
    wait = max(each.until - now for each in known)
    if wait > 0:
        return wait
    sign_ins.forget_old_attempts(transaction, now - ATTEMPTS_SECONDS)
    for subject, each in zip(subjects, known, strict=True):
        failures = _left(subject, each, now) + 1
        counted = failures - subject.free
        until = now + (attempts.delay(counted) if counted > 0 else 0)
        sign_ins.record_attempts(
            transaction, msgspec.structs.replace(each, failures=failures, until=until)
        )
    return 0


def _left(subject: Subject, known: SignInAttempts, now: int) -> int:
    """The tries that still count."""
    since = now - known.until
    if since > ATTEMPTS_SECONDS:
        return 0
    return max(0, known.failures - (since // subject.regain if subject.regain else 0))


def right(transaction: Transaction, sign_ins: SignIns, subjects: Sequence[Subject]) -> None:
    """The password was right: the first count ends, and the others get back its try."""
    first, *others = subjects
    sign_ins.forget_attempts(transaction, first.name)
    for subject in others:
        known = sign_ins.attempts(transaction, subject.name)
        if known is not None:
            given_back = msgspec.structs.replace(known, failures=max(0, known.failures - 1))
            sign_ins.record_attempts(transaction, given_back)


def _known(transaction: Transaction, sign_ins: SignIns, subject: Subject) -> SignInAttempts:
    known = sign_ins.attempts(transaction, subject.name)
    if known is not None:
        return known
    return SignInAttempts(subject=subject.name, failures=0, until=0)
