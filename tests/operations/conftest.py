"""What all tests of the operations share: keys of a running server."""

import pytest

from tests.conftest import Server
from tests.operations.subjects import Subjects


@pytest.fixture(scope="module")
def subjects(server: Server) -> Subjects:
    return Subjects(server)
