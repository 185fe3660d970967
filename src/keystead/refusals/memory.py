"""Why was a call refused?  Every refusal by its request id, and encoded messages that name one.

A refusal is written down when it is answered, and waits in memory until a job gives it to the
store. So no call waits for that, and no epoch moves. A crash loses at most the refusals since the
job's last run.

An encoded authorization message is a token, sealed for the account of the refused caller:

    version (1) | microseconds since the epoch (8) | request id

INVARIANT: a message names a refusal and holds nothing of it. A caller who opens it needs a
permission (threat-model ST-11).
"""

import logging
import struct
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from keystead.audit.records import Event
from keystead.custody.tokens import InvalidToken, Tokens
from keystead.errors import AwsError
from keystead.policy.evaluation import AccessDenied
from keystead.refusals.queue import STRANGERS, Capacity, Queue
from keystead.refusals.repository import RefusalRepository
from keystead.refusals.written import Refusal
from keystead.store.protocol import Reader, Store
from keystead.times import from_microseconds, microseconds
from keystead.wire.http import HttpResponse

HEADER = "x-keystead-authorization-message"
LONGEST_AGE = timedelta(hours=1)  # ST-11
WRITTEN_AT_ONCE = 50
OF_STRANGERS = 10  # and as many of theirs

_log = logging.getLogger(__name__)
_PURPOSE = "authorization message"
_VERSION = 1
_HEAD = struct.Struct(">BQ")


class Refusals:
    """The refusals of one installation."""

    __slots__ = ("_repository", "_strangers", "_tokens", "_waiting")

    def __init__(self, repository: RefusalRepository, tokens: Tokens, room: Capacity) -> None:
        self._repository = repository
        self._tokens = tokens
        self._waiting = Queue(room)
        self._strangers = Queue(STRANGERS)

    @property
    def lost(self) -> int:
        """The number of refusals since the start that came too fast to be kept."""
        return self._waiting.lost + self._strangers.lost

    @property
    def kept_bytes(self) -> int:
        """The bytes of the refusals that wait for the store."""
        return self._waiting.bytes + self._strangers.bytes

    def remember(self, refused: AccessDenied, event: Event, response: HttpResponse) -> HttpResponse:
        """Remember a refusal; returns the response, with the message that names it."""
        account = event.principal.account if event.principal else ""
        refusal = Refusal(
            event.request_id, event.time, account, refused.message or "", refused.asked
        )
        bearer_of = event.principal.issuer_arn if event.principal else ""
        if not self._add(self._waiting, refusal, bearer_of) or not self.has_message(refusal):
            return response
        message = self.message(refusal, event.time)
        return msgspec.structs.replace(response, headers=(*response.headers, (HEADER, message)))

    def note(self, refused: AwsError, event: Event, network: str) -> None:
        """Remember why a proof from this network was refused. Only the operator learns it."""
        told = refused.message or ""
        refusal = Refusal(event.request_id, event.time, "", told, None, refused.why)
        self._add(self._strangers, refusal, network)

    def _add(self, waiting: Queue, refusal: Refusal, owner: str) -> bool:
        try:
            waiting.add(refusal, owner)
        except Exception as error:  # noqa: BLE001  # the call stays refused, and the log tells
            told = {"request_id": refusal.request_id}
            _log.error("a refusal cannot be remembered", exc_info=error, extra={"fields": told})
            return False
        return True

    def find(self, reader: Reader, request_id: str) -> Refusal | None:
        """The refusal with this id, or None."""
        waiting = self._waiting.find(request_id) or self._strangers.find(request_id)
        return waiting or self._repository.get(reader, request_id)

    # encoded authorization messages

    def has_message(self, refusal: Refusal) -> bool:
        """Is there an account that may ask, and a question that can be told?"""
        return refusal.asked is not None and refusal.account != ""

    def message(self, refusal: Refusal, now: datetime) -> str:
        """The message that names a refusal; it can be opened for an hour from now."""
        head = _HEAD.pack(_VERSION, microseconds(now))
        return self._tokens.seal(_PURPOSE, head + refusal.request_id.encode(), (refusal.account,))

    def opened(self, reader: Reader, account: str, message: str, now: datetime) -> Refusal | None:
        """The refusal that a message of this account names; None for any other text."""
        try:
            data = self._tokens.unseal(_PURPOSE, message, (account,))
        except InvalidToken:
            return None
        version, issued = _HEAD.unpack_from(data)
        if version != _VERSION or now - from_microseconds(issued) > LONGEST_AGE:
            return None
        return self.find(reader, data[_HEAD.size :].decode())

    # the store

    def write(self, store: Store, commit: Callable[[], None], now: datetime) -> None:
        """Give the oldest waiting refusals to the store, and drop refusals that are too old."""
        queues = (self._waiting, WRITTEN_AT_ONCE), (self._strangers, OF_STRANGERS)
        oldest = [(queue, *queue.oldest(number)) for queue, number in queues if queue]
        with store.write(quiet=True) as transaction:
            for _, refusals, documents in oldest:
                self._repository.add(transaction, refusals, documents)
            self._repository.drop_old(transaction, now)
        commit()
        for queue, refusals, _ in oldest:
            for refusal in refusals:
                queue.remove(refusal.request_id)

    def write_all(self, store: Store, commit: Callable[[], None], now: datetime) -> None:
        """Give all waiting refusals to the store."""
        while self._waiting or self._strangers:
            self.write(store, commit, now)
