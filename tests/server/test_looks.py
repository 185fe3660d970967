"""How much one look at the sockets reads, from those who begin or send together."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import uvloop

from keystead.server.door import tls as accepting
from keystead.server.door.connection import Connection
from keystead.server.door.intake import Rank
from keystead.server.door.looks import LITTLE, MOST_ASKED, MOST_READ, MOST_SECONDS, READ, Looks
from keystead.server.door.turn import Turn
from tests.patience import PATIENCE, wait_until
from tests.server.conftest import RunningDoor, statuses
from tests.server.test_floods import Clients, connections, get
from tests.server.test_handshakes import TlsDoor

SIZE = 30_000  # bytes of a body
MOST_OF_A_PIECE = 64 * 1024  # the kernel's buffer for a connection (`listeners.bound`)


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()


class Watched:
    """What each look at the sockets read from a door's connections, with READ for each piece."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks: list[int] = [0]
        received, timed = Connection.data_received, Turn._timed

        def noted(connection: Connection, data: bytes) -> None:
            self.looks[-1] += READ + len(data)
            received(connection, data)

        def begun(turn: Turn, before: int) -> None:
            self.looks.append(0)
            timed(turn, before)

        monkeypatch.setattr(Connection, "data_received", noted)
        monkeypatch.setattr(Turn, "_timed", begun)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


@pytest.fixture(params=["TCP", "TLS"])
def clients(
    request: pytest.FixtureRequest,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watched,  # a transport keeps the function that it gives bytes to
) -> Iterator[Clients]:
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", PATIENCE)
    door = TlsDoor(loop, ()) if request.param == "TLS" else RunningDoor(loop, ())
    door.application.limit = SIZE
    clients = Clients(door)
    yield clients
    clients.close()
    wait_until(lambda: not door.door.connections)
    assert door.door.outbox.looks._reading == {}
    door.close()


def post(size: int = SIZE) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size


def send_together(door: RunningDoor, clients: list[socket.socket], sent: bytes) -> None:
    """Let the door see what all of these send in one look at its sockets."""

    def send() -> None:
        for client in clients:
            client.sendall(sent)

    door.do(send)


def test_a_look_reads_little_from_those_who_begin_together(
    clients: Clients, watched: Watched
) -> None:
    """Whoever asks meanwhile waits for a few pieces, not for a piece of every connection."""
    together = [clients.connect() for _ in range(8)]
    wait_until(lambda: len(connections(clients.door)) == 8)

    send_together(clients.door, together, post())

    assert [statuses(client.recv(16)) for client in together] == [[200]] * 8
    assert max(watched.looks) <= MOST_READ + READ + MOST_OF_A_PIECE
    assert sum(watched.looks) > 8 * SIZE


def test_a_look_reads_little_from_modest_clients_that_send_much_together(
    clients: Clients, watched: Watched
) -> None:
    """To have waited for one small answer is no way to be read before others."""
    together = [clients.connect() for _ in range(8)]
    for client in together:
        client.sendall(get("first"))
        assert statuses(client.recv(4096)) == [200]
    watched.looks[:] = [0]

    send_together(clients.door, together, post())

    assert [statuses(client.recv(16)) for client in together] == [[200]] * 8
    assert max(watched.looks) <= MOST_READ + READ + MOST_OF_A_PIECE


def test_what_comes_after_a_last_answer_is_bounded_as_well(
    clients: Clients, watched: Watched
) -> None:
    """It is thrown away, but to read it takes as long. Over TLS the connection is over by then."""
    if isinstance(clients.door, TlsDoor):
        return
    together = [clients.connect() for _ in range(8)]
    for client in together:
        client.sendall(b"nonsense\r\n\r\n")
        assert statuses(client.recv(16)) == [400]

    send_together(clients.door, together, b"x" * SIZE)

    wait_until(lambda: sum(watched.looks) > 8 * SIZE)
    assert max(watched.looks) <= MOST_READ + READ + MOST_OF_A_PIECE


def test_who_is_held_back_reads_on_and_is_no_worse_for_it(clients: Clients) -> None:
    """A connection that sent nothing is read again; one whose request was read is answered."""
    silent, speaking = clients.connect(), [clients.connect() for _ in range(6)]
    wait_until(lambda: len(connections(clients.door)) == 7)
    send_together(clients.door, speaking, post())
    assert [statuses(client.recv(16)) for client in speaking] == [[200]] * 6

    silent.sendall(get("silent"))

    assert statuses(silent.recv(16)) == [200]
    wait_until(lambda: not any(each._reading.is_paused for each in connections(clients.door)))


