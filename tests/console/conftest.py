"""One installation for the tests of a file, and its people."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from keystead.custody.proofs.passwords import Passwords
from tests.console.browser import Site, site


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("console") / "data") as opened:
        yield opened


@pytest.fixture
def quick() -> Iterator[None]:
    """Every password is right, and takes no time to verify: for what is not about passwords."""

    def is_right(_: Passwords, __: str, stored: str | None) -> bool:
        return stored is not None

    with patch.object(Passwords, "verify_password", is_right):
        yield
