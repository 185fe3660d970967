"""Where do the engine, its compiled residual and the reference evaluator disagree?

The residual says no more than which kind of policy allows, so that is what is compared of it.
A disagreement is made small before it is shown: whatever can be left out without the two
agreeing again is left out.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from keystead.policy.enforcement.codegen import Refused, Shapes
from keystead.policy.enforcement.quick_statements import QuickForms
from keystead.policy.enforcement.specialise import compile_residual
from keystead.policy.evaluation.decision import Decision
from keystead.policy.evaluation.evaluate import evaluate
from keystead.policy.evaluation.question import Question
from keystead.policy.reasons.scenario import BadScenario, Scenario, decide_line, question
from tests.policy.reference.evaluator import decide
from tests.policy.scenarios import scenario

Json = dict[str, Any]
Verdict = tuple[str, str | None, list[str]]


def engine(asked: Json) -> Json:
    """The engine's answer to one line of JSON, in the shape of the reference's answer."""
    answer: Json = json.loads(decide_line(json.dumps(asked)))
    if "statements" in answer:
        deciding = [each for each in answer["statements"] if each["kind"] == answer.get("kind")]
        answer["statements"] = [each.get("sid") or "" for each in deciding]
    return answer


def read(asked: Json) -> Question:
    """The question that a scenario asks; raises BadScenario."""
    return question(msgspec.json.decode(json.dumps(asked), type=Scenario))


def residual(asked: Question) -> str:
    """The compiled residual's answer: the kind of policy that allows, or `refused`."""
    asks = compile_residual(
        asked.policies, asked.context.action, partial(_SHAPES.code, ""), partial(_FORMS.of, "")
    )
    kind = asks(asked)
    if isinstance(kind, Refused):
        return "refused"
    return str(kind and kind.value)


_SHAPES, _FORMS = Shapes(), QuickForms()


def _defined(decision: Decision) -> Verdict:
    sids = [one.sid for one in decision.statements if one.kind is decision.kind]
    kind = decision.kind and decision.kind.value
    return _verdict(decision.outcome.value, kind, sids)


def allows(wanted: Verdict) -> str:
    """What a residual says when this is the verdict."""
    decision, kind, _ = wanted
    if decision == "error":
        return decision
    return str(kind) if decision == "Allowed" else "refused"


def outcome(answer: Json) -> str:
    """The decision, or `error` for a document that could not be stored."""
    return "error" if "error" in answer else str(answer["decision"])


def verdict(answer: Json) -> Verdict:
    """What is compared: the outcome, the kind of policy that decided, the Sids of its denials."""
    return _verdict(outcome(answer), answer.get("kind"), answer.get("statements", []))


def _verdict(decision: str, kind: str | None, sids: list[str]) -> Verdict:
    return decision, kind, sids if decision == "ExplicitlyDenied" else []


def both(asked: Json) -> tuple[Verdict, str]:
    """What the engine says by its definition and what by its residual, of the same documents."""
    try:
        asks = read(asked)
    except BadScenario:
        return ("error", None, []), "error"
    return _defined(evaluate(asks)), residual(asks)


def disagrees(asked: Json, wanted: Json | None = None) -> bool:
    """Does one of the three say something else?  `wanted` is the reference's answer, if known."""
    said = verdict(decide(asked) if wanted is None else wanted)
    return both(asked) != (said, allows(said))


def first(seeds: Iterable[int]) -> Json | None:
    """The first scenario on which the three disagree, or None."""
    for seed in seeds:
        asked = scenario(seed)
        if disagrees(asked):
            return asked
    return None


def report(asked: Json) -> str:
    small = shrunk(asked)
    lines = [f"{asked['id']}: engine, residual and reference evaluator disagree, on"]
    lines += [f"  {member}: {json.dumps(value)}" for member, value in small.items()]
    lines.append(f"reference: {json.dumps(decide(small))}")
    lines.append(f"engine:    {json.dumps(engine(small))}")
    lines.append(f"residual:  {both(small)[1]}")
    return "\n".join(lines)


def shrunk(asked: Json) -> Json:
    """A smallest scenario with the same three answers: nothing more can be left out alone."""
    wanted = _all(asked)
    while True:
        for smaller in _smaller(asked):
            if _all(smaller) == wanted:
                asked = smaller
                break
        else:
            return asked


def _all(asked: Json) -> list[object]:
    """The verdicts, with the reason for which a document cannot be stored."""
    answers = [engine(asked), decide(asked)]
    return [*((*verdict(answer), answer.get("error")) for answer in answers), both(asked)[1]]


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
