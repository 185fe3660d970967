"""People of a real OpenID Connect provider get credentials, and no secret is stored."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from keystead.agent.people import Client, Flow, Patience, Provider, SignIn, id_token
from tests.clients import person
from tests.clients.provider import NEEDS_NODE, real_provider, serving_for
from tests.conftest import BIN, REGION, Server
from tests.federation.issuer import Issuer
from tests.identity.world import document

pytestmark = NEEDS_NODE
PERSON = Path(person.__file__)


@dataclass
class Running:
    """The provider, and the server with a role for its people."""

    server: Server
    issuer: Issuer
    role: str

    def options(self, *more: str | Path) -> list[str | Path]:
        return [
            "credential-process", "oidc", "--endpoint-url", self.server.endpoint,
            "--role", self.role, "--issuer", self.issuer.url, "--client-id", "cli",
            "--issuer-ca", self.issuer.certificate, *more,
        ]  # fmt: skip

    def environment(self, name: str = "alice") -> dict[str, str]:
        """With a browser at which a person of this name sits."""
        words = [sys.executable, str(PERSON), str(self.issuer.certificate), "%s", name]
        return {"PATH": os.environ["PATH"], "BROWSER": shlex.join(words)}

    def run(self, *more: str | Path, name: str = "alice") -> dict[str, Any]:
        done = subprocess.run(
            [BIN / "keystead", *self.options(*more)], env=self.environment(name),
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        given: dict[str, Any] = json.loads(done.stdout)
        return given

    def who(self, given: dict[str, Any]) -> str:
        sts = boto3.client(
            "sts", region_name=REGION, endpoint_url=self.server.endpoint,
            aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )  # fmt: skip
        return str(sts.get_caller_identity()["Arn"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("people")
    with real_provider(folder) as issuer, serving_for(folder / "data") as server:
        iam = server.client("iam")
        provider = iam.create_open_id_connect_provider(
            Url=issuer.url, ClientIDList=["cli"], ThumbprintList=[issuer.thumbprint]
        )["OpenIDConnectProviderArn"]
        trust = document({
            "Effect": "Allow", "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
        })  # fmt: skip
        role = iam.create_role(RoleName="people", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        may = document({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
        iam.put_role_policy(RoleName="people", PolicyName="kms", PolicyDocument=may)
        yield Running(server, issuer, role)


def test_a_profile(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 runs the command, the person signs in at the browser, and boto3 is the role."""
    command = shlex.join(map(str, [BIN / "keystead", *running.options()]))
    config = tmp_path / "config"
    config.write_text(
        f"[default]\nregion = {REGION}\nendpoint_url = {running.server.endpoint}\n"
        f"credential_process = {command}\n"
    )
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    session = boto3.Session()
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/people/alice")
    assert "Keys" in session.client("kms").list_keys()


def test_a_kept_sign_in(running: Running, tmp_path: Path) -> None:
    """With --keep the second run asks nobody, and the token that is kept is another each time."""
    keep = tmp_path / "kept.json"
    first = running.run("--keep", keep, "--duration-seconds", "900")
    assert running.who(first).endswith("/people/alice")
    assert keep.stat().st_mode & 0o777 == 0o600
    was = json.loads(keep.read_text())["refresh_token"]
    assert was not in json.dumps(first)
    again = running.run("--keep", keep, name="nobody who signs in")
    assert running.who(again).endswith("/people/alice")
    kept = json.loads(keep.read_text())["refresh_token"]
    assert kept != was

    keep.write_text(keep.read_text().replace(kept, was))  # handed in twice: the provider ends it
    assert running.who(running.run("--keep", keep, name="bob")).endswith("/people/bob")


def test_a_code_for_another_device(running: Running) -> None:
    """The person enters the code elsewhere; the program asks no more often than it may."""
    told: list[str] = []
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            page = person.sign_in(
                str(running.issuer.certificate), told[-1].removeprefix("or open ")
            )
            assert "Sign-in Success" in page

    provider = Provider(running.issuer.url, str(running.issuer.certificate))
    wanted = SignIn(provider, Client("cli"), Flow.DEVICE, told.append)
    token = id_token(wanted, Patience(600.0, lambda: sum(waits), wait))
    assert waits == [5.0, 5.0]
    assert told[0].startswith(f"open {running.issuer.url}/device and enter the code ")

    answer = running.server.client("sts").assume_role_with_web_identity(
        RoleArn=running.role, RoleSessionName="device", WebIdentityToken=token
    )
    assert answer["SubjectFromWebIdentityToken"] == "alice"


def test_what_the_server_refuses(running: Running) -> None:
    """A role that trusts nobody of the provider is told with a hint, and nothing is printed."""
    done = subprocess.run(
        [BIN / "keystead", *running.options("--role", f"{running.role}-other")],
        env=running.environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "AccessDenied" in done.stderr
    assert "hint: the role's trust policy must allow" in done.stderr
