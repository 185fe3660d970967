"""What does one statement say?  Its compiled form answers four questions separately.

A statement applies to a request when its action, its principal, its resource and its conditions
match. `applies` asks for resource and conditions together. A statement that can match nothing
gives the reason in `void`.

This is the definition. The quicker forms are in `enforcement`, and are compared with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from keystead.pauses import OFTEN, pausing
from keystead.policy.language.conditions import Condition, compile_condition
from keystead.policy.language.costs import Searches, of_actions, of_resources
from keystead.policy.language.grammar import Element, WrittenCondition, WrittenStatement
from keystead.policy.language.principal import Keys
from keystead.policy.language.principals import PrincipalElement
from keystead.policy.language.variables import Dialect, Template, Texts, Variable, pattern
from keystead.policy.text import (
    Wild,
    ascii_lower,
    is_plain,
    one_action,
    resource_glob,
    wildcards,
    wildly,
)

ResourceTest = Callable[[str, Keys], bool]
"""Does a resource match, under these keys?"""


class ActionElement(msgspec.Struct, frozen=True, gc=False):
    """Action or NotAction. Its patterns are in lower case.

    They stay texts, without compiled matchers, because documents have many of them. They are only
    compared when a combination of documents is new, or when a refusal is explained.
    """

    exact: frozenset[str]
    beginnings: tuple[str, ...]  # of the patterns whose only wildcard is a `*` at the end
    patterns: tuple[str, ...]  # the others
    negated: bool
    searches: Searches = ()

    def matches(self, action: str) -> bool:
        """Does the element mean this action?  The action is in lower case."""
        if action in self.exact or action.startswith(self.beginnings):
            return not self.negated
        few = len(self.patterns) <= OFTEN
        for text in self.patterns if few else pausing(self.patterns):
            # Few of a long list of patterns end as the action does.
            tail = text[text.rfind("*") + 1 :]
            if (action.endswith(tail) or "?" in tail) and wildly(text, action):
                return not self.negated
        return self.negated


class ResourceElement(msgspec.Struct, frozen=True):
    """Resource or NotResource. Without patterns it means every resource (trust policies)."""

    patterns: tuple[str, ...]  # whole ARNs
    negated: bool
    test: ResourceTest
    variables: tuple[Variable, ...] = ()
    everything: bool = False  # matches whatever the resource is
    searches: Searches = ()


class Statement(msgspec.Struct, frozen=True):
    """One statement of a policy, compiled."""

    index: int  # position in the document, from 0
    sid: str
    allow: bool
    actions: ActionElement
    principals: PrincipalElement | None  # None: the policy is about its holder
    resources: ResourceElement
    conditions: tuple[Condition, ...]
    dialect: Dialect  # how the texts of its document are read
    void: str  # why it matches nothing; "" if it may match
    text: str  # the statement as it was written, in JSON
    searches: Searches  # the work of comparing its actions, resources and conditions

    def applies(self, resource: str, keys: Keys) -> bool:
        """Do resource and conditions match?"""
        if not self.resources.test(resource, keys):
            return False
        for condition in self.conditions:  # noqa: SIM110 - a generator costs more than the tests
            if not condition.test(keys):
                return False
        return True

    @property
    def source(self) -> Mapping[str, Any]:
        """The elements as they were written."""
        return msgspec.json.decode(self.text, type=dict[str, Any])

    @property
    def effect(self) -> str:
        return "Allow" if self.allow else "Deny"


NO_ACTIONS = ActionElement(frozenset(), (), (), negated=False)
EVERY_RESOURCE = ResourceElement((), negated=False, test=lambda _, __: True, everything=True)


class Elements:
    """The elements of one document. Each is compiled once, for validation and for the policy."""

    __slots__ = ("_conditions", "_resources", "dialect", "texts")

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.texts = Texts(dialect)
        self._conditions: dict[tuple[WrittenCondition, bool], Condition] = {}
        self._resources: dict[tuple[Element, bool], ResourceElement] = {}

    def condition(self, written: WrittenCondition, *, allow: bool) -> Condition:
        """`compile_condition` of this document."""
        compiled = self._conditions.get((written, allow))
        if compiled is None:
            usage, key, values = written.usage, written.key, written.values
            compiled = compile_condition(usage, key, values, self.texts, allow=allow)
            self._conditions[written, allow] = compiled
        return compiled

    def resources(self, written: Element, *, allow: bool) -> ResourceElement:
        """`compile_resources` of this document."""
        compiled = self._resources.get((written, allow))
        if compiled is None:
            compiled = compile_resources(written, self.texts, allow=allow)
            self._resources[written, allow] = compiled
        return compiled


def compile_statement(
    written: WrittenStatement,
    principals: PrincipalElement | None,
    elements: Elements,
    *,
    void: str = "",
) -> Statement:
    """The compiled form of a statement that validation has accepted.

    `void` is the reason why the statement must match nothing, or "".
    """
    allow = written.effect == "Allow"
    resources = (
        EVERY_RESOURCE
        if written.resource is None
        else elements.resources(written.resource, allow=allow)
    )
    conditions = tuple(
        elements.condition(condition, allow=allow) for condition in written.conditions
    )
    actions = NO_ACTIONS if void or written.action is None else compile_actions(written.action)
    return Statement(
        index=written.index,
        sid=written.sid,
        allow=allow,
        actions=actions,
        principals=principals,
        resources=resources,
        conditions=conditions,
        dialect=elements.dialect,
        void=void,
        text=msgspec.json.encode(written.source).decode(),
        searches=(
            *actions.searches,
            *resources.searches,
            *(search for condition in conditions for search in condition.searches),
        ),
    )


def compile_actions(element: Element) -> ActionElement:
    """The meaning of an Action or NotAction element."""
    patterns = {ascii_lower(text): None for text in pausing(element.values) if one_action(text)}
    exact = {text for text in pausing(patterns) if is_plain(text)}
    open_ended = {text for text in pausing(patterns) if text.endswith("*") and is_plain(text[:-1])}
    return ActionElement(
        frozenset(exact),
        tuple(text[:-1] for text in open_ended),
        tuple(text for text in patterns if text not in exact and text not in open_ended),
        element.negated,
        of_actions([wildcards(text) for text in pausing(element.values)]),
    )


def compile_resources(element: Element, texts: Texts, *, allow: bool) -> ResourceElement:
    """The meaning of a Resource or NotResource element; raises MalformedVariable."""
    patterns = tuple([completed(text, texts) for text in element.values])
    templates = [texts.template(text, wild=True) for text in patterns]
    tests = [
        pattern(text, texts, resource_glob)
        for text, parsed in zip(pausing(patterns), templates, strict=True)
        if not misplaced_variable(parsed)
    ]
    variables = tuple([each for parsed in pausing(templates) for each in parsed.variables])
    everything = not element.negated and any(
        parsed.parts and all(part is Wild.ANY for part in parsed.parts)
        for parsed in pausing(templates)
    )
    return ResourceElement(
        patterns=patterns,
        negated=element.negated,
        test=_resource_test(element, tests, variables, allow),
        variables=variables,
        everything=everything,
        searches=() if everything else of_resources(templates),
    )


def _resource_test(
    element: Element, tests: Sequence[ResourceTest], variables: Sequence[Variable], allow: bool
) -> ResourceTest:
    if not element.negated:
        if len(tests) == 1:
            return tests[0]
        return lambda resource, keys: any(test(resource, keys) for test in tests)
    if not (allow and variables):
        return lambda resource, keys: not any(test(resource, keys) for test in tests)

    # When the request has no such key, an Allow for "everything but ${…}" must not become an Allow
    # for everything. The statement then matches nothing (PE-4).
    def matches(resource: str, keys: Keys) -> bool:
        if any(variable.value(keys) is None for variable in variables):
            return False
        return not any(test(resource, keys) for test in tests)

    return matches


def completed(text: str, texts: Texts) -> str:
    """A pattern with the parts that the dialect adds; raises MalformedVariable (iam.md 4.6).

    `arn:aws:kms:*` is `arn:aws:kms:*:*:*` in an identity-based policy.
    """
    if not texts.dialect.short_arns or ":" not in text:
        return text
    missing = 5 - colons(texts.template(text, wild=False))
    return f"{text}{':*' * missing}" if missing > 0 else text


def colons(parsed: Template) -> int:
    """How many colons divide a pattern. A colon inside a variable does not count."""
    return sum(part.count(":") for part in parsed.parts if isinstance(part, str))


def misplaced_variable(parsed: Template) -> bool:
    """Has one of the first five parts of an ARN a variable?  Such an ARN matches nothing (4.8)."""
    colons = 0
    for part in parsed.parts:
        if isinstance(part, Variable) and colons < 5:
            return True
        if isinstance(part, str):
            colons += part.count(":")
    return False
