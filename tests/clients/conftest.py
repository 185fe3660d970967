"""The folder in which programs in JavaScript run, with the packages of their lock file."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder; the packages are fetched once for all tests of this process."""
    folder = tmp_path_factory.mktemp("js")
    for file in (HERE / ".npmrc", *HERE.glob("*.json"), *HERE.glob("*.mjs")):
        shutil.copy(file, folder)
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True, timeout=240)
    return folder
