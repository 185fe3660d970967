"""The README's first session, run as it stands, with the AWS CLI against a real server."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Server

README = Path(__file__).parents[2] / "README.md"
MARK = "----keystead-step----"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the session and the output that the page shows under it."""

    command: str
    expected: str


def steps(page: str) -> list[Step]:
    """The commands (`$`, continued by `>`) of the page's console blocks, in order."""
    found: list[Step] = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], ""))
            elif line.startswith("> "):
                found[-1] = Step(f"{found[-1].command}\n{line[2:]}", "")
            else:
                found[-1] = Step(found[-1].command, f"{found[-1].expected}{line}\n")
    return found


def pattern(expected: str) -> "re.Pattern[str]":
    """What the page shows, with … for anything."""
    parts = (re.escape(part) for part in expected.strip().split("…"))
    return re.compile(r"\A\s*" + ".*".join(parts) + r"\s*\Z", re.DOTALL)


def follow(page: Path, server: Server, folder: Path) -> list[Step]:
    """Do what the page says, in this folder, and compare what is shown; its steps."""
    session = steps(page.read_text())
    script = "".join(f"{step.command}\necho; echo '{MARK}'\n" for step in session)

    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=folder, env=server.environment(), check=False, timeout=480,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip

    outputs = ran.stdout.split(f"\n{MARK}\n")
    assert len(outputs) == len(session) + 1, ran.stdout
    for step, output in zip(session, outputs, strict=False):
        assert pattern(step.expected).match(output), f"$ {step.command}\n{output}"
    return session


@pytest.fixture
def with_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that start after this have AWS's request quotas, as they do for a user."""
    monkeypatch.delenv("KEYSTEAD_REQUEST_QUOTAS", raising=False)


@pytest.mark.usefixtures("with_quotas")
def test_first_session(own_server: Server, tmp_path: Path) -> None:
    """Every command of the README does what the page says, refusals included."""
    assert len(follow(README, own_server, tmp_path)) > 25
