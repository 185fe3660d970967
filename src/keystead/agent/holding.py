"""Which role and credentials does this instance have now, and when is the server asked again?

The server is asked every minute whether anything changed, and for new credentials when half of
their life is over: long before programs look for them, five minutes before the end. If it does not
answer, it is asked again, after one second, two, four, at most thirty. What is held stays until it
ends. So a restart of the server, or minutes of its absence, costs no program its credentials. The
same holds while the clock of this host is wrong, and a clock that is set right counts at once.

A role that was taken from the instance is forgotten with the next answer. The server has ended its
sessions long before. An agent that is none any more, because another one enrolled, forgets all.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from keystead.agent.server import Refused, Server, Unreachable
from keystead.agent.state import State
from keystead.failures import Failure
from keystead.times import microseconds
from keystead.wire.agents import credentials_text
from keystead.wire.models import keystead_instances as api

POLL = 60.0  # seconds
LONGEST = 6 * 3600  # seconds, of credentials
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 30.0

Clock = Callable[[], datetime]
Tell = Callable[[str], None]


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Holding:
    """What is known of the instance. `current` is read by any thread; one at a time refreshes."""

    def __init__(
        self,
        state: State,
        tell: Tell,
        *,
        seconds: int = LONGEST,
        clock: Clock = wall_clock,
        poll: float = POLL,
    ) -> None:
        enrolment = state.enrolment()
        self._state = state
        self._account, self._instance_id = enrolment.account, enrolment.instance_id
        self._server = Server(enrolment.url, enrolment.ca_file)
        self._key = state.key()
        self._tell = tell
        self._seconds = seconds
        self._clock = clock
        self._poll = poll
        self._sequence = 0
        self._pause = _FIRST_PAUSE
        self._told = ""
        self._lock = threading.Lock()
        self.current = state.held()

    @property
    def account(self) -> str:
        return self._account

    @property
    def instance_id(self) -> str:
        return self._instance_id

    @property
    def key_seed(self) -> bytes:
        """The seed of the agent's key: other keys of this host are derived from it."""
        return bytes(self._key)

    def now(self) -> datetime:
        return self._clock()

    def credentials(self) -> api.InstanceCredentials | None:
        """The credentials that a program may have now; none that are over."""
        current = self.current
        held = None if current is None else current.credentials
        return held if held is not None and self._clock() < held.expiration else None

    def refresh(self) -> float:
        """Ask the server; returns after how many seconds it is asked again."""
        with self._lock:
            try:
                answer = self._ask()
            except Unreachable as error:
                return self._again(str(error))
            except Refused as error:
                return self._refused(error)
            self._take(answer)
            self._told, self._pause = "", _FIRST_PAUSE
            return self._poll

    def _ask(self) -> api.GetInstanceCredentialsResponse:
        before = self._sequence
        self._sequence = max(microseconds(self._clock()), before + 1)
        known = "" if self.current is None else self.current.revision
        renew = self._is_old()
        request = api.GetInstanceCredentialsRequest(
            account_id=self._account,
            instance_id=self._instance_id,
            known=known,
            duration_seconds=self._seconds,
            renew=renew,
            sequence=self._sequence,
            signature=b"",
        )
        signature = self._key.sign(credentials_text(request)).signature
        request = msgspec.structs.replace(request, signature=signature)
        try:
            return self._server.call(api.GetInstanceCredentials, request)
        except Refused as error:
            if error.code == "StaleRequestException":  # the server has not taken this number
                self._sequence = before
            raise

    def _is_old(self) -> bool:
        """Is more than half of the credentials' life over?  Or are there none, for any reason?"""
        held = None if self.current is None else self.current.credentials
        if held is None:
            return True
        half: timedelta = (held.expiration - held.issued) / 2
        return self._clock() >= held.issued + half

    def _take(self, answer: api.GetInstanceCredentialsResponse) -> None:
        """Hold an answer. One without credentials goes on with those of the same revision."""
        before = self.current
        same = before is not None and before.revision == answer.revision
        if before is not None and same and answer.credentials is None and answer.role is not None:
            # EC2 may not assume the role any more: sessions go on, as at AWS, until they end.
            still = before.credentials
            if still is not None:
                answer = api.GetInstanceCredentialsResponse(
                    instance=answer.instance, revision=answer.revision, profile=answer.profile,
                    role=answer.role, credentials=still, code=answer.code, message=answer.message,
                )  # fmt: skip
        self.current = answer
        if answer != before:
            try:
                self._state.hold(answer)
            except Failure as failure:  # the disk is full: programs are served from memory
                self.tell_once(f"{failure.message}; a restart will have to ask the server")

    def _again(self, why: str) -> float:
        """Nothing changes; the next pauses are longer."""
        self.tell_once(f"{why}; what is held stays until it ends")
        pause, self._pause = self._pause, min(self._pause * 2, _LAST_PAUSE)
        return pause

    def _refused(self, error: Refused) -> float:
        if error.code == "AgentRefusedException":
            self.current = None
            with suppress(Failure):  # the file holds what the server takes no more
                self._state.forget()
            self.tell_once(
                "the server knows this agent no more: another one enrolled for the instance, or it"
                " was deregistered; no credentials are handed out"
            )
        else:
            self.tell_once(f"the server refuses this agent: {error.message}")
        return self._poll

    def tell_once(self, message: str) -> None:
        """Tell a person of trouble, once until it is over."""
        if message != self._told:
            self._told = message
            self._tell(message)
