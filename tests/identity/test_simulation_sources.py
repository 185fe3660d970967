"""Policies of users and groups: SimulatePrincipalPolicy, the context keys of policies."""

from typing import Any

import pytest

from keystead.identity.repository.permissions.attachments import InlinePolicy
from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.simulating import (
    BOB,
    BUCKET,
    arn,
    entry,
    matched,
    simulate_source,
)
from tests.identity.world import Person, Tenant, World, allow, document


@pytest.fixture
def alice(tenant: Tenant, admin: Person) -> Person:
    """A user with an inline policy, one of AWS's, a group with both, and a boundary."""
    alice = tenant.user("alice", allow("s3:Get*"), path="/team/")
    admin(api.CreateGroup, group_name="staff")
    admin(api.AddUserToGroup, group_name="staff", user_name="alice")
    admin(
        api.PutGroupPolicy,
        group_name="staff", policy_name="mail", policy_document=allow("ses:*", "iam:*"),
    )  # fmt: skip
    policy = admin(api.CreatePolicy, policy_name="queues", policy_document=allow("sqs:*")).policy
    assert policy is not None
    admin(api.AttachGroupPolicy, group_name="staff", policy_arn=policy.arn)
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=read_only)
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    admin(api.PutUserPermissionsBoundary, user_name="alice", permissions_boundary=boundary)
    return alice


@pytest.mark.parametrize(
    ("action", "decision", "sources"),
    [
        ("s3:GetObject", "allowed", ["user_alice_inline0"]),
        ("ses:SendEmail", "allowed", ["group_staff_mail"]),
        ("sqs:SendMessage", "allowed", ["queues"]),
        ("kms:ListKeys", "allowed", ["ReadOnlyAccess"]),
        ("iam:CreateUser", "implicitDeny", []),  # the boundary does not allow it
        ("sns:Publish", "implicitDeny", []),
    ],
)
def test_policies_of_a_user(
    admin: Person, alice: Person, action: str, decision: str, sources: list[str]
) -> None:
    """A user has inline, managed and group policies, named as IAM names them, and a boundary."""
    row = simulate_source(admin, alice.caller.principal.arn, action)
    assert row.eval_decision == decision
    assert matched(row) == [(name, "IAM Policy") for name in sources]
    detail = row.permissions_boundary_decision_detail
    assert detail is not None
    assert detail.allowed_by_permissions_boundary == (action != "iam:CreateUser")


def test_policies_of_a_group(tenant: Tenant, admin: Person, alice: Person) -> None:
    """A group has its own policies, no boundary, and nobody's name."""
    staff = arn(tenant, "group/staff")
    row = simulate_source(admin, staff, "iam:CreateUser")
    assert (row.eval_decision, matched(row)) == ("allowed", [("group_staff_mail", "IAM Policy")])
    assert simulate_source(admin, staff, "s3:GetObject").eval_decision == "implicitDeny"
    home = allow("s3:*", resource=f"{BUCKET}/${{aws:username}}")
    members: dict[str, Any] = {
        "policy_input_list": [home], "resource_arns": [f"{BUCKET}/alice"],
    }  # fmt: skip
    row = simulate_source(admin, staff, "s3:PutObject", **members)
    assert row.missing_context_values == ["aws:username"]
    row = simulate_source(admin, staff, "s3:PutObject", caller_arn=f"{BOB[:-3]}alice", **members)
    assert (row.eval_decision, matched(row)) == ("allowed", [("PolicyInputList.1", "IAM Policy")])


def test_more_policies_for_a_user(tenant: Tenant, admin: Person, alice: Person) -> None:
    """Policies of the request come to the user's own; its boundary takes the place of theirs."""
    who = alice.caller.principal.arn
    more = {"policy_input_list": [allow("sns:*")]}
    assert simulate_source(admin, who, "sns:Publish", **more).eval_decision == "allowed"
    wider = {"permissions_boundary_policy_input_list": [allow("iam:*")]}
    assert simulate_source(admin, who, "iam:CreateUser", **wider).eval_decision == "allowed"
    assert simulate_source(admin, who, "s3:GetObject", **wider).eval_decision == "implicitDeny"


