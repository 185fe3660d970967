"""What does a signature cost, beside the bare call of the library and an Encrypt?

    python -m bench.signing [--seconds S] [--rounds N] [--only SPEC …] [--hosts H] [--json]
                            [--beside]

    goal       at 32 callers at most 60 µs, at one caller at most 150 µs, more than the library's
               call and an Encrypt with as many callers

At one caller the cost is the time until the answer, at 32 the CPU time of the server (all of its
threads): on a machine that does other things, only that is worth anything. All figures are the
least of the rounds; library, Encrypt and signatures take turns in each round. `--hosts` lets the
callers come from so many addresses.

`--beside` measures something else: 32 callers, and a neighbour of another address that encrypts all
the time. Beside the cost of a signature it tells the p99 of this neighbour, alone and beside them.
"""

import argparse
import base64
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA65PrivateKey,
    MLDSA87PrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from bench import neighbour, servers, signed
from bench.callers import Callers, as_json
from bench.neighbour import Neighbour
from bench.prove_floods import LONG, SERVER, SETTLE_SECONDS, end, p99_ms, process, sign, weighty
from bench.servers import Server

MESSAGE = bytes(range(64))
CALLERS = {1: 150.0, 32: 60.0}
"""How many callers → how many µs more they may cost."""
SETTLED = 2.5
"""Seconds until callers are measured: they begin within one, and for one more the server treats
those who have just come as callers of something quick (decision 0073)."""
ALGORITHMS = {
    "RSA_2048": "RSASSA_PKCS1_V1_5_SHA_256",
    "ML_DSA_44": "ML_DSA_SHAKE_256",
    "ML_DSA_65": "ML_DSA_SHAKE_256",
    "ML_DSA_87": "ML_DSA_SHAKE_256",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The cost of a signature, in µs."""

    spec: str
    callers: int
    library: float
    encrypt: float
    signature: float

    @property
    def more(self) -> float:
        """What it costs more than it has to."""
        return self.signature - self.library - self.encrypt

    @property
    def holds(self) -> bool:
        return self.more <= CALLERS[self.callers]


def bare(spec: str) -> Callable[[], bytes]:
    """The library's call."""
    if spec == "RSA_2048":
        key = generate_private_key(65537, 2048)
        return lambda: key.sign(MESSAGE, PKCS1v15(), SHA256())
    kinds = {"ML_DSA_44": MLDSA44PrivateKey, "ML_DSA_65": MLDSA65PrivateKey}
    made = kinds.get(spec, MLDSA87PrivateKey).generate()
    return lambda: made.sign(MESSAGE)


def of_library(call: Callable[[], bytes], seconds: float) -> float:
    """The CPU time of a call, in µs."""
    began, until, calls = time.thread_time(), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        call()
        calls += 1
    return (time.thread_time() - began) / calls * 1e6


def of_server(server: Server, request: str, callers: int, asked: argparse.Namespace) -> float:
    """What a request costs, in µs: of one caller its time, of many the server's CPU time."""
    seconds = asked.seconds
    load = Callers(server.port, "127.0.0.1", callers, request, SETTLED, asked.hosts)
    with process("bench.callers", as_json(load)) as asking:
        before, began = server.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        answers = int(end(asking))
        cpu, took = server.cpu_seconds() - before, time.monotonic() - began
    return (took if callers == 1 else cpu) / answers * 1e6


def measure(server: Server, specs: Mapping[str, str], asked: argparse.Namespace) -> list[Measured]:
    """The least cost of each signature and of an Encrypt, and of the library's calls."""
    library = {spec: bare(spec) for spec in specs}
    costs: dict[tuple[str, int], list[float]] = {}
    for _ in range(asked.rounds):
        for callers in CALLERS:
            requests = {"Encrypt": _encrypt(server)}
            requests |= {spec: _sign(server, spec, key) for spec, key in specs.items()}
            for name, request in requests.items():
                cost = of_server(server, request, callers, asked)
                costs.setdefault((name, callers), []).append(cost)
        for spec, call in library.items():
            costs.setdefault((spec, 0), []).append(of_library(call, asked.seconds))
    least = {name: min(each) for name, each in costs.items()}
    return [
        Measured(spec, callers, least[spec, 0], least["Encrypt", callers], least[spec, callers])
        for spec in specs
        for callers in CALLERS
    ]


@dataclass(frozen=True, slots=True)
class Beside:
    """32 callers that sign, beside a neighbour of another address."""

    spec: str
    signatures: float  # a second
    cost: float  # of the server for each, in µs, without those of the neighbour's calls
    quiet_ms: float  # the p99 of the neighbour
    beside_ms: float
    long_turns: tuple[int, ...]  # of more than LONG


def beside(server: Server, spec: str, key: str, asked: argparse.Namespace) -> Beside:
    """Signatures of 32 callers, and their neighbour."""
    seconds, request = asked.seconds, _sign(server, spec, key)
    load = Callers(server.port, "127.0.0.1", 32, request, SETTLED, asked.hosts)
    line = neighbour.as_json(Neighbour(server.port, "127.0.1.1", (_encrypt(server),)))
    with process("bench.neighbour", line) as near:
        time.sleep(SETTLE_SECONDS)
        began, idle = time.monotonic(), server.cpu_seconds()
        time.sleep(seconds)
        quiet, idle = time.monotonic(), server.cpu_seconds() - idle
        with process("bench.callers", as_json(load)) as asking:
            turns, before = server.long_turns(LONG), server.cpu_seconds()
            full = time.monotonic()
            time.sleep(seconds)
            over = time.monotonic()
            signatures = int(end(asking))
        cpu = server.cpu_seconds() - before
        long_turns = zip(turns, server.long_turns(LONG), strict=True)
        took = end(near)
    calls = [sum(a <= asked < b for asked, _ in took) for a, b in ((began, quiet), (full, over))]
    cost = (cpu - idle / calls[0] * calls[1]) / signatures * 1e6
    return Beside(
        spec, signatures / (over - full), cost, p99_ms(took, began, quiet),
        p99_ms(took, full, over), tuple(now - then for then, now in long_turns),
    )  # fmt: skip


def besides(server: Server, specs: Mapping[str, str], asked: argparse.Namespace) -> list[Beside]:
    """Some rounds of all specs. What else the machine does weighs less, if that is allowed."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, server.pid, SERVER)
    return [
        beside(server, spec, key, asked) for spec, key in specs.items() for _ in range(asked.rounds)
    ]


def table_beside(measured: list[Beside]) -> str:
    """The figures as a table."""
    lines = [
        "| key | signatures/s | Sign µs | neighbour's p99, ms | beside them | ratio | long turns |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.spec} | {one.signatures:,.0f} | {one.cost:,.0f} | {one.quiet_ms:.2f}"
        f" | {one.beside_ms:.2f} | {one.beside_ms / one.quiet_ms:.1f}"
        f" | {', '.join(map(str, one.long_turns))} |"
        for one in measured
    ]
    return "\n".join(lines)


def _encrypt(server: Server) -> str:
    text = base64.b64encode(MESSAGE).decode()
    body = json.dumps(
        {"KeyId": server.key_id, "EncryptionContext": signed.CONTEXT, "Plaintext": text}
    )
    return sign(server, "kms", "TrentService.Encrypt", body)


def _sign(server: Server, spec: str, key: str) -> str:
    text = base64.b64encode(MESSAGE).decode()
    body = json.dumps({"KeyId": key, "Message": text, "SigningAlgorithm": ALGORITHMS[spec]})
    return sign(server, "kms", "TrentService.Sign", body)


def table(measured: list[Measured]) -> str:
    """The figures as a table."""
    lines = [
        "| key | callers | library µs | Encrypt µs | Sign µs | more µs | goal |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.spec} | {one.callers} | {one.library:,.0f} | {one.encrypt:,.0f}"
        f" | {one.signature:,.0f} | {one.more:,.0f} | {CALLERS[one.callers]:.0f} |"
        for one in measured
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and say which goals were missed."""
    parser = argparse.ArgumentParser(description="Signatures, beside the library's bare calls.")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=tuple(ALGORITHMS), help="not all")
    parser.add_argument("--hosts", type=int, default=1, help="from which the callers ask")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--beside", action="store_true", help="what a neighbour feels, instead")
    arguments = parser.parse_args()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # nothing is shared
    directory = tempfile.TemporaryDirectory(prefix="keystead-signing-", dir=memory)
    with directory as temporary:
        server = servers.keystead(str(Path(sys.executable).with_name("keystead")), Path(temporary))
        server.start(Path(temporary) / "keystead.log")
        try:
            who = servers.administrator(Path(temporary))
            server.access_key_id, server.secret = who
            kms = server.client("kms", *who)
            server.key_id = kms.create_key()["KeyMetadata"]["KeyId"]
            specs = {
                spec: kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
                for spec in arguments.only or ALGORITHMS
            }
            if arguments.beside:
                with weighty():
                    print(table_beside(besides(server, specs, arguments)))
                return 0
            measured = measure(server, specs, arguments)
        finally:
            server.stop()
    print(json.dumps([asdict(one) for one in measured]) if arguments.json else table(measured))
    return 0 if all(one.holds for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
