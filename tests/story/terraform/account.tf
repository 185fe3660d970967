# The account as a whole, its providers of identities, and an organization.
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
      Effect = "Deny", Principal = "*", Action = "kms:*", Resource = "*"
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
