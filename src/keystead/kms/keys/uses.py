"""When was a key last used, and for what?  (kms.md 13.4)

A use is a successful cryptographic operation with this key. It is noted when its record is durable.
Policies ask for the whole days since then, when a key is to be disabled or deleted. So no call
writes it: it is kept in memory, and written by a job. The use of a key that was not in use is
written at once; of a key that is, once an hour and at the end. So a crash loses at most the later
uses of an hour. Then one of the hour before is shown, and the audit log has the later ones.

Memory is bounded for each account, so that no account's keys displace another's. When an account's
room or the whole is half full, the job writes at once. A use without room is lost, and counted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import cast, get_args

import msgspec

from keystead.audit.records import Event
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.kms.keys.records import Place
from keystead.store.protocol import Reader, Transaction
from keystead.times import microseconds
from keystead.wire.models import kms as api

OPERATIONS = frozenset(get_args(api.KeyLastUsageTrackingOperation))

MOST, MOST_OF_ACCOUNT = 16_000, 4_000  # keys whose use is not written yet
BETWEEN = timedelta(hours=1)
_USE = 520  # bytes of a use in memory
_NAME = 240  # and of the name of a key that is in use

_KEY = ("account", "region", "key_id")


class KeyUse(Record, frozen=True, kw_only=True, gc=False):
    """The last use of a key that was written."""

    account: str
    region: str
    key_id: str
    operation: api.KeyLastUsageTrackingOperation
    used_us: int
    event_id: str
    request_id: str


class KeyUses:
    """The uses that are stored."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "kms_key_uses", KeyUse, _KEY, (Lookup(_KEY),))

    def get(self, reader: Reader, place: Place) -> KeyUse | None:
        return self._table.get(reader, *place)

    def put(self, transaction: Transaction, use: KeyUse) -> None:
        """Keep this use in place of an earlier one."""
        known = self.get(transaction, (use.account, use.region, use.key_id))
        if known is None:
            self._table.insert(transaction, use)
        elif known.used_us <= use.used_us:
            versioned = msgspec.structs.replace(use, row_version=known.row_version)
            self._table.update(transaction, versioned)

    def forget(self, transaction: Transaction, place: Place) -> None:
        self._table.delete(transaction, *place)


Noted = tuple[str, datetime, str, int, str]
"""A use that is not written yet: the operation, the time, the first 24 characters of the record's
id, the record's number (the rest of the id), and the id of the request.

A plain tuple, because one is made for each Encrypt: a named one costs 0.4 µs more.
"""


def _use(arn: str, noted: Noted) -> KeyUse:
    """A use of the key with this ARN as it is stored."""
    _, _, _, region, account, resource = arn.split(":", 5)
    operation, time, event_ids, number, request_id = noted
    return KeyUse(
        account=account,
        region=region,
        key_id=resource.removeprefix("key/"),
        operation=cast("api.KeyLastUsageTrackingOperation", operation),
        used_us=microseconds(time),
        event_id=f"{event_ids}{number:012x}",
        request_id=request_id,
    )


class LastUses:
    """The last uses that the store does not know yet."""

    __slots__ = (
        "_count", "_full", "_lately", "_noted", "_round", "_soon", "_writing", "lost", "since",
    )  # fmt: skip

    def __init__(self, since: datetime) -> None:
        self.since = since  # when this installation began to note uses
        self.lost = 0
        self._noted: dict[str, dict[str, Noted]] = {}  # by account, by ARN
        self._count = 0
        self._full = False  # is there an account, or the whole, that is half full?
        self._round = since  # when the uses that are being written were taken
        self._writing: dict[str, Noted] = {}
        self._lately: set[str] = set()  # ARNs of keys of which a use was written within the hour
        self._soon: list[tuple[str, str]] = []  # accounts and ARNs of other keys that were noted

    @property
    def kept_bytes(self) -> int:
        """The cost, in bytes."""
        return _USE * (self._count + len(self._writing)) + _NAME * len(self._lately)

    @property
    def is_empty(self) -> bool:
        """Is every use that was noted written?"""
        return not (self._count or self._writing)

    def note(self, events: Sequence[Event], event_ids: str, first: int) -> None:
        """Take the uses among these durable events, whose records begin with number `first`."""
        noted = self._noted
        for number, event in enumerate(events, first):
            if event.name in OPERATIONS and not event.error_code:
                use = (event.name, event.time, event_ids, number, event.request_id)
                for resource in event.resources:
                    mine = noted.get(resource.account)
                    if mine is not None and resource.arn in mine:
                        mine[resource.arn] = use
                    else:
                        self._add(resource.account, resource.arn, use)

    def _add(self, account: str, arn: str, use: Noted) -> None:
        """Note a key that was not used yet since the last round."""
        mine = self._noted.setdefault(account, {})
        if len(mine) >= MOST_OF_ACCOUNT or self._count >= MOST:
            self.lost += 1
            return
        mine[arn] = use
        self._count += 1
        if arn not in self._lately:
            self._soon.append((account, arn))
        if 2 * len(mine) >= MOST_OF_ACCOUNT or 2 * self._count >= MOST:
            self._full = True

    def of(self, account: str, arn: str) -> KeyUse | None:
        """The last use of this key, if it is not written yet."""
        noted = self._noted.get(account, {}).get(arn) or self._writing.get(arn)
        return None if noted is None else _use(arn, noted)

    def due(self, now: datetime, most: int, *, at_once: bool = False) -> dict[str, KeyUse]:
        """Some uses that are to be written now, by ARN. They stay known until they are `written`.

        Once an hour, or when much waits, a round begins: it takes all uses that were noted. Others
        take those of keys that were not in use.
        """
        if not self._writing and (at_once or self._full or abs(now - self._round) >= BETWEEN):
            self._round, self._count, self._full = now, 0, False
            noted, self._noted, self._soon = self._noted, {}, []
            self._writing = {arn: use for mine in noted.values() for arn, use in mine.items()}
            self._lately = set(self._writing)
        elif not self._writing:
            self._begin_soon()
        return {arn: _use(arn, use) for arn, use in islice(self._writing.items(), most)}

    def _begin_soon(self) -> None:
        """Take the uses of keys that were not in use."""
        self._writing = {arn: self._noted[account].pop(arn) for account, arn in self._soon}
        self._count -= len(self._soon)
        self._soon = []
        if len(self._lately) > MOST:  # then some keys are written more often than once an hour
            self._lately = set()
        self._lately.update(self._writing)

    def written(self, arns: Iterable[str]) -> bool:
        """The uses of these keys are durable; are there more of this round?"""
        for arn in arns:
            del self._writing[arn]
        return bool(self._writing)
