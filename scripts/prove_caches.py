"""Does any sequence of calls of one account make the server larger, or slower for its neighbour?

    make prove-caches                                       10,000 calls of each sort: an hour
    python -m scripts.prove_caches KEYSTEAD [--calls N] [--only NAME,…] [--jobs N] [--json]
                                                            2,000 calls of each: ten minutes
    --jobs N    so many sequences side by side: then only memory is judged, because a neighbour
                waits for the other servers as well

Each sequence is sent to a new server, one call after the other, each different from all before. A
neighbour in another account encrypts meanwhile, on a connection of its own, a hundred times a
second. Reported for each sequence: what the server grew by (resident memory, the most, and at the
end), what its caches say that they keep, and the neighbour's p99 in the quiet before, in the first
tenth and in the last tenth of the sequence. The status is 1 if a server grew by more than 64 MB, or
if its neighbour's p99 in the last tenth is more than three times that of the quiet. The ratio to
the first tenth tells whether it grew, or whether each call takes long.

If one sequence runs at a time, the server has a processor of its own, and on the other one the
neighbour goes first (`bench.placing`).
"""

import argparse
import http.client
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import servers
from bench.placing import FLOOD, NEIGHBOUR, SERVER, place
from bench.servers import REGION, Server
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.documents import LARGE, key_policy

MOST_MB, MOST_TIMES = 64.0, 3.0
QUIET_SECONDS, PAUSE_SECONDS = 3.0, 0.01
WARM_UP = 12
FORMS = sorted(LARGE)


@dataclass(frozen=True, slots=True)
class Result:
    """What one sequence did to the server and to the neighbour."""

    sequence: str
    calls: int
    refused: int
    seconds: float
    grown_mb: float
    most_grown_mb: float
    kept_mb: float
    quiet_p99_ms: float
    first_p99_ms: float
    last_p99_ms: float
    longest_ms: float

    def holds(self, *, alone: bool) -> bool:
        """Does it keep the goals?  `alone`: nothing else ran meanwhile, so the times count too."""
        slower = alone and self.last_p99_ms > MOST_TIMES * self.quiet_p99_ms
        return self.most_grown_mb <= MOST_MB and not slower


class Caller:
    """Somebody who signs, on a connection of their own."""

    def __init__(self, port: int, access_key_id: str, secret: str) -> None:
        self._port = port
        self._own = self._credentials = Credentials(access_key_id, secret)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(
        self, service: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        """One call; its status and what JSON it answers."""
        url = f"http://127.0.0.1:{self._port}{path}"
        request = AWSRequest("POST", url, data=body, headers=dict(headers))
        SigV4Auth(self._credentials, service, REGION).add_auth(request)
        self._connection.request("POST", path, body, dict(request.headers.items()))
        response = self._connection.getresponse()
        content = response.read()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(content) if is_json and content else content

    @contextmanager
    def session(self, content: bytes) -> Iterator[None]:
        """In the block, sign with the credentials in this answer of STS."""
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        text = content.decode()
        self._credentials = Credentials(
            *(text.partition(f"<{name}>")[2].partition("<")[0] for name in names)
        )
        try:
            yield
        finally:
            self._credentials = self._own

    def kms(self, operation: str, **members: Any) -> tuple[int, Any]:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{operation}",
        }
        return self.send("kms", "/", json.dumps(members).encode(), headers)

    def iam(self, action: str, **members: str) -> tuple[int, Any]:
        return self._query("iam", {"Action": action, "Version": "2010-05-08", **members})

    def sts(self, action: str, **members: str) -> tuple[int, Any]:
        return self._query("sts", {"Action": action, "Version": "2011-06-15", **members})

    def _query(self, service: str, form: Mapping[str, str]) -> tuple[int, Any]:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send(service, "/", urlencode(form).encode(), kind)

    def validate(self, document: str) -> tuple[int, Any]:
        body = json.dumps({"policyDocument": document, "policyType": "IDENTITY_POLICY"}).encode()
        return self.send(
            "access-analyzer", "/policy/validation", body, {"Content-Type": "application/json"}
        )


@dataclass(frozen=True, slots=True)
class Mallory:
    """Who sends a sequence: the administrator of an account, with one key."""

    caller: Caller
    account: str
    key_id: str


def large(number: int) -> str:
    return LARGE[FORMS[number % len(FORMS)]](number)


# The sequences: each is one or a few calls, for the number that it gets.

Sequence = Callable[[Mallory, int], list[tuple[int, Any]]]


def simulate(who: Mallory, number: int) -> list[tuple[int, Any]]:
    members = {"PolicyInputList.member.1": large(number), "ActionNames.member.1": "kms:Encrypt"}
    return [who.caller.iam("SimulateCustomPolicy", **members)]


def context_keys(who: Mallory, number: int) -> list[tuple[int, Any]]:
    members = {"PolicyInputList.member.1": large(number)}
    return [who.caller.iam("GetContextKeysForCustomPolicy", **members)]


def validate(who: Mallory, number: int) -> list[tuple[int, Any]]:
    return [who.caller.validate(large(number))]


