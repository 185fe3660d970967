"""One installation and one provider for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.federation.issuer import Issuer, Names, serving
from tests.federation.land import Land
from tests.federation.saml_land import SamlLand
from tests.server.installations import open_local


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    folder = tmp_path_factory.mktemp("issuer")
    names = Names()
    with serving(Issuer(folder)) as issuer:
        names.port = issuer.port
        local = open_local(folder / "data", names)
        land = Land(local, issuer, names)
        land.create_provider()
        land.roles["web"] = land.role("web")
        yield land
        local.installation.close()


@pytest.fixture(scope="module")
def saml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlLand]:
    local = open_local(tmp_path_factory.mktemp("saml") / "data")
    land = SamlLand(local)
    land.create_provider()
    land.roles["web"] = land.role("web")
    yield land
    local.installation.close()
