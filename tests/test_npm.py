"""What npm cannot fetch at once it is asked for again, and a real failure says why."""

import os
from pathlib import Path

import pytest

from tests import npm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "packages"
    made.mkdir()
    return made


def answering(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `npm` be this script."""
    program = folder.parent / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder.parent), prepend=os.pathsep)


def test_a_registry_that_fails_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try fetches what the first could not; it has the files that it needs."""
    answering("test -e tried && exec mv package.json fetched; touch tried; exit 1",
              folder, monkeypatch)  # fmt: skip
    npm.fetch(Path(__file__).parent / "console" / "js", folder)
    assert {path.name for path in folder.iterdir()} >= {"fetched", "package-lock.json", ".npmrc"}


def test_a_registry_that_is_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many tries the test fails, with what npm said each time."""
    answering("echo away >&2; exit 1", folder, monkeypatch)
    with pytest.raises(AssertionError) as failed:
        npm.fetch(Path(__file__).parent / "console" / "js", folder)
    assert str(failed.value).count("away") == npm.TRIES
