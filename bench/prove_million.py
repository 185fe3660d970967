"""Does a call cost the same with a thousand keys and with a million?

    python -m bench.prove_million [SIZE …] [--data DIR] [--rounds N] [--json]

Each size has as many keys as grants, over 20 accounts (`filling`). The same 1,000 keys are in use
at every size. A fresh process opens the installation and answers signed requests, each in a turn of
its own, durable before the next. There are no sockets. The sizes take turns in each round.

    goal       the p50 of Encrypt, ListGrants and ListKeys on keys in use is at most 1.1 times that
               of the smallest size

The p50 is that of the CPU time of the process, whatever else the machine does; each figure is the
least of the rounds. A key is cold when no call has asked for it since the start. CreateKey and
CreateGrant are asked for 32 at a time, with one commit.
"""

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench import filling
from bench.filling import Account, KeyName
from keystead.server.installation.installation import Installation
from keystead.server.pipeline import Answer
from keystead.wire.http import HttpRequest

SIZES = (1_000, 100_000, 1_000_000)
MOST_RATIO = 1.1
FLAT = ("encrypt", "list_grants", "list_keys")
MADE, TOGETHER = 640, 32  # keys and grants whose creation is timed, and how many in a turn
LISTS = 10  # ListKeys for each account
MB = 2**20


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one size: times in µs of CPU, the p50 of calls that are alone in a turn."""

    size: int
    encrypt: float
    list_grants: float
    list_keys: float
    cold_encrypt: float
    create_key: float  # 32 at a time
    create_grant: float
    create_key_rate: float  # a second, 32 at a time
    create_grant_rate: float
    start_seconds: float
    memory_mb: float  # with the keys in use
    bytes_of_a_key: float  # on disk, with its grant


def measure(directory: Path) -> Measured:
    """The figures of this process, which has just begun."""
    state, began = filling.filled(directory), time.perf_counter()
    size = sum(file.stat().st_size for file in (directory / "data").rglob("*") if file.is_file())
    installation = filling.open_installation(directory)
    started = time.perf_counter() - began
    try:
        for account in state.accounts:  # so that the callers are known
            filling.ask(installation, filling.request(account, "ListAliases"))
        cold = _p50(installation, _on(state.accounts, state.cold, "Encrypt", Plaintext="AAAA"))
        encrypts = _on(state.accounts, state.used, "Encrypt", Plaintext="AAAA")
        listing = _on(state.accounts, state.used, "ListGrants", Limit=10)
        _p50(installation, encrypts + listing)  # from now on these keys are in use
        encrypt = _p50(installation, encrypts * 2)
        grants = _p50(installation, listing)
        lists = [filling.request(account, "ListKeys", Limit=40) for account in state.accounts]
        keys = _p50(installation, lists * LISTS)
        memory = _resident_mb()
        create_key, key_rate = _together(
            installation,
            [_of(state.accounts, number, "CreateKey") for number in range(MADE)],
        )
        create_grant, grant_rate = _together(
            installation,
            [
                filling.request(
                    state.accounts[key.account],
                    "CreateGrant",
                    KeyId=key.key_id,
                    GranteePrincipal=state.accounts[key.account].root,
                    Operations=["GenerateDataKey"],
                )
                for key in state.used[:MADE]
            ],
        )
    finally:
        installation.close()
    return Measured(
        state.keys, encrypt, grants, keys, cold, create_key, create_grant, key_rate, grant_rate,
        started, memory, size / state.keys,
    )  # fmt: skip


def _of(accounts: Sequence[Account], number: int, operation: str) -> HttpRequest:
    return filling.request(accounts[number % len(accounts)], operation)


def _on(
    accounts: Sequence[Account], keys: Sequence[KeyName], operation: str, **members: object
) -> list[HttpRequest]:
    return [
        filling.request(accounts[key.account], operation, KeyId=key.key_id, **members)
        for key in keys
    ]


def _p50(installation: Installation, requests: Sequence[HttpRequest]) -> float:
    """The p50 of the CPU time of these requests, one after the other, in µs."""
    took = []
    for request in requests:
        began = time.process_time()
        filling.ask(installation, request)
        took.append(time.process_time() - began)
    return median(took) * 1e6


def _together(installation: Installation, requests: list[HttpRequest]) -> tuple[float, float]:
    """The CPU time of each of these requests in µs, and how many are answered in a second."""
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(requests), TOGETHER):
        some = requests[first : first + TOGETHER]
        answers = installation.pipeline.answer_all(some, 60.0)
        installation.commit()
        for answer in answers:
            if not isinstance(answer, Answer) or answer.response.status != 200:
                raise RuntimeError(answer)
    used, took = time.process_time() - cpu, time.perf_counter() - wall
    return used / len(requests) * 1e6, len(requests) / took


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def best(rounds: Sequence[Measured]) -> Measured:
    """The best figures of some rounds of one size."""
    better = {"create_key_rate": max, "create_grant_rate": max}
    names = [field.name for field in dataclasses.fields(Measured)]
    return Measured(*(better.get(n, min)(getattr(each, n) for each in rounds) for n in names))


def missed(figures: Sequence[Measured]) -> list[str]:
    """What is not flat."""
    least = figures[0]
    return [
        f"{name} of {more.size:,} keys takes {ratio:.2f} times as long"
        for more in figures[1:]
        for name in FLAT
        if (ratio := getattr(more, name) / getattr(least, name)) > MOST_RATIO
    ]


def table(figures: Sequence[Measured]) -> str:
    """The figures as a table."""
    rows = {
        "Encrypt, µs": "encrypt", "ListGrants, µs": "list_grants",
        "ListKeys of 40, µs": "list_keys", "Encrypt with a cold key, µs": "cold_encrypt",
        "CreateKey, µs": "create_key",
        "CreateGrant, µs": "create_grant", "CreateKey a second": "create_key_rate",
        "CreateGrant a second": "create_grant_rate", "start, s": "start_seconds",
        "memory, MB": "memory_mb", "bytes of a key and its grant": "bytes_of_a_key",
    }  # fmt: skip
    head = "".join(f" {each.size:,} |" for each in figures)
    lines = [f"| keys, and grants |{head}", "| --- |" + " ---: |" * len(figures)]
    for title, name in rows.items():
        digits = 2 if name == "start_seconds" else 0
        cells = "".join(f" {getattr(each, name):,.{digits}f} |" for each in figures)
        lines.append(f"| {title} |{cells}")
    return "\n".join(lines)


def prove(directory: Path, sizes: Sequence[int], rounds: int) -> list[Measured]:
    """Fill a directory for each size, and measure them in turn; the best figures of each."""
    places = [directory / str(size) for size in sizes]
    for size, place, before in zip(sizes, places, [None, *places], strict=False):
        if filling.filled(place).keys == size:
            continue
        if before is not None:
            shutil.copytree(before, place)
        else:
            place.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        filling.fill(place, size)
        print(f"filled in {time.perf_counter() - began:,.0f} s", file=sys.stderr)
    figures: dict[int, list[Measured]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size, place in zip(sizes, places, strict=True):
            command = [sys.executable, "-m", "bench.prove_million", "--measure", str(place)]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            figures[size].append(Measured(**{**json.loads(said), "size": size}))
            print(table(figures[size][-1:]), file=sys.stderr)
    return [best(figures[size]) for size in sizes]


def main() -> int:
    """Fill, measure, print, and say what is not flat."""
    parser = argparse.ArgumentParser(description="The cost of a call, and the number of keys.")
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES, help="keys and grants")
    parser.add_argument("--data", type=Path, help="keep what is made in this directory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        print(json.dumps(asdict(measure(given.measure))))
        return 0
    with tempfile.TemporaryDirectory(prefix="keystead-million-") as temporary:
        directory = given.data or Path(temporary)
        figures = prove(directory, sorted(given.sizes), given.rounds)
    failures = missed(figures)
    if given.json:
        print(json.dumps({"figures": [asdict(each) for each in figures], "missed": failures}))
    else:
        print(table(figures))
    for sentence in failures:
        print(f"keystead: error: {sentence}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
