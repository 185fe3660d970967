"""Make very many calls of each kind, and say what each left in memory. `make prove-memory` runs it.

    python scripts/prove_memory.py CALLS [NAME]…

The same as `tests/memory/test_kept.py`, at length. One line for each kind of call; exit status 1
if anything stayed.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.memory.kept import kept
from tests.memory.served import served
from tests.memory.ways import LARGE, SMALL, ways


def main() -> int:
    if len(sys.argv) < 2 or not sys.argv[1].isdigit():
        sys.exit("usage: python scripts/prove_memory.py CALLS [NAME]…")
    calls, wanted, failed = int(sys.argv[1]), sys.argv[2:], []
    for longer in (SMALL, LARGE):
        for name in names(longer):
            if wanted and name not in wanted:
                continue
            if not proved(name, longer, calls):
                failed.append(name)
    print(f"{calls:,} calls of each kind, {len(failed)} kinds left something behind")
    return 1 if failed else 0


def names(longer: int) -> list[str]:
    with tempfile.TemporaryDirectory() as directory, served(Path(directory) / "data") as running:
        return list(ways(running.local, longer))


def proved(name: str, longer: int, calls: int) -> bool:
    """Does a kind of call leave nothing?  In an installation of its own: its clock is right."""
    with tempfile.TemporaryDirectory() as directory, served(Path(directory) / "data") as running:
        found = kept(running, ways(running.local, longer)[name], calls)
    stayed = f"{found.bytes:10,} bytes, {found.in_rings:,} objects in rings"
    print(f"{'ok' if found.is_nothing else 'STAYED':8}{longer:7,}  {name:38}{stayed}", flush=True)
    return found.is_nothing


if __name__ == "__main__":
    sys.exit(main())
