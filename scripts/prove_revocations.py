"""Rounds of revoking calls against live sessions under load. `make prove-revocations` runs it.

    python scripts/prove_revocations.py ROUNDS

The same as `tests/server/test_revocations.py`, at length. Exit status 1 if a request was allowed
that began after the call by which it was revoked had returned.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.conftest import OTHER_REGION, Server, free_port
from tests.revoking.rounds import rounds
from tests.revoking.world import World


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit("usage: python scripts/prove_revocations.py ROUNDS")
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory) / "data", free_port())
        server.start("--region", OTHER_REGION)
        try:
            began = time.monotonic()
            found = rounds(World(server), int(sys.argv[1]))
        finally:
            server.kill()
    print(f"{found}, in {time.monotonic() - began:.0f} s")
    for text in (*found.stale, *found.refused):
        print(f"  {text}")
    return 1 if found.stale or found.refused else 0


if __name__ == "__main__":
    sys.exit(main())
