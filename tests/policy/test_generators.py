"""The random questions of this room are such that one layer of policies often decides alone."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from keystead.policy.reasons.scenario import BadScenario
from tests.policy.disagreements import read
from tests.policy.generators import questions
from tests.policy.layers import WITHOUT, Asked, shares
from tests.policy.scenarios import scenario

QUESTIONS = 1_000
SCENARIOS = 1_000
LEAST = 0.01


def drawn(count: int) -> list[Asked]:
    """The same random questions every time."""
    found: list[Asked] = []

    @seed(20261129)
    @settings(
        max_examples=count, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(questions())
    def draw(asked: Asked) -> None:
        found.append(asked)

    draw()
    return found


def test_each_layer_decides_some_questions() -> None:
    """Of a hundred questions of the properties, each layer of policies alone decides one."""
    found = shares(drawn(QUESTIONS))

    assert found["allowed"] > 0.2, found
    assert {layer for layer in WITHOUT if found[layer] < LEAST} == set(), found


def asked(line: dict[str, Any]) -> Asked | None:
    try:
        found = read(line)
    except BadScenario:
        return None
    return found.context, found.policies


def test_each_layer_decides_some_scenarios() -> None:
    """The same of the scenarios of the differential test, which know no grants."""
    lines = [asked(scenario(number)) for number in range(SCENARIOS)]
    found = shares([line for line in lines if line is not None])

    assert found["allowed"] > 0.2, found
    assert found.pop("grants") == 0
    assert {layer for layer in WITHOUT if found.get(layer, 1) < LEAST} == set(), found
