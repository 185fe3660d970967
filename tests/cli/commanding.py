"""The command line in a process of its own, and what it says."""

import json
import subprocess

from tests import nursery


def keystead(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command and hold it to what holds for all of them."""
    ran = nursery.run(*arguments, **environment)
    assert "Traceback" not in ran.stdout + ran.stderr
    ran.stderr = as_text(ran.stderr)
    if ran.returncode == 2:
        assert "keystead: error: " in ran.stderr
    return ran


def as_text(said: str) -> str:
    """What was said on standard error, lines of the log as a terminal shows them."""
    return "".join(map(_line_as_text, said.splitlines()))


def _line_as_text(line: str) -> str:
    if not line.startswith("{"):
        return f"{line}\n"
    found = json.loads(line)
    level = "" if found["level"] == "info" else f"{found['level']}: "
    hint = f"keystead: hint: {found['hint']}\n" if "hint" in found else ""
    return f"keystead: {level}{found['message']}\n{hint}"


def errors(*arguments: object, **environment: str) -> list[str]:
    """What a failing command says."""
    ran = keystead(*arguments, **environment)
    assert ran.returncode == 2, ran.stdout
    assert ran.stdout == ""
    return [
        line
        for line in ran.stderr.splitlines()
        if line.startswith(("keystead: error: ", "keystead: hint: "))
    ]
