"""The engine, and what it compiles, decide as the independent reference evaluator does.

`scripts/differential.py 1000000` runs the same comparison at length.
"""

from collections import Counter

import pytest

from tests.policy import disagreements
from tests.policy.reference.evaluator import decide
from tests.policy.scenarios import scenario

SHARES = 10
SHARE = 1_000


@pytest.mark.parametrize("share", range(SHARES))
def test_the_engine_agrees_with_the_reference(share: int) -> None:
    """On 10,000 random scenarios engine, residual and reference reach the same decision."""
    found = disagreements.first(range(share * SHARE, (share + 1) * SHARE))

    assert found is None, disagreements.report(found)


def test_the_scenarios_are_a_healthy_mix() -> None:
    """Each of the three decisions, and the refusal of a document, is well represented."""
    outcomes = Counter(disagreements.outcome(decide(scenario(seed))) for seed in range(1_000))

    assert outcomes["Allowed"] > 200
    assert outcomes["ImplicitlyDenied"] > 200
    assert outcomes["ExplicitlyDenied"] > 100
    assert outcomes["error"] > 5


def test_a_scenario_is_the_same_every_time() -> None:
    """A seed names one scenario, so that a disagreement can be looked at again."""
    assert scenario(4711) == scenario(4711)
    assert scenario(4711) != scenario(4712)
