"""Of the services that are served here every action and condition key is known by its name."""

import pytest

from keystead.policy.findings.names import action_problem, key_problem
from keystead.policy.language.condition_keys import KNOWN
from keystead.policy.language.published import ACTIONS


def meant(problem: str) -> str:
    """What it says was meant."""
    return problem.partition("did you mean ")[2].rstrip("?")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("kms:Encrpyt", "kms:Encrypt"),
        ("KMS:encrpyt", "kms:Encrypt"),
        ("kms:ReEncrypt", "kms:ReEncryptTo"),  # an operation, and two actions
        ("iam:CreatUser", "iam:CreateUser"),
        ("kmz:Encrypt", "kms:Encrypt"),
        ("ksm:Encrypt", "kms:Encrypt"),
        ("kms:Xyzzyplugh", ""),
    ],
)
def test_an_action_that_there_is_not(action: str, said: str) -> None:
    """It is named, with what was meant, if anything is like it."""
    problem = action_problem(action)
    assert problem.startswith(f"there is no action `{action}`")
    assert meant(problem).lower() == said.lower()


@pytest.mark.parametrize("action", ["kms:encrypt", "KMS:Encrypt", "s3:Anything", "sns:Publish"])
def test_an_action_that_there_may_be(action: str) -> None:
    """Case does not matter, and of services that are not ours any action may exist."""
    assert action_problem(action) == ""


def test_every_published_name_is_known() -> None:
    """No action and no condition key that AWS publishes is taken for a typing error."""
    actions = [f"{service}:{name}" for service in ACTIONS for name in ACTIONS[service].split()]
    assert [one for one in actions if action_problem(one)] == []
    keys = [f"{name}x" if name.endswith(("/", ":")) else name for name in KNOWN]
    assert [one for one in keys if key_problem(one)] == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("aws:SorceIp", "aws:SourceIp"),
        ("asw:SourceIp", "aws:SourceIp"),
        ("kms:EncryptionContex:app", "kms:EncryptionContext:app"),
        ("kms:EncryptionContext", "kms:EncryptionContext:NAME"),
        ("aws:PrincipalTags/Team", "aws:PrincipalTag/team"),
        ("aws:x", ""),
    ],
)
def test_a_key_that_there_is_not(key: str, said: str) -> None:
    """It is named, with what was meant, and with its own member of a family."""
    problem = key_problem(key)
    assert problem.startswith(f"there is no condition key `{key}`")
    assert meant(problem) == said


def test_a_family_is_no_key() -> None:
    """Its member is missing."""
    assert "write kms:EncryptionContext:NAME" in key_problem("kms:EncryptionContext:")


@pytest.mark.parametrize("key", ["AWS:sourceip", "s3:prefix", "app:a", "accounts.google.com:aud"])
def test_a_key_that_there_may_be(key: str) -> None:
    """Of prefixes that are not ours any key may exist."""
    assert key_problem(key) == ""
