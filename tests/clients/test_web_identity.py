"""A real OpenID Connect provider vouches for programs, and SDKs find their tokens by themselves."""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.clients.provider import NEEDS_NODE, real_provider, serving_for
from tests.conftest import REGION, Server
from tests.federation.issuer import Issuer
from tests.identity.world import document
from tests.patience import PATIENCE

AUDIENCE = "sts.amazonaws.com"
ROLE = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
pytestmark = NEEDS_NODE


@dataclass
class Running:
    """The provider, the server that may reach it, and the role that trusts it."""

    server: Server
    issuer: Issuer
    role: str = ""
    provider: str = ""

    def token(self, resource: str = AUDIENCE) -> str:
        """A new token of the provider, as a program asks for it."""
        asked = {
            "grant_type": "client_credentials", "client_id": "job",
            "client_secret": "a-secret-of-this-test", "resource": f"urn:audience:{resource}",
        }  # fmt: skip
        trusted = ssl.create_default_context(cafile=str(self.issuer.certificate))
        with urlopen(f"{self.issuer.url}/token", urlencode(asked).encode(), context=trusted) as got:
            return str(json.load(got)["access_token"])

    def sts(self) -> Any:
        """A client without credentials."""
        unsigned = Config(retries={"total_max_attempts": 1})
        return boto3.Session().client(
            "sts", region_name=REGION, endpoint_url=self.server.endpoint, config=unsigned
        )

    def assume(self, token: str, **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.sts().assume_role_with_web_identity(
            RoleArn=self.role, RoleSessionName="job", WebIdentityToken=token, **members
        )
        return answer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("provider")
    with real_provider(folder) as issuer, serving_for(folder / "data") as server:
        yield _founded(server, issuer)


def _founded(server: Server, issuer: Issuer) -> Running:
    """The provider and a role for it."""
    iam = server.client("iam")
    provider = iam.create_open_id_connect_provider(
        Url=issuer.url, ClientIDList=[AUDIENCE, "curve"], ThumbprintList=[issuer.thumbprint]
    )["OpenIDConnectProviderArn"]
    host = issuer.url.removeprefix("https://")
    trust = document({
        "Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{host}:sub": "job"}},
    })  # fmt: skip
    role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="job", PolicyName="kms", PolicyDocument=document(ROLE))
    return Running(server, issuer, role, provider)


@pytest.mark.parametrize("audience", [AUDIENCE, "curve"])
def test_boto3(running: Running, audience: str) -> None:
    """Tokens of the provider, signed with RSA or on a curve, through boto3's own operation."""
    answer = running.assume(running.token(audience), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == "job"
    assert (answer["Audience"], answer["Provider"]) == (audience, running.provider)
    given = answer["Credentials"]
    kms = boto3.client(
        "kms", region_name=REGION, endpoint_url=running.server.endpoint,
        aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )  # fmt: skip
    assert kms.create_key()["KeyMetadata"]["Enabled"]
    with pytest.raises(ClientError) as refused:
        running.assume(running.token("other"))
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityToken"


def _environment(running: Running, folder: Path) -> dict[str, str]:
    """What a pod has: no credentials, but the name of a file with a token."""
    file = folder / "token"
    file.write_text(running.token())
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": running.role,
        "AWS_ROLE_SESSION_NAME": "pod", "AWS_ENDPOINT_URL": running.server.endpoint,
        "AWS_ENDPOINT_URL_STS": running.server.endpoint, "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip


def test_a_token_in_a_file(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 finds the token by itself, as in a pod of Kubernetes."""
    for name, value in _environment(running, tmp_path).items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/job/pod")
    assert session.client("kms").create_key()["KeyMetadata"]["Enabled"]


def test_the_javascript_sdk(running: Running, tmp_path: Path, js: Path) -> None:
    """So does the SDK for JavaScript."""
    ran = subprocess.run(
        ["node", "web-identity.mjs"],
        cwd=js, capture_output=True, text=True, check=False, timeout=PATIENCE,
        env={"PATH": os.environ["PATH"], **_environment(running, tmp_path)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["arn"].endswith(":assumed-role/job/pod")
    assert told["refused"] == "NotFoundException"


def test_the_operator(running: Running) -> None:
    """What a stranger is not told, the operator is told by the request id."""
    with pytest.raises(ClientError) as refused:
        running.assume(running.token("other"))
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    explained = running.server.keystead("explain", request_id)
    assert explained.returncode == 1
    assert "step 6: the audience is not among the client ids" in explained.stdout
    shown = running.server.keystead("audit", "show", "--json", "--last", "5")
    [record] = [
        each for line in shown.stdout.splitlines() if (each := json.loads(line))["requestID"] ==
        request_id
    ]  # fmt: skip
    assert "step 6" in record["errorMessage"]
    running.assume(running.token())
    shown = running.server.keystead("audit", "show", "--json", "--last", "1")
    identity = json.loads(shown.stdout)["userIdentity"]
    assert (identity["type"], identity["userName"]) == ("WebIdentityUser", "job")
    assert identity["identityProvider"] == running.provider
