"""Callers that ask, wait for the answer, and ask again: what many clients of one address do.

    python -m bench.callers    reads Callers as JSON from its first line of input, asks, says
                               "ready" when it has settled, asks until its input ends, and prints
                               how many answers it got since it was ready

Who is throttled waits before it asks again, as an SDK does. It is a process of its own.
"""

import heapq
import json
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass
from ipaddress import ip_address

BACK_OFF = 0.5  # seconds after a refusal


@dataclass(frozen=True, slots=True)
class Callers:
    """What is asked, by how many connections, and from which addresses."""

    port: int
    source: str
    connections: int
    request: str  # a whole request, in ASCII
    settle: float = 0.0  # seconds after which it is ready, and counts
    hosts: int = 1  # connections take turns over so many addresses, the first of which is `source`

    def source_of(self, number: int) -> str:
        """The address from which a connection calls."""
        return str(ip_address(self.source) + number % self.hosts)


def as_json(callers: Callers) -> str:
    """The line that a process of this module reads."""
    return json.dumps(asdict(callers)) + "\n"


def run(callers: Callers) -> int:
    """Ask until the input ends; the number of answers since it was ready."""
    request, answers, is_ready = callers.request.encode("ascii"), 0, False
    rested: list[tuple[float, int, socket.socket]] = []  # when each asks again
    with selectors.DefaultSelector() as selector:
        for number in range(callers.connections):
            near = (callers.source_of(number), 0)
            client = socket.create_connection(("127.0.0.1", callers.port), 10, near)
            selector.register(client, selectors.EVENT_READ)
            # Not all at once: they are clients of their own.
            rested.append((time.monotonic() + number / callers.connections, number, client))
        heapq.heapify(rested)
        selector.register(sys.stdin, selectors.EVENT_READ)
        settled = time.monotonic() + callers.settle
        while True:
            if not is_ready and time.monotonic() >= settled:
                is_ready, answers = True, 0
                print("ready", flush=True)
            while rested and rested[0][0] <= time.monotonic():
                heapq.heappop(rested)[2].sendall(request)
            wait = max(0.0, rested[0][0] - time.monotonic()) if rested else None
            for key, _ in selector.select(wait):
                if not isinstance(key.fileobj, socket.socket):
                    return answers
                answer = key.fileobj.recv(65_536)
                if not answer:
                    raise ConnectionResetError("the server has closed a connection")
                answers += 1
                pause = 0.0 if answer.startswith(b"HTTP/1.1 200") else BACK_OFF
                heapq.heappush(rested, (time.monotonic() + pause, key.fd, key.fileobj))


def main() -> int:
    """Read who calls, let them, and print what came of it."""
    print(run(Callers(**json.loads(sys.stdin.readline()))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
