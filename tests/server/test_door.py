"""Connections: order, limits, deadlines, and that no answer leaves before it is durable."""

import asyncio
import contextlib
import ipaddress
import socket

import pytest

from keystead.server.door.connection import SECONDS, WRITE_SECONDS, Connection, State
from keystead.server.pipeline.answer import Answer
from keystead.wire.framing import Head, HeadReader
from keystead.wire.http import HttpResponse
from tests.patience import wait_until
from tests.server.conftest import LIMIT, UNAVAILABLE, RunningDoor, read_all, statuses, unavailable

GET = b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n"


def post(body: bytes, *headers: bytes) -> bytes:
    lines = (b"POST / HTTP/1.1", b"Host: h", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_pipelined_requests_are_answered_in_order(door: RunningDoor) -> None:
    """A hundred requests in one packet get a hundred answers, in their order."""
    received = door.exchange(b"".join(GET % i for i in range(100)))

    assert statuses(received) == [200] * 100
    paths = [line for line in received.split(b"\r\n") if line.startswith(b"X-Path")]
    assert paths == [b"X-Path: /%d" % i for i in range(100)]


def test_request_in_pieces(door: RunningDoor) -> None:
    """A request that arrives byte by byte is the same request."""
    whole = post(b"hello") + GET % 7
    with door.connect() as client:
        for i in range(len(whole)):
            client.sendall(whole[i : i + 1])
        client.shutdown(socket.SHUT_WR)
        assert statuses(read_all(client)) == [200, 200]
    assert [r.body for r in door.application.requests] == [b"hello", b""]


def test_connection_is_kept_and_closed_when_asked(door: RunningDoor) -> None:
    """The connection stays for the next request until one says `close`."""
    with door.connect() as client:
        client.sendall(GET % 1)
        assert b"200 OK" in client.recv(4096)
        client.sendall(post(b"", b"Connection: close") + GET % 2)
        received = read_all(client)
    assert statuses(received) == [200]
    assert b"Connection: close" in received
    assert len(door.application.requests) == 2


def test_head_request_has_no_body(door: RunningDoor) -> None:
    """HEAD is answered without a body."""
    received = door.exchange(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert statuses(received) == [200]


def test_long_body_is_refused_unread(door: RunningDoor) -> None:
    """A body over the limit is refused by its announced length; one at the limit is read."""
    assert statuses(door.exchange(post(b"x" * LIMIT))) == [200]
    with door.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1))
        assert statuses(read_all(client)) == [413]
    assert len(door.application.requests) == 1


def long_post(key: bytes, length: int = 2 * LIMIT) -> bytes:
    """The head of a request with a long body, for an access key."""
    return b"POST / HTTP/1.1\r\nHost: h\r\nX-Key: %b\r\nContent-Length: %d\r\n\r\n" % (key, length)


def test_a_long_body_is_read_for_a_key(door: RunningDoor) -> None:
    """A body over the limit is read for a key; without a key, or beyond all limits, it is not."""
    body = b"x" * 2 * LIMIT
    assert statuses(door.exchange(long_post(b"a") + body)) == [200]
    assert door.application.requests[-1].body == body
    for head in (long_post(b""), long_post(b"a", 4 * LIMIT)):
        with door.connect() as client:
            client.sendall(head)
            assert statuses(read_all(client)) == [413]


def test_long_bodies_are_few(door: RunningDoor) -> None:
    """One of a key at a time, four in all; a place is free when its request is answered or left."""

    def begin(key: bytes) -> socket.socket:
        client = door.connect()
        client.sendall(long_post(key) + b"x")
        return client

    def busy(key: bytes) -> bool:
        with begin(key) as client:
            return statuses(read_all(client)) == [429]

    clients = [begin(key) for key in (b"a", b"b", b"c")]
    wait_until(lambda: door.long_bodies.reading == 3)
    assert busy(b"a")
    clients.append(begin(b"d"))
    wait_until(lambda: door.long_bodies.reading == 4)
    assert busy(b"e")
    clients[0].sendall(b"x" * (2 * LIMIT - 1))
    wait_until(lambda: door.long_bodies.reading == 3)  # answered
    clients[1].close()
    wait_until(lambda: door.long_bodies.reading == 2)  # left
    clients.append(begin(b"e"))
    wait_until(lambda: door.long_bodies.reading == 3)
    for client in clients:
        client.close()
    wait_until(lambda: door.long_bodies.reading == 0)


def test_a_long_body_waits_for_continue(door: RunningDoor) -> None:
    """ "100 Continue" does not end the place of a long body."""
    with door.connect() as client:
        head = long_post(b"a").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
        client.sendall(head)
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert door.long_bodies.reading == 1
        client.sendall(b"x" * 2 * LIMIT)
        assert b"200 OK" in client.recv(65536)
        wait_until(lambda: door.long_bodies.reading == 0)


def test_answer_survives_a_client_that_is_still_sending(door: RunningDoor) -> None:
    """The client of a refused body reads its 413, not a reset connection."""
    with door.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            client.sendall(b"x" * 900_000)
        assert statuses(read_all(client)) == [413]


