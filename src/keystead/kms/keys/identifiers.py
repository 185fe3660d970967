"""Which key does this text name?  Key id, key ARN, alias name, alias ARN (kms.md 2, 3).

A bare id or alias name is the caller's own, in the Region of the request.
"""

import re
from typing import NamedTuple

from keystead.arns import Arn, NotAnArn, kms_arn, partition_of
from keystead.errors import AwsError, ValidationException
from keystead.kms.rules import KmsRules
from keystead.wire.models import kms as api

_KEY_ID = re.compile(
    r"\A(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})\Z"
)


class Reference(NamedTuple):
    """A key or an alias that a request names."""

    account: str
    region: str
    resource: str  # "key/…" or "alias/…"

    @property
    def is_alias(self) -> bool:
        return self.resource.startswith("alias/")

    @property
    def key_id(self) -> str:
        return self.resource.removeprefix("key/")

    @property
    def arn(self) -> str:
        return kms_arn(self.region, self.account, self.resource)


def is_key_id(text: str) -> bool:
    """Is this the form of a key id?"""
    return _KEY_ID.match(text) is not None


def key_reference(account: str, region: str, key_id: str) -> Reference:
    """The name of a key by its parts."""
    return Reference(account, region, f"key/{key_id}")


def parse(rules: KmsRules, account: str, region: str, text: str) -> Reference:
    """The key or alias that `text` names in a request of this account, in this Region."""
    if text.startswith("arn:"):
        reference = _from_arn(rules, region, text)
    elif text.startswith("alias/"):
        reference = Reference(account, region, text)
    else:
        reference = key_reference(account, region, text)
    if reference.is_alias:
        if not rules.by_alias:
            raise _alias_refused(rules, text)
    elif not is_key_id(reference.key_id):
        raise _invalid_key_id(reference.key_id)
    return reference


def _from_arn(rules: KmsRules, region: str, text: str) -> Reference:
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise _invalid_arn(rules, text) from None
    if (arn.partition, arn.service) != (partition_of(region).name, "kms") or not arn.account:
        raise _invalid_arn(rules, text)
    if not arn.resource.startswith(("key/", "alias/")):
        raise _invalid_arn(rules, text)
    if arn.region != region:
        raise api.NotFoundException(f"Invalid arn {arn.region}")
    return Reference(arn.account, arn.region, arn.resource)


def _invalid_key_id(text: str) -> AwsError:
    return api.NotFoundException(f"Invalid keyId '{text}'")


def _invalid_arn(rules: KmsRules, text: str) -> AwsError:
    """The cryptographic operations do not model InvalidArnException."""
    if api.InvalidArnException in rules.operation.errors:
        return api.InvalidArnException(f"Invalid arn {text}")
    return _invalid_key_id(text)


def _alias_refused(rules: KmsRules, text: str) -> AwsError:
    if rules.sets_alias:
        return ValidationException("Aliases must refer to keys. Not aliases")
    return _invalid_key_id(text)
