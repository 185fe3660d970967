"""A real SAML provider vouches for people, through boto3, the AWS CLI and the server's own door."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests import npm
from tests.components import needs_node
from tests.conftest import REGION, Server, free_port
from tests.federation import saml_issuer as issuer
from tests.federation.saml_issuer import AUDIENCE, AWS, RECIPIENT, key
from tests.identity.saml_documents import ENTITY, private_pem
from tests.identity.world import document
from tests.patience import PATIENCE

HERE = Path(__file__).parents[1] / "federation" / "saml_provider"
pytestmark = needs_node("a real SAML provider was")
GCM = {"encrypt": True, "encryptionAlgorithm": "http://www.w3.org/2009/xmlenc11#aes256-gcm"}
CBC = {"encrypt": True, "encryptionAlgorithm": "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
       "disallowEncryptionWithInsecureAlgorithm": False}  # fmt: skip


@dataclass
class Running:
    """The provider, the server, and the role that trusts the provider."""

    server: Server
    node: subprocess.Popen[str]
    role: str = ""
    provider: str = ""

    def response(self, **options: Any) -> str:
        """A new response of the provider, as a browser would post it."""
        asked = {
            "subject": "jo@example.com", "issuer": ENTITY, "audience": AUDIENCE,
            "recipient": RECIPIENT, "destination": RECIPIENT, "signatureAlgorithm": "rsa-sha256",
            "digestAlgorithm": "sha256", "lifetimeInSeconds": 300,
            "nameIdentifierFormat": issuer.PERSISTENT,
            "claims": {
                f"{AWS}Role": [f"{self.role},{self.provider}"], f"{AWS}RoleSessionName": "jo",
                f"{AWS}SessionDuration": "1800", "urn:oid:2.5.4.3": ["Jo"],
            },
            **options,
        }  # fmt: skip
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        self.node.stdin.write(json.dumps(asked) + "\n")
        self.node.stdin.flush()
        told = json.loads(self.node.stdout.readline())
        assert "response" in told, told
        return str(told["response"])

    def assume(self, response: str) -> dict[str, Any]:
        config = Config(retries={"total_max_attempts": 1}, signature_version=UNSIGNED)
        sts = boto3.client("sts", region_name=REGION, endpoint_url=self.server.endpoint,
                           config=config)  # fmt: skip
        answer: dict[str, Any] = sts.assume_role_with_saml(
            RoleArn=self.role, PrincipalArn=self.provider, SAMLAssertion=response
        )
        return answer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("samlp")
    npm.fetch(HERE, folder, ["provider.mjs"])
    (folder / "idp.key").write_text(private_pem(key("idp")))
    (folder / "idp.crt").write_bytes(issuer.public_pem("idp"))
    (folder / "sp.crt").write_bytes(issuer.public_pem("sp"))
    (folder / "sp.pub").write_bytes(issuer.bare_pem("sp"))
    node = subprocess.Popen(
        ["node", "provider.mjs"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    server = Server(folder / "data", free_port())
    server.start()
    try:
        yield _founded(server, node)
    finally:
        node.kill()
        node.wait()
        server.stop()


def _founded(server: Server, node: subprocess.Popen[str]) -> Running:
    """The provider, with the certificate of a later key first, and a role for it."""
    iam = server.client("iam")
    provider = iam.create_saml_provider(
        Name="idp", SAMLMetadataDocument=issuer.described("later", "idp"),
        AddPrivateKey=private_pem(key("sp")),
    )["SAMLProviderArn"]  # fmt: skip
    trust = document({
        "Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithSAML",
        "Condition": {"StringEquals": {"saml:aud": RECIPIENT, "saml:sub": "jo@example.com"},
                      "ForAnyValue:StringEquals": {"saml:cn": "Jo"}},
    })  # fmt: skip
    role = iam.create_role(RoleName="jobs", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    iam.put_role_policy(RoleName="jobs", PolicyName="kms", PolicyDocument=document(allowed))
    return Running(server, node, role, provider)


@pytest.mark.parametrize(
    "options",
    [{}, {"signResponse": True}, {"signResponse": True, "signAssertion": False},
     {"signatureAlgorithm": "rsa-sha256", "signatureNamespacePrefix": "ds"}, GCM,
     {**CBC, "signResponse": True}],
)  # fmt: skip
def test_boto3(running: Running, options: dict[str, Any]) -> None:
    """Responses of the provider, signed and encrypted in its ways, through boto3's operation."""
    response = running.response(**options)
    answer = running.assume(response)
    assert (answer["Subject"], answer["SubjectType"]) == ("jo@example.com", "persistent")
    assert (answer["Issuer"], answer["Audience"]) == (ENTITY, RECIPIENT)
    given = answer["Credentials"]
    kms = boto3.client(
        "kms", region_name=REGION, endpoint_url=running.server.endpoint,
        aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )  # fmt: skip
    assert kms.create_key()["KeyMetadata"]["Enabled"]
    with pytest.raises(ClientError) as refused:
        running.assume(response)
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityToken"


@pytest.mark.parametrize(
    "options",
    [{"signAssertion": False}, CBC, {"signatureAlgorithm": "rsa-sha1"}, {"digestAlgorithm": "sha1"},
     {"audience": "urn:other"}, {"recipient": "https://other.example"}],
)  # fmt: skip
def test_what_the_provider_should_not_do(running: Running, options: dict[str, Any]) -> None:
    """Its weaker ways, and responses for others, are refused."""
    with pytest.raises(ClientError) as refused:
        running.assume(running.response(**options))
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityToken"


def test_the_cli(running: Running, tmp_path: Path) -> None:
    """The AWS CLI takes the response from a file."""
    file = tmp_path / "response"
    file.write_text(running.response())
    ran = subprocess.run(
        [sys.executable, "-m", "awscli", "sts", "assume-role-with-saml", "--role-arn",
         running.role, "--principal-arn", running.provider, "--saml-assertion", f"file://{file}"],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_DEFAULT_REGION": REGION,
             "AWS_ENDPOINT_URL": running.server.endpoint},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["AssumedRoleUser"]["Arn"].endswith(":assumed-role/jobs/jo")


def test_the_javascript_sdk(running: Running, tmp_path: Path, js: Path) -> None:
    """So does the SDK for JavaScript, without credentials; the response is good once."""
    ran = subprocess.run(
        ["node", "saml.mjs"],
        cwd=js, capture_output=True, text=True, check=False, timeout=PATIENCE,
        env={
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": running.server.endpoint, "ROLE": running.role,
            "PROVIDER": running.provider, "RESPONSE": running.response(),
        },
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["arn"].endswith(":assumed-role/jobs/jo")
    assert (told["subject"], told["ends"]) == ("jo@example.com", True)
    assert told["refused"] == "NotFoundException"
    assert told["again"].startswith("InvalidIdentityToken")


def test_the_operator(running: Running) -> None:
    """What a stranger is not told, the operator is told by the request id."""
    response = base64.b64decode(running.response()).decode().replace("jo@example.com", "al@x")
    with pytest.raises(ClientError) as refused:
        running.assume(issuer.packed(response))
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    explained = running.server.keystead("explain", request_id)
    assert explained.returncode == 1
    assert "step 5: no certificate of the provider verifies" in explained.stdout
