"""How is the answer of who-can printed?  As a table, one row for each principal and way.

A statement is written as its policy and, in brackets, its Sid or its number from 1. Statements
that are all needed are joined by `+`. Of statements that are joined by `or`, each suffices.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from keystead.cli.output import printable

Data = Mapping[str, Any]

HEAD = ("principal", "by", "statements", "conditions")
_ALWAYS = "-"
_SHORT = {
    "the root user's own right": "root's own right",
    "resource-based policy": "resource policy",
    "identity-based policy": "identity policy",
    "identity-based policy, through the account": "account, identity policy",
    "resource-based and identity-based policy": "resource, identity policy",
}


def rows(principal: Data) -> Iterator[tuple[str, ...]]:
    """The rows of one principal."""
    unless = [f"not ({_conditions(denial)})" for denial in principal["unless"]]
    for way in principal["ways"]:
        statements = " + ".join(_one_of(need, principal) for need in way["needs"])
        remaining = [_remaining(need) for need in way["needs"] if not _is_certain(need)]
        conditions = " and ".join((*remaining, *unless)) or _ALWAYS
        who = f"{principal['principal']}{_mark(principal)}"
        by = _SHORT.get(way["by"], way["by"])
        yield tuple(map(printable, (who, by, statements, conditions)))


def _mark(principal: Data) -> str:
    if principal["gone"]:
        return f" (gone; was {principal['former']})"
    return "" if principal["known"] else " (not known here)"


def _is_certain(need: Data) -> bool:
    return any(not statement["conditions"] for statement in need["oneOf"])


def _one_of(need: Data, principal: Data) -> str:
    return " or ".join(_statement(statement, principal) for statement in need["oneOf"])


def _statement(statement: Data, principal: Data) -> str:
    owner = statement["attachedTo"]
    is_own = owner in ("", principal["principal"]) or statement["kind"] == "resource-based policy"
    whose = "" if is_own else f" of {owner.rpartition(':')[2]}"
    level = f" at level {statement['level']}" if statement["level"] else ""
    name = statement["policy"].rpartition("/")[2]
    return f"{name}[{statement['sid'] or statement['index'] + 1}]{whose}{level}"


def _remaining(need: Data) -> str:
    alternatives = [_conditions(statement) for statement in need["oneOf"]]
    if len(alternatives) == 1:
        return alternatives[0]
    return "(" + " or ".join(alternatives) + ")"


def _conditions(statement: Data) -> str:
    return " and ".join(map(_condition, statement["conditions"]))


def _condition(condition: Data) -> str:
    expected = ", ".join(condition["values"]) or "nothing"
    if not condition["key"]:
        return f"{condition['operator']} {expected}"
    return f"{condition['key']} {condition['operator']} {expected}"
