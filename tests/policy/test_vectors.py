"""Every decision vector, through the engine and through the reference evaluator.

A vector is one JSON object in `vectors/`: `rule` cites the documented rule that makes the
expectation, `decision` is what AWS would decide (or `error`: a document cannot be stored),
`kind` and `statements` are the policy kind and the Sids that decide, where that is meaningful.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.policy.enforcement.enforce import Enforcer
from tests.policy.disagreements import engine, outcome, read
from tests.policy.reference.evaluator import decide

VECTORS = [
    vector
    for path in sorted((Path(__file__).parent / "vectors").glob("*.json"))
    for vector in json.loads(path.read_text(encoding="utf-8"))
]
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[each["id"] for each in VECTORS])


@each_vector
def test_the_engine_decides_by_the_rule(vector: dict[str, Any]) -> None:
    """The engine's decision, and what decided, are the documented ones."""
    check(engine({"id": vector["id"], **vector["scenario"]}), vector)


@each_vector
def test_the_reference_decides_by_the_rule(vector: dict[str, Any]) -> None:
    """The reference evaluator's decision, and what decided, are the documented ones."""
    check(decide({"id": vector["id"], **vector["scenario"]}), vector)


@each_vector
def test_enforcement_decides_by_the_rule(vector: dict[str, Any]) -> None:
    """What enforcement keeps compiled decides as documented, the first time and later."""
    check_enforced(vector)


def check_enforced(vector: dict[str, Any]) -> None:
    if vector.get("error"):
        return
    context, policies = read({"id": vector["id"], **vector["scenario"]})
    enforcer = Enforcer()
    for _ in range(2):
        decision = enforcer.decide(context, policies)
        assert decision.outcome.value == vector["decision"], vector["rule"]
        if "kind" in vector:
            assert (decision.kind and decision.kind.value) == vector["kind"], vector["rule"]
    assert enforcer.disagreements == 0


def check(answer: dict[str, Any], vector: dict[str, Any]) -> None:
    wanted = "error" if vector.get("error") else vector["decision"]
    assert outcome(answer) == wanted, f"{vector['rule']}: {answer}"
    assert answer["id"] == vector["id"]
    if "kind" in vector:
        assert answer["kind"] == vector["kind"], vector["rule"]
    if "statements" in vector:
        assert answer["statements"] == vector["statements"], vector["rule"]


def test_vectors_are_many_named_and_cited() -> None:
    """Each vector has a name of its own and cites its rule."""
    assert len(VECTORS) >= 2_000
    assert len({vector["id"] for vector in VECTORS}) == len(VECTORS)
    assert all(vector["rule"] for vector in VECTORS)
