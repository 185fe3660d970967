"""Compare the policy engine, and what it compiles, with the reference evaluator: at random.

    python scripts/differential.py COUNT [SEED]

Seeds SEED … SEED+COUNT-1 (default 0), shared among all processors. Prints progress to stderr,
each disagreement, made small, to stdout; exit status 1 if there is one.
"""

import multiprocessing
import os
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.policy import disagreements
from tests.policy.reference.evaluator import decide
from tests.policy.scenarios import scenario

SHARE = 1_000
SHOWN = 20


def compare(share: range) -> tuple[Counter[str], list[int]]:
    """How often each outcome was reached, and the seeds of the disagreements."""
    outcomes: Counter[str] = Counter()
    disagreed = []
    for seed in share:
        asked = scenario(seed)
        wanted = decide(asked)
        outcomes[disagreements.outcome(wanted)] += 1
        if disagreements.disagrees(asked, wanted):
            disagreed.append(seed)
    return outcomes, disagreed


def main() -> int:
    if len(sys.argv) not in (2, 3) or not all(word.isdigit() for word in sys.argv[1:]):
        sys.exit("usage: python scripts/differential.py COUNT [SEED]")
    count, start = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 0
    shares = [
        range(first, min(first + SHARE, start + count))
        for first in range(start, start + count, SHARE)
    ]
    outcomes: Counter[str] = Counter()
    disagreed: list[int] = []
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for found, seeds in pool.imap_unordered(compare, shares):
            outcomes += found
            disagreed += seeds
            done = outcomes.total()
            print(f"\r{done:,} of {count:,}, {len(disagreed):,} disagreements",
                  end="", file=sys.stderr, flush=True)  # fmt: skip
    print(file=sys.stderr)
    for seed in sorted(disagreed)[:SHOWN]:
        print(disagreements.report(scenario(seed)), end="\n\n")
    print(", ".join(f"{name} {number:,}" for name, number in sorted(outcomes.items())))
    print(f"{outcomes.total():,} scenarios, {len(disagreed):,} disagreements")
    return 1 if disagreed else 0


if __name__ == "__main__":
    sys.exit(main())
