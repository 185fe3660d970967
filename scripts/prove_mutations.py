"""Change valid signed requests in one place or several, and see that nobody is taken for another.

    python scripts/prove_mutations.py COUNT [SEED]

In a new installation in a temporary directory. Prints how many were refused, and by what, and each
that was accepted and says something else, or that made the server fail; exit status 1 if there is
one.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.server.installations import open_local
from tests.server.mutations import Proof

SHARE = 10_000
SHOWN = 20


def main() -> int:
    if len(sys.argv) not in (2, 3) or not all(word.isdigit() for word in sys.argv[1:]):
        sys.exit("usage: python scripts/prove_mutations.py COUNT [SEED]")
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 0
    directory = Path(tempfile.mkdtemp(prefix="keystead-mutations-"))
    try:
        local = open_local(directory / "data")
        proof = Proof(local, Random(seed))
        for done in range(0, count, SHARE):
            proof.run(min(SHARE, count - done))
            print(f"\r{done:,} of {count:,}", end="", file=sys.stderr, flush=True)
        local.installation.close()
    finally:
        shutil.rmtree(directory)
    print(file=sys.stderr)
    for wrong in proof.wrong[:SHOWN]:
        print(wrong, end="\n\n")
    print(", ".join(f"{number:,} {name}" for name, number in proof.outcomes.most_common()))
    print(f"{count:,} mutations, {len(proof.wrong):,} wrong")
    return 1 if proof.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