def test_continue(door: RunningDoor) -> None:
    """A client that waits for `100 Continue` gets it, and one that does not wait does not."""
    with door.connect() as client:
        client.sendall(post(b"hello", b"Expect: 100-continue")[: -len(b"hello")])
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert statuses(client.recv(4096)) == [200]
    assert statuses(door.exchange(post(b"hello", b"Expect: 100-continue"))) == [200]


def test_a_refusal_in_place_of_continue_ends_the_connection(door: RunningDoor) -> None:
    """Nobody can tell what follows it: the body that was announced, or the next request."""
    head = post(b"x" * 60, b"Expect: 100-continue")[:-60]
    with door.connect() as client:
        client.sendall(head)
        assert statuses(client.recv(4096)) == [100]
    door.commit_error = UNAVAILABLE
    with door.connect() as client:
        client.sendall(head)
        received = client.recv(4096)
        assert statuses(received) == [503]
        assert b"Connection: close" in received
        door.commit_error = None
        with contextlib.suppress(ConnectionError):
            client.sendall(GET % 2 + GET % 3)
        assert statuses(read_all(client)) == []
    assert door.application.requests == []


def test_a_turn_that_fails_ends_its_connections_and_no_others(door: RunningDoor) -> None:
    """Who cannot be answered is told so by the end of the connection; the server goes on."""
    with door.connect() as waiting:
        waiting.sendall(GET % 1)
        assert statuses(waiting.recv(4096)) == [200]
        door.application.error = RuntimeError("a defect")
        with door.connect() as client:
            client.sendall(GET % 2)
            with contextlib.suppress(ConnectionError):
                assert read_all(client) == b""
        door.application.error = None
        waiting.sendall(GET % 3)
        assert statuses(waiting.recv(4096)) == [200]


def test_an_answer_that_cannot_be_written_costs_no_other_its_own(door: RunningDoor) -> None:
    """It ends its connection; the next one is answered."""
    unwritable = Answer(HttpResponse(200, (("X-A", "\ud800"),), b""), unavailable)
    with door.connect() as client:
        door.application.replaced = unwritable
        client.sendall(GET % 1)
        with contextlib.suppress(ConnectionError):
            assert read_all(client) == b""
    door.application.replaced = None
    assert statuses(door.exchange(GET % 2)) == [200]


def test_nothing_follows_a_refusal_in_place_of_continue(door: RunningDoor) -> None:
    """When the body came in the same turn, its answer is lost, too, and one 503 is sent."""
    head = post(b"x" * 60, b"Expect: 100-continue")[:-60]

    def both(connection: Connection) -> None:
        connection.data_received(head)
        connection.advance()
        connection.data_received(b"x" * 60)

    door.commit_error = UNAVAILABLE
    with door.connect() as client:
        wait_until(lambda: door.door.connections)
        door.with_each(both)
        assert statuses(read_all(client)) == [503]
    assert len(door.failures) == 1


