"""SimulateCustomPolicy: its rows, its pages, and what cannot be asked."""

from collections.abc import Iterator
from typing import Any

import pytest

from keystead.identity.iam.simulation import questions
from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.simulating import (
    BOB,
    BUCKET,
    bucket_policy,
    entry,
    matched,
    simulate,
    simulate_one,
)
from tests.identity.world import Person, allow, deny, document


def test_one_row_for_each_action(admin: Person) -> None:
    """Each action is decided; a row names its statements and where they stand."""
    text = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},\n'
        ' {"Effect":"Deny","Action":"s3:Put*","Resource":"*"}]}'
    )
    rows = simulate(admin, text, actions=["s3:GetObject", "s3:PutObject", "sns:Publish"])

    assert [row.eval_action_name for row in rows] == ["s3:GetObject", "s3:PutObject", "sns:Publish"]
    assert [row.eval_decision for row in rows] == ["allowed", "explicitDeny", "implicitDeny"]
    assert [row.eval_resource_name for row in rows] == ["*"] * 3
    assert [row.resource_specific_results for row in rows] == [None] * 3
    assert [row.eval_decision_details for row in rows] == [None] * 3
    (statement,) = rows[1].matched_statements
    assert statement == api.Statement(
        source_policy_id="PolicyInputList.1",
        source_policy_type="IAM Policy",  # type: ignore[arg-type]  # as IAM says it
        start_position=api.Position(line=1, column=87),
        end_position=api.Position(line=2, column=53),
    )
    assert rows[2].matched_statements == []


def test_resources(admin: Person) -> None:
    """An action about several resources is one row, the severest, with a result for each."""
    text = document(
        {"Effect": "Allow", "Action": "s3:*", "Resource": f"{BUCKET}/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/secret"},
    )
    names = [f"{BUCKET}/a", f"{BUCKET}/secret", "arn:aws:s3:::other/a"]
    row = simulate_one(admin, text, resource_arns=names)

    assert (row.eval_resource_name, row.eval_decision) == ("*", "explicitDeny")
    assert row.eval_decision_details == {}
    each = row.resource_specific_results or []
    assert [one.eval_resource_name for one in each] == names
    assert [one.eval_resource_decision for one in each] == [
        "allowed", "explicitDeny", "implicitDeny",
    ]  # fmt: skip
    assert [len(one.matched_statements or ()) for one in each] == [1, 1, 0]
    assert row.matched_statements == each[1].matched_statements
    single = simulate_one(admin, text, resource_arns=names[:1])
    assert (single.eval_resource_name, single.eval_decision) == (names[0], "allowed")


def test_missing_context(admin: Person) -> None:
    """A key that the policy asks about is missing until it is given; then it decides."""
    text = allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})

    def told(*entries: api.ContextEntry) -> tuple[Any, Any]:
        row = simulate_one(admin, text, context_entries=list(entries))
        return row.eval_decision, row.missing_context_values

    assert told() == ("implicitDeny", ["aws:SourceIp"])
    assert told(entry("AWS:sourceip", "10.1.2.3", kind="ip")) == ("allowed", [])
    assert told(entry("aws:SourceIp", "192.0.2.1", kind="ip")) == ("implicitDeny", [])
    specific = simulate_one(admin, text, resource_arns=[BUCKET]).resource_specific_results
    assert specific is not None
    assert specific[0].missing_context_values == ["aws:SourceIp"]


def test_boundary(admin: Person) -> None:
    """A boundary must allow as well; its own denies are named, and there is only one."""
    everything = allow("s3:*")

    def told(*boundary: str) -> tuple[Any, Any]:
        row = simulate_one(admin, everything, permissions_boundary_policy_input_list=list(boundary))
        detail = row.permissions_boundary_decision_detail
        return row.eval_decision, detail and detail.allowed_by_permissions_boundary

    assert told() == ("allowed", None)
    assert told(everything) == ("allowed", True)
    assert told(allow("sns:*")) == ("implicitDeny", False)
    assert told(deny("s3:*")) == ("explicitDeny", False)
    row = simulate_one(admin, everything, permissions_boundary_policy_input_list=[deny("s3:*")])
    assert matched(row) == [("PermissionsBoundaryPolicyInputList.1", "Permissions Boundary Policy")]
    with refused("InvalidInput", "Permissions Boundary policies cannot exceed 1 items."):
        told(everything, everything)


