"""Roles as rows: found by name and by id, named in policies, trusted, and asked as sessions."""

import pytest

from keystead.custody.rows import RowIntegrityError
from keystead.identity.authentication import Caller, callers
from keystead.identity.permissions import trust
from keystead.identity.principals import StoredPrincipals
from keystead.identity.repository import Role, new
from keystead.policy.evaluation import PrincipalType
from keystead.wire.models import iam as api
from tests.identity.world import Person, Tenant, World, deny, document

SERVICE = document(
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
)


def stored(tenant: Tenant, name: str = "Ops", path: str = "/", **columns: str) -> Role:
    """A role of this account, as CreateRole stores it."""
    world = tenant.world
    given = {
        "description": None, "trust_policy": SERVICE, "trusted": "{}", "longest_session": 3600,
        "service": None, "boundary": None, "tags": "{}", **columns,
    }  # fmt: skip
    role = new(Role, tenant.id, path, name, 1_700_000_000, **given)
    with world.store.write() as transaction:
        world.repository.roles.insert(transaction, role)
    return role


def principals(world: World) -> StoredPrincipals:
    return StoredPrincipals(world.repository, world.store.read())


def test_found_by_name_and_id(world: World, tenant: Tenant) -> None:
    """A role is found by its name in any case, and by its unique id."""
    role = stored(tenant)
    roles, reader = world.repository.roles, world.store.read()

    assert role.role_id.startswith("AROA")
    assert roles.named(reader, tenant.id, "oPS") == role
    assert roles.get(reader, tenant.id, role.role_id) == role
    assert roles.get(reader, "999999999999", role.role_id) is None
    assert roles.named(reader, tenant.id, "Opa") is None


def test_names_in_policies_mean_the_unique_id(world: World, tenant: Tenant) -> None:
    """The ARN of a role, or of one of its sessions, stands for the role's unique id."""
    role = stored(tenant, path="/team/")
    known = principals(world)

    assert role.arn == f"arn:aws:iam::{tenant.id}:role/team/Ops"
    assert known.unique_id(role.arn) == role.role_id
    assert known.unique_id(f"arn:aws:sts::{tenant.id}:assumed-role/Ops/alice") == role.role_id
    assert known.unique_id(role.role_id) == role.role_id
    assert known.arn(role.role_id) == role.arn


@pytest.mark.parametrize(
    "name",
    [
        "iam::{}:role/Ops",  # another path
        "iam::{}:role/team/ops",  # another case
        "sts::{}:assumed-role/ops/alice",
        "sts::{}:assumed-role/Other/alice",
        "iam::{}:group/team/Ops",
    ],
)
def test_other_names_mean_nobody(world: World, tenant: Tenant, name: str) -> None:
    """Path and case of a role must be right."""
    stored(tenant, path="/team/")

    assert principals(world).unique_id(f"arn:aws:{name.format(tenant.id)}") is None


def test_a_new_role_of_the_name_is_another(world: World, tenant: Tenant) -> None:
    """A role that is deleted and made again has another unique id, and the old one is nobody's."""
    old = stored(tenant)
    with world.store.write() as transaction:
        world.repository.roles.delete(transaction, old)
    role = stored(tenant)

    assert principals(world).unique_id(role.arn) == role.role_id != old.role_id
    assert principals(world).arn(old.role_id) is None


def test_a_session_is_its_role(world: World, tenant: Tenant) -> None:
    """A session has the role's ARN, id and tags; its own tags come over them."""
    role = stored(tenant, path="/team/", tags='{"Stage":"test","Team":"blue"}')

    caller = callers.role(world.repository, world.store.read(), role, "alice", {"Stage": "live"})

    who = caller.principal
    assert who.type is PrincipalType.ASSUMED_ROLE
    assert who.arn == f"arn:aws:sts::{tenant.id}:assumed-role/Ops/alice"
    assert (who.principal_arn, who.unique_id) == (role.arn, role.role_id)
    assert who.user_id == f"{role.role_id}:alice"
    assert caller.keys["aws:principalarn"] == role.arn
    assert caller.keys["aws:principaltag/team"] == "blue"
    assert caller.keys["aws:principaltag/stage"] == "live"
    assert "aws:username" not in caller.keys


def test_trust_is_the_resource_policy_of_assuming(world: World, tenant: Tenant) -> None:
    """A role is asked about with its trust policy, which must allow; a broken one denies."""
    asked = trust.assumable(world.repository, stored(tenant, tags='{"Team":"blue"}'))
    broken = trust.assumable(world.repository, stored(tenant, "Broken", trust_policy="{"))

    assert asked.resource_policy_required
    assert [source.policy.broken for source in asked.resource_policies] == [""]
    assert asked.condition_keys["iam:resourcetag/team"] == "blue"
    assert [bool(source.policy.broken) for source in broken.resource_policies] == [True]


CHANGES = [
    "UPDATE iam_role SET trust_policy = replace(trust_policy, 'ec2', 'ssm')",
    'UPDATE iam_role SET trusted = \'{"x":"y"}\'',
    "UPDATE iam_role SET boundary = NULL",
    "UPDATE iam_role SET longest_session = 43200",
    "UPDATE iam_role SET service = 'mrk.kms.amazonaws.com'",
    "DELETE FROM iam_role",
    "UPDATE iam_attachment SET policy_arn = 'arn:aws:iam::aws:policy/AdministratorAccess'",
    "DELETE FROM iam_inline_policy",
]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_rows_are_refused(tenant: Tenant, admin: Person, change: str) -> None:
    """A person who writes to the file makes no role stronger; untouched, it is read."""
    world = tenant.world
    stored(tenant, boundary="arn:aws:iam::aws:policy/PowerUserAccess")
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    admin(api.AttachRolePolicy, role_name="Ops", policy_arn=read_only)
    admin(api.PutRolePolicy, role_name="Ops", policy_name="p", policy_document=deny("kms:*"))

    def session() -> Caller:
        reader = world.store.read()
        role = world.repository.roles.named(reader, tenant.id, "Ops")
        assert role is not None
        return callers.role(world.repository, reader, role, "alice")

    assert len(session().policies.identity_based) == 2
    with world.store.write() as transaction:
        transaction.run(change)
    with pytest.raises(RowIntegrityError):
        session()


@pytest.mark.parametrize(
    "change", ["UPDATE iam_instance_profile SET role_id = NULL", "DELETE FROM iam_instance_profile"]
)
def test_changed_profiles_are_refused(tenant: Tenant, admin: Person, change: str) -> None:
    """A role stays in its profile, whatever is done to the file."""
    stored(tenant)
    admin(api.CreateInstanceProfile, instance_profile_name="web")
    admin(api.AddRoleToInstanceProfile, instance_profile_name="web", role_name="Ops")
    admin(api.GetInstanceProfile, instance_profile_name="web")

    with tenant.world.store.write() as transaction:
        transaction.run(change)
    with pytest.raises(RowIntegrityError):
        admin(api.GetInstanceProfile, instance_profile_name="web")
    with pytest.raises(RowIntegrityError):
        admin(api.DeleteRole, role_name="Ops")
