"""Measure Keystead and moto_server, in turn, under the same load, on this machine.

    python -m bench.measure --keystead BIN [--moto BIN] [--seconds S] [--rounds N]

Each figure is the median over the rounds; of CPU per request the least is shown as well, because
whatever else runs on the machine, or on its host, can only add to it. While one server is measured
the other is stopped (SIGSTOP). With two CPUs or more, the server runs on the first and wrk on the
second, so that "requests per second" is what one core does. CPU per request is the process's user
and system time divided by the requests that were answered; every request must be answered with 200.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import servers, signed
from bench.servers import Server

CONNECTIONS = (1, 32)
WARM_UP_SECONDS = 1
LUA = Path(__file__).with_name("requests.lua")
RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of wrk found."""

    per_second: float
    p50_us: float
    p99_us: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Figure:
    """The medians of one server, operation and number of connections."""

    server: str
    operation: str
    connections: int
    per_second: float
    p50_us: float
    p99_us: float
    cpu_us: float
    least_cpu_us: float


def wrk(server: Server, connections: int, seconds: int, requests: Path) -> Run:
    """One run of the load against one server."""
    pin = ["taskset", "-c", "1"] if _pinned() else []
    before = server.cpu_seconds()
    ran = subprocess.run(
        [*pin, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(LUA), server.endpoint],
        env={**os.environ, "BENCH_REQUESTS": str(requests)},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    cpu = server.cpu_seconds() - before
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    if found["refused"] or found["broken"] or not found["requests"]:
        raise RuntimeError(f"{server.name} did not answer every request: {found}")
    return Run(
        found["requests"] / found["microseconds"] * 1e6,
        found["p50"],
        found["p99"],
        cpu / found["requests"] * 1e6,
    )


def _pinned() -> bool:
    return (os.cpu_count() or 1) > 1 and shutil.which("taskset") is not None


def measure(
    compared: list[Server], operation: str, connections: int, seconds: int, rounds: int
) -> list[Figure]:
    """The figures of one operation, the servers in turn."""
    runs: dict[str, list[Run]] = {server.name: [] for server in compared}
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        for _ in range(rounds):
            for server in compared:
                server.resume()
                path.write_bytes(signed.requests(server, operation))
                wrk(server, connections, WARM_UP_SECONDS, path)
                runs[server.name].append(wrk(server, connections, seconds, path))
                server.pause()
    return [_figure(name, operation, connections, of) for name, of in runs.items()]


def _figure(name: str, operation: str, connections: int, runs: list[Run]) -> Figure:
    """The medians of some runs, and the least CPU time."""
    return Figure(
        name,
        operation,
        connections,
        per_second=statistics.median(run.per_second for run in runs),
        p50_us=statistics.median(run.p50_us for run in runs),
        p99_us=statistics.median(run.p99_us for run in runs),
        cpu_us=statistics.median(run.cpu_us for run in runs),
        least_cpu_us=min(run.cpu_us for run in runs),
    )


def start(arguments: argparse.Namespace, directory: Path) -> list[Server]:
    """The servers, running, each with its user and key; start times are of a second start."""
    ours = servers.keystead(arguments.keystead, directory)
    ours.start(directory / "keystead.log")
    ours.stop()
    compared = [ours]
    if arguments.moto:
        compared.append(servers.moto(arguments.moto))
    try:
        for server in compared:
            server.start(directory / f"{server.name}.log")
            if _pinned():
                os.sched_setaffinity(server.pid, {0})
            if server is ours:
                servers.prepared(server, servers.administrator(directory), signed.POLICY)
            else:
                servers.prepared(server, ("setup", "setup"), signed.PLAIN_POLICY)
            server.pause()
    except BaseException:
        for server in compared:
            server.stop()
        raise
    return compared


def markdown(report: dict[str, object], figures: list[Figure]) -> str:
    """The report as a page."""
    lines = [
        f"Measured on {report['machine']}, {report['cpus']} CPUs, Python {report['python']}.",
        "",
        "| server | start, s | memory after the load, MB |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {of['start_seconds']:.2f} | {of['resident_mb']:.0f} |"
        for name, of in report["servers"].items()  # type: ignore[attr-defined]  # a dict of dicts
    ]
    lines += [
        "",
        "| operation | conns | server | requests/s | p50 µs | p99 µs | CPU µs | least | ratio |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    others = {(f.operation, f.connections): f for f in figures if f.server == "moto_server"}
    for f in figures:
        other = others.get((f.operation, f.connections))
        ratio = f"{f.per_second / other.per_second:.1f}" if other and other is not f else ""
        lines.append(
            f"| {f.operation} | {f.connections} | {f.server} | {f.per_second:,.0f}"
            f" | {f.p50_us:,.0f} | {f.p99_us:,.0f} | {f.cpu_us:,.0f}"
            f" | {f.least_cpu_us:,.0f} | {ratio} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print a table, and keep it with the numbers in bench/results."""
    parser = argparse.ArgumentParser(description="Measure Keystead beside moto_server.")
    parser.add_argument("--keystead", required=True, help="the command `keystead`")
    parser.add_argument("--moto", help="the command `moto_server`")
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--operation", action="append", choices=signed.OPERATIONS)
    arguments = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="keystead-bench-") as temporary:
        compared = start(arguments, Path(temporary))
        try:
            for operation in arguments.operation or signed.OPERATIONS:
                for connections in CONNECTIONS:
                    print(f"{operation}, {connections} connections …", file=sys.stderr)
                    figures += measure(
                        compared, operation, connections, arguments.seconds, arguments.rounds
                    )
            report: dict[str, object] = {
                "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
                "cpus": os.cpu_count(),
                "python": platform.python_version(),
                "seconds": arguments.seconds,
                "rounds": arguments.rounds,
                "servers": {
                    s.name: {"start_seconds": s.start_seconds, "resident_mb": s.resident_mb()}
                    for s in compared
                },
                "figures": [asdict(figure) for figure in figures],
            }
        finally:
            for server in compared:
                server.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(report, indent=2) + "\n")
    page = markdown(report, figures)
    (RESULTS / "latest.md").write_text(page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
