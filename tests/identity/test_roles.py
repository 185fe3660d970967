"""Roles: made, shown, trusted, changed, given policies, deleted, and only by those who may."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.simulating import simulate_source
from tests.identity.world import NOW, Person, Tenant, World, allow, deny, document

BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SERVICE = {"Service": "ec2.amazonaws.com"}


def trust(principal: Any = SERVICE, **statement: Any) -> str:
    """A trust policy with one Allow."""
    return document(
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **statement}
    )


def make(who: Person, name: str = "ops", principal: Any = SERVICE, **members: Any) -> api.Role:
    return who(
        api.CreateRole,
        role_name=name,
        assume_role_policy_document=trust(principal),
        **members,
    ).role


def shown_trust(who: Person, name: str = "ops") -> Any:
    """Whom the trust policy of a role names, as GetRole shows it."""
    role = who(api.GetRole, role_name=name).role
    assert role.assume_role_policy_document is not None
    return json.loads(unquote(role.assume_role_policy_document))["Statement"][0]["Principal"]


def test_create_and_get(tenant: Tenant, admin: Person) -> None:
    """A new role has what was asked for; how long sessions last and its last use, GetRole tells."""
    made = make(
        admin,
        "Ops",
        path="/team/",
        description="for the night",
        max_session_duration=7200,
        permissions_boundary=BOUNDARY,
        tags=[api.Tag(key="Team", value="blue")],
    )

    assert made.arn == f"arn:aws:iam::{tenant.id}:role/team/Ops"
    assert (made.role_name, made.path, made.create_date) == ("Ops", "/team/", NOW)
    assert made.role_id.startswith("AROA")
    assert len(made.role_id) == 21
    assert made.description == "for the night"
    assert made.permissions_boundary is not None
    assert made.permissions_boundary.permissions_boundary_arn == BOUNDARY
    assert (made.max_session_duration, made.role_last_used) == (None, None)
    known = admin(api.GetRole, role_name="oPS").role
    assert (known.max_session_duration, known.role_last_used) == (7200, api.RoleLastUsed())
    assert known.tags == [api.Tag(key="Team", value="blue")]
    assert known.assume_role_policy_document == made.assume_role_policy_document
    assert json.loads(unquote(str(made.assume_role_policy_document))) == json.loads(trust())


def test_sessions_last_an_hour_when_nothing_is_said(admin: Person) -> None:
    """A role that is made without MaxSessionDuration allows an hour."""
    make(admin)

    assert admin(api.GetRole, role_name="ops").role.max_session_duration == 3600


def test_nobody_signs_in_with_a_role(admin: Person) -> None:
    """A limit for sign-in sessions is refused, for it would bind nobody; resetting it is not."""
    with refused("InvalidInput", "MaxSigninSessionDuration is not available."):
        make(admin, max_signin_session_duration=3600)
    make(admin)
    with refused("InvalidInput", "MaxSigninSessionDuration is not available."):
        admin(api.UpdateRole, role_name="ops", max_signin_session_duration=3600)
    admin(api.UpdateRole, role_name="ops", reset_max_signin_session_duration=True)


def test_names_are_unique_in_any_case(admin: Person) -> None:
    """A name is taken in every case; another name is free."""
    make(admin, "Ops")

    with refused("EntityAlreadyExists", "Role with name oPS already exists."):
        make(admin, "oPS", path="/elsewhere/")
    make(admin, "Opsa")


def test_missing_role(admin: Person) -> None:
    """A role that is not there is not found, by any operation."""
    with refused("NoSuchEntity", "The role with name ops cannot be found."):
        admin(api.GetRole, role_name="ops")
    with refused("NoSuchEntity", "The role with name ops cannot be found."):
        admin(api.ListRolePolicies, role_name="ops")


def test_paths_of_services_are_reserved(admin: Person) -> None:
    """Nobody makes a role under a path that tells the roles of services; others are free."""
    for path in ("/aws-service-role/kms.amazonaws.com/", "/AWS-service-role/x/"):
        with refused("InvalidInput", "Path prefix '/aws-service-role/' can only be used for AWS"):
            make(admin, path=path)
    with refused("InvalidInput", "Path prefix '/aws-reserved/'"):
        make(admin, path="/aws-reserved/sso.amazonaws.com/")
    make(admin, path="/service-role/")


def test_quota(tenant: Tenant, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account has so many roles and no more; a deleted one makes room."""
    monkeypatch.setattr(
        "keystead.identity.repository.permissions.roles.Roles.count", lambda *_: 1_000
    )
    with refused("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"):
        make(admin)
    monkeypatch.undo()
    make(admin)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", "This policy contains invalid Json"),
        (trust(Resource="*"), "Has prohibited field Resource."),
        (trust(Action="s3:GetObject"), "Trust Policy statement actions can only be sts:AssumeRole"),
        (
            trust({"AWS": "arn:aws:iam::111122223333:user/nobody"}),
            'Invalid principal in policy: "A',
        ),
        (trust({"AWS": "AIDAAAAAAAAAAAAAAAAAA"}), "Invalid principal in policy"),
        (trust({"AWS": "arn:aws-cn:iam::111122223333:root"}), "Invalid principal in policy"),
    ],
)
def test_trust_policies_are_checked(admin: Person, written: str, message: str) -> None:
    """What is no trust policy is refused, when a role is made and when it is changed."""
    with refused("MalformedPolicyDocument", message):
        admin(api.CreateRole, role_name="ops", assume_role_policy_document=written)
    make(admin)
    with refused("MalformedPolicyDocument", message):
        admin(api.UpdateAssumeRolePolicy, role_name="ops", policy_document=written)
    assert shown_trust(admin) == SERVICE


