"""A neighbour of a flood: one client that asks, waits for its answer, and rests a little.

    python -m bench.neighbour    reads a Neighbour as JSON from its first line of input, says
                                 "ready", asks until its input ends, and prints of each answer when
                                 it was asked for and how long it took, in seconds

It is a process of its own, so that it is late only when the server is, or the machine.
"""

import itertools
import json
import select
import socket
import ssl
import sys
import time
from dataclasses import asdict, dataclass

PATIENCE = 30.0  # for an answer; who gets none by then asks no more
REST = 0.005  # between an answer and the next request


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who asks what."""

    port: int
    source: str  # the address that the connection comes from
    requests: tuple[str, ...]  # whole requests, in ASCII
    authority: str = ""  # a file of certificates: over TLS


Answered = tuple[float, float]  # asked at, took


def connected(neighbour: Neighbour) -> socket.socket:
    """The connection of a neighbour."""
    plain = socket.socket()
    plain.bind((neighbour.source, 0))
    plain.settimeout(PATIENCE)
    plain.connect(("127.0.0.1", neighbour.port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not neighbour.authority:
        return plain
    context = ssl.create_default_context(cafile=neighbour.authority)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def ask(client: socket.socket, request: bytes) -> Answered:
    """How long it takes until the answer is there; it must be a success."""
    asked = time.monotonic()
    client.sendall(request)
    try:
        received = client.recv(65_536)
    except TimeoutError:
        return asked, PATIENCE
    took = time.monotonic() - asked
    if not received.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"the neighbour was refused: {received[:300]!r}")
    return asked, took


def run(neighbour: Neighbour) -> list[Answered]:
    """Ask until the input ends."""
    with connected(neighbour) as client:
        print("ready", flush=True)
        answered: list[Answered] = []
        for request in itertools.cycle([each.encode("ascii") for each in neighbour.requests]):
            answered.append(ask(client, request))
            late = answered[-1][1] == PATIENCE
            if late or select.select([sys.stdin], [], [], REST)[0]:
                return answered
    raise AssertionError("there are requests without end")


def main() -> int:
    """Read who it is, ask, and print what came of it."""
    said = json.loads(sys.stdin.readline())
    print(json.dumps(run(Neighbour(**{**said, "requests": tuple(said["requests"])}))), flush=True)
    return 0


def as_json(neighbour: Neighbour) -> str:
    """The line that a process of this module reads."""
    return json.dumps(asdict(neighbour)) + "\n"


if __name__ == "__main__":
    sys.exit(main())
