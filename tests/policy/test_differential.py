"""The engine, and what it compiles, decide as the independent reference evaluator does.

`scripts/differential.py 1000000` runs the same comparison at length.
"""

from collections import Counter

import pytest

from keystead.policy.enforcement import codegen
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


def test_many_statements_are_decided_like_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of a residual loops over many statements, and unrolls few: with the same result."""
    monkeypatch.setattr(codegen, "MOST_UNROLLED", 0)
    found = disagreements.first(range(1_000))

    assert found is None, disagreements.report(found)
