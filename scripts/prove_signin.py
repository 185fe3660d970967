"""Does the time of a refused sign-in tell whether somebody has that name?  N tries of each kind.

    python -m scripts.prove_signin [N]

The pages, the pipeline and the store are real, in this process. The program moves the clock, so
that no try waits, and a hash has the least cost that is allowed. The kinds take turns in random
order, so what else this machine does falls on all of them alike. Two kinds are compared by the
test of Kolmogorov and Smirnov: they differ if their times could be of one kind with a chance below
1 in 100.
"""

import argparse
import itertools
import math
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

from tests.console.browser import Site, site
from tests.console.people import PASSWORD, account_of, user

LEAST = 0.01


def chance(left: Sequence[float], right: Sequence[float]) -> float:
    """The chance that samples of one distribution differ as much as these do.

    (The asymptotic distribution of the two-sample statistic of Kolmogorov and Smirnov.)
    """
    merged = sorted([(value, 1 / len(left)) for value in left]
                    + [(value, -1 / len(right)) for value in right])  # fmt: skip
    farthest = max(abs(each) for each in itertools.accumulate(step for _, step in merged))
    scale = math.sqrt(len(left) * len(right) / (len(left) + len(right))) * farthest
    if scale < 0.2:  # the sum would need too many terms, and the chance is 1
        return 1.0
    signs = itertools.cycle((1.0, -1.0))
    terms = [next(signs) * math.exp(-2 * (k * scale) ** 2) for k in range(1, 101)]
    return min(1.0, max(0.0, 2 * sum(terms)))


def kinds_of(pages: Site) -> dict[str, tuple[str, str]]:
    """An account and a name of each kind, of one length."""
    local, account = pages.local, account_of(pages)
    user(pages, "known-user")
    local.iam("CreateUser", UserName="no-profile")
    user(pages, "deactivate")
    local.iam("DeleteLoginProfile", UserName="deactivate")
    return {
        "known": (account, "known-user"),
        "without a password": (account, "no-profile"),
        "disabled": (account, "deactivate"),
        "unknown": (account, "no-such-ab"),
        "unknown account": ("999999999999", "known-user"),
    }


def measure(pages: Site, tries: int, random: Random) -> dict[str, list[float]]:
    """The seconds of each try, by kind."""
    kinds = kinds_of(pages)
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(tries):
        pages.local.time.passes(timedelta(hours=2))
        for kind, (account, name) in random.sample(list(kinds.items()), len(kinds)):
            browser = pages.browser()
            fields = {"as": "user", "account": account, "user": name, "password": f"no {number}"}
            began = perf_counter()
            page = browser.post("/signin", fields, headers={"cookie": "__Host-ks-signin=none"})
            seconds[kind].append(perf_counter() - began)
            if page.status != 403:
                raise SystemExit(f"a wrong password was answered with {page.status}")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tries", nargs="?", type=int, default=2000)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory() as folder, site(Path(folder) / "data") as pages:
        pages.browser().sign_in(account_of(pages), "nobody", PASSWORD)  # the first loads templates
        seconds = measure(pages, tries, Random(1))
    for kind, values in seconds.items():
        low, high = quantiles(values, n=20)[0], quantiles(values, n=20)[-1]
        print(f"{kind:20} median {1000 * median(values):7.2f} ms, 5 % to 95 %: "
              f"{1000 * low:.2f} to {1000 * high:.2f} ms")  # fmt: skip
    worst = 1.0
    for left, right in itertools.combinations(seconds, 2):
        p = chance(seconds[left], seconds[right])
        worst = min(worst, p)
        print(f"{left} and {right}: p = {p:.3f}")
    if worst < LEAST:
        print(f"the times tell: p = {worst:.4f} is below {LEAST}")
        return 1
    print(f"{tries} tries of each kind tell nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
