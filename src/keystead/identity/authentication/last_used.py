"""When was each access key last used?  Kept in memory, and in the store from time to time.

A use is recorded when a request is authenticated, even if it is refused later (iam.md 2.12). No
decision depends on it, so it is written quietly and never per request. A crash loses at most the
uses since the last `flush`.
"""

from datetime import datetime

from keystead.identity import times
from keystead.identity.repository import AccessKeys, AccessKeyUse
from keystead.store.protocol import Reader, Store


class LastUsed:
    """The last uses that the store does not know yet."""

    __slots__ = ("_noted",)

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], tuple[datetime, str, str]] = {}

    def note(
        self, account: str, access_key_id: str, now: datetime, region: str, service: str
    ) -> None:
        """A request was authenticated with this key."""
        self._noted[account, access_key_id] = (now, region, service)

    def of(
        self, keys: AccessKeys, reader: Reader, account: str, access_key_id: str
    ) -> AccessKeyUse | None:
        """The last use of a key, or None when it was never used."""
        noted = self._noted.get((account, access_key_id))
        if noted is None:
            return keys.last_use(reader, account, access_key_id)
        return _record((account, access_key_id), noted)

    def flush(self, keys: AccessKeys, store: Store) -> None:
        """Write the uses that were noted; the server's job calls this."""
        if not self._noted:
            return
        with store.write(quiet=True) as transaction:
            for key, noted in self._noted.items():
                keys.record_use(transaction, _record(key, noted))
        self._noted.clear()


def _record(key: tuple[str, str], noted: tuple[datetime, str, str]) -> AccessKeyUse:
    account, access_key_id = key
    now, region, service = noted
    return AccessKeyUse(
        account=account,
        access_key_id=access_key_id,
        used=times.stored(now),
        region=region,
        service=service,
    )
