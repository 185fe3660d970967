"""Make very many calls of each kind, and say what each left in memory. `make prove-memory` runs it.

    python scripts/prove_memory.py CALLS [--jobs N] [--kinds I/N] [NAME…]

    CALLS           of each kind; of those with large bodies a quarter, which says as much
    --jobs N        so many processes, each with its share of the kinds
    --kinds I/N     only the share with the number I (from 1) of N
    NAME            only kinds with this name

The same as `tests/memory/test_kept.py`, at length. One line for each kind of call; exit status 1
if anything stayed. What stays of each call is found if it is more than 64 KiB in all: with 20,000
calls that are 3 bytes of each, with 2,000 they are 32.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.memory.kept import kept
from tests.memory.served import served
from tests.memory.ways import LARGE, SMALL, ways


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("calls", type=int, help="of each kind")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--kinds", default="1/1", help="a share of the kinds: 1/2, 2/2")
    parser.add_argument("names", nargs="*", help="not all kinds")
    given = parser.parse_intermixed_args()
    if given.jobs > 1:
        return in_jobs(given.calls, given.jobs, given.names)
    number, shares = map(int, given.kinds.split("/"))
    every = [(longer, name) for longer in (SMALL, LARGE) for name in names(longer)]
    wanted = [kind for kind in every if kind[1] in given.names or not given.names]
    share = wanted[number - 1 :: shares]
    failed = [name for longer, name in share if not proved(name, longer, given.calls)]
    verdict = f"does NOT hold: {', '.join(failed)}" if failed else "holds"
    print(f"{len(share)} kinds, {given.calls:,} calls of each: {verdict}", flush=True)
    return 1 if failed else 0


def in_jobs(calls: int, jobs: int, names: list[str]) -> int:
    """Let each of several processes prove its share."""
    command = [sys.executable, __file__, str(calls), *names]
    running = [
        subprocess.Popen([*command, "--kinds", f"{number}/{jobs}"]) for number in range(1, jobs + 1)
    ]
    failed = sum(process.wait() != 0 for process in running)
    print(f"all kinds: {'does NOT hold' if failed else 'holds'}", flush=True)
    return 1 if failed else 0


def names(longer: int) -> list[str]:
    with tempfile.TemporaryDirectory() as directory, served(Path(directory) / "data") as running:
        return list(ways(running.local, longer))


def proved(name: str, longer: int, calls: int) -> bool:
    """Does a kind of call leave nothing?  In an installation of its own: its clock is right."""
    with tempfile.TemporaryDirectory() as directory, served(Path(directory) / "data") as running:
        many = calls // 4 if longer else calls
        found = kept(running, ways(running.local, longer)[name], many)
    stayed = f"{found.bytes:10,} bytes, {found.in_rings:,} objects in rings"
    print(f"{'ok' if found.is_nothing else 'STAYED':8}{longer:7,}  {name:38}{stayed}", flush=True)
    return found.is_nothing


if __name__ == "__main__":
    sys.exit(main())
