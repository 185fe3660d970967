"""Nothing of a request stays when it is answered: what could keep it is found before it runs.

An exception holds the frames that it passed, a frame holds its variables. Whatever one of these
variables keeps, and through it the exception, is a ring that no count of references ends. Then
only the garbage collector does, and it does not see a struct with `gc=False` at all.
"""

import ast
import dataclasses
import importlib
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest

import keystead

SOURCE = Path(keystead.__file__).parent
PLAIN = (
    str, bytes, int, float, bool, type(None), datetime, timedelta, Enum, re.Pattern, msgspec.Raw,
    msgspec.UnsetType,
)  # fmt: skip
CONTAINERS = (tuple, list, dict, set, frozenset)  # and what they are called in collections.abc

# Who may hold an exception, and why that is no ring.
HOLDS_AN_ERROR = {
    "keystead.kms.rules.KmsRules",  # makes a new one for each refusal
    "keystead.paging.Markers",  # as above
    "keystead.server.pipeline.exchange.Refused",  # without its traceback
    "keystead.store.sqlite.failures.Judgement",  # not raised yet
}


def modules() -> list[types.ModuleType]:
    """Every module but the one that runs the command line."""
    found = pkgutil.walk_packages([str(SOURCE)], "keystead.")
    return [importlib.import_module(each.name) for each in found if "__main__" not in each.name]


def named(found: type) -> str:
    return f"{found.__module__}.{found.__qualname__}"


def structs(base: type[msgspec.Struct] = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    """Every struct of ours, each once."""
    for each in base.__subclasses__():
        if each.__module__.startswith("keystead."):
            yield each
        yield from structs(each)


def values() -> list[type]:
    """Every struct and every dataclass of ours."""
    classes = {
        each
        for module in modules()
        for each in vars(module).values()
        if isinstance(each, type) and dataclasses.is_dataclass(each)
    }
    return sorted({*classes, *structs()}, key=named)


def hints(found: Any) -> dict[str, Any]:
    """The types of the fields."""
    known = typing.get_type_hints(found)
    if issubclass(found, msgspec.Struct):
        return {name: known[name] for name in found.__struct_fields__}
    return {each.name: known[each.name] for each in dataclasses.fields(found)}


def classes(hint: Any) -> Iterator[type]:
    """The classes whose instances a type holds, whatever they are in."""
    if isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    elif typing.get_origin(hint) is not type:
        for part in typing.get_args(hint):
            yield from classes(part)


def reached(hint: Any, seen: set[Any]) -> str:
    """How something that is more than a value is reached through a type; "" when nothing is."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is type or origin is typing.Literal:
        return ""
    if origin in (typing.Union, types.UnionType) or (parts and _is_container(origin)):
        ways = (reached(part, seen) for part in parts if part is not Ellipsis)
        return next(filter(None, ways), "")
    found = origin or hint
    if found in seen or (isinstance(found, type) and issubclass(found, PLAIN)):
        return ""
    if not (isinstance(found, type) and (dataclasses.is_dataclass(found) or _is_struct(found))):
        return str(hint)
    seen.add(found)
    return inside(found, seen)


def _is_container(origin: Any) -> bool:
    return isinstance(origin, type) and any(issubclass(each, origin) for each in CONTAINERS)


def _is_struct(found: type) -> bool:
    return issubclass(found, msgspec.Struct)


def inside(found: type, seen: set[Any]) -> str:
    """How something that is more than a value is reached through the fields of a class."""
    for name, hint in hints(found).items():
        way = reached(hint, seen)
        if way:
            return f"{found.__qualname__}.{name}: {way}"
    return ""


def test_what_the_collector_does_not_see_holds_values_only() -> None:
    """A struct with `gc=False` reaches no exception, function, call, or anything unknown."""
    modules()
    invisible = [each for each in structs() if not each.__struct_config__.gc]

    assert len(invisible) > 100
    assert [way for each in invisible if (way := inside(each, set()))] == []


def test_who_holds_an_error() -> None:
    """No value keeps an exception, but for those that say why that is no ring."""
    holding = {
        named(each)
        for each in values()
        for hint in hints(each).values()
        if any(issubclass(part, BaseException) for part in classes(hint))
    }
    assert holding == HOLDS_AN_ERROR


def raised() -> Iterator[tuple[str, ast.expr]]:
    """What each `raise` of the source raises, and where."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and node.exc is not None:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.exc


def is_new(error: ast.expr) -> bool:
    """Is an error made where it is raised?  By a call, or by a class that is called then."""
    if isinstance(error, ast.Attribute):  # of a module, or of what a call just gave
        return error.attr[:1].isupper() or is_new(error.value)
    return isinstance(error, ast.Call) or (isinstance(error, ast.Name) and error.id[:1].isupper())


def test_errors_are_made_where_they_are_raised() -> None:
    """No exception is raised that was kept: each raise would add to what its traceback holds."""
    assert [where for where, error in raised() if not is_new(error)] == []


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("AwsError()", True), ("AwsError", True), ("errors.AwsError", True),
        ("judge(error).error", True), ("where.problem", False), ("wrong", False),
    ],
)  # fmt: skip
def test_the_rule_knows_a_kept_error(text: str, new: bool) -> None:
    """An error that has a name of its own was kept."""
    [statement] = ast.parse(f"raise {text}").body
    assert isinstance(statement, ast.Raise)
    assert statement.exc is not None
    assert is_new(statement.exc) is new


class _Holding(msgspec.Struct):
    error: Exception


class _Within(msgspec.Struct):
    all: dict[str, tuple[_Holding, ...]]


class _Answering(msgspec.Struct):
    later: "Callable[[], int] | None"


class _Plain(msgspec.Struct):
    texts: list[str | bytes | None]
    next: "_Plain | None"


@pytest.mark.parametrize(
    ("struct", "is_found"),
    [(_Holding, True), (_Within, True), (_Answering, True), (_Plain, False)],
)
def test_the_walk_finds_what_it_looks_for(struct: type[msgspec.Struct], is_found: bool) -> None:
    """An exception or a function is found however deep it is; values are not."""
    assert bool(inside(struct, set())) is is_found
