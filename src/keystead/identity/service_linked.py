"""Which services have a service-linked role, and what is it?  A fixed list (iam.md 1.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from keystead.identity.kinds import POLICY
from keystead.identity.names import AWS_ACCOUNT, SERVICE_LINKED

_TRUST = """\
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Service": "%s"
      },
      "Action": "sts:AssumeRole"
    }
  ]
}"""


@dataclass(frozen=True, slots=True)
class ServiceLinked:
    """The role of one service. None of them takes a suffix."""

    service: str
    name: str
    policy: str  # the name of AWS's policy for it

    @property
    def path(self) -> str:
        return path_of(self.service)

    @property
    def policy_arn(self) -> str:
        return POLICY.arn(AWS_ACCOUNT, SERVICE_LINKED, self.policy)

    @property
    def trust_policy(self) -> str:
        return _TRUST % self.service


def path_of(service: str) -> str:
    """The path of a service's roles."""
    return f"{SERVICE_LINKED}{service}/"


SERVICE_LINKED_ROLES: Mapping[str, ServiceLinked] = {
    role.service: role
    for role in (
        ServiceLinked(
            "cks.kms.amazonaws.com",
            "AWSServiceRoleForKeyManagementServiceCustomKeyStores",
            "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
        ),
        ServiceLinked(
            "mrk.kms.amazonaws.com",
            "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
            "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
        ),
    )
}
"""By the service."""
