"""Where do the engine and the reference evaluator disagree?

A disagreement is made small before it is shown: whatever can be left out without the two
agreeing again is left out.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from keystead.policy.reasons.scenario import decide_line
from tests.policy.reference.evaluator import decide
from tests.policy.scenarios import scenario

Json = dict[str, Any]


def engine(asked: Json) -> Json:
    """The engine's answer to one line of JSON, in the shape of the reference's answer."""
    answer: Json = json.loads(decide_line(json.dumps(asked)))
    if "statements" in answer:
        deciding = [each for each in answer["statements"] if each["kind"] == answer.get("kind")]
        answer["statements"] = [each.get("sid") or "" for each in deciding]
    return answer


def outcome(answer: Json) -> str:
    """The decision, or `error` for a document that could not be stored."""
    return "error" if "error" in answer else str(answer["decision"])


def verdict(answer: Json) -> tuple[str, str | None, list[str]]:
    """What is compared: the outcome, the kind of policy that decided, the Sids of its denials."""
    decision = outcome(answer)
    denials = answer["statements"] if decision == "ExplicitlyDenied" else []
    return decision, answer.get("kind"), denials


def disagrees(asked: Json) -> bool:
    return verdict(engine(asked)) != verdict(decide(asked))


def first(seeds: Iterable[int]) -> Json | None:
    """The first scenario on which the two disagree, or None."""
    for seed in seeds:
        asked = scenario(seed)
        if disagrees(asked):
            return asked
    return None


def report(asked: Json) -> str:
    small = shrunk(asked)
    lines = [f"{asked['id']}: the engine and the reference evaluator disagree, on"]
    lines += [f"  {member}: {json.dumps(value)}" for member, value in small.items()]
    lines.append(f"reference: {json.dumps(decide(small))}")
    lines.append(f"engine:    {json.dumps(engine(small))}")
    return "\n".join(lines)


def shrunk(asked: Json) -> Json:
    """A smallest scenario with the same two answers: nothing more can be left out alone."""
    wanted = _both(asked)
    while True:
        for smaller in _smaller(asked):
            if _both(smaller) == wanted:
                asked = smaller
                break
        else:
            return asked


def _both(asked: Json) -> list[tuple[object, ...]]:
    """The two verdicts, with the reason for which a document cannot be stored."""
    answers = [engine(asked), decide(asked)]
    return [(*verdict(answer), answer.get("error")) for answer in answers]


def _smaller(value: Any, *, top: bool = True) -> Iterator[Any]:
    """The value with one member, element or part of either left out."""
    kept = {"id", "principal", "principalRole", "action", "resource"} if top else {"Statement"}
    if isinstance(value, dict):
        for key in value:
            if key not in kept:
                yield {other: each for other, each in value.items() if other != key}
        for key, each in value.items():
            for smaller in _smaller(each, top=False):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        for position, each in enumerate(value):
            if len(value) > 1:
                yield value[:position] + value[position + 1 :]
            for smaller in _smaller(each, top=False):
                yield [*value[:position], smaller, *value[position + 1 :]]
