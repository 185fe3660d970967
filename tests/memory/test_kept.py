"""Nothing of a request stays in memory when it is answered, however it ends.

`make prove-memory` makes 20,000 calls of each kind.
"""

from pathlib import Path

import pytest

from tests.memory.kept import Kept, kept, set_aside
from tests.memory.served import served
from tests.memory.ways import LARGE, SMALL, ways

CALLS = {SMALL: 500, LARGE: 125}  # one large body that stays is found among any number of calls
SHARES = 4  # that are measured side by side


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("longer", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_of_a_call_stays(tmp_path: Path, longer: int, share: int) -> None:
    """Calls of each kind, that succeed, are refused or fail, leave the memory as it was."""
    with served(tmp_path / "data") as running, set_aside():
        every = list(ways(running.local, longer).items())
        found = {name: kept(running, way, CALLS[longer]) for name, way in every[share::SHARES]}
    assert {name: each for name, each in found.items() if not each.is_nothing} == {}


@pytest.mark.parametrize(
    ("what_stays", "nothing"),
    [
        (Kept(500, 0, 0), True),
        (Kept(500, 200_000, 0), False),
        (Kept(500, 0, 500), False),
        (Kept(125, 16_000, 0), True),
        (Kept(125, 20_000, 0), False),
        (Kept(20_000, 60_000, 0), True),
    ],
)
def test_the_measure_finds_what_it_looks_for(what_stays: Kept, nothing: bool) -> None:
    """A few hundred bytes of each call, or one object of each in a ring, are too many."""
    assert what_stays.is_nothing is nothing
