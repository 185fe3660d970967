"""ARNs: parsed when they must be ones, taken apart when people may write patterns."""

import pytest

from keystead.arns import (
    Arn,
    NotAnArn,
    Written,
    account_in,
    is_account_id,
    partition_in,
    written,
)

USER = "arn:aws:iam::111122223333:user/a:b/jo"


def test_an_arn_is_parsed_once() -> None:
    """The resource keeps its own colons and slashes, and the text comes back."""
    arn = Arn.parse(USER)
    assert (arn.service, arn.region, arn.account) == ("iam", "", "111122223333")
    assert arn.resource == "user/a:b/jo"
    assert str(arn) == USER


@pytest.mark.parametrize(
    "text",
    ["", "arn:aws:iam", "arn:aws:iam::111122223333:", "arn:aws:iam::*:user/jo", USER + "\n",
     "arn:aws:iam::1111:user/jo", "x" + USER],
)  # fmt: skip
def test_what_is_no_arn(text: str) -> None:
    """An account that is none, a resource that is empty, another beginning or end are refused."""
    with pytest.raises(NotAnArn):
        Arn.parse(text)


def test_what_people_write() -> None:
    """A pattern in the form of an ARN has six parts, too; what has fewer has none."""
    assert written("arn:*:kms:*:*:key/*:x") == Written("arn", "*", "kms", "*", "*", "key/*:x")
    assert written(":::::") == Written("", "", "", "", "", "")
    assert written("arn:aws:s3:::") is not None
    assert written("arn:aws:s3") is written("*") is None


def test_account_and_partition() -> None:
    """What stands in the place of the account and the partition, or nothing."""
    assert account_in(USER) == "111122223333"
    assert account_in("arn:aws:iam::aws:policy/Any") == "aws"
    assert account_in("arn:aws:s3:::bucket") == account_in("111122223333") == ""
    assert partition_in(USER) == partition_in("arn:aws") == "aws"
    assert partition_in("arn:aws-cn:iam::111122223333:root") == "aws-cn"
    assert partition_in("*") == partition_in("urn:aws:x") == partition_in("arn") == ""


@pytest.mark.parametrize(
    "text", ["", "11112222333", "1111222233334", "11112222333x", "\uff11" * 12]
)
def test_account_ids(text: str) -> None:
    """Twelve ASCII digits, and nothing else."""
    assert not is_account_id(text)
    assert is_account_id("111122223333")
