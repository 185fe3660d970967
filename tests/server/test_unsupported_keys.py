"""Documents that are refused when they are written, unless the installation accepts them.

They have conditions that can never hold here, or let in all tenants of a shared provider.
"""

from pathlib import Path
from typing import Any

from tests.conftest import Server, free_port, policy, refused

CONDITION = {"StringEquals": {"aws:ChatbotSourceArn": "arn:aws:chatbot::111122223333:x/y"}}


def allow(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kms:*", "Resource": "*", **more}


def write_both(server: Server) -> None:
    """An identity policy and a key policy with such a condition."""
    document = policy(allow(Condition=CONDITION))
    server.client("iam").create_policy(PolicyName="p", PolicyDocument=document)
    write_key_policy(server)


def write_key_policy(server: Server) -> None:
    account = server.client("sts").get_caller_identity()["Account"]
    owner = {"AWS": f"arn:aws:iam::{account}:root"}
    server.client("kms").create_key(
        Policy=policy(allow(Principal=owner), allow(Principal=owner, Condition=CONDITION))
    )


def write_trust_policy(server: Server) -> None:
    """Everybody with a workflow at GitHub may assume this role."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity"}
    provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    server.client("iam").create_role(
        RoleName="ci",
        AssumeRolePolicyDocument=policy({**statement, "Principal": {"Federated": provider}}),
    )


def test_refused_unless_the_installation_accepts_them(tmp_path: Path) -> None:
    """The same documents are refused by default and stored with the setting."""
    settings = tmp_path / "keystead.toml"
    settings.write_text("accept_unsupported_condition_keys = true\nallow_unscoped_trust = true\n")
    server = Server(tmp_path / "data", free_port())

    server.start()
    with refused("MalformedPolicyDocument"):
        write_both(server)
    with refused("MalformedPolicyDocumentException"):
        write_key_policy(server)
    with refused("MalformedPolicyDocument", "serves many tenants"):
        write_trust_policy(server)
    assert server.stop() == 0

    server.start("--config", str(settings))
    write_both(server)
    write_trust_policy(server)
    assert server.stop() == 0
