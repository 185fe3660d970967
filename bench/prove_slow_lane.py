"""What do others feel of calls that need work?  Two kinds of it, measured by a neighbour.

    python -m bench.prove_slow_lane [--seconds S] [--rounds N] [--only NAME …] [--json]

    waits      510 calls in flight, each of which waits 50 ms for something outside
    computes   510 calls in flight, each of which computes for 20 ms: what fits two seconds is done,
               the rest is throttled

    goal       the p99 of a neighbour that encrypts is at most twice its value in quiet

The operations are those of `tests.server.slow_operations`; the calls are another principal's, from
three addresses. The server may use every processor, as where it is installed. The figures are the
medians over the rounds; the exit status is 1 when one of them misses its goal. "long turns" is the
server's own figure, without what its clients do: how often its loop was held for more than 2.5, 5
and 10 ms in quiet, and with the work (`keystead_long_turn_seconds`).
"""

import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import neighbour, servers, signed
from bench.callers import Callers, as_json
from bench.neighbour import Neighbour
from bench.prove_floods import LONG, SERVER, SETTLE_SECONDS, end, p99_ms, process, sign, weighty
from bench.servers import Server

NEIGHBOUR, SOURCES = "127.0.0.2", ("127.0.0.3", "127.0.0.4", "127.0.0.5")
EACH = 170  # connections of an address
MOST_RATIO = 2.0
KINDS = {"waits": "GenerateMac", "computes": "Sign"}
_ALGORITHM = {
    "GenerateMac": '"MacAlgorithm":"HMAC_SHA_256"',
    "Sign": '"SigningAlgorithm":"RSASSA_PSS_SHA_256"',
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one kind of work did."""

    kind: str
    done: float  # calls a second
    throttled: float
    quiet_ms: float  # the p99 of the neighbour
    work_ms: float
    long_quiet: tuple[int, ...]  # turns of more than LONG
    long_work: tuple[int, ...]

    @property
    def ratio(self) -> float:
        return self.work_ms / self.quiet_ms


def ended(server: Server, operation: str) -> Counter[str]:
    """How many calls of an operation ended how, as the metrics have it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("keystead_call_duration_seconds_count") and f'"{operation}"' in line:
            code = re.search(r'code="([^"]*)"', line)
            found[code[1] if code else ""] += int(float(line.rpartition(" ")[2]))
    return found


def measure(server: Server, administrator: Server, kind: str, seconds: float) -> Measured:
    """The neighbour in quiet, and while work is done."""
    operation = KINDS[kind]
    body = f'{{"KeyId":"{server.key_id}","Message":"bQ==",{_ALGORITHM[operation]}}}'
    call = sign(administrator, "kms", f"TrentService.{operation}", body)
    asked = tuple(signed.requests(server, "Encrypt").decode("ascii").split("\0"))
    line = neighbour.as_json(Neighbour(server.port, NEIGHBOUR, asked))
    with process("bench.neighbour", line) as near, contextlib.ExitStack() as load:
        time.sleep(SETTLE_SECONDS)
        began, turns = time.monotonic(), server.long_turns(LONG)
        time.sleep(seconds)
        quiet, long_quiet = time.monotonic(), more_turns(server, turns)
        asking = [
            load.enter_context(process("bench.callers", as_json(each)))
            for each in (Callers(server.port, source, EACH, call) for source in SOURCES)
        ]
        time.sleep(3 * SETTLE_SECONDS)  # until all of them are in flight
        before, turns = ended(server, operation), server.long_turns(LONG)
        full = time.monotonic()
        time.sleep(seconds)
        over, long_work = time.monotonic(), more_turns(server, turns)
        after = ended(server, operation)
        for each in asking:
            end(each)
        took = end(near)
    counted = after - before
    return Measured(
        kind, counted[""] / (over - full), counted["ThrottlingException"] / (over - full),
        p99_ms(took, began, quiet), p99_ms(took, full, over), long_quiet, long_work,
    )  # fmt: skip


def more_turns(server: Server, before: Sequence[int]) -> tuple[int, ...]:
    """How many turns since then were longer than each of LONG."""
    return tuple(now - then for now, then in zip(server.long_turns(LONG), before, strict=True))


def middle(rounds: list[Measured]) -> Measured:
    """The medians of some rounds of one kind."""
    names = [each.name for each in dataclasses.fields(Measured)][1:]
    return Measured(
        rounds[0].kind, *(_median([getattr(r, name) for r in rounds]) for name in names)
    )


def _median(figures: list[Any]) -> Any:
    if isinstance(figures[0], tuple):
        return tuple(int(statistics.median(each)) for each in zip(*figures, strict=True))
    return statistics.median(figures)


def table(measured: list[Measured]) -> str:
    """The figures as a table."""
    lines = [
        "| work | done/s | throttled/s | quiet p99, ms | with it | ratio | long, quiet | with it |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.kind} | {one.done:,.0f} | {one.throttled:,.0f} | {one.quiet_ms:.2f}"
        f" | {one.work_ms:.2f} | {one.ratio:.2f}"
        f" | {' / '.join(map(str, one.long_quiet))} | {' / '.join(map(str, one.long_work))} |"
        for one in measured
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and say which goals were missed."""
    parser = argparse.ArgumentParser(description="Calls that need work, and their neighbour.")
    parser.add_argument("--seconds", type=float, default=5.0, help="of quiet, and of work")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=tuple(KINDS), help="not both")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    measured: list[Measured] = []
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # nothing is shared
    directory = tempfile.TemporaryDirectory(prefix="keystead-slow-lane-", dir=memory)
    with weighty(), directory as temporary:
        server = servers.keystead(sys.executable, Path(temporary))
        server.command[1:1] = ["-m", "tests.server.slow_server"]
        server.start(Path(temporary) / "keystead.log")
        with contextlib.suppress(PermissionError):  # what else the machine does weighs less
            os.setpriority(os.PRIO_PROCESS, server.pid, SERVER)
        try:
            who = servers.administrator(Path(temporary))
            servers.prepared(server, who, signed.POLICY)
            administrator = dataclasses.replace(server, access_key_id=who[0], secret=who[1])
            for kind in arguments.only or KINDS:
                rounds = []
                for _ in range(arguments.rounds):
                    rounds.append(measure(server, administrator, kind, arguments.seconds))
                    print(table(rounds[-1:]).splitlines()[-1], file=sys.stderr)
                    time.sleep(3 * SETTLE_SECONDS)  # what was in flight ends
                measured.append(middle(rounds))
        finally:
            server.stop()
    missed = [
        f"{one.kind}: the neighbour waits {one.ratio:.1f} times as long"
        for one in measured
        if one.ratio > MOST_RATIO
    ]
    if arguments.json:
        figures = [{**asdict(one), "ratio": one.ratio} for one in measured]
        print(json.dumps({"figures": figures, "missed": missed}))
    else:
        print(table(measured))
    for sentence in missed:
        print(f"keystead: error: {sentence}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
