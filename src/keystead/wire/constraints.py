"""Which constraints does a value break?  AWS's validation messages, all violations at once.

Accept fast, explain slowly. This interpreter runs only when msgspec has refused a request. It walks
the value beside its schema, and words every violation as AWS does (kms.md 9, iam.md 10.1):

    2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must
    have length greater than or equal to 1; Value null at 'plaintext' failed to …

IAM has its own sentences for the characters of names and paths. It says the first of them if the
request has no other violation (iam.md 10.1).

The value is the tree that `awsjson` or `query` makes of a body. It consists of dict, list, str,
bytes, int, float, bool and datetime, under the names of the wire.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from keystead.errors import AwsError, ValidationException
from keystead.wire.operation import In, Operation
from keystead.wire.schema import Kind, Schema, parts, schema_of

_SCALARS = frozenset(Kind) - {Kind.STRUCTURE, Kind.LIST, Kind.MAP}
PASSED_THROUGH = (bytes, datetime)
_CHINAS = frozenset({"SM2", "SM2PKE", "SM2DSA"})  # offered in no other Region (kms.md 5.1)
_PATTERN = "Member must satisfy regular expression pattern: "
_NAMES = r"[\w+=,.@-]+"
_OF_NAMES = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
_OF_PATHS = {
    "path": (
        "It must begin and end with / and contain only alphanumeric characters and/or / characters."
    ),
    "pathPrefix": (
        "It must begin with / and contain only alphanumeric characters and/or / characters."
    ),
}
_INVALID_INPUT = "InvalidInputException"
_REASONS = (  # the first violation's, in the words of the model (iam.md 1.12)
    (
        "Member must not be null",
        "INPUT_REQUIRED",
        "You must include a value for all required parameters.",
    ),
    ("enum value set", "INVALID_ENUM", "You specified an invalid value."),
    (
        _PATTERN,
        "INVALID_PATTERN",
        "You provided a value that does not match the required pattern.",
    ),
    (
        "length less",
        "MAX_LENGTH_EXCEEDED",
        "You provided a string parameter that is longer than allowed.",
    ),
    (
        "length greater",
        "MIN_LENGTH_EXCEEDED",
        "You provided a string parameter that is shorter than allowed.",
    ),
    (
        "value less",
        "MAX_VALUE_EXCEEDED",
        "You provided a numeric parameter that has a larger value than allowed.",
    ),
    (
        "value greater",
        "MIN_VALUE_EXCEEDED",
        "You provided a numeric parameter that has a smaller value than allowed.",
    ),
    (
        "must satisfy constraint",
        "INVALID_LIST_MEMBER",
        "You provided a list to a parameter that contains at least one invalid value.",
    ),
)
_MOST_VIOLATIONS = 100  # the message stays short, even for thousands of bad tags


def checked(operation: Operation[In, Any], tree: dict[str, Any]) -> In:
    """The input that a tree describes; raises ValidationException with every violation."""
    try:
        return msgspec.convert(tree, operation.input, builtin_types=PASSED_THROUGH)
    except msgspec.ValidationError:
        raise refusal(operation, tree) from None


def refusal(operation: Operation[Any, Any], tree: dict[str, Any]) -> AwsError:
    """The refusal of a tree that breaks constraints, in the words of its service."""
    if not operation.service.gives_reasons:
        return ValidationException(explain(operation, tree))
    error = next(kind for kind in operation.errors if kind.code == _INVALID_INPUT)
    first = violations(operation, tree)[0]
    for rule, reason, sentence in _REASONS:
        if rule in first:
            return error(sentence, reason=reason)
    raise ValueError(f"no reason for: {first}")


def explain(operation: Operation[Any, Any], tree: dict[str, Any]) -> str:
    """AWS's message for a tree that breaks constraints."""
    walk = Violations(echo=operation.service.echoes_values)
    sentences = _found(walk, operation, tree)
    if not sentences and walk.in_own_words:
        return walk.in_own_words[0]
    noun = "error" if len(sentences) == 1 else "errors"
    return f"{len(sentences)} validation {noun} detected: {'; '.join(sentences)}"


def not_in_set(operation: Operation[Any, Any], attribute: str, value: str) -> ValidationException:
    """The refusal of a value that is in the model but not offered here.

    It says the same as the refusal of an unknown value.
    """
    schema = schema_of(operation.input)
    member = next(candidate for candidate in schema.members if candidate.attribute == attribute)
    rule = _enum_rule(member.schema)
    sentence = Violations(operation.service.echoes_values).sentence(
        f"'{value}'", member.event_name, rule
    )
    return ValidationException(f"1 validation error detected: {sentence}")


def violations(operation: Operation[Any, Any], tree: dict[str, Any]) -> list[str]:
    """A sentence for each constraint that a tree breaks."""
    return _found(Violations(echo=operation.service.echoes_values), operation, tree)


def _found(walk: "Violations", operation: Operation[Any, Any], tree: dict[str, Any]) -> list[str]:
    found = walk.of_structure(schema_of(operation.input), tree, "", hidden=False)
    return list(islice(found, _MOST_VIOLATIONS))


