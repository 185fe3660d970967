"""What remains of a statement's conditions when only some keys of the request are known?

A test that asks for no unknown key has the same answer for every request, whatever it compares
and wherever its variables stand. So the compiled tests are run as they are, on keys that notice
who asks for an unknown one: what is noticed, remains.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from keystead.policy.language import ContextValue, Keys, ResourceTest, Statement
from keystead.policy.text import ascii_lower

Unknown = Callable[[str], bool]
"""Is this a key (in lower case) that only a request has?"""

_RESOURCE, _NOT_RESOURCE = "Resource", "NotResource"


class Remaining(msgspec.Struct, frozen=True):
    """Something that a request still has to fulfil: a condition, or a resource with variables."""

    operator: str  # "StringEquals", …; "Resource" or "NotResource"
    key: str  # as written; "" for a resource
    expected: tuple[str, ...]
    actual: ContextValue | None  # what the key has, when only a variable is unknown
    test: ResourceTest

    def holds(self, resource: str, keys: Keys) -> bool:
        """Does it hold for a request?"""
        return self.test(resource, keys)

    @property
    def has_variables(self) -> bool:
        return any("${" in text for text in self.expected)

    @property
    def written(self) -> tuple[str, str, tuple[str, ...]]:
        return self.operator, ascii_lower(self.key), self.expected


class KnownKeys(Mapping[str, ContextValue]):
    """The known keys of a request, and whether somebody asked for an unknown one."""

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
        """The same keys, and one more that is known."""
        return KnownKeys({**self._known, name: value}, self._unknown)

    def certainly(self, test: ResourceTest, resource: str) -> bool | None:
        """The answer of a test for every request; None when it depends on the request."""
        self.noticed = False
        answer = test(resource, self)
        return None if self.noticed else answer


def remaining(
    statement: Statement, resource: str, asked: KnownKeys
) -> tuple[Remaining, ...] | None:
    """What a request has to fulfil for a statement's resource and conditions; None: it cannot."""
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
    for one in statement.conditions:
        actual = asked.known(one.name)
        yield Remaining(one.usage.name, one.key, one.values, actual, _as_resource_test(one.test))


def _as_resource_test(test: Callable[[Keys], bool]) -> ResourceTest:
    return lambda _, keys: test(keys)


def is_impossible(
    allow: Sequence[Remaining],
    denies: Sequence[Sequence[Remaining]],
    resource: str,
    asked: KnownKeys,
) -> bool:
    """Does no request fulfil an Allow and escape these Denies?  False when in doubt."""
    return any(_follows(deny, allow) for deny in denies) or any(
        _has_no_value(one, allow, denies, resource, asked)
        for one in allow
        if one.operator == "StringEquals" and not one.has_variables
    )


def _follows(deny: Sequence[Remaining], allow: Sequence[Remaining]) -> bool:
    """Is every condition of a Deny written in the Allow as well?

    The same condition is true in a Deny whenever it is in an Allow (PE-10). With variables it
    depends on the version of the policy what a text means.
    """
    written = {one.written for one in allow}
    return all(one.written in written and not one.has_variables for one in deny)


def _has_no_value(
    equality: Remaining,
    allow: Sequence[Remaining],
    denies: Sequence[Sequence[Remaining]],
    resource: str,
    asked: KnownKeys,
) -> bool:
    """Is none of the values that an equality asks for good for the other conditions too?"""
    name = ascii_lower(equality.key)
    for value in equality.expected:
        keys = asked.with_value(name, value)
        fails = any(keys.certainly(one.test, resource) is False for one in allow)
        if not fails and not any(
            all(keys.certainly(one.test, resource) is True for one in deny) for deny in denies
        ):
            return False
    return True
