"""`make`: which interpreter it takes, and what it says where there is no package index."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BIN
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[1]
FILES = ("Makefile", "scripts", "requirements", "pyproject.toml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make setup` reads, in a directory with blanks, with an environment that is made."""
    here = tmp_path / "a check out"
    here.mkdir()
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, here / name)
    base = Path(getattr(sys, "_base_executable", sys.executable))
    subprocess.run([base, "-m", "venv", "--without-pip", here / ".venv"], check=True)
    (here / ".venv" / ".runtime").touch()
    return here


def make(checkout: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_another_interpreter_makes_the_environment_anew(checkout: Path, tmp_path: Path) -> None:
    """`make PYTHON=…` is heard where .venv is another interpreter's, and needs nothing else."""
    same = Path(getattr(sys, "_base_executable", sys.executable))
    other = tmp_path / "python3"
    other.write_bytes(same.resolve().read_bytes())
    other.chmod(0o755)
    assert "-m venv" in make(checkout, "-n", "setup", f"PYTHON={other}").stdout
    assert "-m venv" not in make(checkout, "-n", "setup", f"PYTHON={same}").stdout
    assert "-m venv" not in make(checkout, "-n", "setup").stdout


def test_what_is_no_interpreter_leaves_the_environment(checkout: Path) -> None:
    """A wrong PYTHON is named, and .venv stays as it is."""
    ran = make(checkout, "setup", "PYTHON=/nowhere/python")
    assert ran.returncode != 0
    assert "keystead: error: `/nowhere/python` is no Python that runs" in ran.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_the_proofs_are_listed() -> None:
    """CONTRIBUTING.md has each proof that `make` can run, and no other."""
    makefile, page = ((ROOT / name).read_text() for name in ("Makefile", "CONTRIBUTING.md"))
    there = set(re.findall(r"^prove-[a-z-]+(?=:)", makefile, re.MULTILINE))
    listed = set(re.findall(r"^make (prove-[a-z-]+)", page, re.MULTILINE))
    assert listed == there


@pytest.mark.parametrize("wheels", ["", "empty folder"])
def test_without_a_package_index(tmp_path: Path, wheels: str) -> None:
    """Where no package can be fetched, it is said what is needed and where it is described."""
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_TARGET": str(tmp_path / "t")}
    environment["PIP_INDEX_URL"] = "http://127.0.0.1:1/simple"
    (tmp_path / "empty folder").mkdir()
    ran = subprocess.run(
        ["sh", "scripts/install.sh", BIN / "python", wheels, "requirements/build.lock"],
        cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert ran.returncode == 1
    *_, error, hint = ran.stderr.splitlines()
    assert error.startswith("keystead: error: ")
    assert ("the folder" in error) == bool(wheels)
    assert "make setup WHEELS=DIR" in hint or "make wheels WHEELS=DIR" in hint


def test_tests_that_miss_a_program_skip_loudly(tmp_path: Path) -> None:
    """A machine without npm or Chromium is told which tests were not run, and why."""
    files = ["tests/clients/test_javascript.py", "tests/console/test_chromium.py"]
    ran = subprocess.run(
        [BIN / "python", "-m", "pytest", "-p", "no:xdist", *files],
        cwd=ROOT, env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d+ skipped in", ran.stdout, re.MULTILINE), ran.stdout
    assert "no node and no npm on this machine: the JavaScript SDK was NOT tried" in ran.stdout
    assert "no chromium on this machine: the pages in a browser were NOT tried" in ran.stdout
