"""How are the credentials of a session sealed, and for how long?  (threat-model ST-1)

A session token is a record (`records`) whose generation, in clear, is the day on which it was
sealed. Each day has a key of its own under the key for session tokens, so no key seals more than a
day's tokens. A token is bound to the access key id that it belongs to. It is bound to the
incarnation of the installation too: a declared restore makes every token from before worthless.

Nothing is stored. The content of a token is defined in `identity.sessions`.
"""

from collections.abc import Sequence
from datetime import datetime

from keystead.custody.kdf import hkdf
from keystead.custody.rows import BadRecord, RecordSealer, generation_of, place
from keystead.custody.secrecy import Guarded
from keystead.custody.tokens.tokens import InvalidToken, decoded, encoded
from keystead.store.protocol import Value

DAYS = 30
"""A token of this age is still opened. No session lasts longer than two days, so a caller with an
older token learns that it expired."""

_DAY = 86_400  # seconds


class SessionTokens(Guarded):
    """Seals and opens session tokens."""

    __slots__ = ("_incarnation", "_key", "_sealers")

    def __init__(self, key: bytes, incarnation: str) -> None:
        self._key = key
        self._incarnation = incarnation
        self._sealers: dict[int, RecordSealer] = {}  # by day: at most those that are opened

    def seal(self, data: bytes, bound_to: Sequence[Value], now: datetime) -> str:
        """The token that holds `data`, bound to these values."""
        sealer = self._of_day(_day(now), now)
        return encoded(sealer.seal(data, place(self._incarnation, bound_to)))

    def unseal(self, text: str, bound_to: Sequence[Value], now: datetime) -> bytes:
        """The data; raises InvalidToken unless `seal` gave this text for the same arguments."""
        record = decoded(text)
        try:
            sealer = self._of_day(generation_of(record), now)
            return sealer.unseal(record, place(self._incarnation, bound_to))
        except BadRecord:
            raise InvalidToken from None

    def _of_day(self, day: int, now: datetime) -> RecordSealer:
        """The sealer of a day; raises BadRecord if its tokens are not opened any more."""
        today = _day(now)
        # A clock that was set back finds tokens of tomorrow.
        if not today - DAYS <= day <= today + 1:
            raise BadRecord
        sealer = self._sealers.get(day)
        if sealer is None:
            for old in [known for known in self._sealers if not today - DAYS <= known <= today + 1]:
                del self._sealers[old]
            key = hkdf(self._key, f"keystead/1/session tokens/{day}")
            sealer = self._sealers[day] = RecordSealer(key, "session token", day)
        return sealer


def _day(now: datetime) -> int:
    """How many days have passed since the epoch."""
    return int(now.timestamp()) // _DAY
