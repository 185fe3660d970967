"""`keystead explain` about roles: what their sessions may do, and who may assume them."""

import json
from typing import Any

import pytest

from tests.conftest import Server, create_user, policy

ENCRYPT = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def explained(server: Server, principal: str, action: str, resource: str) -> dict[str, Any]:
    """The answer, for machines."""
    asking = ("--principal", principal, "--action", action, "--resource", resource)
    ran = server.keystead("explain", *asking, "--json")
    assert "Traceback" not in ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == (0 if answer["decision"] == "Allowed" else 1)
    return answer


def user_arn(server: Server, name: str) -> str:
    return str(server.client("iam").get_user(UserName=name)["User"]["Arn"])


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return str(server.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def role(server: Server) -> str:
    """A role that trusts one user by name and the rest of its account, and may encrypt."""
    iam = server.client("iam")
    create_user(server, "trusted")
    account = user_arn(server, "trusted").split(":")[4]
    trust = policy(
        {"Effect": "Allow", "Principal": {"AWS": user_arn(server, "trusted")},
         "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"},
    )  # fmt: skip
    made = iam.create_role(RoleName="ops", Path="/team/", AssumeRolePolicyDocument=trust)
    only_alice = {"Condition": {"StringLike": {"aws:userid": "*:alice"}}}
    for name, statement in (
        ("encrypt", ENCRYPT),
        ("decrypt", {**ENCRYPT, "Action": "kms:Decrypt", **only_alice}),
    ):
        iam.put_role_policy(RoleName="ops", PolicyName=name, PolicyDocument=policy(statement))
    return str(made["Role"]["Arn"])


def test_a_role_as_principal(server: Server, role: str, key: str) -> None:
    """Its ARN stands for any session; the ARN of a session says the session's name, too."""
    session = role.replace(":iam:", ":sts:").replace(":role/team/ops", ":assumed-role/ops/alice")

    assert explained(server, role, "kms:Encrypt", key)["decision"] == "Allowed"
    assert explained(server, role, "kms:Decrypt", key)["decision"] == "ImplicitlyDenied"
    assert explained(server, session, "kms:Decrypt", key)["decision"] == "Allowed"
    other = explained(server, session[:-5] + "bob", "kms:Decrypt", key)
    assert other["message"].startswith(f"User: {session[:-5]}bob is not authorized to perform")


@pytest.mark.parametrize(
    "wrong", ["iam::{}:role/ops", "sts::{}:assumed-role/Ops/alice", "sts::{}:assumed-role/ops"]
)
def test_a_role_that_is_not_there(server: Server, role: str, key: str, wrong: str) -> None:
    """Path and case must be right, and a session has a name."""
    arn = f"arn:aws:{wrong.format(role.split(':')[4])}"
    asking = ("--principal", arn, "--action", "kms:Encrypt", "--resource", key)
    ran = server.keystead("explain", *asking)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"there is no principal `{arn}`" in ran.stderr


def test_who_may_assume_a_role(server: Server, role: str) -> None:
    """Who is named needs no other policy; who is of the account needs one of its own."""
    create_user(server, "with-policy", ASSUME)
    create_user(server, "without")

    decisions = {
        name: explained(server, user_arn(server, name), "sts:AssumeRole", role)["decision"]
        for name in ("trusted", "with-policy", "without")
    }

    assert decisions == {
        "trusted": "Allowed", "with-policy": "Allowed", "without": "ImplicitlyDenied",
    }  # fmt: skip


def test_a_role_must_be_there_to_be_assumed(server: Server, role: str) -> None:
    """Who may assume a role depends on its trust policy, so that there must be one."""
    who = user_arn(server, "trusted")
    asking = ("--principal", who, "--action", "sts:AssumeRole", "--resource", f"{role}x")
    ran = server.keystead("explain", *asking)

    assert ran.returncode == 2
    assert f"there is no role `{role}x`" in ran.stderr


def test_tags_of_roles_are_known(server: Server, role: str) -> None:
    """A policy on the tag of a role decides as it does for the call."""
    iam = server.client("iam")
    iam.tag_role(RoleName="ops", Tags=[{"Key": "team", "Value": "red"}])
    tagged = {"Condition": {"StringEquals": {"iam:ResourceTag/team": "red"}}}
    create_user(
        server, "reads-red", {"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*", **tagged}
    )
    who = user_arn(server, "reads-red")

    assert explained(server, who, "iam:GetRole", role)["decision"] == "Allowed"
    iam.untag_role(RoleName="ops", TagKeys=["team"])
    assert explained(server, who, "iam:GetRole", role)["decision"] == "ImplicitlyDenied"
