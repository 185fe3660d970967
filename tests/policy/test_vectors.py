"""Every decision vector, through the engine and through the reference evaluator.

A vector is one JSON object in `vectors/`: `rule` cites the documented rule that makes the
expectation, `decision` is what AWS would decide (or `error`: a document cannot be stored),
`kind` and `statements` are the policy kind and the Sids that decide, where that is meaningful.
"""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keystead.policy.enforcement.enforce import Enforcer
from tests.policy.disagreements import engine, outcome, read
from tests.policy.reference.evaluator import decide

FILES = sorted((Path(__file__).parent / "vectors").glob("*.json"))
each_file = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


@functools.cache
def vectors_of(file: Path) -> list[dict[str, Any]]:
    """The vectors of a file, which is read when the first test needs it."""
    found: list[dict[str, Any]] = json.loads(file.read_bytes())
    return found


def every_vector() -> list[dict[str, Any]]:
    return [vector for file in FILES for vector in vectors_of(file)]


@each_file
def test_the_engine_decides_by_the_rule(file: Path, sample: int) -> None:
    """The engine's decision, and what decided, are the documented ones."""
    assert wrong(file, sample, lambda vector: check(engine(asked(vector)), vector)) == {}


@each_file
def test_the_reference_decides_by_the_rule(file: Path, sample: int) -> None:
    """The reference evaluator's decision, and what decided, are the documented ones."""
    assert wrong(file, sample, lambda vector: check(decide(asked(vector)), vector)) == {}


@each_file
def test_enforcement_decides_by_the_rule(file: Path, sample: int) -> None:
    """What enforcement keeps compiled decides as documented, the first time and later."""
    assert wrong(file, sample, check_enforced) == {}


def asked(vector: dict[str, Any]) -> dict[str, Any]:
    return {"id": vector["id"], **vector["scenario"]}


def wrong(file: Path, sample: int, tried: Callable[[dict[str, Any]], None]) -> dict[str, str]:
    """What is wrong with each vector of a file that is not decided by its rule."""
    found = {}
    for vector in vectors_of(file)[::sample]:
        try:
            tried(vector)
        except Exception as error:  # noqa: BLE001  # the others are tried too
            found[vector["id"]] = f"{type(error).__name__}: {error}"
    return found


def check_enforced(vector: dict[str, Any]) -> None:
    if vector.get("error"):
        return
    asked = read({"id": vector["id"], **vector["scenario"]})
    enforcer = Enforcer()
    for _ in range(2):
        decision = enforcer.decide(asked)
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
    vectors = every_vector()
    assert len(vectors) >= 2_000
    assert len({vector["id"] for vector in vectors}) == len(vectors)
    assert all(vector["rule"] for vector in vectors)
