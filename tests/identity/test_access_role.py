"""The role by which a management account administers the accounts that it makes."""

import pytest

from keystead.identity.authentication import callers
from keystead.identity.permissions import trust
from keystead.policy.language.principals import Principals
from keystead.wire.models import organizations as api
from tests.identity.world import World


def test_the_access_role(world: World) -> None:
    """A new account has a role with AdministratorAccess that trusts the management account."""
    tenant = world.account()
    tenant.root(api.CreateOrganization)
    for given in ({}, {"role_name": "Rescue"}):
        made = tenant.root(
            api.CreateAccount, email=f"{len(given)}@example.com", account_name="a", **given
        ).create_account_status
        assert made is not None
        assert made.account_id is not None
        name = given.get("role_name", "OrganizationAccountAccessRole")
        reader = world.store.read()
        role = world.repository.roles.named(reader, made.account_id, name)
        assert role is not None
        assert role.arn == f"arn:aws:iam::{made.account_id}:role/{name}"
        caller = callers.role(world.repository, reader, role, "rescue")
        assert [each.id for each in caller.policies.identity_based] == [
            "arn:aws:iam::aws:policy/AdministratorAccess"
        ]
        [statement] = trust.policy_of(world.repository, role).policy.statements
        assert isinstance(statement.principals, Principals)
        assert statement.principals.names == {tenant.id}
    with pytest.raises(api.InvalidInputException):
        tenant.root(
            api.CreateAccount,
            email="x@example.com", account_name="a", role_name="AWSServiceRoleForX",
        )  # fmt: skip
