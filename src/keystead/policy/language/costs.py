"""How many steps does a comparison of a statement with a request take?

They are counted before anything is compared (PE-5). A step is about 50 ns. Only work is counted
that may take far longer than reading the document:

- searching a text
- substituting variables in a pattern
- reading a text character by character
- comparing each value of a list

Nothing is counted for a pattern that is a whole text, or a beginning and an end. Nor is anything
counted for one value that is compared with the values of a statement.

The count depends on the document, on the action, and on the number and length of the request's
texts. It never depends on the results of comparisons, nor on their order.
"""

from collections.abc import Callable, Sequence

import msgspec

from keystead.pauses import pausing
from keystead.policy.language.operators import Usage
from keystead.policy.language.variables import Template, Texts
from keystead.policy.text import (
    Matcher,
    Tokens,
    arn_glob,
    glob,
    is_quick,
    is_searched,
    resource_glob,
)

ACTION, RESOURCE = "action", "resource"  # a condition key has a colon in its name

# Steps for the whole pattern, and for each of its tokens. In order: any pattern, a pattern with
# `?` between two `*`, a pattern with variables.
_PATTERN, _HOLES, _SUBSTITUTION = (20, 20), (400, 20), (400, 60)
_ADDRESS, _VALUE, _LOOK_UP, _OPERAND = 150, 50, 20, 15  # of a condition with a set prefix

Compiled = Callable[[Tokens], Matcher]
_PATTERNS: dict[str, Compiled] = {"Like": glob, "Arn": arn_glob}
_LOOKED_UP = frozenset({"String", "IgnoreCase", "Bool"})  # but for operands with variables
_READ_THROUGH = frozenset({"IgnoreCase", "Binary"})


class Search(msgspec.Struct, frozen=True, gc=False):
    """The work that one element of a statement does with texts of the request."""

    subject: str  # ACTION, RESOURCE, or a condition key in lower case
    each: int  # steps for each text
    passes: int  # how many times each text is read from end to end

    def steps(self, text: str) -> int:
        """The steps that one text takes."""
        return self.each + self.passes * len(text)

    def and_(self, other: "Search") -> "Search":
        """The work of both, on the same subject."""
        return Search(self.subject, self.each + other.each, self.passes + other.passes)


Searches = tuple[Search, ...]


def of_actions(patterns: Sequence[Tokens]) -> Searches:
    """The work of an Action or NotAction element."""
    return _searches(ACTION, [_of_tokens(tokens, glob) for tokens in pausing(patterns)])


def of_resources(templates: Sequence[Template]) -> Searches:
    """The work of a Resource or NotResource element."""
    costs = [_of_pattern(parsed, resource_glob) for parsed in pausing(templates)]
    return _searches(RESOURCE, costs)


def of_condition(used: Usage, name: str, written: Sequence[str], texts: Texts) -> Searches:
    """The work of a condition on a key."""
    family = used.operator.family
    costs: list[_Cost] = []
    if used.quantifier and family in _LOOKED_UP:
        costs.append((_LOOK_UP, 0))
    elif used.quantifier:
        value = _ADDRESS if family == "Ip" else _VALUE
        costs.append((value + _OPERAND * len(written), 0))
    if family in _PATTERNS:
        compiled = _PATTERNS[family]
        costs += [_of_pattern(texts.template(text, wild=True), compiled) for text in written]
    elif family in _READ_THROUGH:
        costs.append((_VALUE, 1))
    if family == "IgnoreCase" or (used.quantifier and family in _LOOKED_UP):
        templates = [texts.template(text, wild=False) for text in written]
        costs += [_of_variables(parsed) for parsed in templates if parsed.variables]
    return _searches(name, costs)


_Cost = tuple[int, int]
"""Steps for each text, and how many times it is read."""


def _searches(subject: str, costs: Sequence[_Cost]) -> Searches:
    each, passes = sum([cost[0] for cost in costs]), sum([cost[1] for cost in costs])
    return (Search(subject, each, passes),) if each else ()


def _of_pattern(parsed: Template, compiled: Compiled) -> _Cost:
    if not parsed.variables:
        return _of_tokens(parsed.tokens(), compiled)
    each, _ = _of_tokens(parsed.tokens("x"), compiled)
    return each + _steps(_SUBSTITUTION, parsed.parts), 1


def _of_variables(parsed: Template) -> _Cost:
    return _steps(_SUBSTITUTION, parsed.parts), 1


def _of_tokens(tokens: Tokens, compiled: Compiled) -> _Cost:
    if is_quick(tokens, by_parts=compiled is not glob):
        return 0, 0
    return _steps(_PATTERN, tokens) + (_steps(_HOLES, tokens) if is_searched(tokens) else 0), 1


def _steps(each: tuple[int, int], tokens: Sequence[object]) -> int:
    whole, token = each
    return whole + token * len(tokens)
