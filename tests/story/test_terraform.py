"""Terraform with the AWS provider, none of its skip flags: apply, an empty plan, destroy."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.agent import hosts
from tests.components import not_tried
from tests.conftest import OTHER_REGION, REGION, Server, policy, refused
from tests.identity.saml_documents import metadata
from tests.importing import bring
from tests.patience import PATIENCE

CONFIGURATION = Path(__file__).parent / "terraform"
REGISTRY = "registry.terraform.io/hashicorp/aws"

Terraform = Callable[..., str]


def administering(server: Server) -> str:
    """The ARN of a role that the administrator may assume, and that may do everything."""
    account = server.client("sts").get_caller_identity()["Account"]
    trusting = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam, name = server.client("iam"), "terraform-administrators"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trusting))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(everything))
    return str(role["Arn"])


def provider() -> Path | None:
    """The provider in a local mirror: named by KEYSTEAD_TERRAFORM_MIRROR, or in a usual place."""
    named = os.environ.get("KEYSTEAD_TERRAFORM_MIRROR")
    places = [
        *([Path(named)] if named else []),
        Path.home() / ".terraform.d" / "plugins",
        Path("/usr/local/share/terraform/plugins"),
        *Path("/opt").glob("*"),
    ]
    found = (each.glob(f"{REGISTRY}/5.100.0/*/terraform-provider-aws*") for each in places)
    return next((file for files in found for file in files), None)


MISSING = not_tried(
    "Terraform was",
    "terraform 1.x and a filesystem mirror with hashicorp/aws 5.100.0 are not on this machine"
    " (KEYSTEAD_TERRAFORM_MIRROR names the mirror)",
)
QUIET = {
    **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
    "CHECKPOINT_DISABLE": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "GOGC": "off",  # a third of the provider's time was to collect garbage
    "GOMEMLIMIT": "2GiB",
}


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The provider, started once for all commands, as those who work on a provider start it.

    Each command would start it two or three times, which takes far longer than all calls.
    """
    with (tmp_path_factory.mktemp("provider") / "log").open("w") as log:
        running = subprocess.Popen(
            [str(provider()), "-debug"], stdout=subprocess.PIPE, stderr=log, text=True, env=QUIET
        )
    assert running.stdout is not None
    told = (line.partition("TF_REATTACH_PROVIDERS=")[2] for line in running.stdout)
    yield next(text.strip().strip("'") for text in told if text)
    running.terminate()
    running.wait(timeout=PATIENCE)


@pytest.fixture
def terraform(server: Server, attached: str, tmp_path: Path) -> Terraform:
    """Runs a command of Terraform in a folder with the configuration; what it says."""
    for file in CONFIGURATION.glob("*.tf"):
        shutil.copy(file, tmp_path)
    (tmp_path / "metadata.xml").write_text(metadata())
    (tmp_path / "terraformrc").touch()
    there, secret = server.client("kms", region=OTHER_REGION), bytes(range(32))
    imported = there.create_key(MultiRegion=True, Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    bring(there, imported, secret)
    date = datetime.now(UTC) + timedelta(days=30)
    variables = {
        "region": REGION, "endpoint": server.endpoint,
        "access_key": server.admin.access_key_id, "secret_key": server.admin.secret,
        "role": administering(server), "date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "primary": there.create_key(MultiRegion=True)["KeyMetadata"]["Arn"],
        "imported": imported, "material": b64encode(secret).decode(),
        "instance": hosts.register(server, "--tag", "Name=terraform"),
    }  # fmt: skip
    environment = {
        **QUIET,
        **{f"TF_VAR_{name}": value for name, value in variables.items()},
        "TF_REATTACH_PROVIDERS": attached,
        "TF_CLI_CONFIG_FILE": str(tmp_path / "terraformrc"),
    }

    def run(*arguments: str) -> str:
        ran = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=tmp_path, text=True, capture_output=True, check=False, timeout=480,
            env=environment,
        )  # fmt: skip
        assert ran.returncode == 0, f"terraform {arguments[0]}:\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    return run


@pytest.mark.skipif(shutil.which("terraform") is None or provider() is None, reason=MISSING)
def test_apply_plan_destroy(server: Server, terraform: Terraform) -> None:
    """Keys, identities, policies, providers, settings and an organization live and die."""
    at_once = "-parallelism=40"  # the provider waits until what it changed is seen five times
    terraform("apply", "-auto-approve", "-input=false", at_once)
    iam, kms = server.client("iam"), server.client("kms")
    read = json.loads(terraform("output", "-json", "read"))
    assert (read["order"], read["state"], read["alias"]) == (
        "an order of ten", "Enabled", read["key"],
    )  # fmt: skip
    assert read["public"].startswith("-----BEGIN PUBLIC KEY-----")
    network = json.loads(terraform("output", "-json", "network"))
    assert network["state"] == "available"
    assert "OnlyCryptography" in network["policy"]
    assert network["service"] == f"com.amazonaws.{REGION}.kms"
    [tagged] = json.loads(terraform("output", "-json", "instances"))
    for spec, arn in read["specs"].items():
        assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeySpec"] == spec
    terraform("plan", "-detailed-exitcode", "-input=false", at_once)
    terraform("destroy", "-auto-approve", "-input=false", "-refresh=false", at_once)

    for arn in (*read["specs"].values(), read["replica"], read["own"]):
        assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    left = server.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert network["id"] not in {each["VpcEndpointId"] for each in left}
    here = [{"Name": "resource-id", "Values": [tagged]}]
    [kept] = server.client("ec2").describe_tags(Filters=here)["Tags"]
    assert (kept["Key"], kept["Value"]) == ("Name", "terraform")
    defaults = server.client("ec2").get_instance_metadata_defaults()["AccountLevel"]
    assert defaults == {"ManagedBy": "account"}
    assert "terraform-alice" not in {u["UserName"] for u in iam.list_users()["Users"]}
    assert "terraform-worker" not in {r["RoleName"] for r in iam.list_roles()["Roles"]}
    assert [a for a in kms.list_aliases()["Aliases"] if "terraform" in a["AliasName"]] == []
    assert iam.list_account_aliases()["AccountAliases"] == []
    with refused("AWSOrganizationsNotInUseException"):
        server.client("organizations").describe_organization()
