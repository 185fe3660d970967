# Users, groups, roles and policies.

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
        Effect    = "Allow", Action = "sts:AssumeRole"
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
