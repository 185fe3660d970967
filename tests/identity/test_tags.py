"""Tags of users and policies."""

from typing import Any

import msgspec
import pytest

from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, allow


def tags(**values: str) -> list[api.Tag]:
    return [api.Tag(key=key, value=value) for key, value in values.items()]


def test_user_tags(admin: Person) -> None:
    """Tags are added, replaced in any case, listed by key, and removed in any case."""
    admin(api.TagUser, user_name="admin", tags=tags(Team="blue", cost="1"))
    admin(api.TagUser, user_name="admin", tags=tags(TEAM="red"))

    listed = admin(api.ListUserTags, user_name="admin")
    assert listed.tags == tags(TEAM="red", cost="1")
    assert listed.is_truncated is False
    admin(api.UntagUser, user_name="admin", tag_keys=["team", "nothing"])
    assert admin(api.ListUserTags, user_name="admin").tags == tags(cost="1")


def policy_with(admin: Person, name: str = "p", **values: str) -> str:
    """The ARN of a new policy with these tags."""
    made = admin(
        api.CreatePolicy, policy_name=name, policy_document=allow("kms:*"), tags=tags(**values)
    ).policy
    assert made is not None
    return str(made.arn)


def test_policy_tags(admin: Person) -> None:
    """Keys of policies are compared exactly: another spelling is another key."""
    arn = policy_with(admin, a="1", b="2")

    admin(api.TagPolicy, policy_arn=arn, tags=tags(a="3"))
    assert admin(api.ListPolicyTags, policy_arn=arn).tags == tags(a="3", b="2")
    admin(api.UntagPolicy, policy_arn=arn, tag_keys=["A"])
    assert admin(api.ListPolicyTags, policy_arn=arn).tags == tags(a="3", b="2")
    admin(api.UntagPolicy, policy_arn=arn, tag_keys=["a"])
    admin(api.TagPolicy, policy_arn=arn, tags=tags(A="4"))
    assert admin(api.ListPolicyTags, policy_arn=arn).tags == tags(A="4", b="2")


def test_no_tag_hides_another_from_a_policy(tenant: Tenant, admin: Person) -> None:
    """A key in another case cannot stand beside the one that a condition looks at."""
    arn = policy_with(admin, team="dev")
    tagger = tenant.user(
        "tagger",
        allow("iam:TagPolicy", Condition={"StringEquals": {"aws:RequestTag/team": "dev"}}),
        allow("iam:GetPolicy", Condition={"StringEquals": {"aws:ResourceTag/team": "prod"}}),
    )

    tagger(api.TagPolicy, policy_arn=arn, tags=tags(team="dev", cost="1"))
    for given in (tags(team="prod", Team="dev"), tags(Team="dev")):
        with refused("InvalidInput", "Duplicate tag keys found."):
            tagger(api.TagPolicy, policy_arn=arn, tags=given)
    with refused("InvalidInput", "Duplicate tag keys found."):
        policy_with(admin, "two", team="prod", TEAM="dev")
    with refused("AccessDenied"):
        tagger(api.GetPolicy, policy_arn=arn)
    admin(api.TagPolicy, policy_arn=arn, tags=tags(team="prod"))
    tagger(api.GetPolicy, policy_arn=arn)


def test_stored_tags_that_policies_cannot_tell_apart(tenant: Tenant, admin: Person) -> None:
    """A policy that has two such tags already is refused to everybody, whichever tag is first."""
    arn = policy_with(admin, team="dev")
    policies, store = tenant.world.repository.policies, tenant.world.store
    for two in ('{"TEAM":"a","team":"b"}', '{"team":"b","TEAM":"a"}'):
        with store.write() as transaction:
            known = policies.named(transaction, tenant.id, "p")
            assert known is not None
            policies.update(transaction, msgspec.structs.replace(known, tags=two))
        with refused("InvalidInput", "Duplicate tag keys found."):
            admin(api.GetPolicy, policy_arn=arn)


