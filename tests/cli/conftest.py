"""What the tests of this folder begin with."""

from collections.abc import Iterator

import pytest

from tests.conftest import Server, free_port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that these commands may change."""
    server = Server(tmp_path_factory.mktemp("commands") / "data", free_port())
    server.start()
    yield server
    assert server.stop() == 0