def test_what_is_known_of_a_user(tenant: Tenant, admin: Person) -> None:
    """A user's name and tags are known, until CallerArn names another: then only its ARN is."""
    tagged = allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})
    named = allow("sns:*", Condition={"StringEquals": {"aws:username": "alice"}})
    alice = tenant.user("alice", tagged, named).caller.principal.arn
    tags = [api.Tag(key="team", value="red")]
    for name in ("alice", "admin"):
        admin(api.TagUser, user_name=name, tags=tags)
    other = arn(tenant, "user/admin")

    assert simulate_source(admin, alice, "s3:GetObject").eval_decision == "allowed"
    assert simulate_source(admin, alice, "sns:Publish").eval_decision == "allowed"
    row = simulate_source(admin, alice, "s3:GetObject", caller_arn=other)
    assert row.missing_context_values == ["aws:PrincipalTag/team"]
    row = simulate_source(admin, alice, "sns:Publish", caller_arn=other)
    assert (row.eval_decision, row.missing_context_values) == ("implicitDeny", [])
    given_last = [entry("aws:PrincipalTag/team", "blue")]
    row = simulate_source(admin, alice, "s3:GetObject", context_entries=given_last)
    assert row.eval_decision == "implicitDeny"


def test_a_stored_policy_that_cannot_be_read(world: World, tenant: Tenant, admin: Person) -> None:
    """It denies everything, as it does when the user calls; its statement stands nowhere."""
    alice = tenant.user("alice", allow("*"))
    who = alice.caller.principal
    alice(api.ListUsers)
    assert simulate_source(admin, who.arn, "iam:ListUsers").eval_decision == "allowed"
    broken = InlinePolicy(
        account=tenant.id, entity_id=who.unique_id, name="broken", document="{", created=0
    )
    with world.store.write() as transaction:
        world.repository.inline_policies.insert(transaction, broken)

    with refused("AccessDenied"):
        alice(api.ListUsers)
    row = simulate_source(admin, who.arn, "iam:ListUsers")
    assert (row.eval_decision, matched(row)) == (
        "explicitDeny", [("user_alice_broken", "IAM Policy")],
    )  # fmt: skip
    assert (row.matched_statements or [])[0].start_position is None


def exclusion(**parts: Any) -> api.PolicyIdentifier:
    return api.PolicyIdentifier(**parts)


def inline(name: str, kind: Any, holder: str) -> api.PolicyIdentifier:
    return exclusion(
        inline_policy_identifier=api.InlinePolicyIdentifierType(
            policy_name=name, attachment_type=kind, attachment_name=holder
        )
    )


@pytest.mark.parametrize(
    ("left_out", "lost"),
    [
        (exclusion(policy_type="inline"), {"s3:GetObject", "ses:SendEmail"}),
        (exclusion(policy_type="aws-managed"), {"kms:ListKeys"}),
        (exclusion(policy_type="user-managed"), {"sqs:SendMessage"}),
        (exclusion(policy_type="rcp"), set()),
        (exclusion(policy_arn="arn:aws:iam::aws:policy/ReadOnly*"), {"kms:ListKeys"}),
        (exclusion(policy_arn="arn:aws:iam::aws:policy/ReadOnlyAcces?"), {"kms:ListKeys"}),
        (exclusion(policy_arn="arn:aws:iam::aws:policy/Other"), set()),
        (inline("inline0", "user", "ALICE"), {"s3:GetObject"}),
        (inline("inline0", "group", "alice"), set()),
        (inline("mail", "group", "staff"), {"ses:SendEmail"}),
        (inline("mail", "group", "other"), set()),
    ],
)
def test_exclusions(
    admin: Person, alice: Person, left_out: api.PolicyIdentifier, lost: set[str]
) -> None:
    """What would be without a policy?  Exactly what it alone allows is lost."""
    allowed = ["s3:GetObject", "ses:SendEmail", "sqs:SendMessage", "kms:ListKeys"]
    who = alice.caller.principal.arn
    for action in allowed:
        row = simulate_source(admin, who, action, policy_exclusion_list=[left_out])
        assert (row.eval_decision != "allowed") == (action in lost), action


