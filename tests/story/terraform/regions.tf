# Keys of several Regions: a primary, and a replica of one that lives in another Region.

resource "aws_kms_key" "primary" {
  description             = "orders of several Regions"
  multi_region            = true
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_kms_replica_key" "here" {
  description             = "orders, here"
  primary_key_arn         = var.primary
  deletion_window_in_days = 7
  tags                    = { team = "orders" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow", Action = "kms:*", Resource = "*"
      Principal = { AWS = local.account }
    }]
  })
}

resource "aws_kms_alias" "here" {
  name          = "alias/terraform-replica"
  target_key_id = aws_kms_replica_key.here.key_id
}
