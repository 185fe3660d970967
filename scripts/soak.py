"""Call a server in every way for minutes, and see whether its memory rises. `make soak` runs it.

    python scripts/soak.py SECONDS [SEED]

Prints how much memory it had, and by how much the line through it rises; exit status 1 if it rises
too much or if a call was answered otherwise than it should be.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.conftest import Server, free_port
from tests.memory.soak import ALLOWED, Soak, rise

SHOWN = 20


def main() -> int:
    if len(sys.argv) not in (2, 3) or not all(word.isdigit() for word in sys.argv[1:]):
        sys.exit("usage: python scripts/soak.py SECONDS [SEED]")
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory) / "data", free_port())
        server.start("--region", "us-east-1")
        try:
            soak = Soak(server)
            soak.run(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 0)
        finally:
            server.kill()
    for each in soak.samples[:: max(1, len(soak.samples) // SHOWN)]:
        print(f"{each.calls:10,} calls {each.bytes / 1e6:8.1f} MB")
    for wrong in soak.wrong[:SHOWN]:
        print(wrong)
    risen = rise(soak.samples)
    print(f"{soak.calls:,} calls, {len(soak.wrong)} answered wrong; the line rises by"
          f" {risen / 1e6:.2f} MB, {ALLOWED / 1e6:.2f} are allowed")  # fmt: skip
    failed = bool(soak.wrong) or risen > ALLOWED
    print(f"soak: {'does NOT hold' if failed else 'holds'}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
