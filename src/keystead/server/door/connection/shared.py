"""What do the connections of one listener share?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from keystead.server.door.held import Held
from keystead.server.door.long_bodies import LongBodies
from keystead.server.door.peers import PeerCounts
from keystead.server.door.turn import Turn
from keystead.server.door.waiting import Answering
from keystead.server.installation import Network
from keystead.server.pipeline import Answer
from keystead.wire.http import Endpoint, HttpRequest


class Application(Answering, Protocol):
    """Answers the requests of a listener."""

    def body_limit(self, headers: Mapping[str, str]) -> int:
        """The most bytes that the body of this request may have."""

    def long_body(self, request: HttpRequest, length: int) -> str:
        """The access key for which a body over the limit may be read; "" for none."""

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Answer a request whose body is too long to be read."""

    def refuse_busy(self, request: HttpRequest) -> Answer:
        """Answer a request whose long body is not read now, because others are."""


@dataclass(slots=True, eq=False)
class Shared:
    """One listener, as the parts of its connections see it. `trusted` may change."""

    application: Application
    outbox: Turn
    counts: PeerCounts
    refused: Callable[[str], None]  # counts bytes or a connection that never became a request
    time: Callable[[], float]  # monotonic
    held: Held
    long_bodies: LongBodies
    trusted: Sequence[Network]
    endpoint: Endpoint
    secure: bool
    prefaced: bool = False  # each connection is a trusted balancer's, and begins with a preface