def read(who: Mallory, number: int) -> list[tuple[int, Any]]:
    """Listings, and names that nobody has."""
    nobodys = f"arn:aws:kms:{REGION}:999999999999:key/{number:08}-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
    return [
        who.caller.kms("ListKeys", Limit=1 + number % 1000),
        who.caller.kms("ListAliases", Limit=1 + number % 100),
        who.caller.kms("GetKeyPolicy", KeyId=who.key_id),
        who.caller.iam("ListUsers", PathPrefix=f"/{number}/"),
        who.caller.kms("DescribeKey", KeyId=nobodys),
    ]


def key_policies(who: Mallory, number: int) -> list[tuple[int, Any]]:
    text = key_policy(who.account, large(number))
    return [
        who.caller.kms("PutKeyPolicy", KeyId=who.key_id, PolicyName="default", Policy=text),
        who.caller.kms("Encrypt", KeyId=who.key_id, Plaintext="AAAA"),
    ]


def new_keys(who: Mallory, number: int) -> list[tuple[int, Any]]:
    made = who.caller.kms("CreateKey", Policy=key_policy(who.account, large(number)))
    key_id = made[1]["KeyMetadata"]["KeyId"] if made[0] == http.client.OK else "none"
    return [made, who.caller.kms("Encrypt", KeyId=key_id, Plaintext="AAAA")]


def contexts(who: Mallory, number: int) -> list[tuple[int, Any]]:
    context = {f"{number}-{i}": f"{number}" * 10 for i in range(90)}
    return [
        who.caller.kms("Encrypt", KeyId=who.key_id, Plaintext="AAAA", EncryptionContext=context)
    ]


def names_and_tags(who: Mallory, number: int) -> list[tuple[int, Any]]:
    """One key under ever new aliases, with ever new tags."""
    alias = f"alias/{'x' * 200}{number}"
    tags = [{"TagKey": f"{i}", "TagValue": f"{number}" * 40} for i in range(40)]
    return [
        who.caller.kms("CreateAlias", AliasName=alias, TargetKeyId=who.key_id),
        who.caller.kms("TagResource", KeyId=who.key_id, Tags=tags),
        who.caller.kms("Encrypt", KeyId=alias, Plaintext="AAAA"),
        who.caller.kms("DeleteAlias", AliasName=alias),
    ]


