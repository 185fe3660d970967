"""GetCallerIdentity and GetAccessKeyInfo for every kind of credentials, in each way of asking."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keystead.wire.http import Endpoint, HttpRequest
from tests.server.installations import ENDPOINT, REGION, Local, open_local
from tests.server.test_sessions import ALL, credentials, element, policy

NAMES = ("UserId", "Account", "Arn")
IDENTITY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("who") / "data")
    yield local
    local.installation.close()


@pytest.fixture(scope="module")
def everybody(local: Local) -> Mapping[str, tuple[Credentials, str, str]]:
    """For each kind: its credentials, how the user id begins, and the ARN of the identity."""
    account = local.founded.account_id
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}}
    local.iam("CreateRole", RoleName="ops", Path="/team/", AssumeRolePolicyDocument=policy(trust))
    local.iam("PutRolePolicy", RoleName="ops", PolicyName="p", PolicyDocument=policy(ALL))
    role = {"RoleArn": f"arn:aws:iam::{account}:role/team/ops"}
    iam, sts = f"arn:aws:iam::{account}", f"arn:aws:sts::{account}"
    first = credentials(local.sts("AssumeRole", **role, RoleSessionName="one"))
    jim = credentials(local.sts("GetFederationToken", Name="jim", Policy=policy(ALL)))
    own = credentials(local.sts("GetSessionToken"))
    chained = credentials(local.sts("AssumeRole", first, **role, RoleSessionName="two"))
    found = {
        "user": (local.admin, "AIDA", f"{iam}:user/admin"),
        "session": (own, "AIDA", f"{iam}:user/admin"),
        "federated": (jim, f"{account}:jim", f"{sts}:federated-user/jim"),
        "role": (first, "AROA", f"{sts}:assumed-role/ops/one"),
        "chained": (chained, "AROA", f"{sts}:assumed-role/ops/two"),
    }
    narrowed = {
        f"narrowed {name}": (
            credentials(local.sts("GetScopedCredentials", who, Policy=policy(ALL))), *rest
        )
        for name, (who, *rest) in found.items() if name != "user"
    }  # fmt: skip
    return {**found, **narrowed}


def presigned(local: Local, who: Credentials) -> HttpRequest:
    """A GET with the signature, and the token, in the query string."""
    request = AWSRequest("GET", f"{ENDPOINT}/?{urlencode(IDENTITY)}")
    now = local.time.wall().replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda **_: now):
        SigV4QueryAuth(who, "sts", REGION, expires=60).add_auth(request)
    parts = urlsplit(str(request.url))
    headers = {"host": parts.netloc}
    return HttpRequest("GET", "/", parts.query, headers, b"", "127.0.0.1", False, Endpoint())


KINDS = ("user", "session", "federated", "role", "chained")
EACH = pytest.mark.parametrize(
    "kind", [*KINDS, *(f"narrowed {kind}" for kind in KINDS if kind != "user")]
)


@EACH
def test_who_am_i(local: Local, everybody: Mapping[str, Any], kind: str) -> None:
    """The same identity by form, by presigned URL and as JSON; a narrowed session is the same."""
    who, user_id, arn = everybody[kind]
    by_form = local.sts("GetCallerIdentity", who)
    by_url = local.send(presigned(local, who))
    as_json = local.send(local.request(
        "sts", urlencode(IDENTITY).encode(), who,
        Content_Type="application/x-www-form-urlencoded", Accept="application/json",
    ))  # fmt: skip
    told = [tuple(element(answer, name) for name in NAMES) for answer in (by_form, by_url)]
    answer = json.loads(as_json.body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    told.append(tuple(str(answer[name]) for name in NAMES))
    assert len(set(told)) == 1
    assert told[0][0].startswith(user_id)
    assert told[0][1:] == (local.founded.account_id, arn)


@EACH
def test_the_account_of_a_key(local: Local, everybody: Mapping[str, Any], kind: str) -> None:
    """The account is read out of the id of every kind of key."""
    who, _, _ = everybody[kind]
    answer = local.sts("GetAccessKeyInfo", AccessKeyId=who.access_key)
    assert element(answer, "Account") == local.founded.account_id


@EACH
def test_kms_speaks_json_to_all(local: Local, everybody: Mapping[str, Any], kind: str) -> None:
    """The other protocol takes the same credentials."""
    who, _, _ = everybody[kind]
    assert local.kms("GenerateRandom", who, NumberOfBytes=1).status == 200
