"""Floods of a running server: load that does not wait for its answers, or does not read them.

    python -m bench.floods FILE    reads a Flood as JSON from its first line of input, says "ready",
                                   sends until its input ends, and prints the number of its answers

It is a process of its own: in truth a flood comes from other machines.
"""

import contextlib
import json
import selectors
import socket
import ssl
import struct
import sys
import time
from dataclasses import asdict, dataclass

BLOCK = 64 * 1024  # of requests, sent again and again
SLOWLY = 4 * 1024  # bytes of each connection that a slow reader reads
PAUSE = 0.05  # between two reads of a slow reader


@dataclass(frozen=True, slots=True)
class Flood:
    """What is sent, by how many, and how its answers are read."""

    port: int
    source: str  # the address that the connections come from
    connections: int
    requests: tuple[str, ...]  # whole requests, in ASCII
    reads: str
    """"all", "nothing", "slowly" or "politely" (both wait for each answer); "resets": see `reset`;
    "handshakes": see `shake_hands`
    """
    authority: str = ""  # a file of certificates: over TLS


class _Client:
    """One connection of a flood."""

    def __init__(self, flood: Flood, context: ssl.SSLContext | None) -> None:
        self._flood = flood
        one = "".join(flood.requests).encode("ascii")
        self._waits = flood.reads in {"slowly", "politely"}
        first = flood.requests[0].encode("ascii")
        self._block = first if self._waits else one * max(1, BLOCK // len(one))
        self._sent = 0
        self._left = 0  # of an answer that a slow reader reads
        self.answers = 0
        self.ended = False
        plain = socket.socket()
        if flood.reads != "all":
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOWLY)
        plain.bind((flood.source, 0))
        plain.settimeout(10)
        plain.connect(("127.0.0.1", flood.port))
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        self.socket.setblocking(False)

    def step(self) -> bool:
        """Send and read what is possible now; False when nothing was."""
        try:
            return self._read() | self._send()
        except OSError:  # the server has ended it
            self.ended = True
            self.socket.close()
            return False

    def _send(self) -> bool:
        if self._waits and self._sent == len(self._block):
            return False
        try:
            self._sent += self.socket.send(memoryview(self._block)[self._sent :])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        if not self._waits and self._sent == len(self._block):
            self._sent = 0
        return True

    def _read(self) -> bool:
        if self._flood.reads == "nothing":
            return False
        try:
            received = self.socket.recv(SLOWLY if self._flood.reads == "slowly" else BLOCK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        if not received:
            raise ConnectionResetError
        if self._waits:
            self._read_one(received)
        else:
            self.answers += received.count(b"HTTP/1.1 ")
        return True

    def _read_one(self, received: bytes) -> None:
        if not self._left:
            head, _, rest = received.partition(b"\r\n\r\n")
            length = next(
                line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
            )
            self._left, received = int(length.split()[1]), rest
        self._left -= len(received)
        if self._left <= 0:
            self.answers += 1
            self._left = self._sent = 0


def reset(flood: Flood) -> int:
    """Connect and reset, until the input ends; the number of connections. They get no answer."""
    print("ready", flush=True)
    made, now = 0, struct.pack("ii", 1, 0)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        while not selector.select(0):
            with contextlib.ExitStack() as together:
                for _ in range(flood.connections):
                    client = together.enter_context(socket.socket())
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                    client.bind((flood.source, 0))
                    with contextlib.suppress(OSError):
                        client.connect(("127.0.0.1", flood.port))
                        made += 1
    return made


def shake_hands(flood: Flood) -> int:
    """Connect, shake hands and close, until the input ends; the number of connections.

    Over TCP there is no hand to shake. They ask nothing, and get no answer.
    """
    context = ssl.create_default_context(cafile=flood.authority) if flood.authority else None
    print("ready", flush=True)
    made = 0
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        clients: list[socket.socket] = []
        while not selector.select(0):
            while len(clients) < flood.connections:
                plain = socket.socket()
                plain.bind((flood.source, 0))
                plain.settimeout(10)
                plain.connect(("127.0.0.1", flood.port))
                plain.setblocking(False)
                clients.append(_before_handshake(plain, context) if context else plain)
            left = [client for client in clients if not _has_shaken_hands(client)]
            made += len(clients) - len(left)
            if len(left) == len(clients):
                time.sleep(0.002)
            clients = left
    return made


def _before_handshake(plain: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(plain, server_hostname="127.0.0.1", do_handshake_on_connect=False)


def _has_shaken_hands(client: socket.socket) -> bool:
    """Go on with a handshake; if it is over, close the connection."""
    try:
        if isinstance(client, ssl.SSLSocket):
            client.do_handshake()
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    except OSError:  # the server has ended it
        pass
    client.close()
    return True


def run(flood: Flood) -> int:
    """Send until the input ends; the number of answers."""
    if flood.reads == "resets":
        return reset(flood)
    if flood.reads == "handshakes":
        return shake_hands(flood)
    context = ssl.create_default_context(cafile=flood.authority) if flood.authority else None
    clients = [_Client(flood, context) for _ in range(flood.connections)]
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        pause = PAUSE if flood.reads == "slowly" else 0.0
        while not selector.select(pause):
            moved = [client.step() for client in clients if not client.ended]
            if not any(moved):
                time.sleep(0.002)
    answers = sum(client.answers for client in clients)
    for client in clients:
        client.socket.close()
    return answers


def main() -> int:
    """Read the flood, run it, and print what came of it."""
    said = json.loads(sys.stdin.readline())
    print(run(Flood(**{**said, "requests": tuple(said["requests"])})), flush=True)
    return 0


def as_json(flood: Flood) -> str:
    """The line that a process of this module reads."""
    return json.dumps(asdict(flood)) + "\n"


if __name__ == "__main__":
    sys.exit(main())
