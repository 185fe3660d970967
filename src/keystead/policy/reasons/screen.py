"""How does a person read an explanation?  As one screen of text, with the decision first.

ImplicitlyDenied  because no identity-based policy allows the kms:Encrypt action

steps       one line for each finding
considered  one line for each policy, and one for each statement about the action
to allow it the smallest change

The text contains values from the request. Every character that a terminal might obey is escaped,
and no such value begins a line.
"""

from collections.abc import Iterator

import msgspec

from keystead.policy.evaluation import Decision, Finding, Outcome, open_to_everybody
from keystead.policy.language import Grade
from keystead.policy.reasons.changes import Change, What
from keystead.policy.reasons.explain import Explanation, PolicyResult
from keystead.policy.reasons.statement_results import ConditionResult, StatementResult
from keystead.policy.text import ascii_lower

_MARK = {True: "yes", False: "no"}


def render(explanation: Explanation) -> str:
    """The explanation as text, without a line end after the last line."""
    return "\n".join(map(_printable, _lines(explanation)))


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _lines(explanation: Explanation) -> Iterator[str]:
    decision = explanation.decision
    yield f"{decision.outcome.value}  {_summary(decision)}"
    yield ""
    yield f"principal   {decision.principal_arn}"
    yield f"action      {decision.action}"
    yield f"resource    {decision.resource}"
    yield ""
    yield "steps"
    yield from (f"  {_finding(finding)}" for finding in decision.trace)
    yield ""
    yield "considered"
    for policy in explanation.considered:
        yield from (f"  {line}" for line in _policy(policy))
    if not explanation.considered:
        yield "  no policy"
    if not decision.allowed:
        yield ""
        yield "to allow it"
        yield from (f"  {line}" for change in explanation.changes for line in _change(change))
        if not explanation.changes:
            yield from (f"  {line}" for line in _no_change(decision))


def _summary(decision: Decision) -> str:
    if decision.over_budget:
        return "because the comparison would take too long"
    if not decision.allowed:
        return decision.reason or "for everybody"
    if decision.kind is not None:
        return f"by the {decision.kind.value}"
    return "to everybody" if open_to_everybody(ascii_lower(decision.action)) else "by the root user"


def _no_change(decision: Decision) -> Iterator[str]:
    """The reason why no change is proposed."""
    if decision.over_budget:
        yield "fewer or simpler patterns, or shorter texts in the request"
    elif decision.outcome is not Outcome.EXPLICITLY_DENIED:
        yield "no change of a policy can"
    else:
        yield "no small change can: the owner of each statement that denies it has to decide"
        for statement in decision.statements:
            holder = f" of {statement.attached_to}" if statement.attached_to else ""
            yield (
                f"  {_title(statement.index, statement.sid)} of the"
                f" {statement.kind.value} {statement.policy}{holder}"
            )


def _finding(finding: Finding) -> str:
    named = ", ".join(
        f"{statement.policy}[{statement.sid or statement.index + 1}]"
        for statement in finding.statements
    )
    detail = f": {finding.detail}" if finding.detail else ""
    return f"{finding.step:34} {finding.effect:14}{detail}" + (f" ({named})" if named else "")


def _policy(policy: PolicyResult) -> Iterator[str]:
    level = f", level {policy.level}" if policy.level else ""
    holder = f" of {policy.attached_to}" if policy.attached_to else ""
    yield f"{policy.kind.value} {policy.policy}{holder}{level}: {policy.effect}"
    silent = 0
    for statement in policy.statements:
        if not statement.action:
            silent += 1
            continue
        yield from (f"  {line}" for line in _statement(statement))
    if silent:
        yield f"  {silent} statement(s) about other actions"


def _statement(statement: StatementResult) -> Iterator[str]:
    asked = [
        f"principal {_MARK[statement.principal > Grade.NOBODY]}",
        f"resource {_MARK[statement.resource]}",
    ]
    matches = "matches" if statement.matches else "does not match"
    yield f"{_title(statement.index, statement.sid)} {statement.effect} {matches}: " + ", ".join(
        asked
    )
    yield from (f"  {_condition(condition)}" for condition in statement.conditions)


def _title(index: int, sid: str) -> str:
    return f"statement {index + 1}" + (f" `{sid}`" if sid else "")


def _condition(condition: ConditionResult) -> str:
    expected = " or ".join(condition.expected) or "nothing"
    met = "met" if condition.met else "not met"
    return f"{condition.key} {condition.operator} {expected}; it is {_actual(condition)}: {met}"


def _actual(condition: ConditionResult) -> str:
    if condition.actual is None:
        return "absent"
    if isinstance(condition.actual, str):
        return condition.actual
    return f"[{', '.join(condition.actual)}]"


def _change(change: Change) -> Iterator[str]:
    holder = f" of {change.attached_to}" if change.attached_to else ""
    named = (
        f"the {change.kind.value} {change.policy}"
        if change.policy
        else f"a new {change.kind.value}"
    )
    of = f"{named}{holder}"
    match change.what:
        case What.AVOID:
            yield f"let one of these fail: {_title(change.index, change.sid)} of {of} denies"
            yield from (f"  {_condition(condition)}" for condition in change.conditions)
        case What.MEET:
            yield f"meet the conditions of {_title(change.index, change.sid)} of {of}"
            yield from (f"  {_condition(condition)}" for condition in change.conditions)
        case What.WIDEN:
            yield f"widen {_title(change.index, change.sid)} of {of} to"
            yield f"  {msgspec.json.encode(change.statement).decode()}"
        case What.ADD:
            yield f"add to {of}"
            yield f"  {msgspec.json.encode(change.statement).decode()}"
        case What.COPY:
            yield f"instead of {of}, which is AWS's, use a copy with one more statement"
            yield f"  {msgspec.json.encode(change.statement).decode()}"
