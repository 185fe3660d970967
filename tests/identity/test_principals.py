"""Principals by ARN and by unique id, as policies of other rooms need them."""

import pytest

from keystead.identity.principals import StoredPrincipals
from keystead.wire.models import iam as api
from tests.identity.world import Person, Tenant, World


@pytest.fixture
def principals(world: World) -> StoredPrincipals:
    return StoredPrincipals(world.repository, world.store.read())


def test_user(tenant: Tenant, admin: Person, principals: StoredPrincipals) -> None:
    """A user's ARN gives the unique id, which gives the ARN as it is now."""
    made = admin(api.CreateUser, user_name="Alice", path="/x/").user
    assert made is not None

    assert principals.unique_id(made.arn) == made.user_id
    assert principals.unique_id(made.user_id) == made.user_id
    assert principals.arn(made.user_id) == made.arn
    admin(api.UpdateUser, user_name="alice", new_path="/y/")
    assert principals.unique_id(made.arn) is None
    assert principals.arn(made.user_id) == f"arn:aws:iam::{tenant.id}:user/y/Alice"


def test_gone(admin: Person, principals: StoredPrincipals) -> None:
    """The id of a deleted user gives nothing, also when the name is in use again."""
    first = admin(api.CreateUser, user_name="alice").user
    assert first is not None
    admin(api.DeleteUser, user_name="alice")
    second = admin(api.CreateUser, user_name="alice").user
    assert second is not None

    assert principals.arn(first.user_id) is None
    assert principals.unique_id(first.arn) == second.user_id != first.user_id


def test_account(tenant: Tenant, principals: StoredPrincipals) -> None:
    """An account is named by its root ARN or its number."""
    root = f"arn:aws:iam::{tenant.id}:root"

    assert principals.unique_id(root) == principals.unique_id(tenant.id) == tenant.id
    assert principals.arn(tenant.id) == root
    assert principals.unique_id(f"arn:aws:sts::{tenant.id}:federated-user/bob") == tenant.id


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:iam::000000000000:root", "000000000000", "arn:aws:iam::{}:user/nobody",
        "arn:aws:iam::{}:user/ADMIN", "arn:aws:iam::{}:user/x/admin", "arn:aws:iam::{}:group/staff",
        "arn:aws:iam:eu-central-1:{}:user/admin", "arn:aws:kms::{}:user/admin",
        "AIDAAAAAAAAAAAAAAAAAA", "arn:aws:sts::{}:user/admin", "admin", "", "*",
    ],
)  # fmt: skip
def test_nobody(tenant: Tenant, admin: Person, principals: StoredPrincipals, name: str) -> None:
    """What names no principal has no id: groups, other cases, other paths, other services."""
    admin(api.CreateGroup, group_name="staff")
    assert principals.unique_id(f"arn:aws:iam::{tenant.id}:user/admin")

    assert principals.unique_id(name.format(tenant.id)) is None
    assert principals.arn(name.format(tenant.id)) is None