@dataclass(frozen=True, slots=True)
class Violations:
    """Walks a value beside its schema. `echo`: does this service quote the refused value?

    `in_own_words` collects the violations for which IAM has its own sentence.
    """

    echo: bool
    in_own_words: list[str] = field(default_factory=list)

    def of_structure(
        self, schema: Schema, value: dict[str, Any], path: str, *, hidden: bool
    ) -> Iterator[str]:
        """The violations of a structure's members; `path` ends with a dot or is empty.

        Nothing in a `hidden` structure is quoted.
        """
        for member in schema.members:
            given = value.get(member.wire_name)
            member_path = path + member.event_name
            if given is not None:
                secret = hidden or member.sensitive
                yield from self._of_value(member.schema, given, member_path, hidden=secret)
            elif member.required:
                yield self.sentence("null", member_path, "Member must not be null")

    def _of_value(self, schema: Schema, value: Any, path: str, *, hidden: bool) -> Iterator[str]:
        if value is None:
            yield self.sentence("null", path, "Member must not be null")
            return
        if schema.kind is Kind.STRUCTURE:
            yield from self.of_structure(schema, value, f"{path}.", hidden=hidden)
            return
        shown = "" if hidden or not _quotable(schema) else f"'{_java_text(value)}'"
        for rule in _broken(schema, value):
            if rule.startswith(_PATTERN) and (own := self._own_words(schema, path)):
                self.in_own_words.append(own)
            else:
                yield self.sentence(shown, path, rule)
        if schema.kind is Kind.LIST:
            yield from self._of_list(schema, value, path, shown, hidden=hidden)
        elif schema.kind is Kind.MAP:
            yield from self._of_map(schema, value, path, shown, hidden=hidden)

    def _of_list(
        self, schema: Schema, value: list[Any], path: str, shown: str, *, hidden: bool
    ) -> Iterator[str]:
        """A list of scalars is refused as a whole. Any other list is refused item by item."""
        item = schema.element
        if item.kind in _SCALARS:
            if any(map(_refuses(item), value)):
                yield self.sentence(shown, path, f"Member must satisfy constraint: {_rules(item)}")
            return
        for position, given in enumerate(value, start=1):
            yield from self._of_value(item, given, f"{path}.{position}.member", hidden=hidden)

    def _of_map(
        self, schema: Schema, value: dict[str, Any], path: str, shown: str, *, hidden: bool
    ) -> Iterator[str]:
        key, item = schema.key, schema.element
        if key is not None and any(map(_refuses(key), value)):
            yield self.sentence(shown, path, f"Map keys must satisfy constraint: {_rules(key)}")
        if item.kind in _SCALARS:
            if any(map(_refuses(item), value.values())):
                rules = _rules(item)
                yield self.sentence(shown, path, f"Map value must satisfy constraint: {rules}")
            return
        for name, given in value.items():
            yield from self._of_value(item, given, f"{path}.{name}.member", hidden=hidden)

    def _own_words(self, schema: Schema, path: str) -> str:
        """IAM's own sentence about the characters of a name or path; "" for any other member."""
        if self.echo:
            return ""
        rule = _OF_NAMES if schema.model_pattern == _NAMES else _OF_PATHS.get(path, "")
        return rule and f"The specified value for {path} is invalid. {rule}"

    def sentence(self, shown: str, path: str, rule: str) -> str:
        value = f"Value {shown}" if shown and self.echo else "Value"
        return f"{value} at '{path}' failed to satisfy constraint: {rule}"


def _broken(schema: Schema, value: Any) -> Iterator[str]:
    """The rules that one value breaks by itself. The pattern comes first, as AWS orders them."""
    if schema.enum:
        if value not in schema.enum:
            yield _enum_rule(schema)
        return
    if schema.pattern is not None and schema.pattern.match(value) is None:
        yield f"{_PATTERN}{schema.model_pattern}"
    if schema.maximum is None and schema.minimum is None:
        return
    size = value if schema.kind is Kind.INTEGER else len(value)
    if schema.maximum is not None and size > schema.maximum:
        yield _bound_rule(schema, "less", schema.maximum)
    if schema.minimum is not None and size < schema.minimum:
        yield _bound_rule(schema, "greater", schema.minimum)


def _refuses(schema: Schema) -> Callable[[Any], bool]:
    """A test: does an element break a rule of its type?"""
    return lambda value: value is None or any(_broken(schema, value))


def _rules(schema: Schema) -> str:
    """All rules of a type. AWS lists all of them for the elements of a list or map."""
    rules = []
    if schema.enum:
        rules.append(_enum_rule(schema))
    if schema.maximum is not None:
        rules.append(_bound_rule(schema, "less", schema.maximum))
    if schema.minimum is not None:
        rules.append(_bound_rule(schema, "greater", schema.minimum))
    if schema.pattern is not None:
        rules.append(f"{_PATTERN}{schema.model_pattern}")
    return f"[{', '.join([*rules, 'Member must not be null'])}]"


def _enum_rule(schema: Schema) -> str:
    offered = ", ".join(value for value in schema.enum if value not in _CHINAS)
    return f"Member must satisfy enum value set: [{offered}]"


def _bound_rule(schema: Schema, direction: str, bound: int) -> str:
    measure = "value" if schema.kind is Kind.INTEGER else "length"
    return f"Member must have {measure} {direction} than or equal to {bound}"


def _quotable(schema: Schema) -> bool:
    """May a message quote such a value?  Not a blob (kms.md 9), nor a value that holds a secret."""
    return not any(sensitive or part.kind is Kind.BLOB for part, sensitive in parts(schema))


def _java_text(value: Any) -> str:
    """A value as AWS's messages quote it: `[a, b]` for a list, `{a=b}` for a map or structure."""
    if isinstance(value, list):
        return f"[{', '.join(map(_java_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_java_text(item)}' for name, item in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
