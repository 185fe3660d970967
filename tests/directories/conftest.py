"""One directory for the tests of a file."""

from collections.abc import Iterator

import pytest

from keystead.identity.federation.directory import proof
from tests.directories.slapd import Slapd, slapd
from tests.patience import PATIENCE


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    """A process that the machine lets wait is no directory that is away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "SECONDS", PATIENCE)
        yield


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("directory") / "slapd") as running:
        yield running
