"""What every test of the site's services may use."""

from collections.abc import Iterator

import pytest

from tests.server.installations import Local, open_local


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """An installation for the tests of a module."""
    local = open_local(tmp_path_factory.mktemp("services") / "data")
    yield local
    local.installation.close()
