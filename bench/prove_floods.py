"""Does the server hold what it promises under floods?  Each flood, measured by two neighbours.

    python -m bench.prove_floods --keystead BIN [--seconds S] [--rounds N] [--only NAME …] [--json]

    goals of each flood   the p99 of a neighbour is at most 3 times its value in quiet,
                          memory at most 100 MB above what it was before,
                          and both neighbours are as in quiet a second after its end (p99, 3 times)

One neighbour has the address that the flood comes from, the other one has an address of its own;
each is a process. Quiet is measured just before the flood and again after it, because what else
the machine does is in every figure.

The clients of a flood share the processor of the neighbours (`bench.placing`). What that does to
them tells a second quiet, "busy": the same flood, at a server of somebody else (`bench.sink`),
while ours is left alone. The goal is held against the plain quiet; the ratio to the slower of both
stands beside it, to tell how much of a miss is the machine's. "long turns" is the server's own
figure: how often its loop was held for more than 2.5, 5 and 10 ms in the flood
(`keystead_long_turn_seconds`).

The data directory is in memory where there is /dev/shm: else the disk would be measured, with
whoever else uses it. The figures are the medians over the rounds; the exit status is 1 when one of
them misses its goal.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO, cast

import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import floods, neighbour, servers, signed
from bench.floods import Flood
from bench.neighbour import Answered, Neighbour
from bench.placing import FLOOD, NEIGHBOUR, SERVER, place
from bench.servers import REGION, Server

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
MOST_RATIO, MOST_MB, NORMAL_SECONDS, SETTLE_SECONDS = 3.0, 100.0, 1.0, 0.5
POLICIES = 12  # of 6 kB each: what a reader's answer of 80 kB is made of
STRANGER = (
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\n"
    "X-Amz-Target: TrentService.Encrypt\r\nContent-Length: {}\r\n\r\n{}"
)
FORM = (
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: {}\r\n\r\n{}"
)
FLOODS = (
    "unsigned", "bodies", "forms", "polite forms", "signed", "signed forms", "unread", "slow",
    "unread keys", "slow keys", "resets", "handshakes",
)  # fmt: skip
# Of the longest escapes that a form may have: it is read whole, because its caller is known.
LONG_FORM = "Action=GetUser&Version=2010-05-08&UserName=" + "%41" * 63_331
KEYS = 1000  # in one answer of ListKeys, of 136 kB
LONG = ("0.0025", "0.005", "0.01")  # seconds of a turn


@dataclass(frozen=True, slots=True)
class Measured:
    """What one flood did."""

    flood: str
    answers: int  # that it got
    quiet_ms: dict[str, float]  # the p99 of each neighbour
    flood_ms: dict[str, float]
    after_ms: dict[str, float]  # from a second after the end
    busy_ms: dict[str, float]  # before, while the flood was somebody else's
    ratio: dict[str, float]  # to the quiet
    ratio_busy: dict[str, float]  # to the slower of quiet and busy
    ratio_after: dict[str, float]
    more_mb: float  # the peak, above what it was before
    left_mb: float  # a second after the end
    long_turns: tuple[int, ...]  # in the flood, of more than LONG

    @property
    def failures(self) -> list[str]:
        """The goals that were missed."""
        missed = [
            f"{self.flood}: a neighbour at {who} waits {ratio:.1f} times as long"
            for who, ratio in self.ratio.items()
            if ratio > MOST_RATIO
        ]
        missed += [
            f"{self.flood}: afterwards a neighbour at {who} waits {ratio:.1f} times as long"
            for who, ratio in self.ratio_after.items()
            if ratio > MOST_RATIO
        ]
        if self.more_mb > MOST_MB:
            missed.append(f"{self.flood}: {self.more_mb:.0f} MB more")
        return missed


@contextlib.contextmanager
def weighty() -> Iterator[None]:
    """Let our processes weigh more than the other sessions' of this machine, if that is allowed."""
    group = Path("/proc/self/autogroup")
    before = group.read_text().split()[-1] if group.exists() else ""
    with contextlib.suppress(OSError):
        group.write_text(str(FLOOD))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            group.write_text(before)