def user_policies(who: Mallory, number: int) -> list[tuple[int, Any]]:
    """A policy of a user that changes again and again."""
    statement = {"Effect": "Allow", "Action": f"kms:{number}*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    put = {"UserName": "admin", "PolicyName": f"p{number % 2}", "PolicyDocument": text}
    return [
        who.caller.iam("PutUserPolicy", **put),
        who.caller.kms("Encrypt", KeyId=who.key_id, Plaintext="AAAA"),
    ]


def sessions(who: Mallory, number: int) -> list[tuple[int, Any]]:
    """Ever new sessions with policies of their own, each used once."""
    actions = [f"kms:{number}{i:03}" for i in range(60)]
    statement = {"Effect": "Allow", "Action": ["kms:Encrypt", *actions], "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    issued = who.caller.sts("GetFederationToken", Name=f"n{number}", Policy=text)
    with who.caller.session(issued[1]):
        return [issued, who.caller.kms("Encrypt", KeyId=who.key_id, Plaintext="AAAA")]


def grants(who: Mallory, number: int) -> list[tuple[int, Any]]:
    """Ever new keys, each with a grant that some contexts may use."""
    made = who.caller.kms("CreateKey")
    key_id = made[1]["KeyMetadata"]["KeyId"]
    context = {f"{number}-{i}": f"{number}" * 10 for i in range(8)}
    given = who.caller.kms(
        "CreateGrant", KeyId=key_id, GranteePrincipal=f"arn:aws:iam::{who.account}:user/admin",
        Operations=["Encrypt"], Constraints={"EncryptionContextSubset": context},
    )  # fmt: skip
    used = who.caller.kms("Encrypt", KeyId=key_id, Plaintext="AAAA", EncryptionContext=context)
    return [made, given, used]


SEQUENCES: Mapping[str, Sequence] = {
    "simulate": simulate,
    "context-keys": context_keys,
    "validate": validate,
    "read": read,
    "key-policies": key_policies,
    "new-keys": new_keys,
    "contexts": contexts,
    "names-and-tags": names_and_tags,
    "user-policies": user_policies,
    "sessions": sessions,
    "grants": grants,
}


# The neighbour


def neighbour(port: int, credentials: tuple[str, str], key_id: str, pipe: Connection) -> None:
    """Encrypt until told to stop; gives back when each call ended and how long it took."""
    caller = Caller(port, *credentials)
    seen: list[tuple[float, float]] = []
    while not pipe.poll():
        began = time.monotonic()
        status, _ = caller.kms("Encrypt", KeyId=key_id, Plaintext="AAAA")
        ended = time.monotonic()
        if status != http.client.OK:
            raise SystemExit(f"the neighbour was answered {status}")
        seen.append((ended, ended - began))
        time.sleep(PAUSE_SECONDS)
    pipe.send(seen)


def p99_ms(seen: list[tuple[float, float]], begin: float, end: float) -> float:
    times = [took for at, took in seen if begin <= at <= end]
    if len(times) < 2:
        return float("nan")
    return statistics.quantiles(times, n=100, method="inclusive")[98] * 1e3


# One sequence


def prove(binary: str, name: str, calls: int, *, alone: bool) -> Result:
    """Send one sequence to a new server, and look at it."""
    print(f"keystead: {name} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="keystead-prove-") as place:
        directory = Path(place)
        server = servers.keystead(binary, directory)
        server.start(directory / "log")
        try:
            return _proved(binary, server, directory, name, calls, alone=alone)
        finally:
            server.stop()


def _proved(  # what `prove` has, and the server
    binary: str, server: Server, directory: Path, name: str, calls: int, *, alone: bool
) -> Result:
    port, sequence = server.port, SEQUENCES[name]
    caller = Caller(port, *servers.administrator(directory))
    made = caller.kms("CreateKey")[1]["KeyMetadata"]
    who = Mallory(caller, made["AWSAccountId"], made["KeyId"])
    other = _other_account(binary, directory)
    key_id = Caller(port, *other).kms("CreateKey")[1]["KeyMetadata"]["KeyId"]
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=neighbour, args=(port, other, key_id, theirs))
    process.start()
    if alone:
        place(server.pid, SERVER)
        place(process.pid or 0, NEIGHBOUR)
        place(os.getpid(), FLOOD)
    began = time.monotonic()
    time.sleep(QUIET_SECONDS)
    quiet = time.monotonic()
    answers = [one for number in range(WARM_UP) for one in sequence(who, number)]
    before = most = server.resident_mb()
    marks, refused, sent, start = [time.monotonic()], 0, 0, time.monotonic()
    number = WARM_UP
    while sent < calls:
        answers = sequence(who, number)
        refused += sum(status != http.client.OK for status, _ in answers)
        sent, number = sent + len(answers), number + 1
        if sent * 10 // calls >= len(marks):
            marks.append(time.monotonic())
            most = max(most, server.resident_mb())
    seconds, after = time.monotonic() - start, server.resident_mb()
    ours.send("stop")
    seen = ours.recv()
    process.join()
    return Result(
        sequence=name,
        calls=sent,
        refused=refused,
        seconds=round(seconds, 1),
        grown_mb=round(after - before, 1),
        most_grown_mb=round(max(most, after) - before, 1),
        kept_mb=round(_kept(port) / 1e6, 1),
        quiet_p99_ms=round(p99_ms(seen, began, quiet), 2),
        first_p99_ms=round(p99_ms(seen, marks[0], marks[1]), 2),
        last_p99_ms=round(p99_ms(seen, marks[-2], marks[-1]), 2),
        longest_ms=round(max(took for at, took in seen if at > quiet) * 1e3, 1),
    )


def _other_account(binary: str, directory: Path) -> tuple[str, str]:
    command = [binary, "account", "create", "--email", "other@example.com", "--json"]
    ran = subprocess.run(
        [*command, "--data", str(directory / "data")], capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout)
    return found["AccessKeyId"], found["SecretAccessKey"]


def _kept(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("keystead_kept_bytes "))


def _table(results: list[Result], *, alone: bool) -> None:
    heads = ("sequence", "calls", "refused", "s", "MB at end", "MB most", "MB kept")
    times = ("quiet p99", "first 1/10", "last 1/10", "x quiet", "x first", "longest ms")
    print("".join(f"{head:>16}" if head == "sequence" else f"{head:>11}" for head in heads + times))
    for one in results:
        figures = (
            one.calls, one.refused, one.seconds, one.grown_mb, one.most_grown_mb, one.kept_mb,
            one.quiet_p99_ms, one.first_p99_ms, one.last_p99_ms,
            round(one.last_p99_ms / one.quiet_p99_ms, 1),
            round(one.last_p99_ms / one.first_p99_ms, 1), one.longest_ms,
        )  # fmt: skip
        line = "".join(f"{figure:>11}" for figure in figures)
        print(f"{one.sequence:>16}{line}{'' if one.holds(alone=alone) else '   DOES NOT HOLD'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("keystead", help="the command")
    parser.add_argument("--calls", type=int, default=10_000, help="of each sequence")
    parser.add_argument("--only", default=",".join(SEQUENCES), help="names, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="sequences side by side")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    alone = given.jobs == 1
    each = partial(prove, given.keystead, calls=given.calls, alone=alone)
    with ProcessPoolExecutor(given.jobs, max_tasks_per_child=1) as jobs:  # each has its priority
        results = list(jobs.map(each, given.only.split(",")))
    if given.json:
        shown = [asdict(one) | {"holds": one.holds(alone=alone)} for one in results]
        print(json.dumps(shown, indent=2))
    else:
        _table(results, alone=alone)
    failed = [one.sequence for one in results if not one.holds(alone=alone)]
    judged = "" if alone else " (memory only)"
    verdict = (f"does NOT hold: {', '.join(failed)}" if failed else "holds") + judged
    print(f"{len(results)} sequences of {given.calls:,} calls: {verdict}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
