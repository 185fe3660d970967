"""Can the conditions hold, and is their meaning the obvious one?  (iam.md 4.7, 6; kms.md 11)"""

import msgspec

from keystead.pauses import pausing
from keystead.policy.findings.checks import operands, scopes, variables
from keystead.policy.findings.json_tree import Location, Member, Node
from keystead.policy.findings.spelling import misspelt
from keystead.policy.findings.subject import Subject, WrittenStatement
from keystead.policy.language import (
    FOR_ALL,
    FOR_ANY,
    KNOWN,
    NO_VALUE_HERE,
    SERVED,
    TOLD_APART_ONE_BY_ONE,
    VARIABLE,
    DocumentKind,
    UnknownOperator,
    Usage,
    family,
    hidden_from_key_policies,
    is_supplied,
    usage,
)
from keystead.policy.text import ascii_lower

_TAGS = ("tag/",)
_SCALARS = ("string", "number", "boolean")
_EMPTY = {FOR_ALL: "_FORALLVALUES", FOR_ANY: "_FORANYVALUE"}


class Problem(msgspec.Struct, frozen=True):
    """Why a condition key cannot have a value."""

    code: str
    key: str
    service: str = ""
    hint: str = ""
    fault: str = ""  # the mistake in a service's key; "" if the key does not exist
    refused: bool = False

    def note(self, subject: Subject, location: Location) -> None:
        subject.add(
            self.code,
            location,
            refused=self.refused,
            key=self.key,
            service=self.service,
            hint=self.hint,
            fault=self.fault
            or f"does not exist in the service {self.service}. Use a valid condition key.",
            policy_type=subject.kind.value,
        )


def check(subject: Subject) -> None:
    for statement in pausing(subject.statements, after=4):
        element = statement.get("Condition")
        if element is not None:
            _element(subject, statement, element.node)
        for name in ("Resource", "NotResource"):
            for node in pausing(statement.texts(name)):
                _variable_keys(subject, node)


def _element(subject: Subject, statement: WrittenStatement, node: Node) -> None:
    if node.kind != "object":
        subject.add("DATA_TYPE_MISMATCH", node, type="Object")
        return
    if not node.members:
        subject.add("EMPTY_OBJECT_CONDITION", node)
    _duplicates(subject, node)
    named = scopes.named(statement)
    for member in node.members:
        used = _operator(subject, member)
        if member.node.kind != "object":
            subject.add("DATA_TYPE_MISMATCH", member.node, type="Object")
            continue
        if not member.node.members:
            subject.add("EMPTY_OBJECT_CONDITION", member.node)
        _duplicates(subject, member.node)
        for key in pausing(member.node.members):
            values = _values(subject, key)
            if (problem := _problem(subject, key.name)) is not None:
                problem.note(subject, subject.text.of_name(key))
            if used is not None:
                _qualifier(subject, statement, used, key)
                _empty(subject, used, key)
                operands.check(subject, used, key, values)
                scopes.check(subject, named, used, key)


def _duplicates(subject: Subject, node: Node) -> None:
    """Note names that differ only by case."""
    known: dict[str, Member] = {}
    for member in node.members:
        first = known.setdefault(ascii_lower(member.name), member)
        if first is not member:
            places = subject.text.of_name(first), subject.text.of_name(member)
            subject.add("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", *places, key=member.name)


def _operator(subject: Subject, member: Member) -> Usage | None:
    try:
        return usage(member.name)
    except UnknownOperator:
        name = ascii_lower(member.name)
        plain = name.removeprefix("forallvalues:").removeprefix("foranyvalue:")
        if name == "nullifexists":
            subject.add_name("NULL_WITH_IF_EXISTS", member)
        elif plain == "null":
            subject.add_name("NULL_WITH_QUALIFIER", member, refused=True)
        else:
            subject.add_name("INVALID_CONDITION_OPERATOR", member, operator=member.name)
        return None