@pytest.mark.parametrize(
    ("create", "members", "tag"),
    [
        (api.CreateUser, {"user_name": "new"}, "iam:TagUser"),
        (
            api.CreatePolicy,
            {"policy_name": "new", "policy_document": allow("kms:*")},
            "iam:TagPolicy",
        ),
    ],
)
def test_to_create_with_tags_is_to_tag(
    tenant: Tenant, create: Operation[Any, Any], members: dict[str, Any], tag: str
) -> None:
    """Whoever may create and may not tag creates without tags only, as AWS has it."""
    may_create = allow(f"iam:{create.name}")
    creator = tenant.user("creator", may_create)
    blue = allow(tag, Condition={"StringEquals": {"aws:RequestTag/team": "blue"}})
    tagger = tenant.user("tagger", may_create, blue)

    with refused("AccessDenied", tag):
        creator(create, **members, tags=tags(team="blue"))
    with refused("AccessDenied", tag):
        tagger(create, **members, tags=tags(team="red"))
    tagger(create, **members, tags=tags(team="blue"))
    for name in {"user_name", "policy_name"} & {*members}:
        creator(create, **{**members, name: "other"})


def test_duplicate_and_reserved_keys(admin: Person) -> None:
    """A key is given once, and not one of AWS's."""
    with refused("InvalidInput", "Duplicate tag keys found."):
        admin(api.TagUser, user_name="admin", tags=tags(a="1", A="2"))
    for key in ("aws:x", "AWS:x"):
        with refused("InvalidInput", "reserved"):
            admin(api.TagUser, user_name="admin", tags=[api.Tag(key=key, value="")])
    with refused("InvalidInput", "Duplicate tag keys found."):
        admin(api.CreateUser, user_name="x", tags=tags(a="1", A="2"))


def test_fifty_tags(admin: Person) -> None:
    """A user has at most fifty tags; a new value for one of them is no fifty-first."""
    admin(api.TagUser, user_name="admin", tags=tags(**{f"k{n}": "" for n in range(50)}))

    with refused("LimitExceeded", "Cannot exceed quota for TagsPerUser: 50"):
        admin(api.TagUser, user_name="admin", tags=tags(one_more=""))
    admin(api.TagUser, user_name="admin", tags=tags(k0="new"))


def test_conditions(tenant: Tenant, admin: Person) -> None:
    """Tags of the target, of the request and of the caller decide."""
    admin(api.CreateUser, user_name="blue", tags=tags(team="blue"))
    admin(api.CreateUser, user_name="red", tags=tags(team="red"))
    own_team = {"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/team}"}}
    lead = tenant.user(
        "lead",
        allow("iam:GetUser", Condition=own_team),
        allow("iam:ListUserTags", Condition={"StringEquals": {"iam:ResourceTag/team": "blue"}}),
        allow("iam:TagUser", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]}}),
    )  # fmt: skip
    admin(api.TagUser, user_name="lead", tags=tags(Team="blue"))

    lead(api.GetUser, user_name="blue")
    lead(api.ListUserTags, user_name="blue")
    lead(api.TagUser, user_name="red", tags=tags(cost="1"))
    others: tuple[tuple[Operation[Any, Any], dict[str, Any]], ...] = (
        (api.GetUser, {}),
        (api.ListUserTags, {}),
        (api.TagUser, {"tags": tags(team="blue")}),
    )
    for operation, members in others:
        with refused("AccessDenied"):
            lead(operation, user_name="red", **members)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        (api.TagUser, {"tags": tags(a="1")}),
        (api.UntagUser, {"tag_keys": ["a"]}),
        (api.ListUserTags, {}),
    ],
)
def test_missing_user(
    admin: Person, operation: Operation[Any, Any], members: dict[str, Any]
) -> None:
    """A user that is not there has no tags."""
    with refused("NoSuchEntity", "The user with name nobody cannot be found."):
        admin(operation, user_name="nobody", **members)
