# An endpoint of a network for KMS, and its policy.
resource "aws_vpc_endpoint" "kms" {
  vpc_id              = "vpc-0123456789abcdef0"
  service_name        = "com.amazonaws.${var.region}.kms"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = ["subnet-0123456789abcdef0"]
  security_group_ids  = ["sg-0123456789abcdef0"]
  private_dns_enabled = true
  tags                = { team = "orders" }
}

resource "aws_vpc_endpoint_policy" "kms" {
  vpc_endpoint_id = aws_vpc_endpoint.kms.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyCryptography"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
    }]
  })
}

data "aws_vpc_endpoint" "kms" {
  id         = aws_vpc_endpoint.kms.id
  depends_on = [aws_vpc_endpoint_policy.kms]
}

data "aws_vpc_endpoint_service" "kms" {
  service = "kms"
}

output "network" {
  value = {
    id       = aws_vpc_endpoint.kms.id
    state    = data.aws_vpc_endpoint.kms.state
    policy   = data.aws_vpc_endpoint.kms.policy
    service  = data.aws_vpc_endpoint_service.kms.service_name
  }
}

# An endpoint of IAM, which is in another Region than this network.
resource "aws_vpc_endpoint" "iam" {
  vpc_id              = "vpc-0123456789abcdef0"
  service_name        = "com.amazonaws.iam"
  service_region      = "us-east-1"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
}

# A tag of an instance that the operator registered, and the instances that have it.
variable "instance" { type = string }

resource "aws_ec2_tag" "team" {
  resource_id = var.instance
  key         = "team"
  value       = "terraform"
}

data "aws_instances" "team" {
  instance_tags = { team = aws_ec2_tag.team.value }
}

output "instances" { value = data.aws_instances.team.ids }

# What instances have for their metadata that are registered from now on.
resource "aws_ec2_instance_metadata_defaults" "here" {
  http_tokens                 = "required"
  http_put_response_hop_limit = 2
}
