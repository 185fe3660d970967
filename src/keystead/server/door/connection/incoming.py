"""Which request is next in the bytes of a connection?

    head -> who says so (`guest`) -> may its body be so long? -> body -> request

`framing` decides what a request is. The checks that need no body are done before the body comes.
After an ambiguous request the bytes that follow cannot be trusted to be a request: so each refusal
here is the last answer of its connection.
"""

from keystead.server.door.buffer import Buffer
from keystead.server.door.connection.guest import Guest
from keystead.server.door.connection.shared import Shared
from keystead.server.door.peers import BadForwarding
from keystead.server.door.replies import plain
from keystead.server.pipeline import Answer
from keystead.wire.framing import END_OF_HEAD, MAX_HEAD, BadFraming, Head, HeadReader
from keystead.wire.http import HttpRequest

LARGE = 16 * 1024  # bytes of a head, a body or an answer; its client lets others go first (intake)


class Refused(Exception):
    """The bytes never become a request; `answer` is the last one of the connection."""

    def __init__(self, reason: str, answer: Answer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer


class Incoming:
    """The bytes that have come and were not taken, and what they begin with."""

    __slots__ = ("_guest", "_heads", "_shared", "buffer", "head", "long_body")

    def __init__(self, shared: Shared, guest: Guest) -> None:
        self._shared = shared
        self._guest = guest
        self._heads = HeadReader()
        self.buffer = Buffer()
        self.head: Head | None = None  # while its body is awaited
        self.long_body = ""  # the access key for which a long body is read or answered

    def take(self) -> tuple[Head, HttpRequest] | None:
        """Take the next request, if all of it is there; raises Refused."""
        try:
            head = self.head or self._read_head()
        except BadFraming as error:
            raise Refused("framing", plain(400, f"bad request: {error}")) from None
        except BadForwarding:
            message = "bad request: X-Forwarded-For is not a list of addresses"
            raise Refused("forwarding", plain(400, message)) from None
        if head is None:
            return None
        buffer, length = self.buffer, head.length
        if buffer.size < length:
            self.head = head
            return None
        self.head = None
        ip, secure = self._guest.client
        return head, HttpRequest(  # as `_request`, and quicker
            head.method, head.path, head.query, head.headers,
            buffer.take(length) if length else b"", ip, secure, self._guest.endpoint,
        )  # fmt: skip

    def _read_head(self) -> Head | None:
        """The next head, once it has arrived."""
        buffer, guest = self.buffer, self._guest
        raw = buffer.take_until(END_OF_HEAD)
        if raw is None:
            if buffer.size > MAX_HEAD:
                raise BadFraming("the headers are too long")
            return None
        if len(raw) > LARGE:
            self._shared.outbox.weigh(len(raw))
        head = self._heads.read(raw)
        if guest.peer.trusted:
            guest.read(head.headers)
        limit = self._shared.application.body_limit(head.headers)
        if head.length > limit:
            self._begin_long_body(head, limit)
        return head

    def _begin_long_body(self, head: Head, limit: int) -> None:
        """Let a body over the limit be read, or raise Refused. (HF-7)"""
        application, request = self._shared.application, self._request(head, b"")
        key = application.long_body(request, head.length)
        if not key:
            raise Refused("body size", application.refuse_body(request, limit))
        if not self._shared.long_bodies.begin(key):
            raise Refused("body size", application.refuse_busy(request))
        self.long_body = key

    def end_long_body(self) -> None:
        """It was answered, or will not come."""
        if self.long_body:
            self._shared.long_bodies.end(self.long_body)
            self.long_body = ""

    def _request(self, head: Head, body: bytes) -> HttpRequest:
        ip, secure = self._guest.client
        return HttpRequest(
            head.method, head.path, head.query, head.headers, body, ip, secure, self._guest.endpoint
        )
