"""Is it up?  The three pages that are not part of any AWS protocol.

    GET /healthz   the process answers
    GET /readyz    it can serve: 200, or 503 with one word
    GET /metrics   the numbers, for callers on this machine (or on a listener of its own)

They say up, down, sealed or draining, and nothing else (threat-model OP-4).
"""

from keystead.server.answers import Answer, plain
from keystead.server.door import Application
from keystead.server.framing import Head
from keystead.server.metrics import Metrics
from keystead.server.peers import Peer
from keystead.wire.http import HttpRequest, HttpResponse

READING = ("GET", "HEAD")


class Condition:
    """How the server is; the word that `/readyz` says."""

    __slots__ = ("word",)

    def __init__(self) -> None:
        self.word = "up"

    @property
    def ready(self) -> bool:
        """Can requests be served?"""
        return self.word == "up"


class Pages:
    """Answers the pages, and passes every other request on. (door.Application)"""

    __slots__ = ("_application", "_condition", "_metrics", "body_limit")

    def __init__(
        self, application: Application, condition: Condition, metrics: Metrics | None
    ) -> None:
        self._application = application
        self.body_limit = application.body_limit
        self._condition = condition
        self._metrics = metrics  # None: they have a listener of their own

    def answer(self, request: HttpRequest, peer: Peer) -> Answer:
        if request.path == "/":  # every AWS call; none of ours
            return self._application.answer(request, peer)
        page = self._page(request, peer)
        return self._application.answer(request, peer) if page is None else page

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        return self._application.refuse_body(request, limit)

    def _page(self, request: HttpRequest, peer: Peer) -> Answer | None:
        if request.method not in READING:
            return None
        if request.path == "/healthz":
            return plain(200, "up")
        if request.path == "/readyz":
            return plain(200 if self._condition.ready else 503, self._condition.word)
        if request.path == "/metrics" and self._metrics is not None and peer.loopback:
            # A proxy on this machine speaks for others: what it forwards is not from here.
            return None if "x-forwarded-for" in request.headers else metrics_page(self._metrics)
        return None


class MetricsOnly:
    """A listener that knows one page. (door.Application)"""

    __slots__ = ("_metrics",)

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def body_limit(self, head: Head) -> int:  # noqa: ARG002  # no page takes a body
        return 0

    def answer(self, request: HttpRequest, peer: Peer) -> Answer:  # noqa: ARG002  # for all alike
        if request.path == "/metrics" and request.method in READING:
            return metrics_page(self._metrics)
        return plain(404, "not found")

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:  # noqa: ARG002
        return plain(413, "content too large")


def metrics_page(metrics: Metrics) -> Answer:
    """The page that Prometheus reads."""
    # Imported at the first scrape: the library is on the path of no request and no start.
    from keystead.server.exposition import CONTENT_TYPE, exposition  # noqa: PLC0415

    response = HttpResponse(200, (("Content-Type", CONTENT_TYPE),), exposition(metrics))
    return Answer(response, _unavailable)


def _unavailable() -> HttpResponse:
    return plain(503, "service unavailable").response
