"""What the tests of Roles Anywhere begin with."""

import pytest

from tests.anywhere.sites import Site, new_site
from tests.conftest import Server


@pytest.fixture(scope="module")
def site(server: Server) -> Site:
    return new_site(server)