def _values(subject: Subject, key: Member) -> list[Node]:
    """The scalar values. Mistakes in the values are noted."""
    node = key.node
    nodes = list(node.items) if node.kind == "array" else [node]
    scalars = [value for value in nodes if value.kind in _SCALARS]
    for value in pausing(nodes):
        if value.kind not in _SCALARS:
            subject.add("DATA_TYPE_MISMATCH", value, type="String")
    if len({value.kind for value in scalars}) > 1:
        subject.add("INVALID_CONDITION_DATA_TYPE", node)
    for value in pausing(scalars):
        if value.kind == "string":
            variables.check(subject, value)
            _variable_keys(subject, value)
    return scalars


def _variable_keys(subject: Subject, node: Node) -> None:
    """Note the variables of a text whose keys cannot have a value."""
    if subject.dialect.variables:
        for match in VARIABLE.finditer(node.scalar):
            if match[2]:
                length = match.end() - match.start()
                if (problem := _problem(subject, match[2])) is not None:
                    problem.note(subject, subject.text.of_part(node, match.start(), length))


def _problem(subject: Subject, key: str) -> Problem | None:
    """The reason why a condition key cannot have a value here, or None."""
    name, (service, _, rest) = ascii_lower(key), key.partition(":")
    if not (service and rest):
        return Problem("INVALID_CONDITION_KEY_FORMAT", key)
    prefix = ascii_lower(service)
    if meant := misspelt(prefix, SERVED):
        fault = f"does not exist in the service {prefix}. Did you mean {meant}:{rest}?"
        return Problem("INVALID_SERVICE_CONDITION_KEY", key, prefix, fault=fault)
    if prefix not in SERVED:
        return None
    fact = KNOWN.get(family(name))
    if fact is None or (ascii_lower(fact.name) == name and name.endswith(("/", ":"))):
        return _unknown(key, name, prefix)  # or a family without a member
    if not is_supplied(name) and not subject.any_key:
        if prefix == "aws":
            hint = f" {NO_VALUE_HERE[0].upper()}{NO_VALUE_HERE[1:]}."
            return Problem("UNSUPPORTED_GLOBAL_CONDITION_KEY", key, hint=hint)
        fault = f"of the service {prefix} is not supported: {NO_VALUE_HERE}."
        return Problem("INVALID_SERVICE_CONDITION_KEY", key, prefix, fault=fault)
    if subject.kind is DocumentKind.KEY and hidden_from_key_policies(name):
        return Problem("IRRELEVANT_CONDITION_KEY_IN_POLICY", key, refused=not subject.any_key)
    return None


def _unknown(key: str, name: str, prefix: str) -> Problem:
    whole = name if name.endswith("/") else f"{name}/"
    if whole in KNOWN and whole.endswith(_TAGS):
        return Problem("MISSING_TAG_KEY_IN_CONDITION", KNOWN[whole].name)
    if name == "aws:arn":
        hint = " Use aws:PrincipalArn or aws:SourceArn instead."
        return Problem("UNSUPPORTED_GLOBAL_CONDITION_KEY", key, hint=hint)
    if prefix == "aws":
        return Problem("INVALID_GLOBAL_CONDITION_KEY", key)
    return Problem("INVALID_SERVICE_CONDITION_KEY", key, prefix)


def _qualifier(subject: Subject, statement: WrittenStatement, used: Usage, key: Member) -> None:
    """Keys with several values need a set operator. Other keys must not have one."""
    name = ascii_lower(key.name)
    fact = KNOWN.get(family(name))
    if fact is None:
        return
    location = subject.text.of_name(key)
    if fact.multi_valued:
        if not used.quantifier and used.operator.family != "Null":
            subject.add("MISSING_QUALIFIER", location, key=key.name)
    elif used.quantifier == FOR_ALL:
        refused = subject.kind is DocumentKind.KEY and family(name) in TOLD_APART_ONE_BY_ONE
        if statement.allow or refused:
            code = "FORALLVALUES_WITH_SINGLE_VALUED_KEY"
            subject.add(code, location, refused=refused, key=key.name)


def _empty(subject: Subject, used: Usage, key: Member) -> None:
    """Note a condition without values."""
    if key.node.kind == "array" and not key.node.items:
        suffix = _EMPTY.get(used.quantifier, "_IFEXISTS" if used.if_exists else "")
        subject.add(f"EMPTY_ARRAY_CONDITION{suffix}", key.node, key=key.name)
