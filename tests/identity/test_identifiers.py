"""Ids: their forms, and the account that is readable in an access key id."""

import re

import pytest

from keystead.identity import identifiers


@pytest.mark.parametrize(
    "account", ["000000000000", "000000000001", "123456789012", "999999999999"]
)
def test_account_is_readable_in_an_access_key_id(account: str) -> None:
    """An access key id names its account, odd and even, first and last."""
    key = identifiers.access_key_id("AKIA", account)

    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key)
    assert identifiers.account_of(key) == account


def test_published_pair() -> None:
    """The encoding is AWS's: a published key id and its account agree."""
    assert identifiers.account_of("ASIAQNZGKIQY56JQ7WML") == "029608264753"


@pytest.mark.parametrize(
    "key_id",
    ["", "AKIA", "AKIAIOSFODNN7EXAMPLE1", "akiaQNZGKIQY56JQ7WML", "AKIAAAAAAAAAAAAAAAAA",
     "AKIA77777777AAAAAAAA", "AKIAQNZGKIQY56JQ7WML\n", "AROAQNZGKIQY56JQ7WML"],
)  # fmt: skip
def test_other_forms_name_no_account(key_id: str) -> None:
    """What is not of our form names no account."""
    assert identifiers.account_of(key_id) is None


def test_ids_differ() -> None:
    """No two account ids or access key ids are alike."""
    accounts = {identifiers.account_id() for _ in range(1000)}
    keys = {identifiers.access_key_id("AKIA", "123456789012") for _ in range(1000)}

    assert len(accounts) == len(keys) == 1000
    assert all(re.fullmatch("[1-9][0-9]{11}", account) for account in accounts)
