"""Terraform with the AWS provider, none of its skip flags: apply, an empty plan, destroy."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import OTHER_REGION, REGION, Server, refused
from tests.identity.saml_documents import metadata

CONFIGURATION = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}

provider "aws" {
  region     = "%(region)s"
  access_key = "%(key)s"
  secret_key = "%(secret)s"
  endpoints {
    kms = "%(endpoint)s"
    iam = "%(endpoint)s"
    sts = "%(endpoint)s"
    organizations = "%(endpoint)s"
  }
}

provider "aws" {
  alias      = "keeper"
  region     = "%(there)s"
  access_key = "%(key)s"
  secret_key = "%(secret)s"
  assume_role {
    role_arn     = "%(role)s"
    session_name = "terraform"
  }
  endpoints {
    kms = "%(endpoint)s"
    sts = "%(endpoint)s"
  }
}

resource "aws_kms_key" "kept" {
  provider                = aws.keeper
  description             = "made by the session of a role"
  deletion_window_in_days = 7
  enable_key_rotation     = true
}

data "aws_caller_identity" "me" {}

resource "aws_iam_user" "alice" {
  name = "terraform-alice"
  path = "/staff/"
  tags = { team = "orders" }
}

resource "aws_iam_user_login_profile" "alice" {
  user = aws_iam_user.alice.name
}

resource "aws_iam_virtual_mfa_device" "alice" {
  virtual_mfa_device_name = "terraform-alice"
  path                    = "/staff/"
  tags                    = { team = "orders" }
}

resource "aws_iam_group" "staff" {
  name = "terraform-staff"
}

resource "aws_iam_user_group_membership" "alice" {
  user   = aws_iam_user.alice.name
  groups = [aws_iam_group.staff.name]
}

resource "aws_iam_role" "worker" {
  name                 = "terraform-worker"
  path                 = "/staff/"
  description          = "works on orders"
  max_session_duration = 7200
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
  tags                 = { team = "orders" }
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow", Action = "sts:AssumeRole"
        Principal = { AWS = aws_iam_user.alice.arn }
      },
    ]
  })
}

resource "aws_iam_role_policy" "inline" {
  name = "inline"
  role = aws_iam_role.worker.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:DescribeKey", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "read" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
}

resource "aws_iam_instance_profile" "worker" {
  name = "terraform-worker"
  role = aws_iam_role.worker.name
}

resource "aws_iam_service_linked_role" "keys" {
  aws_service_name = "mrk.kms.amazonaws.com"
}

resource "aws_kms_key" "orders" {
  description             = "orders"
  deletion_window_in_days = 7
  tags                    = { team = "orders" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "account", Effect = "Allow", Action = "kms:*", Resource = "*"
        Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }
      },
      {
        Sid = "alice", Effect = "Allow", Action = ["kms:Encrypt", "kms:Decrypt"], Resource = "*"
        Principal = { AWS = [aws_iam_user.alice.arn, aws_iam_role.worker.arn] }
      },
    ]
  })
}

resource "aws_kms_alias" "orders" {
  name          = "alias/terraform-orders"
  target_key_id = aws_kms_key.orders.key_id
}

resource "aws_iam_policy" "orders" {
  name        = "terraform-orders"
  description = "use of the orders key"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Encrypt", Resource = aws_kms_key.orders.arn }]
  })
}

resource "aws_iam_user_policy_attachment" "orders" {
  user       = aws_iam_user.alice.name
  policy_arn = aws_iam_policy.orders.arn
}

resource "aws_iam_group_policy_attachment" "read" {
  group      = aws_iam_group.staff.name
  policy_arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
}

resource "aws_iam_user_policy" "inline" {
  name = "inline"
  user = aws_iam_user.alice.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:DescribeKey", Resource = "*" }]
  })
}

resource "aws_iam_access_key" "alice" {
  user = aws_iam_user.alice.name
}
"""

OWN_MATERIAL = """
resource "aws_kms_external_key" "own" {
  description             = "own key material, until a date"
  deletion_window_in_days = 7
  enabled                 = true
  key_material_base64     = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
  valid_to                = "%(date)s"
  tags                    = { team = "orders" }
}

resource "aws_kms_external_key" "waiting" {
  description             = "waits for its key material"
  deletion_window_in_days = 7
}
"""
"""Keys of imported material."""

