# The AWS provider, none of its skip flags, against a Keystead server. It acts with a role's session.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}

variable "region" { type = string }
variable "endpoint" { type = string }
variable "access_key" { type = string }
variable "secret_key" {
  type      = string
  sensitive = true
}
variable "role" { type = string }
variable "date" { type = string }
variable "primary" { type = string }
variable "imported" { type = string }
variable "material" {
  type      = string
  sensitive = true
}

provider "aws" {
  region     = var.region
  access_key = var.access_key
  secret_key = var.secret_key
  assume_role {
    role_arn     = var.role
    session_name = "terraform"
  }
  endpoints {
    kms           = var.endpoint
    iam           = var.endpoint
    sts           = var.endpoint
    organizations = var.endpoint
    ec2           = var.endpoint
  }
}

data "aws_caller_identity" "me" {}