def test_service_control_policies(admin: Person) -> None:
    """Every level of SCPs must allow; their statements are not named."""

    def told(*levels: str) -> tuple[Any, Any, int]:
        row = simulate_one(
            admin, allow("s3:*"), resource_arns=[BUCKET],
            ordered_organization_policy_input_list=[
                api.OrderedOrganizationPolicyType(service_control_policy_input_list=[level])
                for level in levels
            ],
        )  # fmt: skip
        detail = row.organizations_decision_detail
        allowed = detail and detail.allowed_by_organizations
        return row.eval_decision, allowed, len(row.matched_statements or ())

    assert told() == ("allowed", None, 1)
    assert told(allow("*"), allow("s3:*")) == ("allowed", True, 1)
    assert told(allow("*"), allow("sns:*")) == ("implicitDeny", False, 0)
    assert told(deny("s3:*"), allow("*")) == ("explicitDeny", False, 0)
    empty = api.OrderedOrganizationPolicyType()
    with refused("InvalidInput", "Organization policy at index 1 must contain at least one"):
        simulate_one(admin, allow("*"), ordered_organization_policy_input_list=[empty])


def test_resource_policy(admin: Person) -> None:
    """A resource's policy allows whom it names, and denies against every other Allow."""
    members = {"resource_arns": [f"{BUCKET}/a"], "caller_arn": BOB}

    granted = simulate_one(admin, allow("sns:*"), resource_policy=bucket_policy(), **members)
    assert (granted.eval_decision, matched(granted)) == (
        "allowed", [("ResourcePolicy", "Resource Policy")],
    )  # fmt: skip
    others = bucket_policy(who=f"{BOB}by")
    assert (
        simulate_one(admin, allow("sns:*"), resource_policy=others, **members).eval_decision
        == "implicitDeny"
    )
    denied = simulate_one(admin, allow("s3:*"), resource_policy=bucket_policy("Deny"), **members)
    assert denied.eval_decision == "explicitDeny"
    assert matched(denied) == [("ResourcePolicy", "Resource Policy")]


def test_a_key_without_its_policy(admin: Person) -> None:
    """Nothing stands for a policy that was not given; the one that was given has to allow."""
    key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

    def told(**members: Any) -> Any:
        return simulate_one(
            admin, allow("kms:*"), actions="kms:Encrypt", resource_arns=[key], caller_arn=BOB,
            **members,
        ).eval_decision  # fmt: skip

    def key_policy(who: str) -> str:
        return document(
            {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "kms:*", "Resource": "*"}
        )

    assert told() == "allowed"
    assert told(resource_policy=key_policy("arn:aws:iam::111122223333:root")) == "allowed"
    assert told(resource_policy=key_policy(f"{BOB}by")) == "implicitDeny"