def test_long_trust_policies(admin: Person) -> None:
    """A trust policy has 2,048 characters at most; white space does not count."""
    make(admin)
    sid = "S" * (2048 - len(json.dumps(json.loads(trust(Sid="")), separators=(",", ":"))))

    admin(api.UpdateAssumeRolePolicy, role_name="ops", policy_document=trust(Sid=sid))
    with refused("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"):
        admin(api.UpdateAssumeRolePolicy, role_name="ops", policy_document=trust(Sid=sid + "S"))


def test_trust_means_unique_ids(tenant: Tenant, admin: Person) -> None:
    """Who is deleted and made again is not the one who was trusted; a new name is followed."""
    alice = tenant.user("alice")
    arn = f"arn:aws:iam::{tenant.id}:user/alice"
    unique_id = alice.caller.principal.unique_id
    make(admin, principal={"AWS": arn})

    assert shown_trust(admin) == {"AWS": arn}
    admin(api.UpdateUser, user_name="alice", new_user_name="alicia")
    assert shown_trust(admin) == {"AWS": f"arn:aws:iam::{tenant.id}:user/alicia"}
    admin(
        api.DeleteAccessKey, user_name="alicia", access_key_id=alice.key and alice.key.access_key_id
    )
    admin(api.DeleteUser, user_name="alicia")
    tenant.user("alice")
    assert shown_trust(admin) == {"AWS": unique_id}


def test_trust_of_another_role(admin: Person) -> None:
    """A role that a trust policy names is kept by its id: a new role of the name is another."""
    other = make(admin, "other")
    make(admin, principal={"AWS": other.arn})

    assert shown_trust(admin) == {"AWS": other.arn}
    admin(api.DeleteRole, role_name="other")
    make(admin, "other")
    assert shown_trust(admin) == {"AWS": other.role_id}
    written = trust({"AWS": other.role_id})
    with refused("MalformedPolicyDocument", "Invalid principal in policy"):
        admin(api.UpdateAssumeRolePolicy, role_name="ops", policy_document=written)


def test_update(admin: Person) -> None:
    """UpdateRole changes what it is given; the older form changes the description alone."""
    make(admin, description="first")

    admin(api.UpdateRole, role_name="ops", max_session_duration=43200)
    role = admin(api.GetRole, role_name="ops").role
    assert (role.description, role.max_session_duration) == ("first", 43200)
    admin(api.UpdateRole, role_name="ops", description="second")
    role = admin(api.GetRole, role_name="ops").role
    assert (role.description, role.max_session_duration) == ("second", 43200)
    answered = admin(api.UpdateRoleDescription, role_name="ops", description="third").role
    assert answered is not None
    assert answered.description == "third"
    admin(api.UpdateAssumeRolePolicy, role_name="ops", policy_document=trust({"AWS": "*"}))
    assert shown_trust(admin) == {"AWS": "*"}


def test_list(admin: Person) -> None:
    """Roles are listed by name, below a path, without tags, boundary and last use."""
    make(admin, "b", path="/x/", permissions_boundary=BOUNDARY)
    make(admin, "a", tags=[api.Tag(key="k", value="v")])
    make(admin, "C", path="/x/y/")

    first = admin(api.ListRoles, max_items=2)
    second = admin(api.ListRoles, max_items=2, marker=first.marker)

    assert [role.role_name for role in (*first.roles, *second.roles)] == ["a", "b", "C"]
    assert (first.is_truncated, second.is_truncated) == (True, False)
    below = admin(api.ListRoles, path_prefix="/x/").roles
    assert [role.role_name for role in below] == ["b", "C"]
    hidden = [(role.tags, role.permissions_boundary, role.role_last_used) for role in below]
    assert hidden == [(None, None, None)] * 2
    assert [role.max_session_duration for role in below] == [3600, 3600]


