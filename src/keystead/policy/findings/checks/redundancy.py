"""Which parts of a document could be left out without a change of meaning?"""

from collections.abc import Callable, Sequence

from keystead.pauses import pausing
from keystead.policy.findings.json_tree import Node
from keystead.policy.findings.subject import Subject
from keystead.policy.text import Matcher, action_glob, ascii_lower, resource_glob, wildcards

_MOST = 100
"""The most values of an element that are compared with each other, each with each."""

_COMPARISONS = 20_000
"""The most comparisons in one document. The elements that are left then are not examined."""

Compiled = Callable[[str], Matcher]


def check(subject: Subject) -> None:
    left = _COMPARISONS
    for statement in pausing(subject.statements, after=4):
        for name, code, read, compiled in _ELEMENTS:
            nodes = statement.texts(name)
            left -= len(nodes) ** 2
            if 1 < len(nodes) <= _MOST and left > 0:
                _report(subject, code, _covered(nodes, read, compiled))
    _statements(subject)


def _report(subject: Subject, code: str, nodes: Sequence[Node]) -> None:
    if nodes:
        subject.add(code, *nodes, count=len(nodes), example=nodes[0].scalar)


def _resource(text: str) -> Matcher:
    return resource_glob(wildcards(text))


_ELEMENTS: tuple[tuple[str, str, Callable[[str], str], Compiled], ...] = (
    ("Action", "REDUNDANT_ACTION", ascii_lower, action_glob),
    ("NotAction", "REDUNDANT_ACTION", ascii_lower, action_glob),
    ("Resource", "REDUNDANT_RESOURCE", str, _resource),
    ("NotResource", "REDUNDANT_RESOURCE", str, _resource),
)


def _covered(nodes: Sequence[Node], read: Callable[[str], str], compiled: Compiled) -> list[Node]:
    """The nodes whose meaning another node already has."""
    written = [read(node.scalar) for node in nodes]
    matchers = [compiled(text) for text in written]
    return [
        node
        for i, node in enumerate(nodes)
        if any(
            _covers(written[j], matchers[j], written[i]) and (written[i] != written[j] or j < i)
            for j in range(len(nodes))
        )
    ]


def _covers(wide: str, matches: Matcher, narrow: str) -> bool:
    """Does the pattern `wide` match every text that the pattern `narrow` matches?

    `narrow` is matched as a text. A `*` in `wide` matches the wildcards of `narrow` as it matches
    any text. A `?` would match a `*`, which is wrong, so such a pair counts as different. The value
    of a variable is not known, so a `narrow` with a variable must be equal to `wide`.
    """
    if wide == narrow:
        return True
    if "${" in narrow or ("?" in wide and "*" in narrow):
        return False
    return matches(narrow)


def _statements(subject: Subject) -> None:
    """Note statements that are the same but for their Sid."""
    known: dict[str, Node] = {}
    for statement in pausing(subject.statements, after=4):
        said = statement.node.plain()
        said.pop("Sid", None)
        first = known.setdefault(repr(sorted(said.items())), statement.node)
        if first is not statement.node:
            subject.add("REDUNDANT_STATEMENT", first, statement.node)
