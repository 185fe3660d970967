# Keys of every spec, their policies, grants, aliases and ciphertexts, and what reads them.

locals {
  account = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"
  # Every spec that the provider knows but SM2, which AWS serves in China alone.
  specs = {
    SYMMETRIC_DEFAULT = "ENCRYPT_DECRYPT"
    RSA_2048          = "ENCRYPT_DECRYPT"
    RSA_3072          = "SIGN_VERIFY"
    RSA_4096          = "SIGN_VERIFY"
    ECC_NIST_P256     = "KEY_AGREEMENT"
    ECC_NIST_P384     = "SIGN_VERIFY"
    ECC_NIST_P521     = "SIGN_VERIFY"
    ECC_SECG_P256K1   = "SIGN_VERIFY"
    HMAC_224          = "GENERATE_VERIFY_MAC"
    HMAC_256          = "GENERATE_VERIFY_MAC"
    HMAC_384          = "GENERATE_VERIFY_MAC"
    HMAC_512          = "GENERATE_VERIFY_MAC"
  }
}

resource "aws_kms_key" "every" {
  for_each                 = local.specs
  description              = each.key
  customer_master_key_spec = each.key
  key_usage                = each.value
  deletion_window_in_days  = 7
  tags                     = { spec = each.key }
}

resource "aws_kms_key" "orders" {
  description             = "orders"
  deletion_window_in_days = 7
  tags                    = { team = "orders" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "account", Effect = "Allow", Action = "kms:*", Resource = "*"
        Principal = { AWS = local.account }
      },
      {
        Sid       = "alice", Effect = "Allow", Action = ["kms:Encrypt", "kms:Decrypt"], Resource = "*"
        Principal = { AWS = [aws_iam_user.alice.arn, aws_iam_role.worker.arn] }
      },
    ]
  })
}

resource "aws_kms_alias" "orders" {
  name          = "alias/terraform-orders"
  target_key_id = aws_kms_key.orders.key_id
}

resource "aws_kms_key" "rotated" {
  description             = "its policy is a resource of its own"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  rotation_period_in_days = 90
}

resource "aws_kms_key_policy" "rotated" {
  key_id = aws_kms_key.rotated.id
  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "rotated"
    Statement = [
      {
        Sid       = "account", Effect = "Allow", Action = "kms:*", Resource = "*"
        Principal = { AWS = local.account }
      },
      {
        Sid       = "worker", Effect = "Allow", Action = "kms:Decrypt", Resource = "*"
        Principal = { AWS = aws_iam_role.worker.arn }
        Condition = { StringEquals = { "kms:EncryptionContext:team" = "orders" } }
      },
    ]
  })
}

resource "aws_kms_alias" "rotated" {
  name_prefix   = "alias/terraform-rotated-"
  target_key_id = aws_kms_key.rotated.arn
}

resource "aws_kms_grant" "worker" {
  name               = "worker"
  key_id             = aws_kms_key.rotated.key_id
  grantee_principal  = aws_iam_role.worker.arn
  retiring_principal = aws_iam_user.alice.arn
  operations         = ["Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"]
  constraints {
    encryption_context_equals = { team = "orders", stage = "test" }
  }
}

resource "aws_kms_grant" "alice" {
  key_id            = aws_kms_key.every["HMAC_256"].arn
  grantee_principal = aws_iam_user.alice.arn
  operations        = ["GenerateMac", "VerifyMac", "RetireGrant"]
}

resource "aws_kms_ciphertext" "order" {
  key_id    = aws_kms_key.rotated.key_id
  plaintext = "an order of ten"
  context   = { team = "orders" }
}

data "aws_kms_key" "rotated" {
  key_id       = aws_kms_alias.rotated.arn
  grant_tokens = [aws_kms_grant.worker.grant_token]
}

data "aws_kms_alias" "orders" {
  name = aws_kms_alias.orders.name
}

data "aws_kms_public_key" "agreement" {
  key_id = aws_kms_key.every["ECC_NIST_P256"].arn
}

data "aws_kms_secrets" "order" {
  secret {
    name    = "order"
    payload = aws_kms_ciphertext.order.ciphertext_blob
    context = { team = "orders" }
  }
}

output "read" {
  value = {
    order   = nonsensitive(data.aws_kms_secrets.order.plaintext["order"])
    state   = data.aws_kms_key.rotated.key_state
    alias   = data.aws_kms_alias.orders.target_key_id
    key     = aws_kms_key.orders.key_id
    public  = data.aws_kms_public_key.agreement.public_key_pem
    replica = aws_kms_replica_key.here.arn
    own     = aws_kms_replica_external_key.here.arn
    specs   = { for spec, key in aws_kms_key.every : spec => key.arn }
  }
}