def test_policies_of_a_role(admin: Person) -> None:
    """A role has inline and attached policies as a user has."""
    make(admin)
    named = {"role_name": "ops", "policy_name": "inline"}

    admin(api.PutRolePolicy, **named, policy_document=allow("s3:*"))
    admin(api.AttachRolePolicy, role_name="ops", policy_arn=READ_ONLY)
    admin(api.AttachRolePolicy, role_name="ops", policy_arn=READ_ONLY)

    assert admin(api.ListRolePolicies, role_name="ops").policy_names == ["inline"]
    policy = admin(api.GetRolePolicy, **named)
    assert (policy.role_name, policy.policy_name) == ("ops", "inline")
    assert unquote(policy.policy_document) == allow("s3:*")
    attached = admin(api.ListAttachedRolePolicies, role_name="ops").attached_policies
    assert attached == [api.AttachedPolicy(policy_name="ReadOnlyAccess", policy_arn=READ_ONLY)]
    admin(api.DeleteRolePolicy, **named)
    with refused("NoSuchEntity", "The role policy with name inline cannot be found."):
        admin(api.GetRolePolicy, **named)
    admin(api.DetachRolePolicy, role_name="ops", policy_arn=READ_ONLY)
    with refused("NoSuchEntity", f"Policy {READ_ONLY} was not found."):
        admin(api.DetachRolePolicy, role_name="ops", policy_arn=READ_ONLY)


def test_quotas_of_policies(admin: Person) -> None:
    """Ten attached policies, and 10,240 characters of inline policies together."""
    make(admin)
    for number in range(11):
        admin(api.CreatePolicy, policy_name=f"p{number}", policy_document=allow("s3:*"))
    account = make(admin, "x").arn.split(":")[4]
    arns = [f"arn:aws:iam::{account}:policy/p{number}" for number in range(11)]
    for arn in arns[:10]:
        admin(api.AttachRolePolicy, role_name="ops", policy_arn=arn)
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10"):
        admin(api.AttachRolePolicy, role_name="ops", policy_arn=arns[10])
    long = allow("s3:*", Sid="S" * 10_200)
    with refused("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role ops"):
        admin(api.PutRolePolicy, role_name="ops", policy_name="p", policy_document=long)
    shorter = allow("s3:*", Sid="S" * 10_000)
    admin(api.PutRolePolicy, role_name="ops", policy_name="p", policy_document=shorter)


def test_boundary(admin: Person) -> None:
    """A boundary is set, replaced and removed; there must be one to remove."""
    make(admin)

    admin(api.PutRolePermissionsBoundary, role_name="ops", permissions_boundary=BOUNDARY)
    bounded = admin(api.GetRole, role_name="ops").role.permissions_boundary
    assert bounded is not None
    assert bounded.permissions_boundary_arn == BOUNDARY
    admin(api.DeleteRolePermissionsBoundary, role_name="ops")
    assert admin(api.GetRole, role_name="ops").role.permissions_boundary is None
    with refused("NoSuchEntity", "The role with name ops does not have a permissions boundary."):
        admin(api.DeleteRolePermissionsBoundary, role_name="ops")


def test_tags(admin: Person) -> None:
    """Tag keys of roles fold, and can be listed and removed."""
    make(admin, tags=[api.Tag(key="team", value="red")])

    admin(api.TagRole, role_name="ops", tags=[api.Tag(key="Team", value="blue")])
    assert admin(api.ListRoleTags, role_name="ops").tags == [api.Tag(key="Team", value="blue")]
    admin(api.UntagRole, role_name="ops", tag_keys=["TEAM"])
    assert admin(api.ListRoleTags, role_name="ops").tags == []


@pytest.mark.parametrize(
    ("operation", "members", "remedy"),
    [
        (api.AttachRolePolicy, {"policy_arn": READ_ONLY}, "detach all policies first."),
        (
            api.PutRolePolicy,
            {"policy_name": "p", "policy_document": allow("s3:*")},
            "delete policies first.",
        ),
        (
            api.AddRoleToInstanceProfile,
            {"instance_profile_name": "web"},
            "remove roles from instance profile first.",
        ),
    ],
)
def test_delete_conflicts(
    admin: Person, operation: Operation[Any, Any], members: dict[str, Any], remedy: str
) -> None:
    """A role goes only when nothing is left of it."""
    make(admin)
    make(admin, "bare")
    admin(api.CreateInstanceProfile, instance_profile_name="web")
    admin(operation, role_name="ops", **members)

    with refused("DeleteConflict", f"Cannot delete entity, must {remedy}"):
        admin(api.DeleteRole, role_name="ops")
    admin(api.DeleteRole, role_name="bare")