def test_without_the_boundary(admin: Person, alice: Person) -> None:
    """The boundary can be left out as well."""
    left_out = [exclusion(policy_type="permission-boundary")]
    who = alice.caller.principal.arn
    assert simulate_source(admin, who, "iam:CreateUser").eval_decision == "implicitDeny"
    row = simulate_source(admin, who, "iam:CreateUser", policy_exclusion_list=left_out)
    assert (row.eval_decision, row.permissions_boundary_decision_detail) == ("allowed", None)


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        (exclusion(), "Specify exactly one of"),
        (exclusion(policy_type="inline", policy_arn="arn:aws:iam::aws:policy/A"), "exactly one of"),
        (exclusion(policy_arn="arn:aws:iam::aws:role/ReadOnly"), "is not valid."),
        (exclusion(policy_arn="arn:aws:iam::*:policy/ReadOnlyAccess"), "is not valid."),
        (exclusion(policy_arn="arn:aws:iam::aws:policy/Read*On*"), "is not valid."),
    ],
)
def test_bad_exclusions(
    admin: Person, alice: Person, left_out: api.PolicyIdentifier, message: str
) -> None:
    """An entry names policies in one way, and in a form that can match some."""
    with refused("InvalidInput", message):
        simulate_source(
            admin, alice.caller.principal.arn, "s3:GetObject", policy_exclusion_list=[left_out]
        )


SOURCES = [
    ("user/nobody", "NoSuchEntity", "The user with name nobody cannot be found."),
    ("user/team/admin", "NoSuchEntity", "The user with name admin cannot be found."),
    ("group/staff", "NoSuchEntity", "The group with name staff cannot be found."),
    ("role/app", "NoSuchEntity", "The role with name app cannot be found."),
    ("root", "InvalidInput", "does not clearly define entity type and name."),
    ("policy/x", "InvalidInput", "Invalid Entity Arn: "),
    ("user/", "InvalidInput", "Invalid Entity Arn: "),
]


@pytest.mark.parametrize(("name", "code", "message"), SOURCES)
def test_sources_that_are_not_there(
    tenant: Tenant, admin: Person, name: str, code: str, message: str
) -> None:
    """The source is a user or group with exactly this ARN."""
    source = arn(tenant, name)
    with refused(code, message):
        simulate_source(admin, source, "s3:GetObject")
    with refused(code, message):
        admin(api.GetContextKeysForPrincipalPolicy, policy_source_arn=source)
    simulate_source(admin, arn(tenant, "user/admin"), "s3:GetObject")


def test_a_source_of_another_account(world: World, admin: Person) -> None:
    """Nothing of another account is simulated, whether it exists or not (IA-10)."""
    other = world.account("other@example.com")
    other.user("carol", allow("s3:*"))
    for name in ("carol", "nobody"):
        with refused("AccessDenied"):
            simulate_source(admin, arn(other, f"user/{name}"), "s3:GetObject")
    simulate_source(other.root, arn(other, "user/carol"), "s3:GetObject")


