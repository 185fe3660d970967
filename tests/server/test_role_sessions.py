"""Sessions of roles, through the pipeline: what they may call, and what the log says of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.identity import accounts
from keystead.identity.permissions import trust
from keystead.identity.principals import StoredPrincipals
from keystead.identity.repository import Role, new
from tests.server.installations import Local, open_local
from tests.server.test_sessions import ALL, code, credentials, element, policy, written


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("roles") / "data")
    yield local
    local.installation.close()


@pytest.fixture(scope="module")
def role(local: Local) -> Role:
    """A role that the account's policies decide about."""
    account = element(local.sts("GetCallerIdentity"), "Account")
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    installation = local.installation
    principals = StoredPrincipals(installation.identities, installation.store.read())
    text = policy(statement)
    meant = trust.read(
        installation.identities, text, principals, accept_unsupported_condition_keys=False
    )
    role = new(
        Role, account, "/team/", "Ops", 1_700_000_000,
        description=None, trust_policy=text, trusted=json.dumps(meant), longest_session=3600,
        service=None, boundary=None, tags="{}",
    )  # fmt: skip
    with installation.store.write() as transaction:
        installation.identities.roles.insert(transaction, role)
    installation.commit()
    return role


def assume(local: Local, role: Role, who: Credentials | None = None, **members: str) -> Credentials:
    answer = local.sts("AssumeRole", who, RoleArn=role.arn, RoleSessionName="me", **members)
    return credentials(answer)


def test_a_role_session_is_told_who_it_is(local: Local, role: Role) -> None:
    """Its ARN has no path; its id is the role's and the name of the session."""
    who = local.sts("GetCallerIdentity", assume(local, role))
    assert element(who, "Arn") == f"arn:aws:sts::{role.account}:assumed-role/Ops/me"
    assert element(who, "UserId") == f"{role.role_id}:me"


def test_what_a_role_session_may_call(local: Local, role: Role) -> None:
    """IAM and STS as its policies say, but no session of one's own; root assumes no role."""
    who = assume(local, role)
    for action in ("GetSessionToken", "GetFederationToken"):
        refused = local.sts(action, who, Name="joe")
        assert f"Cannot call {action} with session credentials" in refused.body.decode()
    refused = local.iam("ListUsers", who)
    assert (refused.status, code(refused)) == (403, "AccessDenied")  # by policy
    refused = local.sts("GetAccessKeyInfo", who, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert "no identity-based policy allows" in refused.body.decode()
    federated = credentials(local.sts("GetFederationToken", Name="jim", Policy=policy(ALL)))
    asked = {"RoleArn": role.arn, "RoleSessionName": "me"}
    refused = local.sts("AssumeRole", federated, **asked)
    assert "Cannot call AssumeRole with session credentials" in refused.body.decode()
    own = credentials(local.sts("GetSessionToken"))
    assert local.sts("AssumeRole", own, **asked).status == 200


def test_root_assumes_no_role(local: Local, role: Role) -> None:
    """Neither by an access key nor by a session; a user of the account may."""
    installation = local.installation
    account = installation.identities.accounts.get(installation.store.read(), role.account)
    assert account is not None
    with installation.store.write() as transaction:
        key = accounts.create_root_access_key(
            transaction, installation.identities, account, now=local.time.wall()
        )
    root = Credentials(key.access_key_id, key.secret)
    for who in (root, credentials(local.sts("GetSessionToken", root))):
        refused = local.sts("AssumeRole", who, RoleArn=role.arn, RoleSessionName="me")
        assert (refused.status, code(refused)) == (403, "AccessDenied")
        assert "Roles may not be assumed by root accounts." in refused.body.decode()
    assume(local, role)


def test_the_records_of_a_role_session(local: Local, role: Role) -> None:
    """AssumeRole names the role and the key that it gave; a use names the role as its issuer."""
    local.events.clear()
    made = assume(local, role)
    local.kms("ListKeys", made)
    given, used = map(written, local.events)
    assert given["readOnly"] is True
    assert given["resources"][0]["ARN"] == role.arn
    assert given["responseElements"]["credentials"]["accessKeyId"] == made.access_key
    assert given["responseElements"]["assumedRoleUser"]["assumedRoleId"] == f"{role.role_id}:me"
    text = json.dumps(given)
    assert made.token not in text
    assert made.secret_key not in text
    identity: dict[str, Any] = used["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["principalId"] == f"{role.role_id}:me"
    assert identity["arn"] == f"arn:aws:sts::{role.account}:assumed-role/Ops/me"
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert issuer == {
        "type": "Role", "principalId": role.role_id, "arn": role.arn, "accountId": role.account,
        "userName": "Ops",
    }  # fmt: skip
    created = identity["sessionContext"]["attributes"]["creationDate"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
