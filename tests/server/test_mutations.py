"""A signed request that was changed anywhere is refused, unless it still says the same.

`make prove-mutations N=1000000` does the same at length.
"""

from pathlib import Path
from random import Random

from tests.server.installations import open_local
from tests.server.mutations import Proof

MUTATIONS = 20_000


def test_mutations_of_signed_requests(tmp_path: Path) -> None:
    """None of many is taken for something else, none fails; some still say the same."""
    local = open_local(tmp_path / "data")
    proof = Proof(local, Random(20261129))
    proof.run(MUTATIONS)
    local.installation.close()

    assert proof.wrong == [], proof.wrong[0]
    assert proof.accepted["line"] > 100
    assert proof.accepted["target"] > 10
    assert proof.accepted["several"] > 10
    assert proof.outcomes["refused"] > MUTATIONS / 3
    assert proof.outcomes["refused by framing"] > MUTATIONS / 100
