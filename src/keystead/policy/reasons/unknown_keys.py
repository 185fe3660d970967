"""Which conditions of a statement remain open when only some keys of the request are known?

A test that reads no unknown key has the same answer for every request. So the compiled tests run
unchanged, on keys that notice when a test reads an unknown key. Such a test remains open.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from keystead.policy.language import ContextValue, Keys, ResourceTest, Statement
from keystead.policy.text import ascii_lower

Unknown = Callable[[str], bool]
"""Is this key (in lower case) unknown until there is a request?"""

_RESOURCE, _NOT_RESOURCE = "Resource", "NotResource"


class Remaining(msgspec.Struct, frozen=True):
    """A part of a statement that is still open: a condition, or a resource with variables."""

    operator: str  # "StringEquals", …; "Resource" or "NotResource"
    key: str  # as written; "" for a resource
    expected: tuple[str, ...]
    actual: ContextValue | None  # the value of the key, if only a variable is unknown
    test: ResourceTest

    def holds(self, resource: str, keys: Keys) -> bool:
        """Does it hold for this request?"""
        return self.test(resource, keys)

    @property
    def has_variables(self) -> bool:
        return any("${" in text for text in self.expected)

    @property
    def written(self) -> tuple[str, str, tuple[str, ...]]:
        return self.operator, ascii_lower(self.key), self.expected


class KnownKeys(Mapping[str, ContextValue]):
    """The known keys of a request. `noticed`: did a test read an unknown key?"""

    __slots__ = ("_known", "_unknown", "noticed")

    def __init__(self, known: Keys, unknown: Unknown) -> None:
        self._known = known
        self._unknown = unknown
        self.noticed = False

    def __getitem__(self, name: str) -> ContextValue:
        try:
            return self._known[name]
        except KeyError:
            # "" is the name of a key that a key policy never sees.
            self.noticed = self.noticed or (name != "" and self._unknown(name))
            raise

    def __iter__(self) -> Iterator[str]:
        self.noticed = True
        return iter(self._known)

    def __len__(self) -> int:
        self.noticed = True
        return len(self._known)

    def known(self, name: str) -> ContextValue | None:
        """The value of a key, if it is known."""
        return self._known.get(name)

    def with_value(self, name: str, value: ContextValue) -> "KnownKeys":
        """The same keys, with one more known key."""
        return KnownKeys({**self._known, name: value}, self._unknown)

    def certainly(self, test: ResourceTest, resource: str) -> bool | None:
        """The answer of a test for every request; None if it depends on the request."""
        self.noticed = False
        answer = test(resource, self)
        return None if self.noticed else answer


def remaining(
    statement: Statement, resource: str, asked: KnownKeys
) -> tuple[Remaining, ...] | None:
    """The parts of a statement that a request still has to fulfil; None if no request can."""
    left: list[Remaining] = []
    for part in _parts(statement, asked):
        answer = asked.certainly(part.test, resource)
        if answer is False:
            return None
        if answer is None:
            left.append(part)
    return tuple(left)


def _parts(statement: Statement, asked: KnownKeys) -> Iterator[Remaining]:
    resources = statement.resources
    if not resources.everything:
        operator = _NOT_RESOURCE if resources.negated else _RESOURCE
        yield Remaining(operator, "", resources.patterns, None, resources.test)
    for condition in statement.conditions:
        actual = asked.known(condition.name)
        yield Remaining(
            condition.usage.name,
            condition.key,
            condition.values,
            actual,
            _as_resource_test(condition.test),
        )


def _as_resource_test(test: Callable[[Keys], bool]) -> ResourceTest:
    return lambda _, keys: test(keys)


def is_impossible(
    allow: Sequence[Remaining],
    denies: Sequence[Sequence[Remaining]],
    resource: str,
    asked: KnownKeys,
) -> bool:
    """Is it certain that no request fulfils the Allow and escapes these Denies?"""
    return any(_follows(deny, allow) for deny in denies) or any(
        _has_no_value(part, allow, denies, resource, asked)
        for part in allow
        if part.operator == "StringEquals" and not part.has_variables
    )


def _follows(deny: Sequence[Remaining], allow: Sequence[Remaining]) -> bool:
    """Is every condition of a Deny written in the Allow as well?

    If a condition is true in an Allow, the same condition is true in a Deny (PE-10). A condition
    with variables does not count: its meaning depends on the version of the policy.
    """
    written = {part.written for part in allow}
    return all(part.written in written and not part.has_variables for part in deny)


def _has_no_value(
    equality: Remaining,
    allow: Sequence[Remaining],
    denies: Sequence[Sequence[Remaining]],
    resource: str,
    asked: KnownKeys,
) -> bool:
    """Does every value that an equality expects break another condition, or match a Deny?"""
    name = ascii_lower(equality.key)
    for value in equality.expected:
        keys = asked.with_value(name, value)
        fails = any(keys.certainly(part.test, resource) is False for part in allow)
        if not fails and not any(
            all(keys.certainly(part.test, resource) is True for part in deny) for deny in denies
        ):
            return False
    return True
