"""`keystead credential-process`: a profile assumes a role with a key in a file (iam.md 8.6)."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conftest import BIN, REGION, Server, create_user, policy


@pytest.fixture(scope="module")
def role(server: Server) -> str:
    """A role that one user may assume."""
    iam = server.client("iam")
    account = server.client("sts").get_caller_identity()["Account"]
    trust = policy({"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"})
    arn: str = iam.create_role(RoleName="job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
    iam.put_role_policy(RoleName="job", PolicyName="p", PolicyDocument=policy(may))
    return arn


@pytest.fixture(scope="module")
def key_file(server: Server, role: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, in the form in which the AWS CLI prints it."""
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    who = create_user(server, "runner", assume)
    file = tmp_path_factory.mktemp("keys") / "key.json"
    return written(file, {"AccessKey": {
        "UserName": "runner", "AccessKeyId": who.access_key_id, "SecretAccessKey": who.secret,
    }})  # fmt: skip


def written(file: Path, value: Any, mode: int = 0o600) -> Path:
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    file.chmod(mode)
    return file


def run(server: Server, *options: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BIN / "keystead", "credential-process", *options],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": REGION},
    )  # fmt: skip


def test_what_it_prints(server: Server, role: str, key_file: Path) -> None:
    """The form that SDKs read, and nothing else; for as long as was asked."""
    ran = run(server, "--role", role, "--key-file", key_file, "--duration-seconds", "900",
              "--session-name", "nightly")  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    given = json.loads(ran.stdout)
    assert given["Version"] == 1
    assert given["AccountId"] == role.split(":")[4]
    left = datetime.fromisoformat(given["Expiration"]) - datetime.now(UTC)
    assert 600 < left.total_seconds() <= 900
    assert set(given) == {
        "Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId"
    }  # fmt: skip


def test_a_profile(
    server: Server, role: str, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 and the AWS CLI run the command by themselves, and are the role."""
    program = f'"{BIN / "keystead"}"'  # its path may have blanks
    command = f"{program} credential-process --role {role} --key-file {key_file}"
    more = f"--endpoint-url {server.endpoint} --region {REGION}"
    profile = f"[default]\nregion = {REGION}\nendpoint_url = {server.endpoint}\n"
    config = tmp_path / "config"
    config.write_text(f"{profile}credential_process = {command} {more}\n")
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    session = boto3.Session()
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/job/credential-process")
    assert "Keys" in session.client("kms").list_keys()
    ran = subprocess.run(
        [sys.executable, "-m", "awscli", "sts", "get-caller-identity"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert json.loads(ran.stdout)["Arn"] == arn, ran.stderr


def test_mistakes_are_explained(server: Server, role: str, key_file: Path, tmp_path: Path) -> None:
    """Each on standard error, with nothing on standard output and no traceback."""
    key = json.loads(key_file.read_text())["AccessKey"]
    wrong = written(tmp_path / "wrong", {**key, "SecretAccessKey": "x" * 40})
    gone = written(tmp_path / "gone", {**key, "AccessKeyId": "AKIAAAAAAAAAAAAAAAAA"})
    shared = written(tmp_path / "shared", key, 0o644)
    odd = written(tmp_path / "odd", "aws_access_key_id = x")
    good = ("--role", role, "--key-file", key_file)
    other = role.replace("role/job", "role/other")
    for options, why in (
        (("--role", role, "--key-file", wrong), "SignatureDoesNotMatch"),
        (("--role", role, "--key-file", gone), "InvalidClientTokenId"),
        (("--role", other, "--key-file", key_file), "AccessDenied"),
        (("--role", role, "--key-file", shared), "accessible to others"),
        (("--role", role, "--key-file", odd), "holds no access key"),
        (("--role", role, "--key-file", tmp_path / "none"), "no such file"),
        (("--role", "job", "--key-file", key_file), "not the ARN of a role"),
        ((*good, "--session-name", "a b"), "cannot name a session"),
        (("--role", role, "--key-file", key_file, "--endpoint-url", "http://127.0.0.1:9"),
         "does not answer"),
        ((*good, "--endpoint-url", "http://server.example"), "TLS"),
        (("--role", role, "--key-file", key_file, "--ca-bundle", odd,
          "--endpoint-url", "https://127.0.0.1:9"), "no certificates"),
    ):  # fmt: skip
        ran = run(server, *options)
        assert ran.returncode in {1, 2}, options
        assert ran.stdout == ""
        assert why in ran.stderr, ran.stderr
        assert "Traceback" not in ran.stderr
        assert key["SecretAccessKey"] not in ran.stderr
