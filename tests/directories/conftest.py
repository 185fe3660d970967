"""One directory for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.directories.slapd import Slapd, slapd


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("directory") / "slapd") as running:
        yield running
