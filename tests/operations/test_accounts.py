"""Every operation on a key of another account that shares it (kms.md 3, 10.2)."""

import json
from typing import Any

import pytest

from tests.conftest import Credentials, Server, policy
from tests.kms.test_rules import CATALOGUE
from tests.operations.calling import OK, outcome
from tests.operations.requests import GOOD, Members
from tests.operations.subjects import Subject, Subjects

ABOUT_KEYS = [name for name, good in GOOD.items() if good.kind and good.key]
ACROSS = {name for name in ABOUT_KEYS if CATALOGUE[name][7] == "Y"}


@pytest.fixture(scope="module")
def account(server: Server) -> tuple[str, Any]:
    """Another account, and its root user."""
    made = json.loads(server.keystead("account", "create", "--json").stdout)
    guest = server.client("kms", Credentials(made["AccessKeyId"], made["SecretAccessKey"]))
    guest.create_alias(
        AliasName="alias/own", TargetKeyId=guest.create_key()["KeyMetadata"]["KeyId"]
    )
    return made["AccountId"], guest


@pytest.fixture(scope="module")
def shared(server: Server, account: tuple[str, Any]) -> Subjects:
    """Keys whose policies let both accounts do everything."""
    return Sharing(server, account[0])


class Sharing(Subjects):
    """Shares every key with another account."""

    def __init__(self, server: Server, account: str) -> None:
        super().__init__(server)
        self.account = account

    def _prepare(self, subject: Subject) -> None:
        super()._prepare(subject)
        both = {"AWS": [subject.arn.split(":")[4], self.account]}
        allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": both}
        subject.kms.put_key_policy(KeyId=subject.arn, Policy=policy(allow))
        grant = subject.kms.create_grant(
            KeyId=subject.arn, GranteePrincipal=f"arn:aws:iam::{self.account}:root",
            Operations=["RetireGrant"],
        )  # fmt: skip
        subject.made["to retire"] = grant["GrantId"]


def sent(operation: str, subject: Subject) -> Members:
    """A good request; an alias that is moved is one of the guest's own."""
    members = GOOD[operation].members(subject)
    return {**members, "AliasName": "alias/own"} if operation == "UpdateAlias" else members


@pytest.mark.parametrize("operation", ABOUT_KEYS)
def test_a_key_of_another_account(
    subjects: Subjects, shared: Subjects, account: tuple[str, Any], operation: str
) -> None:
    """It is used where AWS works across accounts, else refused; unshared it always is refused."""
    good, (_, guest) = GOOD[operation], account
    lists_own = operation == "ListAliases"
    denied = "NotFoundException" if lists_own else "AccessDeniedException"
    unshared = subjects.get(good.kind)
    assert outcome(guest, operation, sent(operation, unshared)) == denied
    subject = shared.get(good.kind)
    found = outcome(guest, operation, sent(operation, subject))
    if found == OK and good.changes:
        shared.used_up(good.kind, "Enabled")
    assert found == (OK if operation in ACROSS else denied)
