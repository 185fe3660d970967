"""Packages of npm, in a folder of a test's own, exactly as a lock file names them.

A registry that fails once is no failure of a test: it is asked again. What an earlier test fetched
is not fetched anew.
"""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

TRIES, SECONDS = 3, 180
LOCKED = (".npmrc", "package.json", "package-lock.json")


def fetch(source: Path, folder: Path, programs: Iterable[str] = ()) -> None:
    """Copy the lock of `source` and some programs into the folder, and fetch what it names."""
    for name in (*LOCKED, *programs):
        shutil.copy(source / name, folder)
    command = ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel", "error"]
    told = []
    for _ in range(TRIES):
        try:
            ran = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            told.append(f"no end within {SECONDS} seconds")
            continue
        if ran.returncode == 0:
            return
        told.append(ran.stderr)
    raise AssertionError(f"npm fetched nothing in {TRIES} tries: {told}")
