"""The folder in which programs in JavaScript run, with the packages of their lock file."""

from pathlib import Path

import pytest

from tests import npm

HERE = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder; the packages are fetched once for all tests of this process."""
    folder = tmp_path_factory.mktemp("js")
    npm.fetch(HERE, folder, [file.name for file in HERE.glob("*.mjs")])
    return folder
