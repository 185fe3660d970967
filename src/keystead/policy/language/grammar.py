"""Is this text a policy at all, and what are its elements?  (iam.md 4.1)

    policy     { [Version], [Id], Statement }
    Statement  statement | [ statement, … ]
    statement  { [Sid], [Principal | NotPrincipal], Effect, [Action | NotAction],
                 [Resource | NotResource], [Condition] }
    Principal  "*" | { "AWS" | "Service" | "Federated" | "CanonicalUser": text | [ text, … ] }
    Condition  { operator: { key: value | [ value, … ] } }      value: text, number or truth

This grammar is common to all kinds of policy; `validation` decides which kind may have which
element. Unknown elements are refused, and so is every text that could be read in two ways.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from keystead import strictjson
from keystead.pauses import pausing
from keystead.policy.language.operators import UnknownOperator, Usage, usage
from keystead.policy.text import ascii_lower

VERSION_2008, VERSION_2012 = "2008-10-17", "2012-10-17"
DEEPEST = 16
EVERYBODY = "*"
PRINCIPAL_TYPES = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})

IAM_TEXT = re.compile(r"[\t\n\r\x20-\xff]*+")
_OTHER_CHARACTER = "a character outside of U+0009, U+000A, U+000D, U+0020 to U+00FF"
POLICY_ELEMENTS = frozenset({"Version", "Id", "Statement"})
STATEMENT_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
EITHER = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))


class NotAPolicy(ValueError):
    """The text does not follow the grammar. `json` says whether it is JSON at all."""

    def __init__(self, reason: str, *, json: bool = True) -> None:
        super().__init__(reason)
        self.json = json


Names = Mapping[str, tuple[str, ...]]
"""A principal element: type -> names. A bare `"*"` is read as {"AWS": ("*",)}."""


class WrittenCondition(msgspec.Struct, frozen=True):
    """One key under one operator."""

    usage: Usage
    key: str
    values: tuple[str, ...]


class Element(msgspec.Struct, frozen=True, gc=False):
    """An Action or Resource element, or its `Not` form."""

    values: tuple[str, ...]
    negated: bool


class WrittenStatement(msgspec.Struct, frozen=True):
    """One statement of which each element follows the grammar."""

    index: int
    sid: str
    effect: str
    principals: Names | None
    not_principal: bool
    action: Element | None
    resource: Element | None
    conditions: tuple[WrittenCondition, ...]
    source: Mapping[str, Any]  # as it was written


class WrittenPolicy(msgspec.Struct, frozen=True):
    """A document that follows the grammar."""

    version: str
    statements: tuple[WrittenStatement, ...]


def read(text: str, *, iam_characters: bool) -> WrittenPolicy:
    """The policy that a text writes; raises NotAPolicy.

    `iam_characters`: the text may have only the characters that IAM and KMS accept in a document.
    """
    if iam_characters and not IAM_TEXT.fullmatch(text):
        raise NotAPolicy(_OTHER_CHARACTER)
    try:
        document = strictjson.loads(text, max_depth=DEEPEST)
    except strictjson.NotStrictJson as error:
        raise NotAPolicy(str(error), json=False) from None
    if iam_characters and "\\u" in text:
        _require_iam_characters(document)
    policy = _members(document, "the policy", POLICY_ELEMENTS)
    version = policy.get("Version", VERSION_2008)
    if version not in (VERSION_2008, VERSION_2012):
        raise NotAPolicy(
            f"`Version` is `{version}`, and has to be {VERSION_2012} or {VERSION_2008}"
        )
    if not isinstance(policy.get("Id", ""), str):
        raise NotAPolicy("`Id` has to be a text")
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise NotAPolicy("`Statement` has to be a statement or a list of statements")
    return WrittenPolicy(
        version, tuple([_statement(i, each) for i, each in pausing(enumerate(statements), after=8)])
    )


def _require_iam_characters(value: Any) -> None:
    """An escape must not write a character that a document may not have. The depth is limited."""
    if isinstance(value, str):
        if not IAM_TEXT.fullmatch(value):
            raise NotAPolicy(_OTHER_CHARACTER)
    elif isinstance(value, dict):
        for name, member in value.items():
            _require_iam_characters(name)
            _require_iam_characters(member)
    elif isinstance(value, list):
        for item in value:
            _require_iam_characters(item)


def _members(value: Any, what: str, known: frozenset[str] | None = None) -> dict[str, Any]:
    """The value, if it is an object; raises NotAPolicy.

    Its names must be among `known`. If `known` is None, they must differ by more than their case.
    """
    if not isinstance(value, dict):
        raise NotAPolicy(f"{what} is not an object")
    if known is None:
        if len(value) > 1 and len({ascii_lower(name) for name in value}) != len(value):
            raise NotAPolicy(f"{what} has two names that differ only by case")
    elif not known.issuperset(value):
        unknown = next(name for name in value if name not in known)
        raise NotAPolicy(f"{what} has an unknown element `{unknown}`")
    return value


def _statement(index: int, value: Any) -> WrittenStatement:
    try:
        return _elements(index, _members(value, "it", STATEMENT_ELEMENTS))
    except NotAPolicy as error:
        raise NotAPolicy(f"statement {index + 1}: {error}") from None


def _elements(index: int, statement: dict[str, Any]) -> WrittenStatement:
    for plain, negation in EITHER:
        if negation in statement and plain in statement:
            raise NotAPolicy(
                f"it has both `{plain}` and `{negation}`, and may have only one of them"
            )
    sid, effect = statement.get("Sid", ""), statement.get("Effect")
    if not isinstance(sid, str):
        raise NotAPolicy("its `Sid` has to be a text")
    if not isinstance(effect, str) or ascii_lower(effect) not in ("allow", "deny"):
        raise NotAPolicy("its `Effect` has to be Allow or Deny")
    return WrittenStatement(
        index=index,
        sid=sid,
        effect=effect,
        principals=_principals(statement),
        not_principal="NotPrincipal" in statement,
        action=_element(statement, "Action", "NotAction"),
        resource=_element(statement, "Resource", "NotResource"),
        conditions=_conditions(statement["Condition"]) if "Condition" in statement else (),
        source=statement,
    )


def _element(statement: Mapping[str, Any], name: str, negation: str) -> Element | None:
    if name in statement:
        return Element(_texts(statement[name], name), negated=False)
    if negation in statement:
        return Element(_texts(statement[negation], negation), negated=True)
    return None


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not {str}.issuperset(map(type, value)):
        raise NotAPolicy(f"its `{name}` has to be a text or a list of texts")
    return tuple(value)


def _principals(statement: Mapping[str, Any]) -> Names | None:
    if "Principal" not in statement and "NotPrincipal" not in statement:
        return None
    value = statement.get("Principal", statement.get("NotPrincipal"))
    if value == EVERYBODY:
        return {"AWS": (EVERYBODY,)}
    names = _members(value, "its principal", PRINCIPAL_TYPES)
    return {kind: _texts(some, kind) for kind, some in names.items()}


def _conditions(value: Any) -> tuple[WrittenCondition, ...]:
    conditions: list[WrittenCondition] = []
    for operator, tests in _members(value, "its `Condition`").items():
        try:
            used = usage(operator)
        except UnknownOperator:
            raise NotAPolicy(f"its `Condition` has an unknown operator `{operator}`") from None
        for key, values in pausing(_members(tests, "an operator").items()):
            some = values if isinstance(values, list) else [values]
            conditions.append(
                WrittenCondition(used, key, tuple([_scalar(scalar) for scalar in pausing(some)]))
            )
    return tuple(conditions)


def _scalar(value: Any) -> str:
    """A condition value as a text; a number or a truth value is written out."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise NotAPolicy("a value of its `Condition` has to be a text, a number, true or false")
