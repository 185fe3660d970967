"""Which operators does the language have, and how may they be written?  (iam.md 4.7)

[ForAllValues: | ForAnyValue:] operator [IfExists]      Null
"""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any

import msgspec

from keystead.policy.text import ascii_lower


class UnknownOperator(ValueError):
    """The operator does not exist, or does not take this prefix or suffix."""


class Operator(msgspec.Struct, frozen=True):
    """One operator of the language: how it compares, and whether it is negated."""

    name: str
    family: str  # String, IgnoreCase, Like, Numeric, Date, Bool, Binary, Ip, Arn, Null
    negated: bool = False
    compare: Callable[[Any, Any], bool] = eq  # (value of the request, value of the policy)


_ORDERED: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("Equals", eq),
    ("LessThan", lt),
    ("LessThanEquals", le),
    ("GreaterThan", gt),
    ("GreaterThanEquals", ge),
)

OPERATORS: Mapping[str, Operator] = {
    operator.name.lower(): operator
    for operator in (
        Operator("StringEquals", "String"),
        Operator("StringNotEquals", "String", negated=True),
        Operator("StringEqualsIgnoreCase", "IgnoreCase"),
        Operator("StringNotEqualsIgnoreCase", "IgnoreCase", negated=True),
        Operator("StringLike", "Like"),
        Operator("StringNotLike", "Like", negated=True),
        Operator("ArnEquals", "Arn"),
        Operator("ArnLike", "Arn"),
        Operator("ArnNotEquals", "Arn", negated=True),
        Operator("ArnNotLike", "Arn", negated=True),
        Operator("NumericNotEquals", "Numeric", negated=True),
        Operator("DateNotEquals", "Date", negated=True),
        Operator("Bool", "Bool"),
        Operator("BinaryEquals", "Binary"),
        Operator("IpAddress", "Ip"),
        Operator("NotIpAddress", "Ip", negated=True),
        Operator("Null", "Null"),
        *(Operator(f"Numeric{name}", "Numeric", compare=test) for name, test in _ORDERED),
        *(Operator(f"Date{name}", "Date", compare=test) for name, test in _ORDERED),
    )
}

FOR_ALL, FOR_ANY, IF_EXISTS = "ForAllValues:", "ForAnyValue:", "IfExists"


class Usage(msgspec.Struct, frozen=True):
    """An operator as one condition writes it."""

    operator: Operator
    quantifier: str  # "", FOR_ALL or FOR_ANY
    if_exists: bool

    @property
    def name(self) -> str:
        """AWS's spelling."""
        return f"{self.quantifier}{self.operator.name}{IF_EXISTS if self.if_exists else ''}"

    @property
    def when_absent(self) -> bool:
        """Does the operator hold for a key without a value?  (Not asked of Null.)"""
        if self.quantifier:
            return self.quantifier == FOR_ALL
        return self.if_exists or self.operator.negated


def usage(written: str) -> Usage:
    """Read an operator's name, in any case; raises UnknownOperator."""
    name, quantifier = ascii_lower(written), ""
    for prefix in (FOR_ALL, FOR_ANY):
        if name.startswith(prefix.lower()):
            name, quantifier = name[len(prefix) :], prefix
            break
    plain = name.removesuffix(IF_EXISTS.lower())
    operator = OPERATORS.get(plain)
    if operator is None or (operator.family == "Null" and (quantifier or plain != name)):
        raise UnknownOperator(written)
    return Usage(operator, quantifier, plain != name)
