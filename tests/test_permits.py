"""A Permit is proof only while nobody else can make one: a test over the syntax tree."""

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "keystead"
MAKERS = {
    "call.py",
    "policy/evaluation/decision.py",
}  # after a Decision that allows; `for_system` itself
SYSTEM_WORK = {  # work that no caller asked for over the network, with an audit event of its own
    "identity/accounts.py",  # the operator's ceremonies
    "server/installation/ceremonies/registrations.py",  # the same
    "kms/managed_keys.py",  # for the first use by a service, with a record of its own
    "kms/schedule/deletion.py",
    "kms/schedule/expiry.py",
    "kms/schedule/rotation.py",
}


@cache
def every_call() -> list[tuple[str, str, str]]:
    """Every call in the source: its file, what is called, and what is copied."""
    return [
        (str(path.relative_to(SOURCE)), called(node.func), written(node))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def calls(name: str) -> set[str]:
    """The files that call `name(…)` or `….name(…)`."""
    return {file for file, function, _ in every_call() if function == name}


COPIES = {"replace", "__new__", "copy"}


def written(call: ast.Call) -> str:
    """What is copied, in a call that copies: its function and first argument."""
    parts = [call.func, *call.args[:1]] if called(call.func) in COPIES else []
    return " ".join(map(ast.unparse, parts))


def called(function: ast.expr) -> str:
    """The last name of what is called."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_permits_are_made_only_by_authorize() -> None:
    """`Permit(…)` stands where a Decision allowed, and nowhere else."""
    assert calls("Permit") == MAKERS


def test_system_permits_are_few() -> None:
    """`Permit.for_system(…)` stands only where the work is audited as the service's own."""
    assert calls("for_system") <= SYSTEM_WORK


def test_only_a_seed_gives_what_no_request_can_say() -> None:
    """A key's id, an import's secret and an access key are given where a seed is planted (0043)."""
    planting = "server/installation/development/planting.py"
    assert calls("Given") == {planting, "kms/call.py"}  # there it gives nothing
    givers = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            and node.attr in {"given", "given_key"})
        or (isinstance(node, ast.keyword) and node.arg == "given_key")
    }  # fmt: skip
    assert givers == {planting}


def test_permits_are_not_copied_into_others() -> None:
    """Nobody makes a permit for another resource out of one, nor without its constructor."""
    assert [file for file, _, text in every_call() if "permit" in text.lower()] == []
