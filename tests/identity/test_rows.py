"""A row that was changed behind our back is refused, and nothing is decided by it."""

import msgspec
import pytest

from keystead.custody.rows.rows import RowIntegrityError
from keystead.wire.models import iam as api
from keystead.wire.models import sts
from tests.identity.signing import signed
from tests.identity.world import Person, Tenant, World, allow

CHANGES = [
    "UPDATE iam_access_key SET status = 'Active'",
    "UPDATE iam_access_key SET owner_id = account",
    "UPDATE iam_user SET boundary = NULL",
    "UPDATE iam_user SET path = '/x/'",
    "UPDATE iam_account SET state = 'ACTIVE '",
    "UPDATE iam_inline_policy SET document = replace(document, 'kms:List', 'kms:')",
    "UPDATE iam_policy SET default_version = 1",
    "UPDATE iam_policy_version SET document = replace(document, 'sts:', 'kms:')",
    "UPDATE iam_attachment SET policy_arn = 'arn:aws:iam::aws:policy/AdministratorAccess'",
    "UPDATE iam_membership SET created = 0",
    "UPDATE iam_group SET name = 'x'",
    "DELETE FROM iam_group",
    "DELETE FROM iam_policy",
    "DELETE FROM iam_policy_version",
]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_rows_authenticate_nobody(
    world: World, tenant: Tenant, admin: Person, change: str
) -> None:
    """Each table that a decision reads is authenticated; untouched, the same request passes."""
    alice = tenant.user("alice", allow("kms:List*"))
    assert alice.key is not None
    made = admin(api.CreatePolicy, policy_name="p", policy_document=allow("sts:*")).policy
    assert made is not None
    admin(
        api.CreatePolicyVersion,
        policy_arn=made.arn,
        policy_document=allow("sts:*"),
        set_as_default=True,
    )
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=made.arn)
    admin(api.CreateGroup, group_name="staff")
    admin(api.AddUserToGroup, group_name="staff", user_name="alice")
    admin(api.PutUserPermissionsBoundary, user_name="alice", permissions_boundary=made.arn)
    admin(
        api.UpdateAccessKey,
        user_name="alice",
        access_key_id=alice.key.access_key_id,
        status="Inactive",
    )
    if "status" not in change:
        admin(
            api.UpdateAccessKey,
            user_name="alice",
            access_key_id=alice.key.access_key_id,
            status="Active",
        )
    request, authenticator = signed(alice.key), world.authenticator()

    def authenticate() -> None:
        authenticator.authenticate(world.store.read(), request, sts.SERVICE, world.now)

    if "status" not in change:
        authenticate()
    with world.store.write() as transaction:
        transaction.run(change)
    with pytest.raises(RowIntegrityError):
        authenticate()


def test_secrets_are_not_in_the_rows(world: World, tenant: Tenant, admin: Person) -> None:
    """Neither secret nor password stands in any column as it is."""
    assert admin.key is not None
    read = world.store.read()
    rows = read.all("SELECT secret FROM iam_access_key") + read.all(
        "SELECT password FROM iam_account"
    )

    assert rows
    for (sealed,) in rows:
        assert admin.key.secret.encode() not in sealed
        assert tenant.root_password.encode() not in sealed
        assert b"argon2" not in sealed


def test_a_secret_moved_to_another_key_is_refused(
    world: World, tenant: Tenant, admin: Person
) -> None:
    """A sealed secret opens in its own row only."""
    first, second = tenant.root_key(), tenant.root_key()
    read = world.store.read()
    keys = world.repository.access_keys
    one = keys.get(read, tenant.id, first.access_key_id)
    other = keys.get(read, tenant.id, second.access_key_id)
    assert one is not None
    assert other is not None
    assert keys.secret(one).decode() == first.secret
    with pytest.raises(RowIntegrityError):
        keys.secret(msgspec.structs.replace(one, secret=other.secret))
