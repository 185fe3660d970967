"""What is printed with `--json` has one naming: camel case, but for what AWS or a setting names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import nursery
from tests.conftest import Server, create_user, policy

OURS = re.compile(r"[a-z][A-Za-z0-9]*")
THEIRS = frozenset({"statement", "source", "context"})  # a policy's, or condition keys
AWS = frozenset({"AccountId", "Email", "RootPassword", "AccessKeyId", "SecretAccessKey"})
ENCRYPT = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}


def names(value: Any) -> Iterator[str]:
    """Every name in a result, but for those in what is shown as it was written."""
    if isinstance(value, list):
        for one in value:
            yield from names(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            if name not in THEIRS:
                yield from names(one)


@pytest.fixture(scope="module")
def commands(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Command lines whose results have something in every list."""
    folder: Path = tmp_path_factory.mktemp("json")
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    who = create_user(server, "named-json", {**ENCRYPT, "Sid": "own"})
    arn = server.client("iam").get_user(UserName="named-json")["User"]["Arn"]
    with pytest.raises(ClientError) as caught:
        server.client("kms", who).decrypt(KeyId=key, CiphertextBlob=b"x" * 200)
    with pytest.raises(ClientError) as caught:
        server.client("kms", who).disable_key(KeyId=key)
    asked = {"name": "a", "principal": arn, "action": "kms:Encrypt", "resource": key}
    (folder / "e.json").write_text(json.dumps([{**asked, "expect": "Denied"}]))
    (folder / "p.json").write_text(policy({**ENCRYPT, "Action": "kms:Encrpyt"}))
    question = ["--principal", arn, "--resource", key]
    return {
        "explain": ["explain", *question, "--action", "kms:Sign"],
        "explain ID": ["explain", caught.value.response["ResponseMetadata"]["RequestId"]],
        "who-can": ["who-can", "kms:Encrypt", key],
        "simulate": ["simulate", str(folder / "e.json")],
        "lint": ["lint", str(folder / "p.json")],
        "status": ["status"],
        "jobs": ["jobs"],
        "verify": ["audit", "verify"],
        "account": ["account", "create"],
    }


@pytest.mark.parametrize(
    "command",
    ["explain", "explain ID", "who-can", "simulate", "lint", "status", "verify", "account"],
)
def test_one_naming(server: Server, commands: dict[str, list[str]], command: str) -> None:
    """Every member is camel case; accounts and their keys are named as by AWS."""
    data = [] if command == "lint" else ["--data", str(server.data)]
    ran = nursery.run(*commands[command], "--json", *data)
    found = set(names(json.loads(ran.stdout)))
    assert found
    wrong = {name for name in found if not OURS.fullmatch(name)}
    assert wrong == (AWS if command == "account" else set())
