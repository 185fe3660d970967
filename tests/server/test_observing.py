"""What can be seen of a running server: pages, numbers, log lines; and what cannot."""

import asyncio
import io
import json
import logging
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from keystead.server.door.connection import Application
from keystead.server.door.intake import Rank
from keystead.server.door.peers import Peer
from keystead.server.door.replies import text
from keystead.server.door.turn import Turn
from keystead.server.health import MetricsOnly, Pages
from keystead.server.installation.serving import Serving
from keystead.server.pipeline.answer import Answer
from keystead.server.pipeline.later import Again, Later
from keystead.server.telemetry import catalogue, logs
from keystead.server.telemetry.exposition import exposition
from keystead.server.telemetry.metrics import Metrics
from keystead.store.protocol import StoreUnavailable
from keystead.wire.http import Endpoint, HttpRequest
from tests.conftest import BIN, Server, free_port
from tests.patience import some_turns, wait_until
from tests.server.conftest import unavailable

SOURCE = Path(__file__).parents[2] / "src"
HERE = Peer("127.0.0.1", trusted=False, loopback=True)
AWAY = Peer("203.0.113.7", trusted=False, loopback=False)


class Remembering:
    """Answers what is no page, and remembers it. (health.Calls)"""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []

    def body_limit(self, headers: Mapping[str, str]) -> int:  # noqa: ARG002  # (health.Calls)
        return 0

    def changes(self, request: HttpRequest) -> bool:  # noqa: ARG002  # (health.Calls)
        return False

    def answer_all(
        self,
        requests: Sequence[HttpRequest | Again],
        seconds: float,  # noqa: ARG002  # (health.Calls)
        *,
        spare: float = 0.0,  # noqa: ARG002  # (health.Calls)
    ) -> list[Answer | Later]:
        self.requests += [each for each in requests if isinstance(each, HttpRequest)]
        return [Answer(text(200, "called"), unavailable) for _ in requests]

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:  # noqa: ARG002  # (health.Calls)
        return Answer(text(413, "too long"), unavailable)

    def long_body(self, request: HttpRequest, length: int) -> str:  # noqa: ARG002  # (health.Calls)
        return ""

    def refuse_busy(self, request: HttpRequest) -> Answer:  # noqa: ARG002  # (health.Calls)
        return Answer(text(429, "busy"), unavailable)


