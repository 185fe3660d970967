"""What do administrative writes cost those who only use keys, and what do they cost themselves?

    python -m bench.mixed --keystead BIN [--against BIN] [--seconds S] [--rounds N]

A hundred users encrypt with a thousand keys (wrk, 32 connections) while an administrator makes 0,
1, 10 and 100 writes a second: users, keys, and policies and descriptions of users and keys that are
in use. The CPU of the mix, less that of the same writes alone, is shown for each Encrypt. Then
writes alone, 32 at a time: their CPU, each. Of several rounds the least counts. `--against` runs
another build in turn with this one.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bench import servers, signed
from bench.measure import wrk
from bench.servers import Server

USERS, KEYS, CONNECTIONS = 100, 1000, 32
RATES = (0, 1, 10, 100)
WRITES = ("CreateKey", "CreateUser", "PutUserPolicy")
TOGETHER = 1200  # writes of one measurement


@dataclass
class Place:
    """A server with users and keys, and its administrator."""

    server: Server
    who: tuple[str, str]
    users: list[tuple[str, str]]
    keys: list[str]
    numbers: Iterator[int]

    def writes(self) -> Iterator[Callable[[], object]]:
        """Writes of an administrator, one after the other."""
        iam = self.server.client("iam", *self.who)
        kms = self.server.client("kms", *self.who)
        for number in self.numbers:
            name, key = f"user-{number % USERS}", self.keys[number * 7 % KEYS]
            policy = {"PolicyName": "bench", "PolicyDocument": signed.POLICY}
            yield partial(iam.create_user, UserName=f"new-{number}")
            yield kms.create_key
            yield partial(iam.put_user_policy, UserName=name, **policy)
            yield partial(kms.update_key_description, KeyId=key, Description=f"{number}")


def prepared(binary: str, directory: Path) -> Place:
    """A running server with its users and keys."""
    directory.mkdir()
    server = servers.keystead(binary, directory)
    server.start(directory / "log")
    who = servers.administrator(directory)
    iam, kms = server.client("iam", *who), server.client("kms", *who)

    def user(number: int) -> tuple[str, str]:
        name = f"user-{number}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="bench", PolicyDocument=signed.POLICY)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    with ThreadPoolExecutor(8) as pool:
        users = list(pool.map(user, range(USERS)))
        made = pool.map(lambda _: kms.create_key()["KeyMetadata"]["KeyId"], range(KEYS))
        return Place(server, who, users, list(made), count())


# Encrypts beside writes


def paced(place: Place, rate: int, seconds: float) -> None:
    """So many writes a second."""
    writes, began = place.writes(), time.perf_counter()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        next(writes)()


def alone(place: Place, rate: int, seconds: int) -> float:
    """The CPU seconds that the writes take by themselves."""
    before = place.server.cpu_seconds()
    if rate:
        paced(place, rate, seconds)
    return place.server.cpu_seconds() - before


def mix(place: Place, rate: int, seconds: int, requests: Path) -> float:
    """The CPU of an Encrypt beside so many writes a second, in microseconds."""
    writes = alone(place, rate, seconds)
    requests.write_bytes(signed.encrypts(place.server, place.users, place.keys))
    wrk(place.server, CONNECTIONS, 1, requests)
    before = place.server.cpu_seconds()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(paced, place, rate, seconds) if rate else None
        run = wrk(place.server, CONNECTIONS, seconds, requests)
        if writing is not None:
            writing.result()
    cpu = place.server.cpu_seconds() - before
    return (cpu - writes) / (run.per_second * seconds) * 1e6


# Writes alone


def bodies(place: Place, operation: str) -> Iterator[tuple[str, bytes]]:
    """The service and the body of each write."""
    for number in range(TOGETHER):
        if operation == "CreateKey":
            yield "kms", b"{}"
        else:
            name = (
                f"w-{next(place.numbers)}"
                if operation == "CreateUser"
                else f"user-{number % USERS}"
            )
            form = {"Action": operation, "Version": "2010-05-08", "UserName": name}
            if operation == "PutUserPolicy":
                form |= {"PolicyName": "bench", "PolicyDocument": signed.POLICY}
            yield "iam", signed.form(form)


def together(place: Place, operation: str) -> float:
    """The CPU of a write, 32 at a time, in microseconds."""
    sent = [
        signed.signed(place.server, place.who, service, operation, body)
        for service, body in bodies(place, operation)
    ]
    before = place.server.cpu_seconds()
    asyncio.run(_send(place.server.port, sent))
    return (place.server.cpu_seconds() - before) / len(sent) * 1e6


async def _send(port: int, requests: list[bytes]) -> None:
    waiting = iter(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"a write was refused: {head!r}")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*[client() for _ in range(CONNECTIONS)])


# Both


def figures(places: dict[str, Place], seconds: int, rounds: int, requests: Path) -> Any:
    """The least of several rounds, the builds in turn."""
    found: dict[str, dict[str, float]] = {name: {} for name in places}
    for _ in range(rounds):
        for row, measure in _rows(seconds, requests):
            for name, place in places.items():
                print(f"{name}: {row} …", file=sys.stderr)
                figure = measure(place)
                found[name][row] = min(figure, found[name].get(row, figure))
    return found


def _rows(seconds: int, requests: Path) -> Iterator[tuple[str, Callable[[Place], float]]]:
    for rate in RATES:
        measure = partial(mix, rate=rate, seconds=seconds, requests=requests)
        yield f"an Encrypt beside {rate} writes a second", measure
    for operation in WRITES:
        yield operation, partial(together, operation=operation)


def table(found: dict[str, dict[str, float]]) -> str:
    """CPU in microseconds; of Encrypts the ratio to those without writes."""
    lines = ["| CPU of, µs | " + " | ".join(found) + " |", "| --- |" + " ---: |" * len(found)]
    for row in next(iter(found.values())):
        cells = []
        for figures_of in found.values():
            least = figures_of[f"an Encrypt beside {RATES[0]} writes a second"]
            ratio = f" ({figures_of[row] / least:.2f})" if "beside" in row else ""
            cells.append(f"{figures_of[row]:,.0f}{ratio}")
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="Measure Encrypts beside administrative writes.")
    parser.add_argument("--keystead", required=True, help="the command `keystead`")
    parser.add_argument("--against", help="the same command of another build")
    parser.add_argument("--seconds", type=int, default=4, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    binaries = {"keystead": arguments.keystead}
    if arguments.against:
        binaries["against"] = arguments.against
    places: dict[str, Place] = {}
    with tempfile.TemporaryDirectory(prefix="keystead-mixed-") as temporary:
        try:
            for name, binary in binaries.items():
                places[name] = prepared(binary, Path(temporary) / name)
            requests = Path(temporary) / "requests"
            found = figures(places, arguments.seconds, arguments.rounds, requests)
        finally:
            for place in places.values():
                place.server.stop()
    print(table(found))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
