"""Instance profiles: made, listed, deleted, and given a role by those who may pass it."""

from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.test_roles import make
from tests.identity.world import NOW, Person, Tenant, allow, document

WEB = {"instance_profile_name": "web"}


def test_create_and_get(tenant: Tenant, admin: Person) -> None:
    """A new profile has path, id, ARN and tags as asked for, and no role."""
    made = admin(
        api.CreateInstanceProfile,
        instance_profile_name="Web",
        path="/x/",
        tags=[api.Tag(key="Team", value="blue")],
    ).instance_profile

    assert made.arn == f"arn:aws:iam::{tenant.id}:instance-profile/x/Web"
    assert made.instance_profile_id.startswith("AIPA")
    assert (made.roles, made.create_date) == ([], NOW)
    assert made.tags == [api.Tag(key="Team", value="blue")]
    assert admin(api.GetInstanceProfile, **WEB).instance_profile == made
    with refused("EntityAlreadyExists", "Instance Profile wEB already exists."):
        admin(api.CreateInstanceProfile, instance_profile_name="wEB")
    with refused("NoSuchEntity", "Instance Profile other cannot be found."):
        admin(api.GetInstanceProfile, instance_profile_name="other")


def test_one_role_at_most(admin: Person) -> None:
    """A profile holds one role; another must wait until it is removed."""
    admin(api.CreateInstanceProfile, **WEB)
    role = make(admin)
    make(admin, "other")

    admin(api.AddRoleToInstanceProfile, **WEB, role_name="ops")
    held = admin(api.GetInstanceProfile, **WEB).instance_profile.roles
    assert [one.role_id for one in held] == [role.role_id]
    listed = admin(api.ListInstanceProfilesForRole, role_name="ops").instance_profiles
    assert [one.instance_profile_name for one in listed] == ["web"]
    for name in ("ops", "other"):
        with refused("LimitExceeded", "quota for InstanceSessionsPerInstanceProfile: 1"):
            admin(api.AddRoleToInstanceProfile, **WEB, role_name=name)
    with refused("DeleteConflict", "must remove roles from instance profile first."):
        admin(api.DeleteInstanceProfile, **WEB)
    with refused("NoSuchEntity", "The role with name other cannot be found."):
        admin(api.RemoveRoleFromInstanceProfile, **WEB, role_name="other")
    admin(api.RemoveRoleFromInstanceProfile, **WEB, role_name="ops")
    assert admin(api.ListInstanceProfilesForRole, role_name="ops").instance_profiles == []
    admin(api.AddRoleToInstanceProfile, **WEB, role_name="other")
    admin(api.RemoveRoleFromInstanceProfile, **WEB, role_name="other")
    admin(api.DeleteInstanceProfile, **WEB)
    assert admin(api.ListInstanceProfiles).instance_profiles == []


def test_a_role_must_be_passed(tenant: Tenant, admin: Person) -> None:
    """Who gives a role to instances needs iam:PassRole for that role and that service."""
    admin(api.CreateInstanceProfile, **WEB)
    ops, other = make(admin).arn, make(admin, "other").arn
    add = {"Effect": "Allow", "Action": "iam:AddRoleToInstanceProfile", "Resource": "*"}

    def may_pass(role: str, service: str) -> str:
        condition = {"StringEquals": {"iam:PassedToService": service}}
        return document(
            add,
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": role,
                "Condition": condition,
            },
        )

    for number, policy in enumerate(
        (document(add), may_pass(other, "ec2.amazonaws.com"), may_pass(ops, "lambda.amazonaws.com"))
    ):
        person = tenant.user(f"mallory{number}", policy)
        with refused("AccessDenied", f"iam:PassRole on resource: {ops}"):
            person(api.AddRoleToInstanceProfile, **WEB, role_name="ops")
    alice = tenant.user("alice", may_pass(ops, "ec2.amazonaws.com"))
    alice(api.AddRoleToInstanceProfile, **WEB, role_name="ops")
    with refused("AccessDenied", "iam:AddRoleToInstanceProfile"):
        tenant.user("bob", allow("iam:PassRole"))(
            api.AddRoleToInstanceProfile, **WEB, role_name="ops"
        )


def test_lists_and_tags(admin: Person) -> None:
    """Profiles are listed by name below a path; their tag keys do not fold."""
    for name, path in (("b", "/x/"), ("a", "/"), ("C", "/x/")):
        admin(api.CreateInstanceProfile, instance_profile_name=name, path=path)
    below = admin(api.ListInstanceProfiles, path_prefix="/x/").instance_profiles
    assert [profile.instance_profile_name for profile in below] == ["b", "C"]

    named = {"instance_profile_name": "a"}
    admin(api.TagInstanceProfile, **named, tags=[api.Tag(key="Team", value="blue")])
    with refused("InvalidInput", "Duplicate tag keys found."):
        admin(api.TagInstanceProfile, **named, tags=[api.Tag(key="team", value="red")])
    tags = admin(api.ListInstanceProfileTags, **named).tags
    assert tags == [api.Tag(key="Team", value="blue")]
    admin(api.UntagInstanceProfile, **named, tag_keys=["Team"])
    assert admin(api.ListInstanceProfileTags, **named).tags == []