def test_a_user_is_asked_about_by_arn_and_tags(tenant: Tenant, admin: Person) -> None:
    """SimulatePrincipalPolicy and its kin can be allowed for some users only (IA-1)."""
    actions = ("iam:SimulatePrincipalPolicy", "iam:GetContextKeysForPrincipalPolicy")
    by_path = tenant.user("path", allow(*actions, resource=arn(tenant, "user/team/*")))
    condition = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    by_tag = tenant.user("tag", allow(*actions, Condition=condition))
    nothing = tenant.user("nothing", allow("iam:SimulateCustomPolicy"))
    inside = tenant.user("in", path="/team/").caller.principal.arn
    outside = tenant.user("out").caller.principal.arn
    admin(api.TagUser, user_name="in", tags=[api.Tag(key="team", value="red")])

    for who in (by_path, by_tag):
        simulate_source(who, inside, "s3:GetObject")
        who(api.GetContextKeysForPrincipalPolicy, policy_source_arn=inside)
    for who, source in ((by_path, outside), (by_tag, outside), (nothing, inside)):
        with refused("AccessDenied", f"iam:SimulatePrincipalPolicy on resource: {source}"):
            simulate_source(who, source, "s3:GetObject")
        with refused("AccessDenied", "iam:GetContextKeysForPrincipalPolicy on resource"):
            who(api.GetContextKeysForPrincipalPolicy, policy_source_arn=source)


@pytest.mark.parametrize("operation", ["SimulateCustomPolicy", "GetContextKeysForCustomPolicy"])
def test_custom_policies_need_a_permission(tenant: Tenant, operation: str) -> None:
    """Nothing is simulated for a caller who may not; nor are keys listed."""
    members: dict[str, Any] = {"policy_input_list": [allow("s3:*")]}
    if operation == "SimulateCustomPolicy":
        members["action_names"] = ["s3:GetObject"]
    named = api.OPERATIONS[operation]
    may = tenant.user("may", allow(f"iam:{operation}"))
    may_not = tenant.user("may-not", allow("iam:SimulatePrincipalPolicy", "iam:GetContext*Pr*"))

    may(named, **members)
    with refused("AccessDenied", f"not authorized to perform: iam:{operation} on resource: *"):
        may_not(named, **members)


AS_DOCUMENTED = document(
    {
        "Effect": "Allow",
        "Action": "dynamodb:*",
        "Resource": "arn:aws:dynamodb:us-east-2:111122223333:table/${aws:username}",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2015-08-16T12:00:00Z"}},
    }
)


def test_context_keys(tenant: Tenant, admin: Person) -> None:
    """The keys of conditions and variables, as they are written, once each."""
    more = allow("s3:*", Condition={"Bool": {"AWS:currenttime": "true", "aws:MadeUp": "true"}})
    custom = admin(api.GetContextKeysForCustomPolicy, policy_input_list=[AS_DOCUMENTED, more])
    assert custom.context_key_names == ["aws:username", "aws:CurrentTime", "aws:MadeUp"]

    alice = tenant.user("alice", AS_DOCUMENTED).caller.principal.arn
    own = admin(api.GetContextKeysForPrincipalPolicy, policy_source_arn=alice)
    assert own.context_key_names == ["aws:username", "aws:CurrentTime"]
    both = admin(
        api.GetContextKeysForPrincipalPolicy, policy_source_arn=alice, policy_input_list=[more]
    )
    assert both.context_key_names == ["aws:username", "aws:CurrentTime", "aws:MadeUp"]
    with refused("InvalidInput", "Syntax errors in policy."):
        admin(api.GetContextKeysForCustomPolicy, policy_input_list=["{"])


def test_no_fact_of_a_request_is_known(admin: Person, alice: Person) -> None:
    """Of the source itself its names are known; whether a service calls for it is to be given."""
    policy = allow(
        "s3:*",
        Condition={"Bool": {"aws:ViaAWSService": "false"}, "Null": {"aws:username": "false"}},
    )

    def told(**members: Any) -> tuple[str, list[str] | None]:
        source = alice.caller.principal.arn
        row = simulate_source(admin, source, "s3:PutObject", policy_input_list=[policy], **members)
        return row.eval_decision, row.missing_context_values

    assert told() == ("implicitDeny", ["aws:ViaAWSService"])
    given = [entry("aws:ViaAWSService", "false", kind="boolean")]
    assert told(context_entries=given) == ("allowed", [])
