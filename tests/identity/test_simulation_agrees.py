"""A simulation says what `keystead decide` says and what the server does, to real clients too."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keystead.policy.reasons.scenario import decide_line
from keystead.wire.models import iam as api
from tests.conftest import Server, create_user
from tests.identity.refusals import refused
from tests.identity.simulating import (
    BOB,
    BUCKET,
    bucket_policy,
    entry,
    matched,
    simulate_one,
)
from tests.identity.world import Person, World, allow, document
from tests.patience import PATIENCE
from tests.policy.scenarios import scenario

DECISIONS = {
    "Allowed": "allowed",
    "ExplicitlyDenied": "explicitDeny",
    "ImplicitlyDenied": "implicitDeny",
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """An administrator who only simulates."""
    world = World.create(tmp_path_factory.mktemp("simulator") / "installation")
    yield world.account().administrator()
    world.store.close()


def simulatable(drawn: dict[str, Any]) -> dict[str, Any]:
    """A scenario of a user, without what a simulation cannot be given.

    Where the resource's own policy must allow and there is none, the usual one is there.
    """
    line: dict[str, Any] = {
        name: drawn[name]
        for name in ("action", "resource", "context", "resourcePolicy", "identityPolicies",
                     "boundary", "scps")
        if name in drawn
    }  # fmt: skip
    line["principal"] = "arn:aws:iam::111122223333:user/alice"
    if not all(line.get("scps", ())):
        del line["scps"]
    own = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}
    if ":kms:" in line["resource"] or ":role/" in line["resource"]:
        if ":role/" in line["resource"]:
            own = {**own, "Action": "sts:*"}
            del own["Resource"]
        line.setdefault("resourcePolicy", {"Version": "2012-10-17", "Statement": [own]})
    return line


def as_request(line: dict[str, Any]) -> dict[str, Any]:
    """The same scenario as a request."""

    def texts(documents: Any) -> list[str]:
        return [json.dumps(one) for one in documents]

    owner = line["resource"].split(":")[4] if line["resource"].count(":") > 4 else ""
    return {
        "policies": texts(line.get("identityPolicies", ())),
        "actions": line["action"],
        "resource_arns": [line["resource"]],
        "resource_policy": json.dumps(line["resourcePolicy"]) if "resourcePolicy" in line else None,
        "resource_owner": f"arn:aws:iam::{owner}:root" if owner.isdigit() else None,
        "caller_arn": line["principal"],
        "context_entries": [
            entry(name, value) if isinstance(value, str) else entry(name, *value, kind="stringList")
            for name, value in line.get("context", {}).items()
        ],
        "permissions_boundary_policy_input_list":
            [json.dumps(line["boundary"])] if "boundary" in line else None,
        "ordered_organization_policy_input_list": [
            api.OrderedOrganizationPolicyType(service_control_policy_input_list=texts(level))
            for level in line.get("scps", ())
        ],
    }  # fmt: skip


def refusal(said: dict[str, Any]) -> AbstractContextManager[None]:
    return refused("InvalidInput", said["error"].partition(": ")[2].partition(" (")[0])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_as_decide(simulator: Person, seed: int) -> None:
    """A simulation decides as `keystead decide` does, for the same reasons; or both refuse."""
    line = simulatable(scenario(seed))
    said = json.loads(decide_line(json.dumps(line)))
    request = as_request(line)
    policies = request.pop("policies")
    if "error" in said:
        with refusal(said):
            simulate_one(simulator, *policies, **request)
        return
    try:
        row = simulate_one(simulator, *policies, **request)
    except api.InvalidInputException as error:
        assume("not applicable" not in str(error))
        raise
    assert row.eval_decision == DECISIONS[said["decision"]]
    places = {
        "identityPolicies": "PolicyInputList",
        "boundary": "PermissionsBoundaryPolicyInputList",
    }
    expected = []
    for one in said.get("statements", ()) if row.eval_decision != "implicitDeny" else ():
        name, _, index = one["policy"].rstrip("]").partition("[")
        if name == "resourcePolicy":
            expected.append("ResourcePolicy")
        elif name in places:
            expected.append(f"{places[name]}.{int(index or 0) + 1}")
    assert [source for source, _ in matched(row)] == expected


def real_calls(server: Server, who: Any, key: str) -> dict[tuple[str, str], bool]:
    """Which calls are really allowed?"""
    kms, iam = server.client("kms", who), server.client("iam", who)
    arn = server.client("iam").get_user(UserName="sim-target")["User"]["Arn"]
    calls: dict[tuple[str, str], Any] = {
        ("kms:Encrypt", key): lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        ("kms:DescribeKey", key): lambda: kms.describe_key(KeyId=key),
        ("kms:ListKeys", "*"): kms.list_keys,
        ("iam:GetUser", arn): lambda: iam.get_user(UserName="sim-target"),
        ("iam:ListUsers", "*"): iam.list_users,
    }
    found = {}
    for asked, make in calls.items():
        try:
            make()
            found[asked] = True
        except ClientError as error:
            if "AccessDenied" not in error.response["Error"]["Code"]:
                raise
            found[asked] = False
    return found


def statement(effect: str, action: Any, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def test_as_enforced(server: Server) -> None:
    """What a simulation of a user says is what happens when the user calls."""
    admin, kms = server.client("iam"), server.client("kms")
    admin.create_user(UserName="sim-target", Path="/sim/")
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    local: dict[str, Any] = {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}
    remote: dict[str, Any] = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    users = {
        "sim-all": [statement("Allow", "*")],
        "sim-none": [],
        "sim-key": [statement("Allow", "kms:*", keys[0])],
        "sim-deny": [statement("Allow", "*"), statement("Deny", ["kms:Encrypt", "iam:List*"])],
        "sim-path": [statement("Allow", "iam:*", "arn:aws:iam::*:user/sim/*")],
        "sim-local": [statement("Allow", "*", **local)],
        "sim-remote": [statement("Allow", "*", **remote)],
        "sim-bound": [statement("Allow", "*")],
        "sim-named": [],
    }
    people = {name: create_user(server, name, *given) for name, given in users.items()}
    admin.put_user_permissions_boundary(
        UserName="sim-bound", PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess"
    )
    arns = {name: admin.get_user(UserName=name)["User"]["Arn"] for name in users}
    policy = json.loads(kms.get_key_policy(KeyId=keys[1], PolicyName="default")["Policy"])
    named = {"AWS": arns["sim-named"]}
    policy["Statement"].append(statement("Allow", "kms:Encrypt", Principal=named))
    kms.put_key_policy(KeyId=keys[1], PolicyName="default", Policy=json.dumps(policy))

    address = {
        "ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["127.0.0.1"], "ContextKeyType": "ip",
    }  # fmt: skip
    outcomes: set[tuple[str, bool]] = set()
    for name, who in people.items():
        for key in keys:
            for (action, resource), allowed in real_calls(server, who, key).items():
                members: dict[str, Any] = {}
                if resource == key:
                    own = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
                    members["ResourcePolicy"] = own
                (row,) = admin.simulate_principal_policy(
                    PolicySourceArn=arns[name], ActionNames=[action], ResourceArns=[resource],
                    ContextEntries=[address], **members,
                )["EvaluationResults"]  # fmt: skip
                assert (row["EvalDecision"] == "allowed") == allowed, (name, action, resource)
                outcomes.add((action, allowed))
    assert len(outcomes) == 10  # every call was allowed to somebody and refused to somebody


def test_boto3(server: Server) -> None:
    """boto3 reads the answers, empty lists and maps included, and pages."""
    iam = server.client("iam")
    text = document(statement("Allow", "s3:*", f"{BUCKET}/${{aws:username}}"))
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[text], ActionNames=["s3:GetObject", "sns:Publish", "s3:PutObject"],
        ResourceArns=[f"{BUCKET}/alice"], PaginationConfig={"PageSize": 2},
        ContextEntries=[
            {"ContextKeyName": "aws:username", "ContextKeyValues": ["alice"],
             "ContextKeyType": "string"},
        ],
    )  # fmt: skip
    rows = [row for page in pages for row in page["EvaluationResults"]]
    assert [row["EvalDecision"] for row in rows] == ["allowed", "implicitDeny", "allowed"]
    assert rows[1] == {
        "EvalActionName": "sns:Publish",
        "EvalResourceName": f"{BUCKET}/alice",
        "EvalDecision": "implicitDeny",
        "MatchedStatements": [],
        "MissingContextValues": [],
        "EvalDecisionDetails": {},
        "ResourceSpecificResults": [
            {
                "EvalResourceName": f"{BUCKET}/alice",
                "EvalResourceDecision": "implicitDeny",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
        ],
    }
    assert rows[0]["MatchedStatements"] == [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": {"Line": 1, "Column": 41},
            "EndPosition": {"Line": 1, "Column": len(text) - 1},
        }
    ]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == [
        "aws:username"
    ]


def test_boto3_across_accounts(server: Server) -> None:
    """boto3 reads what each kind of policy says, and takes policies of every kind."""
    everything = allow("*")
    (row,) = server.client("iam").simulate_custom_policy(
        PolicyInputList=[everything], PermissionsBoundaryPolicyInputList=[allow("sns:*")],
        OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": [everything]}],
        ActionNames=["s3:GetObject"], ResourceArns=[f"{BUCKET}/a"], ResourcePolicy=bucket_policy(),
        ResourceOwner="arn:aws:iam::444455556666:root", CallerArn=BOB,
    )["EvaluationResults"]  # fmt: skip
    assert row["EvalDecision"] == "implicitDeny"
    assert row["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
    assert row["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert row["EvalDecisionDetails"] == {
        "IAM Policy": "allowed",
        "Resource Policy": "allowed",
        "Permissions Boundary Policy": "implicitDeny",
    }


def test_command_line(server: Server) -> None:
    """`aws iam simulate-custom-policy` and its kin work as AWS documents them."""

    def aws(*arguments: str) -> Any:
        ran = subprocess.run(
            ["aws", "iam", *arguments, "--output", "json", "--endpoint-url", server.endpoint],
            env=server.environment(), capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    text = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":'
        '"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    )
    answer = aws(
        "simulate-custom-policy", "--policy-input-list", text,
        "--action-names", "dynamodb:CreateBackup", "--context-entries",
        "ContextKeyName='aws:CurrentTime',ContextKeyValues='2019-04-25T11:00:00Z',ContextKeyType=date",
    )  # fmt: skip
    assert answer["EvaluationResults"] == [
        {
            "EvalActionName": "dynamodb:CreateBackup",
            "EvalResourceName": "*",
            "EvalDecision": "allowed",
            "MatchedStatements": [
                {
                    "SourcePolicyId": "PolicyInputList.1",
                    "SourcePolicyType": "IAM Policy",
                    "StartPosition": {"Line": 1, "Column": 38},
                    "EndPosition": {"Line": 1, "Column": 167},
                }
            ],
            "MissingContextValues": [],
        }
    ]
    admin = server.client("iam").get_user()["User"]["Arn"]
    answer = aws(
        "simulate-principal-policy", "--policy-source-arn", admin, "--action-names", "kms:Encrypt"
    )
    assert answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"] == (
        "AdministratorAccess"
    )
    keys = aws("get-context-keys-for-principal-policy", "--policy-source-arn", admin)
    assert keys == {"ContextKeyNames": []}
