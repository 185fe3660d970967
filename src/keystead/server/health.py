"""Is the server up?  The three pages that are not part of any AWS protocol.

    GET /healthz   200 while the process answers
    GET /readyz    200 while the server can serve, else 503
    GET /metrics   the numbers, for callers on this machine (or on a listener of its own)

The first two say up, down or draining, and nothing else (threat-model OP-4).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from keystead.server.door import Asked, Peer, always, plain, text
from keystead.server.installation import Serving
from keystead.server.pipeline import Again, Answer, Arrived, Later
from keystead.server.telemetry import Metrics
from keystead.wire.http import HttpRequest, HttpResponse

READING = ("GET", "HEAD")
_OF_A_PAGE = (
    "an installation for development serves no web pages, and only names of this machine, such as"
    " localhost (docs/dev.md)"
)
_FORWARDED = frozenset({"forwarded", "via", "x-forwarded-for"})  # the headers of proxies


class Calls(Protocol):
    """Answers every other request; `pipeline.Pipeline`."""

    def body_limit(self, headers: Mapping[str, str]) -> int:
        """The most bytes that the body of this request may have."""

    def changes(self, request: HttpRequest) -> bool:
        """Would this request change anything if it is allowed?"""

    def answer_all(
        self, requests: Sequence[HttpRequest | Again], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        """The answers to the first of these, in order: at least one, and more as time allows."""

    def long_body(self, request: HttpRequest, length: int) -> str:
        """The access key for which a body over the limit may be read; "" for none."""

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Answer a request whose body is too long to be read."""

    def refuse_busy(self, request: HttpRequest) -> Answer:
        """Answer a request whose long body is not read now, because others are."""


class Pages:
    """Answers the pages, and passes every other request on. (door.Application)"""

    __slots__ = (
        "_application", "_metrics", "_refused", "_serving", "_signing_in", "body_limit", "changes",
        "long_body", "refuse_body", "refuse_busy",
    )  # fmt: skip

    def __init__(
        self,
        application: Calls,
        serving: Serving,
        metrics: Metrics | None,
        refused: Callable[[Mapping[str, str]], bool] | None = None,
        signing_in: Callable[[HttpRequest], Answer | Arrived | None] | None = None,
    ) -> None:
        """`refused`: does an installation for development refuse a request with these headers?

        `signing_in` knows the requests of those who sign in by the console, if there is one.
        """
        self._application = application
        self._refused = refused
        self._signing_in = signing_in
        self.body_limit = application.body_limit
        self.changes = application.changes
        self.long_body = application.long_body
        self.refuse_body = application.refuse_body
        self.refuse_busy = application.refuse_busy
        self._serving = serving
        self._metrics = metrics  # None: the metrics have a listener of their own

    def answer_all(
        self, asked: Sequence[Asked], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        if self._refused is None:  # nearly always, all are calls: only these have that path
            requests = [each[0] for each in asked if type(each) is tuple and each[0].path == "/"]
            if len(requests) == len(asked):
                return self._application.answer_all(requests, seconds, spare=spare)
        calls: list[HttpRequest | Again] = []
        pages: dict[int, Answer] = {}  # by their positions
        has_rule = self._refused is not None
        for position, each in enumerate(asked):
            if not isinstance(each, tuple):
                calls.append(each)
                continue
            request, peer = each
            if request.path == "/" and not has_rule:  # only calls have that path
                calls.append(request)
                continue
            of_sign_in = None
            if self._signing_in is not None and request.path != "/":
                of_sign_in = self._signing_in(request)
            page: Answer | None = None
            if isinstance(of_sign_in, Answer):  # a browser is sent to the pages
                page = of_sign_in
            elif self._refused is not None and self._refused(request.headers):
                page = always(403, _OF_A_PAGE)
            elif of_sign_in is not None:
                calls.append(of_sign_in)
                continue
            elif request.path != "/":  # only calls have that path
                page = self._page(request, peer)
            if page is None:
                calls.append(request)
            else:
                pages[position] = page
        answers = self._application.answer_all(calls, seconds, spare=spare) if calls else []
        return _in_order(answers, pages, len(asked)) if pages else answers

    def _page(self, request: HttpRequest, peer: Peer) -> Answer | None:
        if request.method not in READING:
            return None
        if request.path == "/healthz":
            return always(200, "up")
        if request.path == "/readyz":
            answer = always(200 if self._serving.ready else 503, self._serving.word)
            return Answer(answer.response, partial(text, 503, "down"))
        if request.path == "/metrics" and self._metrics is not None and peer.loopback:
            # A proxy on this machine forwards requests of other machines: they are not from here.
            return None if _FORWARDED & request.headers.keys() else metrics_page(self._metrics)
        return None


def _in_order(
    answers: Sequence[Answer | Later], pages: Mapping[int, Answer], most: int
) -> list[Answer | Later]:
    """The answers and the pages, up to the first call for which there was no time."""
    others = iter(answers)
    answered: list[Answer | Later] = []
    for position in range(most):
        answer = pages.get(position) or next(others, None)
        if answer is None:
            break
        answered.append(answer)
    return answered


class MetricsOnly:
    """Answers `/metrics` and no other page. (door.Application)"""

    __slots__ = ("_metrics",)

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def body_limit(self, headers: Mapping[str, str]) -> int:  # noqa: ARG002  # no page takes a body
        return 0

    def answer_all(
        self,
        asked: Sequence[Asked],
        seconds: float,  # noqa: ARG002  # a page takes no time
        *,
        spare: float = 0.0,  # noqa: ARG002  # as above
    ) -> list[Answer | Later]:
        return [self._answer(each[0]) for each in asked if isinstance(each, tuple)]

    def changes(self, request: HttpRequest) -> bool:  # noqa: ARG002  # no page does
        return False

    def _answer(self, request: HttpRequest) -> Answer:
        if request.path == "/metrics" and request.method in READING:
            return metrics_page(self._metrics)
        return plain(404, "not found")

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:  # noqa: ARG002  # as any body
        return plain(413, "content too large")

    def long_body(self, request: HttpRequest, length: int) -> str:  # noqa: ARG002  # as any body
        return ""

    def refuse_busy(self, request: HttpRequest) -> Answer:
        return self.refuse_body(request, 0)


def load_metrics_page() -> None:
    """Load the library of the page of metrics, beside the loop: 10 to 60 ms."""
    import keystead.server.telemetry.exposition  # noqa: F401, PLC0415  # no start waits for it


def metrics_page(metrics: Metrics) -> Answer:
    """The page that Prometheus reads."""
    from keystead.server.telemetry.exposition import CONTENT_TYPE, exposition  # noqa: PLC0415  # as above

    response = HttpResponse(200, (("Content-Type", CONTENT_TYPE),), exposition(metrics))
    return Answer(response, lambda: response)  # on a full disk, too