def test_resource_of_another_account(admin: Person) -> None:
    """Both accounts must allow; the row tells what each kind of policy says."""
    members = {"resource_arns": [f"{BUCKET}/a"], "caller_arn": BOB}
    members["resource_owner"] = "arn:aws:iam::444455556666:root"

    def told(own: str, policy: str | None) -> tuple[Any, Any]:
        row = simulate_one(admin, own, resource_policy=policy, **members)
        assert row.resource_specific_results is not None
        assert row.resource_specific_results[0].eval_decision_details == row.eval_decision_details
        return row.eval_decision, row.eval_decision_details

    assert told(allow("s3:*"), bucket_policy()) == (
        "allowed", {"IAM Policy": "allowed", "Resource Policy": "allowed"},
    )  # fmt: skip
    assert told(allow("sns:*"), bucket_policy()) == (
        "implicitDeny", {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"},
    )  # fmt: skip
    assert told(allow("s3:*"), None) == (
        "implicitDeny", {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"},
    )  # fmt: skip


ROLE = "arn:aws:iam::111122223333:role/app"
NOT_USER = "Invalid caller - Caller must be an IAM user in this context."


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"caller_arn": None}, "Invalid caller - Caller cannot be null or empty."),
        ({"caller_arn": ROLE}, NOT_USER),
        ({"caller_arn": "arn:aws:iam::111122223333:group/staff"}, NOT_USER),
        ({"caller_arn": "arn:aws:sts::111122223333:assumed-role/app/s"}, "Invalid Entity Arn: "),
        ({"caller_arn": "arn:aws:iam::111122223333:root"}, "does not clearly define entity type"),
        ({"caller_arn": "ec2.amazonaws.com"}, "does not clearly define entity type and name."),
        ({"resource_owner": "111122223333"}, "'111122223333' is not a valid as a Resource Owner."),
        ({"resource_owner": BOB}, "is not a valid as a Resource Owner."),
        ({"resource_arns": ["arn:aws:s3:::other/a"]}, "The resource policy is not applicable to"),
        ({"resource_policy": "{"}, "Syntax errors in policy."),
        ({"resource_policy": bucket_policy(who="nobody")}, "Invalid principal in policy"),
    ],
)
def test_resource_policies_that_cannot_be_asked(
    admin: Person, members: dict[str, Any], message: str
) -> None:
    """A resource policy needs a user as its caller, and resources that it speaks of."""
    good = {
        "caller_arn": BOB, "resource_policy": bucket_policy(), "resource_arns": [f"{BUCKET}/a"],
        "resource_owner": "arn:aws:iam::111122223333:root",
    }  # fmt: skip
    assert simulate_one(admin, **good).eval_decision == "allowed"
    with refused("InvalidInput", message):
        simulate_one(admin, **{**good, **members})


def test_a_caller_who_is_not_named(admin: Person) -> None:
    """Without a caller no resource is another account's; with one it is."""
    key = "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    same = allow("kms:*", Condition={"StringEquals": {"aws:ResourceAccount": "444455556666"}})
    members: dict[str, Any] = {"actions": "kms:Encrypt", "resource_arns": [key]}
    row = simulate_one(admin, same, **members)
    assert (row.eval_decision, row.eval_decision_details) == ("allowed", {})
    assert simulate_one(admin, same, caller_arn=BOB, **members).eval_decision == "implicitDeny"
    local = {**members, "caller_arn": BOB.replace("111122223333", "444455556666")}
    assert simulate_one(admin, same, **local).eval_decision == "allowed"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"actions": []}, "ActionNames cannot be null or empty."),
        ({"actions": "s3:Get*"}, "must not contain wildcards"),
        ({"actions": "s3:Get?bject"}, "must not contain wildcards"),
        ({"actions": "GetObject"}, "Invalid action: GetObject"),
        ({"actions": ":GetObject"}, "Invalid action"),
        ({"actions": "s3:a:b"}, "Invalid action"),
        ({"resource_arns": ["bucket"]}, "ResourceNames are not in a valid ARN format: bucket."),
        ({"resource_arns": [BUCKET, "*"]}, "ResourceNames are not in a valid ARN format: *."),
        ({"resource_handling_option": "EC2-Moon"}, "Invalid resource handling option: EC2-Moon."),
        (
            {"resource_handling_option": "EC2-VPC-EBS", "resource_arns": [BUCKET]},
            "Action does not support resource handling options: s3:GetObject.",
        ),
        ({"policies": ["x"]}, "Syntax errors in policy."),
        ({"policies": [bucket_policy()]}, "Policy document should not specify a principal."),
        ({"policies": [allow("s3:*").replace("Allow", "Permit")]}, "Syntax errors in policy."),
    ],
)
def test_bad_input(admin: Person, members: dict[str, Any], message: str) -> None:
    """Whatever cannot be asked is InvalidInput; the same request without it is answered."""
    simulate_one(admin, allow("s3:*"), resource_arns=[BUCKET])
    policies = members.pop("policies", [allow("s3:*")])
    with refused("InvalidInput", message):
        simulate(admin, *policies, **members)


def test_unknown_actions_and_options_of_ec2(admin: Person) -> None:
    """Any action can be simulated, whoever knows it; EC2's options change nothing here."""
    assert simulate_one(admin, allow("s3api:*"), actions="s3api:list-buckets").eval_decision == (
        "allowed"
    )
    row = simulate_one(
        admin, allow("ec2:*"), actions="EC2:RunInstances", resource_handling_option="EC2-VPC-EBS",
        resource_arns=["arn:aws:ec2:eu-central-1:111122223333:volume/*"],
    )  # fmt: skip
    assert row.eval_decision == "allowed"