def test_a_connection_that_fails_costs_no_other_its_answer(
    door: RunningDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our bug in reading one connection closes that one; the turn goes on for the others."""
    read = HeadReader.read

    def failing(reader: HeadReader, raw: bytes) -> Head:
        if b"/1 " in raw:
            raise RuntimeError("a bug")
        return read(reader, raw)

    monkeypatch.setattr(HeadReader, "read", failing)

    assert door.exchange(GET % 1) == b""
    assert statuses(door.exchange(GET % 2)) == [200]


def test_no_answer_before_it_is_durable(door: RunningDoor) -> None:
    """When the turn cannot be committed, its callers get the refusal, not the answer."""
    assert statuses(door.exchange(GET % 1)) == [200]
    door.commit_error = UNAVAILABLE
    received = door.exchange(GET % 2 + GET % 3)
    assert statuses(received) == [503, 503]
    assert b"2:" not in received
    assert door.failures
    door.commit_error = None
    assert statuses(door.exchange(GET % 4)) == [200]


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        (b"", State.HEAD),
        (b"GET / HTTP/1.1\r\nHost:", State.HEAD),
        (post(b"hello")[:-1], State.BODY),
        (GET % 1, State.IDLE),
    ],
)
def test_deadlines(door: RunningDoor, sent: bytes, state: State) -> None:
    """A connection that does nothing is closed after its deadline, and not before."""
    with door.connect() as client:
        client.sendall(sent)
        wait_until(lambda: door.door.connections)
        if state is State.IDLE:
            client.recv(4096)
        wait_until(lambda: [c for c in door.door.connections if c._state is state])
        door.sweep_after(SECONDS[state] - 2)
        assert door.door.connections
        door.sweep_after(4)
        assert read_all(client) == b""
    assert door.refusals == ([] if state is State.IDLE else ["deadline"])


def test_slow_bytes_do_not_extend_the_deadline(door: RunningDoor) -> None:
    """Sending a byte now and then keeps nothing open: the deadline is for the whole head."""
    with door.connect() as client:
        wait_until(lambda: door.door.connections)
        [connection] = door.door.connections
        for count, byte in enumerate((b"G", b"E", b"T"), start=1):
            client.sendall(byte)
            wait_until(lambda: connection._incoming.buffer.size == count)  # noqa: B023  # waited for here
            door.sweep_after(4)
        assert read_all(client) == b""


def test_client_that_does_not_read(door: RunningDoor) -> None:
    """A client that asks and never reads is not read either, and is closed in the end."""
    door.application.answer_size = 200_000
    with door.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"".join(GET % i for i in range(200)))
        wait_until(lambda: [c for c in door.door.connections if c._choked])
        taken = len(door.application.requests)
        for _ in range(3):
            door.do(int)  # a turn of the loop
        assert len(door.application.requests) == taken < 200
        door.sweep_after(WRITE_SECONDS + 1)
        wait_until(lambda: not door.door.connections)


def test_choked_connection_goes_on_when_the_client_reads(door: RunningDoor) -> None:
    """Answers that wait for the client are all delivered once it reads."""
    door.application.answer_size = 200_000
    with door.connect() as client:
        client.sendall(b"".join(GET % i for i in range(40)))
        wait_until(lambda: [c for c in door.door.connections if c._choked])
        client.shutdown(socket.SHUT_WR)
        assert statuses(read_all(client)) == [200] * 40


def test_connections_of_one_peer_are_limited(door: RunningDoor) -> None:
    """The ninth connection of an address is closed; when one ends, another may come."""
    held = [door.connect() for _ in range(8)]
    wait_until(lambda: door.counts.total == 8)
    with door.connect() as ninth:
        assert read_all(ninth) == b""
    assert door.refusals == ["connection limit"]
    held.pop().close()
    wait_until(lambda: door.counts.total == 7)
    assert statuses(door.exchange(GET % 1)) == [200]
    for client in held:
        client.close()


def test_drain(door: RunningDoor) -> None:
    """A stop finishes what has begun to arrive, and closes what is idle."""
    with door.connect() as idle, door.connect() as busy, door.connect() as fresh:
        idle.sendall(GET % 1)
        assert statuses(idle.recv(4096)) == [200]
        busy.sendall(post(b"hello")[:-1])
        wait_until(lambda: [c for c in door.door.connections if c._state is State.BODY])
        wait_until(lambda: len(door.door.connections) == 3)
        door.with_each(Connection.drain)
        assert read_all(idle) == b""
        busy.sendall(b"o")
        fresh.sendall(GET % 2)
        for client in (busy, fresh):
            received = read_all(client)
            assert statuses(received) == [200]
            assert b"Connection: close" in received


def forwarded(header: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + header + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"203.0.113.7", "203.0.113.7"),
        (b"198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (b"203.0.113.7, 127.0.0.9", "203.0.113.7"),
        (b"::ffff:203.0.113.7", "203.0.113.7"),
        (b"127.0.0.8, 127.0.0.9", "127.0.0.8"),
    ],
)
def test_trusted_proxy(header: bytes, client: str) -> None:
    """The right-most address that a trusted proxy forwards is the client, a stranger's is not."""
    for trusted, expected in (((ipaddress.ip_network("127.0.0.0/8"),), client), ((), "127.0.0.1")):
        running = RunningDoor(asyncio.new_event_loop(), trusted)
        try:
            assert statuses(running.exchange(forwarded(header))) == [200]
            assert running.application.requests[0].source_ip == expected
        finally:
            running.close()


def test_a_proxy_that_is_trusted_no_more() -> None:
    """Its open connections end: it could go on to tell who the client is. Others stay open."""
    networks = [(ipaddress.ip_network(each),) for each in ("127.0.0.0/8", "127.0.0.1")]
    running = RunningDoor(asyncio.new_event_loop(), networks[0])
    request = forwarded(b"203.0.113.7")
    try:
        for source, served in (("127.0.0.1", True), ("127.0.0.2", False)):
            with running.connect(source) as client:
                client.sendall(request)
                wait_until(lambda: len(running.application.requests) == 1)
                running.do(lambda: running.door.trust(networks[1]))
                with contextlib.suppress(OSError):  # it was closed with our bytes unread
                    client.sendall(request)
                    client.shutdown(socket.SHUT_WR)
                    read_all(client)
            wait_until(lambda: running.counts.total == 0)
            assert len(running.application.requests) == (2 if served else 1)
            running.application.requests.clear()
            running.do(lambda: running.door.trust(networks[0]))
    finally:
        running.close()


@pytest.mark.parametrize("header", [b"nobody", b"fe80::1%eth0", b"", b"203.0.113.7:80"])
def test_proxy_that_forwards_no_address_is_refused(header: bytes) -> None:
    """What a trusted proxy forwards must be an address, without zone and port."""
    running = RunningDoor(asyncio.new_event_loop(), (ipaddress.ip_network("127.0.0.0/8"),))
    try:
        assert statuses(running.exchange(forwarded(header))) == [400]
        assert running.application.requests == []
    finally:
        running.close()
