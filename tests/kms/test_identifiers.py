"""Which key does a text name?"""

import pytest

from keystead.kms.rules import KMS
from tests.kms.world import ACCOUNT, REGION, Kms, refused

MISSING = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}"


@pytest.mark.parametrize(
    "text",
    ["fake-key-id", "1234abcd12ab34cd56ef1234567890ab", "mrk-fake-key-id", MISSING.upper(),
     f" {MISSING}", f"{MISSING}\n", "key/" + MISSING, "*", "é"],
)  # fmt: skip
def test_malformed_ids(admin: Kms, text: str) -> None:
    """What has not the form of a key id is told so, in AWS's words."""
    for attempt in (admin.describe_key, admin.disable_key):
        with refused("NotFoundException", f"Invalid keyId '{text}'"):
            attempt(KeyId=text)


@pytest.mark.parametrize("key_id", [MISSING, "mrk-" + "0" * 32])
def test_keys_that_do_not_exist(admin: Kms, key_id: str) -> None:
    """A well-formed id of nothing, bare or in an ARN, does not exist."""
    for text in (key_id, f"{ARN}:key/{key_id}"):
        for attempt in (admin.describe_key, admin.disable_key):
            with refused("NotFoundException", f"Key '{ARN}:key/{key_id}' does not exist"):
                attempt(KeyId=text)


def test_another_region(admin: Kms) -> None:
    """An ARN of another Region names that Region."""
    key = admin.key()
    with refused("NotFoundException", "Invalid arn us-east-1"):
        admin.describe_key(KeyId=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}")
    admin.describe_key(KeyId=f"{ARN}:key/{key}")


@pytest.mark.parametrize("text", ["alias/none", f"{ARN}:alias/none"])
def test_unknown_aliases(admin: Kms, text: str) -> None:
    """An alias of nothing is not found."""
    with refused("NotFoundException", f"Alias {ARN}:alias/none is not found."):
        admin.describe_key(KeyId=text)


@pytest.mark.parametrize("text", ["alias/mine", f"{ARN}:alias/mine"])
def test_aliases_where_only_keys_will_do(admin: Kms, text: str) -> None:
    """An operation that takes only a key refuses its alias, even one that exists."""
    admin.create_alias(AliasName="alias/mine", TargetKeyId=admin.key())
    admin.describe_key(KeyId=text)
    with refused("NotFoundException", f"Invalid keyId '{text}'"):
        admin.disable_key(KeyId=text)
    with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
        admin.create_alias(AliasName="alias/other", TargetKeyId=text)


def test_operations_by_alias_only_read() -> None:
    """Keys found by what callers call them are kept: no such operation changes anything."""
    assert all(row.operation.read_only for row in KMS.values() if row.by_alias)


@pytest.mark.parametrize(
    "text",
    ["arn:", "arn:aws:kms", f"arn:aws:iam::{ACCOUNT}:user/alice", f"{ARN}:grant/1", f"{ARN}:key",
     f"arn:aws-cn:kms:{REGION}:{ACCOUNT}:key/{MISSING}", f"arn:aws:kms:{REGION}::key/{MISSING}"],
)  # fmt: skip
def test_arns_of_something_else(admin: Kms, text: str) -> None:
    """An ARN that is not a KMS key's is invalid, by the error that the operation models."""
    with refused("InvalidArnException", f"Invalid arn {text}"):
        admin.describe_key(KeyId=text)
    with refused("NotFoundException", f"Invalid keyId '{text}'"):
        admin.encrypt(KeyId=text, Plaintext=b"x")