TYPES = [
    ("numeric", "12.5", "twelve", "NumericLessThan", "13"),
    ("boolean", "true", "yes", "Bool", "true"),
    ("ip", "10.0.0.1", "10.0.0.0/8", "IpAddress", "10.0.0.0/8"),
    ("binary", "QUJD", "A", "BinaryEquals", "QUJD"),
    ("date", "2026-01-01T00:00:00Z", "soon", "DateGreaterThan", "2025-01-01T00:00:00Z"),
    ("string", "a", None, "StringEquals", "a"),
]


@pytest.mark.parametrize("case", TYPES, ids=lambda case: case[0])
def test_types_of_context_keys(admin: Person, case: tuple[str, str, str | None, str, str]) -> None:
    """A value has the form of its type, one by one in a list; a plain type has one value."""
    kind, good, bad, operator, value = case
    single = allow("s3:*", Condition={operator: {"app:key": value}})
    several = allow("s3:*", Condition={f"ForAnyValue:{operator}": {"app:key": value}})

    def told(policy: str, *values: str, type_: str = kind) -> Any:
        entries = [entry("app:key", *values, kind=type_)]
        return simulate_one(admin, policy, context_entries=entries).eval_decision

    assert told(single, good) == "allowed"
    assert told(several, good, good, type_=f"{kind}List") == "allowed"
    with refused("InvalidInput", "expected a single value, but received 2."):
        told(single, good, good)
    if bad is not None:
        with refused("InvalidInput", "Invalid context value for key app:key: expected"):
            told(single, bad)
        with refused("InvalidInput", "Invalid context value for key app:key: expected"):
            told(several, good, bad, type_=f"{kind}List")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry(None, "x")], "ContextKeyName cannot be null or empty."),
        ([entry("app:key", "x", kind=None)], "Context key app:key has invalid type null."),
        ([entry("app:key")], "Context values for context key app:key cannot be null or empty."),
        ([entry("app:key", "x"), entry("APP:KEY", "y")], "Duplicate context key: APP:KEY."),
    ],
)
def test_entries_that_say_nothing(admin: Person, entries: Any, message: str) -> None:
    """A context key has a name, a type and a value, and is given once."""
    with refused("InvalidInput", message):
        simulate_one(admin, allow("s3:*"), context_entries=entries)


def pages(who: Person, **members: Any) -> Iterator[list[str]]:
    """The actions of each page."""
    marker: str | None = None
    while True:
        answer = who(api.SimulateCustomPolicy, marker=marker, **members)
        yield [row.eval_action_name for row in answer.evaluation_results or ()]
        marker = answer.marker
        assert answer.is_truncated == (marker is not None)
        if marker is None:
            return


def test_pages(admin: Person) -> None:
    """Rows come in pages; a marker continues the same simulation only."""
    names = [f"s3:Get{number}" for number in range(5)]
    members = {"policy_input_list": [allow("s3:*")], "action_names": names}
    assert list(pages(admin, max_items=2, **members)) == [names[:2], names[2:4], names[4:]]
    assert list(pages(admin, **members)) == [names]

    first = admin(api.SimulateCustomPolicy, max_items=2, **members)
    with refused("ValidationError", "Invalid Marker."):
        admin(
            api.SimulateCustomPolicy, marker=first.marker,
            **{**members, "policy_input_list": [deny("s3:*")]},
        )  # fmt: skip


def test_long_simulations_have_short_pages(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long comes in smaller pages, down to one row; what takes longer is refused."""
    text = allow("s3:*")
    monkeypatch.setattr(questions, "READ_AT_ONCE", 4 * (len(text) + 250))
    names = [f"s3:Get{number}" for number in range(5)]
    members = {"policy_input_list": [text], "action_names": names}
    assert [len(page) for page in pages(admin, **members)] == [4, 1]
    buckets = [f"{BUCKET}{number}" for number in range(5)]
    assert [len(page) for page in pages(admin, resource_arns=buckets[:4], **members)] == [1] * 5
    with refused("InvalidInput", "too long to be simulated for so many resources at once."):
        admin(api.SimulateCustomPolicy, resource_arns=buckets, **members)
