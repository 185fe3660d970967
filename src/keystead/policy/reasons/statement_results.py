"""How near is one statement to this request?  Each of its four questions has its own answer."""

from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.policy.evaluation import Question
from keystead.policy.language import Condition, ContextValue, Grade, Statement


class ConditionResult(msgspec.Struct, frozen=True):
    """One condition: the values that it expects, and the value of the request."""

    operator: str
    key: str
    expected: tuple[str, ...]
    actual: ContextValue | None  # None: the request has no such key
    met: bool


class StatementResult(msgspec.Struct, frozen=True):
    """One statement, and the answers to its four questions for this request."""

    index: int
    sid: str
    effect: str
    action: bool
    principal: Grade
    resource: bool
    conditions: tuple[ConditionResult, ...]
    void: str
    source: Mapping[str, Any]  # as it was written

    @property
    def matches(self) -> bool:
        met = all(condition.met for condition in self.conditions)
        return self.action and self.principal > Grade.NOBODY and self.resource and met


def result(question: Question, statement: Statement) -> StatementResult:
    """The statement, and which of its parts match."""
    context = question.context
    principal = Grade.DIRECT
    if statement.principals is not None:
        principal = statement.principals.grade(context.principal, question.bounded)
    return StatementResult(
        index=statement.index,
        sid=statement.sid,
        effect=statement.effect,
        action=statement.actions.matches(question.action),
        principal=principal,
        resource=statement.resources.test(context.resource, context.keys),
        conditions=tuple(
            condition_result(question, condition) for condition in statement.conditions
        ),
        void=statement.void,
        source=statement.source,
    )


def condition_result(question: Question, condition: Condition) -> ConditionResult:
    """The condition, and whether the request meets it."""
    keys = question.context.keys
    return ConditionResult(
        operator=condition.usage.name,
        key=condition.key,
        expected=condition.values,
        actual=condition.actual(keys),
        met=condition.test(keys),
    )
