"""The password policy of an account: set whole, read back, removed."""

from typing import Any

import pytest

from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow

EVERYTHING: dict[str, Any] = {
    "minimum_password_length": 14, "require_symbols": True, "require_numbers": True,
    "require_uppercase_characters": True, "require_lowercase_characters": True,
    "allow_users_to_change_password": True, "max_password_age": 90,
    "password_reuse_prevention": 24, "hard_expiry": True,
}  # fmt: skip
MISSING: tuple[Operation[Any, Any], ...] = (
    api.GetAccountPasswordPolicy,
    api.DeleteAccountPasswordPolicy,
)
"""The operations that need a policy."""
DEFAULTS = api.PasswordPolicy(
    minimum_password_length=6,
    require_symbols=False,
    require_numbers=False,
    require_uppercase_characters=False,
    require_lowercase_characters=False,
    allow_users_to_change_password=False,
    expire_passwords=False,
)


def known(person: Person) -> api.PasswordPolicy:
    return person(api.GetAccountPasswordPolicy).password_policy


def test_it_is_read_as_it_was_set(admin: Person) -> None:
    """Every member comes back, and passwords expire when they have an age."""
    admin(api.UpdateAccountPasswordPolicy, **EVERYTHING)

    assert known(admin) == api.PasswordPolicy(**EVERYTHING, expire_passwords=True)


def test_an_update_replaces_it_whole(admin: Person) -> None:
    """What an update does not name has its default again."""
    admin(api.UpdateAccountPasswordPolicy, **EVERYTHING)
    admin(api.UpdateAccountPasswordPolicy)

    assert known(admin) == DEFAULTS


@pytest.mark.parametrize("member", EVERYTHING)
def test_each_member_is_its_own(admin: Person, member: str) -> None:
    """A member that is set changes itself alone, and whether passwords expire."""
    admin(api.UpdateAccountPasswordPolicy, **{member: EVERYTHING[member]})

    seen = known(admin)
    for name in (*EVERYTHING, "expire_passwords"):
        changed = name in {member, "expire_passwords" if member == "max_password_age" else member}
        assert (getattr(seen, name) != getattr(DEFAULTS, name)) is changed, name


def test_without_a_policy(tenant: Tenant, admin: Person) -> None:
    """An account without a policy has none to read or to delete, also after its deletion."""
    missing = f"The Password Policy with domain name {tenant.id} cannot be found."

    for operation in MISSING:
        with refused("NoSuchEntity", missing):
            admin(operation)
    admin(api.UpdateAccountPasswordPolicy)
    assert known(admin) == DEFAULTS
    admin(api.DeleteAccountPasswordPolicy)
    for operation in MISSING:
        with refused("NoSuchEntity", missing):
            admin(operation)


def test_each_account_has_its_own(world: World, admin: Person) -> None:
    """The policy of one account is not that of another."""
    other = world.account("other@example.com").administrator()
    admin(api.UpdateAccountPasswordPolicy, **EVERYTHING)

    with refused("NoSuchEntity"):
        known(other)
    other(api.UpdateAccountPasswordPolicy, minimum_password_length=8)
    other(api.DeleteAccountPasswordPolicy)
    assert known(admin).minimum_password_length == 14


@pytest.mark.parametrize("verb", ["Get", "Update", "Delete"])
def test_each_action_is_its_own(tenant: Tenant, admin: Person, verb: str) -> None:
    """Only the permission for an action allows it; a denied caller does not learn what is set."""
    operation = getattr(api, f"{verb}AccountPasswordPolicy")
    others = [f"iam:{name}AccountPasswordPolicy" for name in ("Get", "Update", "Delete")]
    others.remove(f"iam:{verb}AccountPasswordPolicy")

    with refused("AccessDenied"):
        tenant.user("wrong", allow(*others))(operation)
    admin(api.UpdateAccountPasswordPolicy)
    with refused("AccessDenied"):
        tenant.user("still-wrong", allow(*others))(operation)
    tenant.user("right", allow(f"iam:{verb}AccountPasswordPolicy"))(operation)
