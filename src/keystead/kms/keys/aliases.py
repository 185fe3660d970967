"""Which names can an alias have, and how do policies see an alias?  (kms.md 2, 6.4, 10.4)"""

import re

from keystead.arns import kms_arn
from keystead.call import Target
from keystead.errors import AwsError, ValidationException
from keystead.wire.models import kms as api

RESOURCE_TYPE = "AWS::KMS::Alias"

_NAME = re.compile(r"\A[a-zA-Z0-9/_-]+\Z")
_DOCUMENTATION = "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"


class NotAuthorizedException(AwsError):
    """The alias belongs to AWS. The real service sends no message."""

    code = "NotAuthorizedException"


def read_name(name: str) -> str:
    """The name of an alias that its owner may make, move or delete."""
    if not name.startswith("alias/"):
        raise ValidationException(
            f'Alias must start with the prefix "alias/". Please see {_DOCUMENTATION}'
        )
    if not _NAME.match(name):
        raise ValidationException(f"{name} contains invalid characters for an alias")
    if name == "alias/":
        raise api.InvalidAliasNameException(f"{name} is not a valid alias name")
    if name.startswith("alias/aws/"):
        raise NotAuthorizedException
    return name


def target(region: str, account: str, name: str) -> Target:
    """The alias as a resource. It has no policy: only identity policies can name aliases."""
    return Target(kms_arn(region, account, name), account, RESOURCE_TYPE)