ACCOUNT = """
resource "aws_iam_account_alias" "acme" {
  account_alias = "terraform-acme"
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = 14
  require_symbols                = true
  max_password_age               = 90
  password_reuse_prevention      = 5
  allow_users_to_change_password = true
}

resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://ci.example"
  client_id_list  = ["deploy"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
  tags            = { team = "orders" }
}

resource "aws_iam_saml_provider" "people" {
  name                   = "terraform-people"
  saml_metadata_document = file("${path.module}/metadata.xml")
}

resource "aws_organizations_organization" "acme" {
  aws_service_access_principals = ["iam.amazonaws.com"]
  enabled_policy_types          = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
  feature_set                   = "ALL"
}

resource "aws_organizations_organizational_unit" "workloads" {
  name      = "Workloads"
  parent_id = aws_organizations_organization.acme.roots[0].id
  tags      = { team = "orders" }
}

resource "aws_organizations_organizational_unit" "production" {
  name      = "Production"
  parent_id = aws_organizations_organizational_unit.workloads.id
}

resource "aws_organizations_account" "orders" {
  name      = "orders"
  email     = "terraform-orders@example.com"
  parent_id = aws_organizations_organizational_unit.production.id
  tags      = { team = "orders" }
}

resource "aws_organizations_policy" "no_deletion" {
  name        = "no-deletion"
  description = "keys stay"
  type        = "SERVICE_CONTROL_POLICY"
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Action = "kms:ScheduleKeyDeletion", Resource = "*" }]
  })
  depends_on = [aws_organizations_organization.acme]
}

resource "aws_organizations_policy" "inside" {
  name = "inside"
  type = "RESOURCE_CONTROL_POLICY"
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny", Principal = "*", Action = "kms:*", Resource = "*"
      Condition = { StringNotEqualsIfExists = {
        "aws:PrincipalOrgID" = aws_organizations_organization.acme.id
      } }
    }]
  })
}

resource "aws_organizations_policy_attachment" "no_deletion" {
  policy_id = aws_organizations_policy.no_deletion.id
  target_id = aws_organizations_organizational_unit.workloads.id
}

resource "aws_organizations_policy_attachment" "inside" {
  policy_id = aws_organizations_policy.inside.id
  target_id = aws_organizations_account.orders.id
}

resource "aws_organizations_delegated_administrator" "iam" {
  account_id        = aws_organizations_account.orders.id
  service_principal = "iam.amazonaws.com"
}

resource "aws_organizations_resource_policy" "delegation" {
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow", Action = ["organizations:ListRoots"], Resource = "*"
      Principal = { AWS = "arn:aws:iam::${aws_organizations_account.orders.id}:root" }
    }]
  })
}

resource "aws_iam_organizations_features" "root_access" {
  enabled_features = ["RootCredentialsManagement", "RootSessions"]
  depends_on       = [aws_organizations_organization.acme]
}
"""
"""The account as a whole, its providers of identities, and an organization."""


SEVERAL_REGIONS = """
resource "aws_kms_key" "primary" {
  description             = "orders of two Regions"
  multi_region            = true
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_kms_replica_key" "there" {
  provider                = aws.keeper
  description             = "orders, there"
  primary_key_arn         = aws_kms_key.primary.arn
  deletion_window_in_days = 7
  tags                    = { team = "orders" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow", Action = "kms:*", Resource = "*"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }
    }]
  })
}

resource "aws_kms_alias" "there" {
  provider      = aws.keeper
  name          = "alias/terraform-there"
  target_key_id = aws_kms_replica_key.there.key_id
}
"""
"""A key of two Regions, by a provider for each: one more provider would take 40 s more."""


def keeper(server: Server) -> str:
    """The ARN of a role that the administrator may assume, and that may do everything with keys."""
    iam = server.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": server.client("sts").get_caller_identity()["Account"]},
        },
    }  # fmt: skip
    keys = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
    }
    role = iam.create_role(RoleName="keeper", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName="keeper", PolicyName="keys", PolicyDocument=json.dumps(keys))
    return str(role["Arn"])


def mirror() -> Path | None:
    """A local mirror of the provider: named by KEYSTEAD_TERRAFORM_MIRROR, or in a usual place."""
    named = os.environ.get("KEYSTEAD_TERRAFORM_MIRROR")
    places = [
        *([Path(named)] if named else []),
        Path.home() / ".terraform.d" / "plugins",
        Path("/usr/local/share/terraform/plugins"),
        *Path("/opt").glob("*"),
    ]
    for place in places:
        if (place / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0").is_dir():
            return place
    return None


MISSING = (
    "terraform 1.x and a filesystem mirror with hashicorp/aws 5.100.0 are not on this machine"
    " (KEYSTEAD_TERRAFORM_MIRROR names the mirror): Terraform was NOT tried"
)


@pytest.mark.skipif(shutil.which("terraform") is None or mirror() is None, reason=MISSING)
def test_apply_plan_destroy(server: Server, tmp_path: Path) -> None:
    """Keys, identities, policies, providers, settings and an organization live and die."""
    (tmp_path / "metadata.xml").write_text(metadata())
    (tmp_path / "account.tf").write_text(ACCOUNT)
    date = datetime.now(UTC) + timedelta(days=30)
    material = OWN_MATERIAL % {"date": date.strftime("%Y-%m-%dT%H:%M:%SZ")}
    (tmp_path / "imports.tf").write_text(material)
    (tmp_path / "main.tf").write_text(
        CONFIGURATION
        % {
            "region": REGION,
            "there": OTHER_REGION,
            "endpoint": server.endpoint,
            "key": server.admin.access_key_id,
            "secret": server.admin.secret,
            "role": keeper(server),
        }
    )
    (tmp_path / "regions.tf").write_text(SEVERAL_REGIONS)
    (tmp_path / "terraformrc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n'
    )

    def terraform(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=tmp_path, text=True, capture_output=True, check=False, timeout=240,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
                "TF_CLI_CONFIG_FILE": str(tmp_path / "terraformrc"),
                "CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true",
                "GOGC": "400",  # a third of the provider's time was to collect garbage
            },
        )  # fmt: skip

    for step in (
        ("init", "-input=false"),
        ("apply", "-auto-approve", "-input=false"),
        ("plan", "-detailed-exitcode", "-input=false"),
        ("destroy", "-auto-approve", "-input=false"),
    ):
        ran = terraform(*step)
        assert ran.returncode == 0, f"terraform {step[0]}:\n{ran.stdout}\n{ran.stderr}"

    iam, kms = server.client("iam"), server.client("kms")
    assert "terraform-alice" not in {u["UserName"] for u in iam.list_users()["Users"]}
    assert "terraform-worker" not in {r["RoleName"] for r in iam.list_roles()["Roles"]}
    assert "alias/terraform-orders" not in {a["AliasName"] for a in kms.list_aliases()["Aliases"]}
    assert iam.list_account_aliases()["AccountAliases"] == []
    there = server.client("kms", region=OTHER_REGION)
    assert "alias/terraform-there" not in {a["AliasName"] for a in there.list_aliases()["Aliases"]}
    with refused("AWSOrganizationsNotInUseException"):
        server.client("organizations").describe_organization()
