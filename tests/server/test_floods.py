"""Clients that do not wait, or do not read: what is taken from them and kept, in which order.

How long a neighbour waits meanwhile is measured by `make prove-floods`.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator

import pytest
import uvloop

from keystead.server.door import tls as accepting
from keystead.server.door.connection import PIECE, WRITE_SECONDS, Connection
from keystead.server.door.intake import ALONE, PIECES, SHORT, Rank
from keystead.server.door.listeners import RECEIVE_BYTES
from keystead.server.door.turn import Turn
from keystead.server.door.waiting import Receiver
from tests.patience import PATIENCE, wait_until
from tests.server.conftest import LIMIT, RunningDoor, read_all, statuses
from tests.server.test_handshakes import AUTHORITY, TlsDoor

LARGE = 400_000  # bytes of an answer: more than the kernel takes
MOST_READ = 4 * RECEIVE_BYTES  # by one read
MANY = 200


def get(*path: object) -> bytes:
    return f"GET /{'/'.join(map(str, path))} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


def pipelined(name: object, count: int = MANY) -> bytes:
    return b"".join(get(name, number) for number in range(count))


class Clients:
    """Clients of a door, over TCP or TLS, which read nothing unless they are told to."""

    def __init__(self, door: RunningDoor) -> None:
        self.door = door
        self._open = contextlib.ExitStack()

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        client = self.door.connect(source)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        if isinstance(self.door, TlsDoor):
            context = ssl.create_default_context()
            AUTHORITY.configure_trust(context)
            client = context.wrap_socket(client, server_hostname="127.0.0.1")
        return self._open.enter_context(client)

    def asking(self, *sent: bytes) -> list[socket.socket]:
        """Clients that have sent something, as far as that is taken from them at once."""
        clients = [self.connect() for _ in sent]
        left = list(sent)

        def is_taken() -> bool:
            for number, client in enumerate(clients):
                left[number] = left[number][_sent(client, left[number]) :]
            others = connections(self.door)
            return not any(left) or (others != [] and all(each._choked for each in others))

        for client in clients:
            client.setblocking(False)
        wait_until(is_taken)
        for client in clients:
            client.settimeout(PATIENCE)
        return clients

    def close(self) -> None:
        self._open.close()


def _sent(client: socket.socket, data: bytes) -> int:
    """How many of these bytes are taken now; all of them if the door has let go of the client."""
    try:
        return client.send(data) if data else 0
    except (BlockingIOError, ssl.SSLWantWriteError):
        return 0
    except OSError:
        return len(data)


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()


@pytest.fixture(params=["TCP", "TLS"])
def clients(
    request: pytest.FixtureRequest,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Clients]:
    """The clients of a door, on either loop, with and without TLS."""
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", PATIENCE)
    door = TlsDoor(loop, ()) if request.param == "TLS" else RunningDoor(loop, ())
    clients = Clients(door)
    yield clients
    clients.close()
    door.close()


def connections(door: RunningDoor) -> list[Connection]:
    return list(door.door.connections)


def test_a_connection_has_one_request_at_a_time(clients: Clients) -> None:
    """Whatever it sends, a turn takes one request of it; all are answered, in order."""
    door = clients.door
    asking = clients.asking(*(pipelined(name, 50) for name in "abc"))

    answers = [_answers(client, 50) for client in asking]

    assert answers == [[f"/{name}/{number}".encode() for number in range(50)] for name in "abc"]
    for turn in door.application.turns:
        assert len({path[1] for path in turn}) == len(turn)


def _answers(client: socket.socket, count: int) -> list[bytes]:
    """The paths of so many answers."""
    received = b""
    while received.count(b"X-Path: ") < count or not received.endswith(b":"):
        received += client.recv(65_536)
    return [line[8:] for line in received.split(b"\r\n") if line.startswith(b"X-Path: ")]


def test_who_never_reads_is_bounded_and_ended(clients: Clients) -> None:
    """Such connections get an answer or two each; what is kept has a bound, and an end in time."""
    door = clients.door
    door.application.answer_size = LARGE // 4
    door.held._most = 100 * PIECE
    clients.asking(*[pipelined("unread") * 20] * 6)
    wait_until(lambda: [c._choked for c in connections(door)] == [True] * 6)

    def look() -> None:
        assert len(door.application.requests) < 6 * 6
        assert all(
            connection._incoming.buffer.size <= MOST_READ for connection in connections(door)
        )
        assert door.held.total <= 6 * (MOST_READ + LARGE)

    door.do(look)
    door.sweep_after(WRITE_SECONDS - 2)
    assert len(connections(door)) == 6
    door.sweep_after(4)
    wait_until(lambda: not connections(door))
    assert door.refusals == ["deadline"] * 6
    assert door.held.total == 0


def test_unread_answers_are_bounded_in_all(clients: Clients) -> None:
    """When they are too many, those who hold most lose them; another client is answered."""
    door = clients.door
    door.application.answer_size = LARGE
    clients.asking(*[get(1)] * 6)
    wait_until(lambda: "memory limit" in door.refusals)
    wait_until(lambda: len(connections(door)) < 6)

    door.do(lambda: _require(door.held.total <= 1_000_000))
    assert len(connections(door)) >= 2
    door.application.answer_size = 0
    assert _answers(clients.asking(get("other"))[0], 1) == [b"/other"]


def _require(condition: bool) -> None:
    assert condition


def test_a_slow_reader_gets_all_of_a_large_answer(clients: Clients) -> None:
    """Who reads gets everything, piece by piece, and the next answer after it."""
    door = clients.door
    door.application.answer_size = LARGE
    [client] = clients.asking(get(1) + get(2))
    wait_until(lambda: [c for c in connections(door) if c._choked])
    assert len(door.application.requests) == 1

    received = b""
    while len(received) < 2 * LARGE:
        received += client.recv(65_536)

    assert statuses(received) == [200, 200]


def test_the_time_for_an_answer_is_not_extended_by_a_trickle(clients: Clients) -> None:
    """Who reads a little now and then has as long for all of it as who reads nothing."""
    door = clients.door
    door.application.answer_size = 20 * PIECE
    door.held._most = 100 * PIECE
    [client] = clients.asking(get(1))
    wait_until(lambda: [c for c in connections(door) if c._choked])
    for _ in range(3):
        [connection] = connections(door)
        before = connection._sent
        while connection._sent == before:
            client.recv(16_384)
        wait_until(lambda: connection._choked)  # noqa: B023  # waited for here
        door.sweep_after(WRITE_SECONDS * 0.3)
        assert connections(door)
    door.sweep_after(WRITE_SECONDS * 0.1)
    wait_until(lambda: not connections(door))


def test_the_last_answer_may_be_read_slowly(clients: Clients) -> None:
    """After `Connection: close`, too, there is time to read a large answer."""
    door = clients.door
    door.application.answer_size = LARGE
    [client] = clients.asking(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    wait_until(lambda: [c for c in connections(door) if c._choked])
    door.sweep_after(WRITE_SECONDS / 2)

    assert len(read_all(client)) > LARGE


def test_unfinished_bodies_are_bounded_in_all(door: RunningDoor) -> None:
    """Bodies whose end never comes are held up to the bound, by connections that hold most."""
    clients = Clients(door)
    door.held._most = 100_000
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
    door.application.limit = 60_000
    held = clients.asking(*[head % 60_000 + b"x" * 40_000] * 4)
    wait_until(lambda: "memory limit" in door.refusals)
    wait_until(lambda: door.held.total <= 100_000)

    survivors = 0
    for client in held:
        with contextlib.suppress(ConnectionError):
            client.sendall(b"x" * 20_000)
            survivors += statuses(client.recv(4096)) == [200]
    assert 0 < survivors < 4
    clients.close()


def fed(
    door: RunningDoor, sent: dict[str, bytes], known: dict[str, socket.socket] | None = None
) -> dict[str, socket.socket]:
    """Clients by name, whose bytes arrive between two turns, in this order.

    The first letter of a name is the last digit of the address that the client comes from.
    """
    clients = {} if known is None else known
    by_name: dict[str, Connection] = {}
    for name, data in sent.items():
        before = set(door.door.connections)
        clients[name] = door.connect(f"127.0.0.{name[0]}")
        wait_until(lambda: len(door.door.connections) > len(before))  # noqa: B023  # waited for here
        by_name[name] = (set(door.door.connections) - before).pop()
        if data.startswith(b"GET /modest"):  # it has been answered before
            clients[name].sendall(get("first"))
            assert statuses(clients[name].recv(4096)) == [200]
    door.application.requests.clear()
    door.application.turns.clear()
    door.commits = 0

    def feed() -> None:
        for name, data in sent.items():
            by_name[name].data_received(data)

    door.do(feed)
    return clients


@pytest.mark.parametrize("neighbour", ["1neighbour", "2neighbour"])
def test_a_neighbour_does_not_wait_for_a_flood(door: RunningDoor, neighbour: str) -> None:
    """Whatever others have sent before it, also from its address, it is in the next turn."""
    flood = {f"1flood{i}": pipelined("flood") for i in range(6)}
    clients = fed(door, {**flood, neighbour: get("modest")})

    assert statuses(clients[neighbour].recv(4096)) == [200]
    before = [r.path for r in door.application.requests].index("/modest")
    assert before <= SHORT.most
    for client in clients.values():
        client.close()


def test_a_flood_is_served_in_turns_that_are_short(door: RunningDoor) -> None:
    """So whoever asks in the middle of it waits for a few requests only."""
    clients = fed(door, {f"{i % 4 + 1}flood{i}": pipelined(i, 20) for i in range(12)})
    wait_until(lambda: len(door.application.requests) == 12 * 20)

    assert max(len(turn) for turn in door.application.turns) <= SHORT.most
    assert max(door.application.seconds) <= SHORT.seconds
    assert max(door.application.spares) == 0.0
    for client in clients.values():
        client.close()


def test_a_turn_is_bounded_by_the_bytes_of_its_bodies(door: RunningDoor) -> None:
    """What is more waits in its connections."""
    door.application.limit = SHORT.bytes
    body = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (SHORT.bytes // 2)
    door.held._most = 10 * SHORT.bytes
    clients = fed(door, {f"1large{i}": body + b"x" * (SHORT.bytes // 2) for i in range(6)})
    wait_until(lambda: len(door.application.requests) == 6)

    assert [len(turn) for turn in door.application.turns] == [3, 3]
    for client in clients.values():
        client.close()


def test_a_turn_is_bounded_by_the_bytes_of_its_heads(door: RunningDoor) -> None:
    """To read a head of 60 KB takes as long as a few ordinary calls."""
    line = b"X-Long-%d: " + b"x" * 12_000 + b"\r\n"
    head = b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(line % number for number in range(5))
    clients = fed(door, {f"1large{i}": head + b"\r\n" for i in range(8)})
    wait_until(lambda: len(door.application.requests) == 8)

    full = SHORT.bytes // len(head) + 1
    assert [len(turn) for turn in door.application.turns] == [full, full, 8 - 2 * full]
    for client in clients.values():
        client.close()


@pytest.mark.parametrize(("are_dear", "at_a_time"), [(False, PIECES), (True, 1)])
def test_large_bodies_are_read_on_a_few_at_a_time(
    door: RunningDoor, are_dear: bool, at_a_time: int
) -> None:
    """Who holds a part of one waits for its turn to read more; all of them are answered.

    After a look whose pieces took long, one reads on.
    """
    count, length = 6, 100_000
    door.application.limit = length
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % length
    clients = fed(door, {f"1large{i}": head for i in range(count)})
    wait_until(lambda: all(each._incoming.head for each in connections(door)))
    paused: list[int] = []

    def look() -> None:
        paused.append(sum(each._reading.is_paused for each in connections(door)))

    def feed() -> None:
        for connection in connections(door):
            connection.data_received(b"x" * 20_000)
        door.door.outbox.looks.are_dear = are_dear
        look()
        door.loop.call_soon(look)  # after the turn that this began

    door.do(feed)
    wait_until(lambda: len(paused) == 2)
    for client in clients.values():
        client.sendall(b"x" * (length - 20_000))

    assert paused == [count, count - at_a_time]
    assert [statuses(client.recv(4096)) for client in clients.values()] == [[200]] * count
    for client in clients.values():
        client.close()


def test_who_asks_with_a_large_body_lets_others_go_first(clients: Clients) -> None:
    """While it comes, while it is answered, and with the next request; after that no longer."""
    door, length = clients.door, 40_000
    door.application.limit = length
    ranks: list[Rank] = []

    def look() -> None:
        ranks.extend(each.rank for each in connections(door))

    door.application.meanwhile = look
    client = clients.connect()
    client.sendall(get("first"))
    assert _answers(client, 1) == [b"/first"]

    client.sendall(b"POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % length)
    wait_until(lambda: all(each._incoming.head for each in connections(door)))
    door.do(look)
    client.sendall(b"x" * length)
    received = b""
    while len(received) < length:
        received += client.recv(65_536)
    for path in (b"/next", b"/last"):
        client.sendall(get(path.decode()[1:]))
        assert _answers(client, 1) == [path]

    assert ranks == [Rank.NEW, Rank.GREEDY, Rank.GREEDY, Rank.GREEDY, Rank.MODEST]


@pytest.mark.parametrize("waits", [False, True])
def test_who_does_not_wait_reads_its_next_body_in_turn(
    door: RunningDoor, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """Also the first piece, which a client that waits for its answers sends at once."""
    door.application.limit = 1_000
    request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
    clients = fed(door, {"1a": request % 0})
    [connection], [client] = connections(door), clients.values()
    assert statuses(client.recv(4096)) == [200]
    in_turn: list[object] = []
    read_on = Turn.read_on

    def noted(turn: Turn, receiver: Receiver) -> None:
        in_turn.append(receiver)
        read_on(turn, receiver)

    monkeypatch.setattr(Turn, "read_on", noted)

    def feed() -> None:
        connection.data_received(request % 0)
        if not waits:
            connection.data_received(request % 900)

    door.do(feed)
    assert statuses(client.recv(4096)) == [200]
    client.sendall(b"x" * 900 if not waits else request % 900 + b"x" * 900)

    assert statuses(client.recv(4096)) == [200]
    assert in_turn == [] if waits else [connection]
    client.close()


def test_what_nobody_waits_for_any_more_is_not_read(door: RunningDoor) -> None:
    """Of connections that end before their turn, only what would change something is done."""
    door.application.at_once = 1

    def end_others() -> None:
        for connection in connections(door):
            if connection.peer_host != "127.0.0.1":
                connection.abort()

    door.application.meanwhile = end_others
    sent = {"1first": get("first"), "2reader": get("read"), "3writer": b"PUT" + get("write")[3:]}
    clients = fed(door, sent)

    assert statuses(clients["1first"].recv(4096)) == [200]
    wait_until(lambda: len(door.application.requests) == 2)
    assert [request.path for request in door.application.requests] == ["/first", "/write"]
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("size", [0, LARGE])
def test_who_breaks_off_costs_no_other_its_answer(door: RunningDoor, size: int) -> None:
    """A client that is gone when its answer is written ends nothing but its own connection."""
    door.application.answer_size = size
    reset = struct.pack("ii", 1, 0)  # closing sends a reset

    clients: dict[str, socket.socket] = {}

    def break_off() -> None:
        clients["1breaking"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        clients["1breaking"].close()

    door.application.meanwhile = break_off
    fed(door, {"1breaking": get("breaking"), "1other": get("other")}, clients)

    assert statuses(clients["1other"].recv(4096)) == [200]
    wait_until(lambda: len(connections(door)) == 1)
    clients["1other"].close()


def test_requests_that_come_together_are_one_turn(door: RunningDoor) -> None:
    """Modest connections of one address are made durable together, up to the size of a turn.

    Their turn has time to spare for computing.
    """
    clients = fed(door, {f"1modest{i}": get("modest", i) for i in range(8)})
    wait_until(lambda: len(door.application.requests) == 8)

    assert [len(turn) for turn in door.application.turns] == [8]
    assert door.application.seconds[-1] == ALONE.seconds
    assert door.application.spares[-1] == ALONE.spare > 0.0
    for client in clients.values():
        client.close()


def test_whom_there_is_no_time_for_waits_for_the_next_turn(door: RunningDoor) -> None:
    """Requests keep their order, and each turn is committed before its answers leave."""
    door.application.at_once = 3
    clients = fed(door, {f"1modest{i}": get("modest", i) for i in range(8)})
    for client in clients.values():
        assert statuses(client.recv(4096)) == [200]

    assert [r.path for r in door.application.requests] == [f"/modest/{i}" for i in range(8)]
    assert [len(turn) for turn in door.application.turns] == [8, 5, 2]
    assert door.commits == 3
    for client in clients.values():
        client.close()


def test_sockets_keep_little(door: RunningDoor) -> None:
    """The kernel does not gather megabytes for a connection."""
    [listening] = door.server.sockets
    assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * RECEIVE_BYTES
    assert LIMIT < RECEIVE_BYTES
