"""`keystead credential-process certificate`, alone and as boto3 runs it, up to KMS."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.client import Config

from tests import nursery
from tests.anywhere import authorities
from tests.anywhere.authorities import Issued
from tests.conftest import BIN, REGION, Server, policy

TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    }
)


@pytest.fixture(scope="module")
def root() -> Issued:
    return authorities.root()


@pytest.fixture(scope="module")
def named(server: Server, root: Issued) -> list[str]:
    """The options that name the trust anchor, the profile and the role."""
    iam, anywhere = server.client("iam"), server.client("rolesanywhere")
    role = iam.create_role(RoleName="host", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    uses = policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    iam.put_role_policy(RoleName="host", PolicyName="kms", PolicyDocument=uses)
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": root.pem}}
    anchor = anywhere.create_trust_anchor(name="a", source=source, enabled=True)["trustAnchor"]
    profile = anywhere.create_profile(name="p", roleArns=[role], enabled=True)["profile"]
    return [
        "--trust-anchor-arn", anchor["trustAnchorArn"], "--profile-arn", profile["profileArn"],
        "--role-arn", role,
    ]  # fmt: skip


def files(directory: Path, holder: Issued, *chain: Issued) -> list[str]:
    """The options that name the files of a certificate, which are written."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    certificate.write_text(holder.pem)
    key.write_bytes(holder.key_pem)
    key.chmod(0o600)
    options = ["--certificate", str(certificate), "--private-key", str(key)]
    if chain:
        between = directory / "between.pem"
        between.write_text("".join(each.pem for each in chain))
        options += ["--intermediates", str(between)]
    return options


def run(server: Server, *options: str) -> "subprocess.CompletedProcess[str]":
    return nursery.run(
        "credential-process", "certificate", "--endpoint-url", server.endpoint, *options
    )


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_boto3_uses_kms(
    server: Server, root: Issued, named: list[str], tmp_path: Path, kind: str
) -> None:
    """A profile of an SDK gets credentials by the command, and a key encrypts."""
    between = root.authority()
    holder = between.issue("nightly", key=authorities.new_key(kind))
    options = [*files(tmp_path, holder, between), *named, "--endpoint-url", server.endpoint]
    program = [sys.executable, str(BIN / "keystead"), "credential-process", "certificate"]
    config = tmp_path / "config"
    command = shlex.join([*program, *options])
    config.write_text(f"[profile host]\nregion = {REGION}\ncredential_process = {command}\n")
    session = botocore.session.Session(profile="host")
    session.set_config_variable("config_file", str(config))
    client: Any = session.create_client(
        "kms", endpoint_url=server.endpoint, config=Config(retries={"total_max_attempts": 1})
    )
    key = client.create_key()["KeyMetadata"]["KeyId"]
    blob = client.encrypt(KeyId=key, Plaintext=b"data")["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"data"


def test_what_it_prints(server: Server, root: Issued, named: list[str], tmp_path: Path) -> None:
    """AWS's form, with the end and the account; without a chain, and with a shorter time."""
    done = run(server, *files(tmp_path, root.issue()), *named, "--session-duration", "900")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["Version"] == 1
    assert told["AccountId"] == named[-1].split(":")[4]
    assert set(told) == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
                         "AccountId"}  # fmt: skip


def test_what_it_refuses(server: Server, root: Issued, named: list[str], tmp_path: Path) -> None:
    """One line and a hint, and the key nowhere; twins: the tests above."""
    foreign, holder = authorities.root().issue(), root.issue()

    def told(*options: str) -> str:
        done = run(server, *options)
        assert done.returncode != 0
        assert done.stdout == ""
        assert "PRIVATE" not in done.stderr
        return done.stderr

    assert "Untrusted certificate" in told(*files(tmp_path, foreign), *named)
    right = files(tmp_path, holder)
    (tmp_path / "key.pem").write_bytes(foreign.key_pem)
    assert "is not the key of" in told(*right, *named)
    right = files(tmp_path, holder)
    (tmp_path / "key.pem").chmod(0o644)
    assert "key.pem" in told(*right, *named)
    right = files(tmp_path, holder)
    assert "custom role session name" in told(*right, *named, "--role-session-name", "nightly")
    assert "is not the ARN of a role" in told(*right, *named[:-1], "host")
    (tmp_path / "cert.pem").write_text("x")
    assert "holds no certificate" in told(*right, *named)
    assert run(server, *files(tmp_path, holder), *named).returncode == 0