def test_who_may_not_ask_learns_nothing(tenant: Tenant, admin: Person) -> None:
    """Without permission, an existing role and a missing one are refused alike."""
    mallory = tenant.user("mallory")
    make(admin)

    for name in ("ops", "nobody"):
        arn = f"arn:aws:iam::{tenant.id}:role/{name}"
        operations: list[Operation[Any, Any]] = [api.GetRole, api.DeleteRole, api.ListRoleTags]
        for operation in operations:
            with refused("AccessDenied", f"iam:{operation.name} on resource: {arn} because"):
                mallory(operation, role_name=name)


def test_boundaries_can_be_demanded(tenant: Tenant) -> None:
    """CreateRole and PutRolePolicy can be allowed for roles with a certain boundary only."""
    bounded = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    lead = tenant.user("lead", allow("iam:CreateRole", "iam:PutRolePolicy", Condition=bounded))
    inline = {"policy_name": "p", "policy_document": allow("s3:*")}

    with refused("AccessDenied"):
        make(lead)
    make(lead, permissions_boundary=BOUNDARY)
    lead(api.PutRolePolicy, role_name="ops", **inline)
    tenant.root(api.DeleteRolePermissionsBoundary, role_name="ops")
    with refused("AccessDenied"):
        lead(api.PutRolePolicy, role_name="ops", **inline)


def test_accounts_do_not_share_roles(world: World, admin: Person) -> None:
    """A role of another account is not there."""
    other = world.account("other@example.com").administrator()
    make(admin)

    with refused("NoSuchEntity"):
        other(api.GetRole, role_name="ops")
    assert other(api.ListRoles).roles == []


def test_lists_of_the_account_have_roles(admin: Person) -> None:
    """Roles stand in who uses a policy, in the details of the account, and in its summary."""
    made = make(admin, permissions_boundary=BOUNDARY, tags=[api.Tag(key="k", value="v")])
    admin(api.AttachRolePolicy, role_name="ops", policy_arn=READ_ONLY)
    admin(api.PutRolePolicy, role_name="ops", policy_name="p", policy_document=allow("s3:*"))
    admin(api.CreateInstanceProfile, instance_profile_name="web")
    admin(api.AddRoleToInstanceProfile, instance_profile_name="web", role_name="ops")

    entity = api.PolicyRole(role_name="ops", role_id=made.role_id)
    attached = admin(api.ListEntitiesForPolicy, policy_arn=READ_ONLY)
    assert attached.policy_roles == [entity]
    bounded = admin(api.ListEntitiesForPolicy, policy_arn=BOUNDARY, entity_filter="Role")
    assert bounded.policy_roles == [entity]
    usage = admin(api.GetPolicy, policy_arn=BOUNDARY).policy
    assert usage is not None
    assert usage.permissions_boundary_usage_count == 1
    details = admin(api.GetAccountAuthorizationDetails, filter=["Role"])
    assert details.role_detail_list is not None
    (role,) = details.role_detail_list
    assert (role.role_id, role.role_last_used) == (made.role_id, api.RoleLastUsed())
    assert role.assume_role_policy_document == made.assume_role_policy_document
    assert role.attached_managed_policies == [
        api.AttachedPolicy(policy_name="ReadOnlyAccess", policy_arn=READ_ONLY)
    ]
    assert [one.policy_name for one in role.role_policy_list or ()] == ["p"]
    assert [one.instance_profile_name for one in role.instance_profile_list or ()] == ["web"]
    assert role.tags == [api.Tag(key="k", value="v")]
    summary = admin(api.GetAccountSummary).summary_map or {}
    assert (summary["Roles"], summary["InstanceProfiles"]) == (1, 1)


def test_simulated_as_a_user_is(admin: Person) -> None:
    """SimulatePrincipalPolicy and GetContextKeysForPrincipalPolicy read a role's policies."""
    arn = make(admin, tags=[api.Tag(key="team", value="blue")]).arn
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    policy = allow("s3:GetObject", "iam:GetUser", Condition=tagged)
    admin(api.PutRolePolicy, role_name="ops", policy_name="p", policy_document=policy)

    assert simulate_source(admin, arn, "s3:GetObject").eval_decision == "allowed"
    assert simulate_source(admin, arn, "s3:PutObject").eval_decision == "implicitDeny"
    keys = admin(api.GetContextKeysForPrincipalPolicy, policy_source_arn=arn)
    assert keys.context_key_names == ["aws:PrincipalTag/team"]
    admin(api.PutRolePolicy, role_name="ops", policy_name="d", policy_document=deny("s3:GetObject"))
    assert simulate_source(admin, arn, "s3:GetObject").eval_decision == "explicitDeny"
