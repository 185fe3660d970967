"""The tables of rules, by the name of the service: what `registry.implemented` must be found in."""

from collections.abc import Mapping

from keystead.identity.rules import ANALYZER, ANYWHERE, IAM, INSTANCES, ORGANIZATIONS, SERVICES, STS
from keystead.kms.rules import KMS
from keystead.network import EC2
from keystead.rules import Rules
from keystead.trails import CLOUDTRAIL

RULES: Mapping[str, Mapping[str, Rules]] = {
    "kms": KMS,
    "iam": IAM,
    "sts": STS,
    "organizations": ORGANIZATIONS,
    "access-analyzer": ANALYZER,
    "cloudtrail": CLOUDTRAIL,
    "ec2": EC2,
    "keystead": SERVICES,
    "keystead-instances": INSTANCES,
    "rolesanywhere": ANYWHERE,
}
