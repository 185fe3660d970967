"""Proofs that gave a session once go when they are too old, whether another one comes or not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keystead.identity.repository import UsedRequest
from keystead.server.installation import perform
from keystead.server.installation.proofs_over import proofs_over
from tests.federation.saml_land import SamlLand
from tests.server.installations import open_local


@pytest.fixture
def land(tmp_path: Path) -> Iterator[SamlLand]:
    land = SamlLand(open_local(tmp_path / "data"))
    land.create_provider()
    land.roles["web"] = land.role("web")
    yield land
    land.local.installation.close()


def run(land: SamlLand) -> int:
    """How many went."""
    installation = land.local.installation
    return installation.agenda.run(proofs_over(installation.identities))


def test_used_assertions_go(land: SamlLand) -> None:
    """Also of an account that has no other assertion; none before it is too old."""
    response = land.response()
    assert land.assume(response).status == 200
    land.local.time.passes(timedelta(minutes=3))
    assert run(land) == 0
    assert land.assume(response).status == 400
    assert "used before" in land.why
    land.local.time.passes(timedelta(minutes=3))
    assert run(land) == 2  # one of the account, and one of the installation
    used, reader = land.local.installation.identities.used_assertions, land.local.installation.store
    assert used.count(reader.read(), land.account) == 0
    assert land.assume(response).status == 400
    assert run(land) == 0


def test_used_requests_of_certificates_go(land: SamlLand) -> None:
    """A request may come again as long as its signature is good, and until then it is known."""
    installation, account = land.local.installation, land.account
    used, now = installation.identities.anywhere.used_requests, installation.clock.now()
    stale = int(now.timestamp()) + 300
    requests = [UsedRequest(account=account, digest=each, stale=stale) for each in "ab"]

    def use(request: UsedRequest) -> bool:
        with installation.store.write() as transaction:
            return used.use(transaction, request, int(installation.clock.now().timestamp()))

    assert [use(each) for each in (*requests, requests[0])] == [True, True, False]
    installation.commit()
    land.local.time.passes(timedelta(seconds=300))
    assert run(land) == 0
    land.local.time.passes(timedelta(seconds=1))
    assert run(land) == 2
    assert use(requests[0])


def test_it_waits_while_the_clock_may_be_wrong(land: SamlLand) -> None:
    """A used proof must not be forgotten early (TM-4); the operator sees the work."""
    assert land.assume().status == 200
    land.local.time.ahead += timedelta(days=1)  # and no second of it went by
    assert run(land) == 0
    shown = {each["name"]: each for each in perform(land.local.installation, "jobs", {})["dated"]}
    assert shown["used proofs that are over"]["held"]
    land.local.installation.clock.acknowledge()
    assert run(land) == 2
