"""When may an answer leave?  When the turn that made it is durable (threat-model P-01, P-05).

Every answer of one turn of the event loop waits here. At the end of the turn one `commit` makes
state and audit durable for all of them, and then they are written. If it fails, no answer of the
turn is true any more: each caller gets a 503 instead.

INVARIANT: nothing else delivers an answer.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from keystead.server.answers import Answer
from keystead.wire.http import HttpResponse


class Receiver(Protocol):
    """A connection that answers go to."""

    def deliver(self, response: HttpResponse, *, last: bool) -> None:
        """Write a response; `last` closes the connection after it. Never raises."""


class Outbox:
    """The answers of this turn."""

    __slots__ = ("_commit", "_failed", "_loop", "_waiting")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        commit: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._loop = loop
        self._commit = commit
        self._failed = failed
        self._waiting: list[tuple[Receiver, Answer, bool]] = []

    def put(self, receiver: Receiver, answer: Answer, *, last: bool) -> None:
        """Hold an answer until the end of the turn."""
        if not self._waiting:
            # The loop runs this after it has handed out everything that was readable.
            self._loop.call_soon(self.flush)
        self._waiting.append((receiver, answer, last))

    def flush(self) -> None:
        """Make the turn durable, then deliver its answers."""
        waiting, self._waiting = self._waiting, []
        try:
            self._commit()
        except Exception as error:  # noqa: BLE001  # whatever it was, nothing is durable
            self._failed(error)
            for receiver, answer, last in waiting:
                receiver.deliver(answer.unavailable(), last=last)
            return
        for receiver, answer, last in waiting:
            receiver.deliver(answer.response, last=last)