@contextlib.contextmanager
def process(module: str, line: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of a module of ours, which has read its line and is ready."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        said = cast("TextIO", started.stdin)
        said.write(line)
        said.flush()
        if cast("TextIO", started.stdout).readline() != "ready\n":
            raise RuntimeError(f"{module} did not start")
        place(started.pid, NEIGHBOUR if module == "bench.neighbour" else FLOOD)
        try:
            yield started
        finally:
            if not said.closed:
                said.close()


@contextlib.contextmanager
def sink(like: Server) -> Iterator[int]:
    """Somebody else's server, which speaks TLS if ours does; its port."""
    files = [like.environment.get(f"KEYSTEAD_TLS_{name}", "") for name in ("CERTIFICATE", "KEY")]
    command = [sys.executable, "-m", "bench.sink"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        said = cast("TextIO", started.stdin)
        said.write(json.dumps(files) + "\n")
        said.flush()
        port = int(cast("TextIO", started.stdout).readline())
        place(started.pid, FLOOD)
        try:
            yield port
        finally:
            said.close()


def end(started: "subprocess.Popen[str]") -> Any:
    """End a process, and what it found."""
    cast("TextIO", started.stdin).close()
    return json.loads(cast("TextIO", started.stdout).read())


def p99_ms(answered: Sequence[Answered], since: float, until: float) -> float:
    """The 99th percentile of how long it took, of what was asked in this time."""
    found = sorted(took for asked, took in answered if since <= asked < until)
    if not found:  # one request has waited for all of this time
        return max(took for asked, took in answered if asked < until) * 1e3
    return found[min(len(found) - 1, int(len(found) * 0.99))] * 1e3


def sign(server: Server, service: str, target: str, body: str) -> str:
    """One signed request."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    if target:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    request = AWSRequest("POST", f"{server.endpoint}/", data=body, headers=headers)
    who = Credentials(server.access_key_id, server.secret)
    SigV4Auth(who, service, REGION).add_auth(request)
    sent = {"Host": f"127.0.0.1:{server.port}", **request.headers, "Content-Length": len(body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n{body}"


def flood_of(server: Server, name: str) -> Flood:
    """One of FLOODS, signed now."""
    encrypts = signed.requests(server, "Encrypt").decode("ascii").split("\0")[:64]
    large = sign(
        server, "iam", "", "Action=GetAccountAuthorizationDetails&Version=2010-05-08&MaxItems=10"
    )
    keys = sign(server, "kms", "TrentService.ListKeys", json.dumps({"Limit": KEYS}))
    form = FORM.format(190_002, "Action=" + "%41" * 63_331 + "&a")
    connections, requests, reads = {
        "unsigned": (190, [STRANGER.format(2, "{}")], "all"),
        "bodies": (190, [STRANGER.format(190_000, "x" * 190_000)], "all"),
        "forms": (190, [form], "all"),
        "polite forms": (190, [form], "politely"),
        "signed": (190, encrypts, "all"),
        "signed forms": (190, [sign(server, "iam", "", LONG_FORM)], "all"),
        "unread": (150, [large], "nothing"),
        "slow": (150, [large], "slowly"),
        "unread keys": (150, [keys], "nothing"),
        "slow keys": (150, [keys], "slowly"),
        "resets": (100, [], "resets"),
        "handshakes": (50, [], "handshakes"),
    }[name]
    return Flood(server.port, HERE, connections, tuple(requests), reads, server.authority)


def measure(server: Server, name: str, seconds: float) -> Measured:
    """One flood between two times of quiet."""
    asked = tuple(signed.requests(server, "Encrypt").decode("ascii").split("\0"))
    lines = {
        who: neighbour.as_json(Neighbour(server.port, who, asked, server.authority))
        for who in (HERE, ELSEWHERE)
    }
    flood = flood_of(server, name)
    with (
        process("bench.neighbour", lines[HERE]) as here,
        process("bench.neighbour", lines[ELSEWHERE]) as elsewhere,
    ):
        time.sleep(SETTLE_SECONDS)
        began, before = time.monotonic(), server.resident_mb()
        server.forget_peak()
        time.sleep(seconds)
        with sink(server) as port:
            elsewhere_to = floods.as_json(replace(flood, port=port))
            with process("bench.floods", elsewhere_to) as flooding:
                begun = time.monotonic()
                time.sleep(seconds)
                over = time.monotonic()
                end(flooding)
        busy = begun, over
        turns = server.long_turns(LONG)
        with process("bench.floods", floods.as_json(flood)) as flooding:
            flooded = time.monotonic()
            time.sleep(seconds)
            over = time.monotonic()
            answers = end(flooding)
        time.sleep(NORMAL_SECONDS)
        left = server.resident_mb()
        normal = time.monotonic()
        time.sleep(seconds)
        until, peak = time.monotonic(), server.peak_mb()
        long_turns = zip(turns, server.long_turns(LONG), strict=True)
        took = {HERE: end(here), ELSEWHERE: end(elsewhere)}
    quiet = {who: p99_ms(of, began, busy[0]) for who, of in took.items()}
    beside = {who: p99_ms(of, *busy) for who, of in took.items()}
    during = {who: p99_ms(of, flooded, over) for who, of in took.items()}
    after = {who: p99_ms(of, normal, until) for who, of in took.items()}
    return Measured(
        f"{name}, TLS" if server.authority else name,
        answers, quiet, during, after,
        beside,
        {who: during[who] / quiet[who] for who in took},
        {who: during[who] / max(quiet[who], beside[who]) for who in took},
        {who: after[who] / quiet[who] for who in took},
        peak - before, left - before, tuple(now - then for then, now in long_turns),
    )  # fmt: skip


def middle(rounds: list[Measured]) -> Measured:
    """The medians of some rounds of one flood."""
    median = statistics.median

    def each(name: str) -> dict[str, float]:
        return {who: median(getattr(one, name)[who] for one in rounds) for who in (HERE, ELSEWHERE)}

    return Measured(
        rounds[0].flood, int(median(one.answers for one in rounds)),
        each("quiet_ms"), each("flood_ms"), each("after_ms"), each("busy_ms"), each("ratio"),
        each("ratio_busy"), each("ratio_after"),
        median(one.more_mb for one in rounds), median(one.left_mb for one in rounds),
        tuple(int(median(each)) for each in zip(*(one.long_turns for one in rounds), strict=True)),
    )  # fmt: skip


def prepared(binary: str, directory: Path) -> tuple[Server, Server]:
    """A server with something to read, stopped, and the same one over TLS."""
    plain = servers.keystead(binary, directory)
    plain.start(directory / "keystead.log")
    try:
        who = servers.administrator(directory)
        servers.prepared(plain, who, signed.POLICY)
        iam = plain.client("iam", *who)
        reads = {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": ["iam:Get*", "kms:List*"], "Resource": "*"},
        }
        iam.put_user_policy(UserName="bench", PolicyName="reads", PolicyDocument=json.dumps(reads))
        statements = [
            {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::bucket{i}/*"}
            for i in range(60)
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        for i in range(POLICIES):
            iam.create_policy(PolicyName=f"large{i}", PolicyDocument=document)
        kms = plain.client("kms", *who)
        for _ in range(KEYS):
            kms.create_key()
    finally:
        plain.stop()
    return plain, _over_tls(plain, directory)


def _over_tls(plain: Server, directory: Path) -> Server:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    (directory / "key.pem").chmod(0o600)
    files = {
        **plain.environment,
        "KEYSTEAD_TLS_CERTIFICATE": str(directory / "cert.pem"),
        "KEYSTEAD_TLS_KEY": str(directory / "key.pem"),
    }
    return Server(
        plain.name, plain.command, plain.port, plain.ready_path, files,
        access_key_id=plain.access_key_id, secret=plain.secret, key_id=plain.key_id,
        authority=str(directory / "ca.pem"),
    )  # fmt: skip


def table(measured: list[Measured]) -> str:
    """The figures as a table; of each two, first the neighbour at the flood's own address."""
    names = (
        "flood", "answers", "quiet p99, ms", "busy", "in flood", "ratio", "to busy", "after", "MB",
        "left", "long turns",
    )  # fmt: skip
    lines = [f"| {' | '.join(names)} |", f"| --- {'| ---: ' * (len(names) - 1)}|"]

    def both(of: dict[str, float]) -> str:
        return f"{of[HERE]:.1f}, {of[ELSEWHERE]:.1f}"

    lines += [
        f"| {one.flood} | {one.answers:,} | {both(one.quiet_ms)} | {both(one.busy_ms)}"
        f" | {both(one.flood_ms)} | {both(one.ratio)} | {both(one.ratio_busy)}"
        f" | {both(one.ratio_after)} | {one.more_mb:.0f} | {one.left_mb:.0f}"
        f" | {', '.join(map(str, one.long_turns))} |"
        for one in measured
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and say which goals were missed."""
    parser = argparse.ArgumentParser(description="Floods, and what their neighbours feel.")
    parser.add_argument("--keystead", required=True, help="the command `keystead`")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each flood")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=FLOODS, help="not all of them")
    parser.add_argument("--over", action="append", choices=("tcp", "tls"), help="not both")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    measured: list[Measured] = []
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # nothing is shared
    directory = tempfile.TemporaryDirectory(prefix="keystead-floods-", dir=memory)
    with weighty(), directory as temporary:
        both = prepared(arguments.keystead, Path(temporary))
        for server, over in zip(both, ("tcp", "tls"), strict=True):
            if over not in (arguments.over or ("tcp", "tls")):
                continue
            for name in arguments.only or FLOODS:
                rounds: list[Measured] = []
                for _ in range(arguments.rounds):
                    server.start(Path(temporary) / "keystead.log")
                    place(server.pid, SERVER)
                    try:
                        rounds.append(measure(server, name, arguments.seconds))
                    finally:
                        server.stop()
                    print(table(rounds[-1:]).splitlines()[-1], file=sys.stderr)
                measured.append(middle(rounds))
    failures = [failure for one in measured for failure in one.failures]
    if arguments.json:
        print(json.dumps({"figures": [asdict(one) for one in measured], "missed": failures}))
    else:
        print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}\n")
        print(table(measured))
    for failure in failures:
        print(f"keystead: error: {failure}", file=sys.stderr)
    print(f"{len(measured)} floods: {'does NOT hold' if failures else 'holds'}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
