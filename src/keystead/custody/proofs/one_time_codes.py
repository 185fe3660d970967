"""Does this one-time code count?  TOTP (RFC 6238), and the memory of a device (threat-model CO-7).

    step = seconds since the epoch / 30
    code = HOTP(seed, step): six digits, with HMAC-SHA-1   (RFC 4226 5.3)

(1) A device with too many wrong codes in the last five minutes is asked nothing: the right code is
refused as well. (2) A code is that of a step near now, as the clock of the device has it. (3) The
step is later than every one that counted before, so a code counts once. (4) What was wrong is
remembered, and so is the step of what was right.

After a declared restore nothing of the last minutes is known. So the first attempt counts nothing,
and only steps of the time after it do (threat-model OP-3).

These are pure functions of what is stored, the codes and the time. The caller stores the result
before anybody learns of it.
"""

import base64
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from keystead.custody.randomness import urandom

STEP = 30  # seconds
NEAR = 1  # steps on each side of now
FAR = 20  # for a device whose clock is to be found again
MOST_WRONG, WRONG_SECONDS = 5, 300

_DIGITS = 6
_SEED = 40  # bytes, which are 64 characters as AWS shows them


class CodeState(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of one device."""

    last_step: int = 0  # of the last code that counted, as the device numbers its steps
    drift: int = 0  # steps by which the clock of the device is ahead of ours
    wrong: tuple[int, ...] = ()  # the seconds of the last wrong attempts
    incarnation: str = ""  # of the installation that wrote this


def new_seed() -> bytes:
    """A new seed: 320 random bits."""
    return urandom(_SEED)


def seed_text(seed: bytes) -> str:
    """A seed as people type it: base32."""
    return base64.b32encode(seed).decode("ascii")


def step_at(now: datetime) -> int:
    """The step of this time."""
    return int(now.timestamp()) // STEP


def seconds_to_wait(state: CodeState, second: int) -> int:
    """For how long a device takes no code, because too many were wrong. (CO-7)"""
    wrong = [at for at in state.wrong if at > second - WRONG_SECONDS]
    return wrong[-MOST_WRONG] + WRONG_SECONDS - second if len(wrong) >= MOST_WRONG else 0


def codes_of(seed: bytes, steps: Iterable[int]) -> list[bytes]:
    """The codes of these steps."""
    hotp = HOTP(seed, _DIGITS, SHA1())  # noqa: S303  # the algorithm of every authenticator app
    return [hotp.generate(step) for step in steps]


class OneTimeCodes:
    """Judges codes, for one incarnation of the installation."""

    __slots__ = ("_incarnation",)

    def __init__(self, incarnation: str) -> None:
        self._incarnation = incarnation

    def judged(
        self, state: CodeState, seed: bytes, codes: Sequence[str], now: datetime, reach: int = NEAR
    ) -> tuple[CodeState, bool]:
        """Do these codes of consecutive steps count?  And what is to be remembered then.

        The last of them is of a step at most `reach` from now. A reach of FAR finds the clock of
        the device again, and remembers how far it is ahead.
        """
        second, today = int(now.timestamp()), step_at(now)
        wrong = tuple([at for at in state.wrong if at > second - WRONG_SECONDS])
        if len(wrong) >= MOST_WRONG:  # (1)
            return state, False
        floor = state.last_step
        if state.incarnation not in ("", self._incarnation):
            floor = max(floor, today + state.drift + reach)
        known = msgspec.structs.replace(state, incarnation=self._incarnation, last_step=floor)
        centre = today + (state.drift if reach == NEAR else 0)
        step = _step_of(seed, codes, range(centre - reach, centre + reach + 1))  # (2)
        if step is None or step - len(codes) < floor:  # (3)
            wrong = (*wrong, second)
            return msgspec.structs.replace(known, wrong=wrong), False
        drift = state.drift if reach == NEAR else step - today
        return msgspec.structs.replace(known, last_step=step, drift=drift, wrong=wrong), True  # (4)


def _step_of(seed: bytes, codes: Sequence[str], steps: range) -> int | None:
    """The step of the last of these codes, which are of consecutive steps; None: they are wrong.

    Every step is looked at, whichever is right.
    """
    given, found = "".join(codes).encode(), None
    first = steps.start - len(codes) + 1
    made = codes_of(seed, range(first, steps.stop))
    for index, step in enumerate(steps):
        if hmac.compare_digest(b"".join(made[index : index + len(codes)]), given):
            found = step
    return found
