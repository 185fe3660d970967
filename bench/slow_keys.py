"""What does a signature with a slow key cost, beside the bare library call and an Encrypt?

    python -m bench.slow_keys --keystead BIN [--seconds S] [--rounds N]

RSA_2048 and ML_DSA_65 sign different messages, for 1 and 32 callers (wrk). `bare` is the same call
of the library, alone in this process. What is `over` is the CPU of a Sign, less that of the bare
call and of an Encrypt for as many callers. The goal is 150 µs for one caller and 60 µs for 32. Each
figure is the least of several rounds, in which the three take turns.
"""

import argparse
import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import servers, signed
from bench.measure import wrk
from bench.servers import Server
from keystead.custody.backends import software

GOALS = {1: 150.0, 32: 60.0}  # µs, by callers
KINDS = {"RSA_2048": "RSASSA_PKCS1_V1_5_SHA_256", "ML_DSA_65": "ML_DSA_SHAKE_256"}
BARE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Figure:
    """The CPU of one Sign and of its parts, in microseconds."""

    spec: str
    callers: int
    sign: float
    bare: float
    encrypt: float

    @property
    def over(self) -> float:
        return self.sign - self.bare - self.encrypt


def bare(spec: str, algorithm: str) -> Callable[[], float]:
    """Measures the library's call: its CPU in microseconds."""
    material = software.open_material(spec, "", software.generate(spec).reveal())
    material.sign(algorithm, b"m", "RAW")  # the key is loaded now

    def measure() -> float:
        calls, until = 0, time.process_time() + BARE_SECONDS
        began = time.process_time()
        while time.process_time() < until:
            material.sign(algorithm, os.urandom(32), "RAW")
            calls += 1
        return (time.process_time() - began) / calls * 1e6

    return measure


def bodies(key: str, algorithm: str) -> Iterator[bytes]:
    """The bodies of a run of signatures."""
    for _ in range(signed.COUNT):
        message = base64.b64encode(os.urandom(32)).decode()
        members = {"KeyId": key, "Message": message, "SigningAlgorithm": algorithm}
        yield json.dumps(members).encode()


def served(
    server: Server, who: tuple[str, str], operation: str, sent: Iterator[bytes], path: Path
) -> Callable[[int, int], float]:
    """Measures calls of the server, for so many callers and seconds: the CPU of each."""
    path.write_bytes(
        b"\0".join(signed.signed(server, who, "kms", operation, body) for body in sent)
    )

    def measure(callers: int, seconds: int) -> float:
        wrk(server, callers, 1, path)
        return wrk(server, callers, seconds, path).cpu_us

    return measure


def figures(server: Server, directory: Path, seconds: int, rounds: int) -> list[Figure]:
    """The figures of each kind, and number of callers."""
    who = servers.administrator(directory)
    kms, found = server.client("kms", *who), []
    symmetric = kms.create_key()["KeyMetadata"]["KeyId"]
    text = base64.b64encode(os.urandom(32)).decode()
    encrypts = (
        json.dumps({"KeyId": symmetric, "Plaintext": text, "EncryptionContext": {"n": str(n)}})
        for n in range(signed.COUNT)
    )
    encrypt = served(server, who, "Encrypt", (each.encode() for each in encrypts), directory / "e")
    for spec, algorithm in KINDS.items():
        key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        sign = served(server, who, "Sign", bodies(key, algorithm), directory / spec)
        alone = bare(spec, algorithm)
        for callers in GOALS:
            print(f"{spec}, {callers} callers …", file=sys.stderr)
            least = [
                (sign(callers, seconds), alone(), encrypt(callers, seconds)) for _ in range(rounds)
            ]
            found.append(Figure(spec, callers, *map(min, zip(*least, strict=True))))
    return found


def table(found: list[Figure]) -> str:
    """The figures as a table."""
    lines = [
        "| CPU, µs | callers | Sign | bare call | Encrypt | over | goal |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in found:
        cells = (each.sign, each.bare, each.encrypt, each.over, GOALS[each.callers])
        figures_of = " | ".join(f"{cell:,.0f}" for cell in cells)
        lines.append(f"| {each.spec} | {each.callers} | {figures_of} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, and print a table; 1 if a figure misses its goal."""
    parser = argparse.ArgumentParser(description="Measure signatures with slow keys.")
    parser.add_argument("--keystead", required=True, help="the command `keystead`")
    parser.add_argument("--seconds", type=int, default=4, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keystead-slow-keys-") as temporary:
        directory = Path(temporary)
        server = servers.keystead(arguments.keystead, directory)
        try:
            server.start(directory / "log")
            found = figures(server, directory, arguments.seconds, arguments.rounds)
        finally:
            server.stop()
    print(table(found))
    print(json.dumps([asdict(each) for each in found]))
    return int(any(each.over > GOALS[each.callers] for each in found))


if __name__ == "__main__":
    sys.exit(main())
