"""Does the time of a refused sign-in tell whether somebody has that name?  N tries of each kind.

    python -m scripts.prove_signin [N]

The pages, the pipeline and the store are real, in this process. The program moves the clock, so
that no try is throttled. A hash has the least cost that is allowed, and the period after which a
refusal leaves (`console.evenly`) is a tenth of a second: N=2000 takes half an hour. The kinds take
turns in random order, so what else this machine does falls on all of them alike. Two kinds are
compared by the test of Kolmogorov and Smirnov: they differ if their times could be of one kind with
a chance below 1 in 100. Their answers must be the same, but for what was typed.
"""

import argparse
import asyncio
import itertools
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from unittest.mock import patch

import uvloop
from tests.console.browser import Site, site
from tests.console.people import PASSWORD, account_of, told, user
from tests.console.test_ending import Device

from keystead.console import evenly

LEAST = 0.01
PERIOD = 0.1  # seconds, several times what a hash of the least cost takes

Fields = dict[str, str]


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


def kinds_of(pages: Site) -> dict[str, dict[str, Fields]]:
    """What is typed for somebody of each kind, of one length, by the form that it is typed into."""
    local, account = pages.local, account_of(pages)
    user(pages, "known-user")
    Device(pages, user(pages, "has-device"))
    user(pages, "deactivate")
    local.iam("DeleteLoginProfile", UserName="deactivate")
    local.iam("CreateUser", UserName="no-profile")
    root = pages.local.founded.email
    users = {
        "known": (account, "known-user"),
        "known, with a device": (account, "has-device"),
        "disabled": (account, "deactivate"),
        "without a password": (account, "no-profile"),
        "unknown": (account, "no-such-ab"),
        "unknown account": ("999999999999", "known-user"),
    }
    return {
        "user": {
            kind: {"as": "user", "account": account, "user": name}
            for kind, (account, name) in users.items()
        },
        "root": {
            "root": {"as": "root", "email": root},
            "unknown e-mail": {"as": "root", "email": "x" + root[1:]},
        },
    }


def measure(pages: Site, tries: int, random: Random) -> dict[str, dict[str, list[float]]]:
    """The seconds of each try, by form and kind. The answers to one form must not differ."""
    forms = kinds_of(pages)
    kinds = [(form, kind) for form, typed in forms.items() for kind in typed]
    seconds = {form: {kind: list[float]() for kind in typed} for form, typed in forms.items()}
    said: dict[str, object] = {}
    for number in range(tries):
        pages.local.time.passes(timedelta(hours=2))
        for form, kind in random.sample(kinds, len(kinds)):
            browser = pages.browser()
            fields = {**forms[form][kind], "password": f"no {number:6}"}
            began = perf_counter()
            page = browser.post("/signin", fields, headers={"cookie": "__Host-ks-signin=none"})
            seconds[form][kind].append(perf_counter() - began)
            if page.status != 403:
                raise SystemExit(f"a wrong password was answered with {page.status}")
            if said.setdefault(form, told(page)) != told(page):
                raise SystemExit(f"the answer of {kind} differs from that of others")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tries", nargs="?", type=int, default=2000)
    tries = parser.parse_args().tries
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(asyncio, "new_event_loop", uvloop.new_event_loop),  # as the server has it
        site(Path(folder) / "data") as pages,
        patch.object(evenly, "SECONDS", PERIOD),
    ):
        pages.browser().sign_in(account_of(pages), "nobody", PASSWORD)  # the first loads templates
        seconds = measure(pages, tries, Random(1))
    worst = min(compared(kinds) for kinds in seconds.values())
    if worst < LEAST:
        print(f"the times tell: p = {worst:.4f} is below {LEAST}")
        return 1
    print(f"{tries} tries of each kind tell nothing: p is at least {worst:.3f}")
    return 0


def compared(seconds: Mapping[str, Sequence[float]]) -> float:
    """Print the times of each kind, and each pair's chance; returns the least, adjusted.

    Of many pairs the least chance is small by itself, so it counts as often as there are pairs
    (Bonferroni): the whole proof fails by accident once in a hundred times at most.
    """
    for kind, values in seconds.items():
        low, high = quantiles(values, n=20)[0], quantiles(values, n=20)[-1]
        print(f"{kind:20} median {1000 * median(values):7.2f} ms, 5 % to 95 %: "
              f"{1000 * low:.2f} to {1000 * high:.2f} ms")  # fmt: skip
    pairs = list(itertools.combinations(seconds, 2))
    chances = [chance(seconds[left], seconds[right]) for left, right in pairs]
    for (left, right), p in zip(pairs, chances, strict=True):
        print(f"{left} and {right}: p = {p:.3f}")
    return min(1.0, len(pairs) * min(chances))


if __name__ == "__main__":
    sys.exit(main())