def test_a_neighbour_that_waits_for_its_answers_is_not_held_back(
    clients: Clients, watched: Watched
) -> None:
    """Others of its address have read enough: it is read all the same, in the same look."""
    modest, together = clients.connect(), [clients.connect() for _ in range(7)]
    modest.sendall(get("first"))
    assert statuses(modest.recv(4096)) == [200]
    wait_until(lambda: len(connections(clients.door)) == 8)
    clients.door.application.requests.clear()

    def send() -> None:
        for client in together:
            client.sendall(post())
        modest.sendall(get("modest"))

    clients.door.do(send)

    assert statuses(modest.recv(4096)) == [200]
    assert [statuses(client.recv(16)) for client in together] == [[200]] * 7
    before = [each.path for each in clients.door.application.requests].index("/modest")
    assert before * SIZE <= MOST_READ
    assert max(watched.looks) <= MOST_READ + 2 * READ + MOST_OF_A_PIECE


@dataclass(eq=False)
class Reader:
    """A connection that reads until it is held back."""

    looks: Looks
    peer_host: str = "a"
    rank: Rank = Rank.NEW
    is_held: bool = False
    waiting: int = 0

    def arrived(self) -> int:
        return self.waiting

    def hold_back(self) -> None:
        self.is_held = True
        self.looks.leave(self)


def reading(
    *peers: str, rank: Rank = Rank.NEW, seconds: Callable[[], float] = lambda: 0.0
) -> tuple[Looks, list[Reader]]:
    looks = Looks(seconds)
    readers = [Reader(looks, peer, rank) for peer in peers]
    for reader in readers:
        looks.watch(reader)
    return looks, readers


def test_only_the_peer_that_reads_is_held_back() -> None:
    """Another one is when it reads as well, in the same look."""
    looks, (a, b, other) = reading("a", "a", "b")

    looks.note(a, MOST_READ)
    assert (a.is_held, b.is_held, other.is_held) == (True, True, False)
    looks.note(other, 1)
    assert other.is_held


def test_a_modest_connection_is_held_back_only_if_it_sends_much() -> None:
    """One of which little waits in its socket is read at once."""
    looks, (a, little, much) = reading("a", "a", "a")
    little.rank = much.rank = Rank.MODEST
    little.waiting, much.waiting = LITTLE, LITTLE + 1

    looks.note(a, MOST_READ)

    assert (little.is_held, much.is_held) == (False, True)


def test_only_so_many_sockets_are_asked() -> None:
    """A proxy that is trusted may have thousands of connections."""
    looks, readers = reading(*"a" * (MOST_ASKED + 10), rank=Rank.MODEST)
    for reader in readers:
        reader.waiting = LITTLE + 1

    looks.note(readers[0], MOST_READ)

    assert sum(reader.is_held for reader in readers) == MOST_ASKED


def test_many_small_pieces_are_enough_as_well() -> None:
    """Each costs something, however little it brings; each look counts anew."""
    looks, readers = reading(*"a" * 20)
    for reader in readers[: MOST_READ // READ]:
        looks.note(reader, 0)
    assert not any(reader.is_held for reader in readers)
    looks.note(readers[0], 0)
    assert all(reader.is_held for reader in readers)


@pytest.mark.parametrize(
    ("took", "is_enough"), [(MOST_SECONDS / 2, False), (MOST_SECONDS * 2, True)]
)
def test_pieces_that_take_long_are_enough_as_well(took: float, is_enough: bool) -> None:
    """Records of one byte cost more than their bytes; each look has its own time."""
    now = 0.0
    looks, (a, b, other) = reading("a", "a", "b", seconds=lambda: now)
    for _ in range(3):  # looks with one piece each: nobody waits for a second one
        looks.note(a, 1)
        now += 1.0
        looks.read = 0
    assert not looks.are_dear

    looks.note(a, 1)
    now += took
    looks.note(a, 1)

    assert (looks.are_dear, a.is_held, b.is_held) == (is_enough, is_enough, is_enough)
    assert not other.is_held
