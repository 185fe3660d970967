"""Which form of a statement is tested fastest?  Its quick form, derived from its definition.

The definition (`Statement.applies`) uses nothing of this module. So a wrong quick form differs from
the definition. The comparison of a new residual with the definition then shows it (`enforce`).
"""

from collections.abc import Callable, Sequence

import msgspec

from keystead.caches import MIB, BoundedCache, Room
from keystead.pauses import pausing
from keystead.policy.enforcement.quick_conditions import ANSWERED, shortcut
from keystead.policy.language import (
    Condition,
    Policy,
    PrincipalElement,
    ResourceTest,
    Statement,
    Test,
    template,
)
from keystead.policy.text import Matcher, resource_glob

ROOM = Room(of_owner=2 * MIB, in_all=16 * MIB)
# Bytes of: any quick form; each test of its own; a test that keeps answers; a value; a wildcard of
# a pattern, with the text behind it.
_FORM, _TEST, _ANSWERS, _VALUE, _WILDCARD = 1200, 900, 4800, 160, 400


class QuickStatement(msgspec.Struct, frozen=True):
    """A statement in the form that a residual tests."""

    allow: bool
    principals: PrincipalElement | None
    everything: bool  # does it match every resource?
    resource: ResourceTest
    matcher: Matcher | None  # the same as `resource`, if that is one pattern without variables
    tests: tuple[Test, ...]  # of the conditions
    applies: ResourceTest  # do resource and conditions match?
    keys_test: Test | None  # the same as `applies`, if every resource matches
    unconditional: bool  # does it apply to every resource under all keys?


Quick = Callable[[Policy, Statement], QuickStatement]
"""Gives the quick form of one of a policy's statements."""


def quick_form(statement: Statement) -> QuickStatement:
    """The quick form of a statement."""
    resources = statement.resources
    matcher = _matcher(statement)
    tests = tuple([_test(statement, condition) for condition in pausing(statement.conditions)])
    return QuickStatement(
        allow=statement.allow,
        principals=statement.principals,
        everything=resources.everything,
        resource=resources.test,
        matcher=matcher,
        tests=tests,
        applies=_anything
        if resources.everything and not tests
        else _conjunction(resources.test, matcher, tests, everything=resources.everything),
        keys_test=_all(tests) if resources.everything else None,
        unconditional=resources.everything and not tests,
    )


class QuickForms:
    """The quick forms in use. Most combinations of documents share statements with others.

    INVARIANT: a quick form depends only on its key: the id of the document, and the statement's
    index in it.
    """

    __slots__ = ("_forms",)

    def __init__(self, room: Room = ROOM) -> None:
        self._forms: BoundedCache[tuple[str, int], QuickStatement] = BoundedCache(room)

    @property
    def kept_bytes(self) -> int:
        """The bytes that they take."""
        return self._forms.cost

    def of(self, account: str, policy: Policy, statement: Statement) -> QuickStatement:
        """The quick form of a statement that this account's decisions need."""
        key = (policy.id, statement.index)
        known = self._forms.get(key)
        if known is not None:
            return known
        form = quick_form(statement)
        return self._forms.put(key, form, account, weight(statement))


def weight(statement: Statement) -> int:
    """The bytes that a quick form takes, without its statement."""
    patterns = statement.resources.patterns
    return (
        _FORM
        + sum(map(_weight_of_test, pausing(statement.conditions)))
        + (_weight_of_text(patterns[0]) if len(patterns) == 1 else 0)
    )


def _weight_of_test(condition: Condition) -> int:
    answered = condition.usage.operator.name in ANSWERED
    return (_ANSWERS if answered else _TEST) + sum(map(_weight_of_text, pausing(condition.values)))


def _weight_of_text(text: str) -> int:
    return _VALUE + len(text) + _WILDCARD * (text.count("*") + text.count("?"))


def _matcher(statement: Statement) -> Matcher | None:
    """The matcher of a Resource element that is one pattern without variables."""
    resources = statement.resources
    if resources.negated or len(resources.patterns) != 1 or resources.variables:
        return None
    return resource_glob(template(resources.patterns[0], statement.dialect, wild=True).tokens())


def _test(statement: Statement, condition: Condition) -> Test:
    """The quick test of a condition, or else its general test."""
    return (
        shortcut(
            condition.usage,
            condition.name,
            condition.values,
            statement.dialect,
            allow=statement.allow,
        )
        or condition.test
    )


def _anything(_: str, __: object) -> bool:
    """The test of a statement for every resource and without conditions."""
    return True


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda keys: all(test(keys) for test in tests)


def _conjunction(
    resource: ResourceTest, matcher: Matcher | None, tests: Sequence[Test], *, everything: bool
) -> ResourceTest:
    """The tests of resource and conditions, as one function without needless steps."""
    if not tests:
        return resource
    if len(tests) == 1:
        only = tests[0]
        if everything:
            return lambda _, keys: only(keys)
        if matcher is not None:
            return lambda name, keys: matcher(name) and only(keys)
        return lambda name, keys: resource(name, keys) and only(keys)
    return lambda name, keys: resource(name, keys) and all(test(keys) for test in tests)
