"""How many assignments has a directory?  Those to deleted roles count no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keystead.identity import directories, limits
from keystead.identity.federation import BadDirectory, DirectoryProof
from keystead.identity.repository import Role
from tests.directories.stored import stored_directory
from tests.server.installations import REGION, Local, open_local

TRUST = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"Service": "ds.amazonaws.com"}}}'
)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = open_local(tmp_path / "data")
    yield local
    local.installation.close()


def _role(local: Local, name: str) -> Role:
    made = local.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    assert made.status == 200, made.body
    roles, reader = local.installation.identities.roles, local.installation.store.read()
    found = roles.named(reader, local.founded.account_id, name)
    assert found is not None
    return found


def test_an_assignment_to_a_deleted_role_makes_room(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit it goes; one whose role exists stays, and then there is no more room."""
    monkeypatch.setattr(limits, "ASSIGNMENTS_PER_DIRECTORY", 2)
    first, second, third = (_role(local, f"r{number}") for number in range(3))
    installation = local.installation
    account = local.founded.account_id
    directory, kept = stored_directory(installation, account, REGION, first)

    def assign(role: Role) -> None:
        with installation.store.write() as transaction:
            directories.assigned(
                transaction, installation.identities, directory, role,
                DirectoryProof(id="other", name="bob"), now=installation.clock.now(),
                is_group=False,
            )  # fmt: skip

    assign(second)
    with pytest.raises(BadDirectory, match="2 assignments, and no more are possible"):
        assign(third)
    assert local.iam("DeleteRole", RoleName="r1").status == 200

    assign(third)

    known = installation.identities.directories.assignments(installation.store.read(), directory)
    assert {each.role_id for each in known} == {kept.role_id, third.role_id}
    with pytest.raises(BadDirectory, match="2 assignments, and no more are possible"):
        assign(second)
