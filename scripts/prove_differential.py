"""Does the server decide as the second evaluator does?  Whole scenarios, made by real calls.

    python -m scripts.prove_differential ROUNDS [SEED]

A round changes accounts, policies, roles, keys and the organization by real calls, begins sessions
and asks with all kinds of credentials (`tests/differential`). Rounds are shared among all
processors; each share begins with a new installation. Prints each disagreement with the question in
the form that `keystead decide` reads; exit status 1 if there is one.
"""

import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.differential.comparing import Comparison
from tests.differential.land import Land

SHARE = 100
SHOWN = 20


def compare(share: range) -> tuple[Counter[str], list[str]]:
    """How often each outcome was reached, and the disagreements."""
    with tempfile.TemporaryDirectory() as folder:
        land = Land.create(Path(folder))
        compared = Comparison(land)
        for seed in share:
            compared.round(seed)
        land.local.installation.close()
    outcomes = compared.outcomes
    outcomes["rounds"] += len(share)
    outcomes["documents that were not taken"] += land.not_stored
    return outcomes, compared.disagreements


def main() -> int:
    if len(sys.argv) not in (2, 3) or not all(word.isdigit() for word in sys.argv[1:]):
        sys.exit("usage: python -m scripts.prove_differential ROUNDS [SEED]")
    count, start = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 0
    shares = [
        range(first, min(first + SHARE, start + count))
        for first in range(start, start + count, SHARE)
    ]
    outcomes: Counter[str] = Counter()
    disagreements: list[str] = []
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for found, disagreed in pool.imap_unordered(compare, shares):
            outcomes += found
            disagreements += disagreed
            done = f"{outcomes['rounds']:,} of {count:,} rounds"
            print(f"\r{done}, {len(disagreements):,} disagreements",
                  end="", file=sys.stderr, flush=True)  # fmt: skip
    print(file=sys.stderr)
    for each in disagreements[:SHOWN]:
        print(each, end="\n\n")
    for name, number in sorted(outcomes.items()):
        print(f"{number:>9,} {name}")
    print(f"{len(disagreements):,} disagreements")
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