def get(path: str, method: str = "GET", **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(method, path, "", named, b"", "127.0.0.1", False, Endpoint())


def answered(application: Application, request: HttpRequest, peer: Peer) -> Answer:
    """The answer to one request."""
    [answer] = application.answer_all([(request, peer)], 1.0)
    assert isinstance(answer, Answer)
    return answer


def test_health() -> None:
    """`/healthz` says up; `/readyz` says one word, with 503 unless it can serve."""
    trouble: list[str] = []
    serving = Serving(lambda: " ".join(trouble))
    pages = Pages(Remembering(), serving, None)

    assert answered(pages, get("/healthz"), AWAY).response.body == b"up\n"
    assert answered(pages, get("/readyz", "HEAD"), AWAY).response.status == 200
    trouble.append("the disk is full")
    assert answered(pages, get("/healthz"), AWAY).response.status == 200
    assert answered(pages, get("/readyz"), AWAY).response.status == 503
    assert answered(pages, get("/readyz"), AWAY).response.body == b"down\n"
    trouble.clear()
    assert answered(pages, get("/readyz"), AWAY).response.status == 200
    serving.drain()
    assert answered(pages, get("/healthz"), AWAY).response.status == 200
    assert answered(pages, get("/readyz"), AWAY).response.status == 503
    assert answered(pages, get("/readyz"), AWAY).response.body == b"draining\n"


def test_other_requests_go_on() -> None:
    """Only reading these exact pages is ours; everything else is for the services."""
    application = Remembering()
    pages = Pages(application, Serving(), Metrics())
    for request in (get("/"), get("/healthz", "POST"), get("/healthz/"), get("//healthz")):
        answered(pages, request, HERE)
    assert len(application.requests) == 4


def test_metrics_are_for_this_machine() -> None:
    """`/metrics` answers loopback, not the network, nor whom a local proxy speaks for."""
    application = Remembering()
    pages = Pages(application, Serving(), Metrics())

    assert b"keystead_call_duration" in answered(pages, get("/metrics"), HERE).response.body
    answered(pages, get("/metrics"), AWAY)
    answered(pages, get("/metrics", x_forwarded_for="203.0.113.7"), HERE)
    answered(pages, get("/metrics", forwarded="for=203.0.113.7"), HERE)
    answered(pages, get("/metrics", via="1.1 proxy"), HERE)
    assert len(application.requests) == 4
    pages = Pages(application, Serving(), None)
    answered(pages, get("/metrics"), HERE)
    assert len(application.requests) == 5


def test_listener_of_metrics_has_nothing_else() -> None:
    """The metrics' own listener answers anybody, with that page only."""
    alone = MetricsOnly(Metrics())
    assert answered(alone, get("/metrics"), AWAY).response.status == 200
    assert answered(alone, get("/"), HERE).response.status == 404
    assert answered(alone, get("/healthz"), HERE).response.status == 404


def test_numbers() -> None:
    """Calls are counted by service, operation and code, in cumulative buckets."""
    metrics = Metrics()
    metrics.call("kms", "Encrypt", "", 0.00007)
    metrics.call("kms", "Encrypt", "", 0.3)
    metrics.call("kms", "Encrypt", "AccessDeniedException", 0.1)
    metrics.refused("framing")
    metrics.alarm("integrity")
    metrics.show("keystead_epoch", lambda: 7)
    metrics.show("keystead_refusals_counted_total", lambda: 3)
    page = exposition(metrics).decode()

    labels = 'code="",operation="Encrypt",service="kms"'
    assert re.search(r'_bucket\{code="",le="5e-05",operation="Encrypt",service="kms"\} 0', page)
    assert re.search(r'_bucket\{code="",le="0.0001",operation="Encrypt",service="kms"\} 1', page)
    assert f"keystead_call_duration_seconds_count{{{labels}}} 2.0" in page
    assert 'keystead_refused_total{reason="framing"} 1.0' in page
    assert 'keystead_alarms_total{kind="integrity"} 1.0' in page
    assert "keystead_epoch 7.0" in page
    counted = "keystead_refusals_counted_total"
    assert f"# TYPE {counted} counter\n{counted} 3.0\n" in page
    assert f'keystead_build_info{{python="{platform.python_version()}",version="' in page
    assert "process_cpu_seconds_total " in page or sys.platform != "linux"


def test_every_metric_and_alarm_is_described() -> None:
    """Names follow Prometheus's conventions, and every alarm that the code raises is explained."""
    for metric in catalogue.METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric
        assert re.fullmatch("keystead_[a-z_]+", metric.name)
    with pytest.raises(KeyError):
        Metrics().show("keystead_unheard_of", lambda: 1)
    source = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    raised = set(re.findall(r'metrics\.alarm\("([^"]+)"\)', source))
    assert len(raised) > 5
    assert raised <= {alarm.kind for alarm in catalogue.ALARMS}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to the log."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logger = logging.getLogger("keystead")
    before = (list(logger.handlers), logger.propagate, logger.level)
    logs.start("info")
    yield stream
    logger.handlers[:] = before[0]
    logger.propagate = before[1]
    logger.setLevel(before[2])


def test_a_log_line_is_one_object(written: io.StringIO) -> None:
    """Each line is one JSON object with time, level, message and the named fields."""
    logs.info("stopping\nnow", signal="SIGTERM")
    logs.debug("not shown")
    [line] = written.getvalue().splitlines()
    seen = json.loads(line)
    assert seen.pop("time").endswith("+00:00")
    assert seen == {"level": "info", "message": "stopping\nnow", "signal": "SIGTERM"}


def test_fields_are_allow_listed(written: io.StringIO) -> None:
    """A field that nobody has allowed is an error, not a line."""
    with pytest.raises(ValueError, match="secret"):
        logs.info("hello", secret="x")
    assert written.getvalue() == ""


def test_exceptions_do_not_speak(written: io.StringIO) -> None:
    """An exception is logged by its type and its way; its message may quote anything."""
    try:
        int({"no": "x"}["canary"])
    except KeyError as error:
        logs.alarm("a call failed", error, request_id="r")
    seen = json.loads(written.getvalue())
    assert seen["error"] == "KeyError"
    assert "test_exceptions_do_not_speak" in seen["trace"][0]
    assert "canary" not in written.getvalue()


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def fill(count: int) -> None:
    """A disk is full for so many turns."""
    for _ in range(count):
        logs.outage("a turn was not made durable", StoreUnavailable("the disk is full"))


def test_an_outage_is_one_line_a_second(written: io.StringIO) -> None:
    """A full disk is told once a second with how often it was met, not with a trace for each."""
    now = [100.0]
    handler = logging.getLogger("keystead").handlers[0]
    handler.filters[:] = [logs.Outages(lambda: now[0])]

    fill(1_000)
    logs.tell_outages()
    now[0] += 1
    logs.tell_outages()
    fill(10)
    now[0] += 1
    fill(5)
    now[0] += 9
    logs.tell_outages()
    logs.tell_outages()

    assert [line["count"] for line in lines(written)] == [1, 999, 11, 4]
    assert {str(line["message"]) for line in lines(written)} == {"a turn was not made durable"}
    assert {str(line["error"]) for line in lines(written)} == {"StoreUnavailable"}
    assert not any("trace" in line for line in lines(written))


def test_other_lines_are_not_counted(written: io.StringIO) -> None:
    """What is no outage has its own line each time, also while there is one."""
    fill(3)
    for _ in range(3):
        logs.warning("look")
    assert [line["message"] for line in lines(written)].count("look") == 3


def test_rooms_below_tell_outages_by_the_library(written: io.StringIO) -> None:
    """A record of another room that says that it is about an outage is counted, too."""
    room = logging.getLogger("keystead.audit.trail")
    for _ in range(3):
        room.warning("not saved: %s", StoreUnavailable("full"), extra=logs.OUTAGE)
    [line] = lines(written)
    assert (line["message"], line["count"]) == ("not saved: full", 1)


def test_long_turns_are_counted() -> None:
    """Turns of the loop of more than a millisecond are shown with how long they took."""
    metrics = Metrics()
    metrics.long_turns.observe(0.003)
    metrics.long_turns.observe(0.3)

    page = exposition(metrics).decode()

    assert 'keystead_long_turn_seconds_bucket{le="0.0025"} 0.0' in page
    assert 'keystead_long_turn_seconds_bucket{le="0.005"} 1.0' in page
    assert "keystead_long_turn_seconds_count 2.0" in page


@pytest.mark.parametrize(("seconds", "told"), [(0.02, [0.02]), (0.0005, [])])
def test_a_long_turn_is_told(
    seconds: float, told: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn that takes long is told once, with its time; the twin is quick, and is not told."""
    long_turns: list[float] = []
    now = [1.0]
    monkeypatch.setattr("keystead.server.door.turn.perf_counter", lambda: now[0])

    def commit() -> None:
        now[0] += seconds

    loop = asyncio.new_event_loop()
    turn = Turn(loop, commit, Mock(), lambda: "now", long_turns.append)
    receiver = Mock(peer_host="127.0.0.1", rank=Rank.MODEST, gone=False, works_for="")

    turn.put(receiver, Answer(text(200, "said"), unavailable), last=False)
    loop.run_until_complete(some_turns())
    loop.close()

    assert receiver.deliver.call_count == 1
    assert long_turns == pytest.approx(told)


def test_no_turn_loads_the_page_of_metrics(tmp_path: Path) -> None:
    """The library of the metrics is loaded once the server serves, before anybody asks for them."""
    program = (sys.executable, "-X", "importtime", BIN / "keystead")
    server = Server(tmp_path / "data", free_port(), program=program)
    server.start()

    wait_until(lambda: "keystead.server.telemetry.exposition" in server.log(), server.log)

    assert server.stop() == 0
