"""What sessions may call and do, through the pipeline, and what the log says of them."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.audit.records import jsontext
from keystead.audit.records.event import Event
from keystead.audit.records.record import Recorder
from keystead.custody.seals import RECOVERY_FILE, FileSeal, recover
from tests.server.installations import Answered, Local, open_local, reopen

INVALID = "The security token included in the request is invalid."
ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def code(answer: Answered) -> str:
    """The code of an error; "" of a success."""
    if answer.status == 200:
        return ""
    if answer.headers["Content-Type"].startswith("application/x-amz-json"):
        return str(answer.json["__type"])
    [found] = re.findall(r"<Code>(.*)</Code>", answer.body.decode())
    return str(found)


def element(answer: Answered, name: str) -> str:
    assert answer.status == 200, answer.body
    [found] = re.findall(f"<{name}>(.*)</{name}>", answer.body.decode())
    return str(found)


def credentials(answer: Answered) -> Credentials:
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Credentials(*(element(answer, name) for name in names))


def written(event: Event) -> dict[str, Any]:
    """The record of an event."""
    record: dict[str, Any] = json.loads(jsontext.encode(Recorder("0" * 24).record(event, 0)))
    return record


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("sessions") / "data")
    yield local
    local.installation.close()


@pytest.fixture
def local(installed: Local) -> Local:
    """The installation, with its memory of events cleared."""
    installed.events.clear()
    return installed


@pytest.fixture(scope="module")
def account(installed: Local) -> str:
    return element(installed.sts("GetCallerIdentity"), "Account")


@pytest.fixture(scope="module")
def session(installed: Local) -> Credentials:
    """The administrator's own."""
    return credentials(installed.sts("GetSessionToken"))


@pytest.fixture(scope="module")
def jim(installed: Local) -> Credentials:
    """A federated user who may do all that the administrator may."""
    return credentials(installed.sts("GetFederationToken", Name="jim", Policy=policy(ALL)))


def test_who_am_i(local: Local, account: str, session: Credentials, jim: Credentials) -> None:
    """Each kind of session hears who it is; the answer in JSON says the same."""
    mine = local.sts("GetCallerIdentity", session)
    assert element(mine, "Arn") == f"arn:aws:iam::{account}:user/admin"
    assert element(mine, "UserId").startswith("AIDA")
    his = local.sts("GetCallerIdentity", jim)
    assert element(his, "Arn") == f"arn:aws:sts::{account}:federated-user/jim"
    assert element(his, "UserId") == f"{account}:jim"
    request = local.request(
        "sts", b"Action=GetCallerIdentity&Version=2011-06-15", jim,
        Content_Type="application/x-www-form-urlencoded", Accept="application/json",
    )  # fmt: skip
    result = local.send(request).json["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert result == {
        "Arn": f"arn:aws:sts::{account}:federated-user/jim",
        "Account": account,
        "UserId": f"{account}:jim",
    }


def test_whose_key_is_this(local: Local, account: str, jim: Credentials) -> None:
    """The id of a temporary key names its account, too."""
    answer = local.sts("GetAccessKeyInfo", AccessKeyId=jim.access_key)
    assert element(answer, "Account") == account


def test_what_sessions_may_call(local: Local, session: Credentials, jim: Credentials) -> None:
    """Nothing of IAM, of STS who they are; of KMS whatever policies allow (iam.md 2.7)."""
    for who in (session, jim):
        refused = local.iam("ListUsers", who)
        assert (refused.status, code(refused)) == (403, "InvalidClientTokenId")
        assert INVALID in refused.body.decode()
        for action in ("GetSessionToken", "GetFederationToken", "GetAccessKeyInfo"):
            refused = local.sts(action, who, Name="joe", AccessKeyId="AKIAIOSFODNN7EXAMPLE")
            assert (refused.status, code(refused)) == (403, "AccessDenied")
            said = f"<Message>Cannot call {action} with session credentials</Message>"
            assert said in refused.body.decode()
        assert local.kms("ListKeys", who).status == 200
    for action, answer in (("ListUsers", local.iam("ListUsers")), ("", local.kms("ListKeys"))):
        assert answer.status == 200, action


def test_refusals_of_sessions_are_recorded_with_who_asked(
    local: Local, session: Credentials
) -> None:
    """What the table refuses is refused to somebody who is known."""
    local.iam("ListUsers", session)
    [event] = local.events
    identity = written(event)["userIdentity"]
    assert (identity["userName"], event.error_code) == ("admin", "InvalidClientTokenId")


def test_keys_without_their_token(local: Local, session: Credentials, jim: Credentials) -> None:
    """No token, another's, a token of nobody: KMS and STS say it in their own words."""
    for token in (None, jim.token, "x", ""):
        stolen = Credentials(session.access_key, session.secret_key, token)
        refused = local.sts("GetCallerIdentity", stolen)
        assert (refused.status, code(refused)) == (403, "InvalidClientTokenId")
        refused = local.kms("ListKeys", stolen)
        assert (refused.status, code(refused)) == (400, "UnrecognizedClientException")
        assert refused.json["message"] == INVALID
    assert local.kms("ListKeys", session).status == 200


def test_the_end_of_a_session(local: Local) -> None:
    """Before it the session is good, and then each protocol says that it has expired."""
    short = credentials(local.sts("GetSessionToken", DurationSeconds="900"))
    local.time.passes(timedelta(seconds=890))
    assert local.kms("ListKeys", short).status == 200
    local.time.passes(timedelta(seconds=20))
    said = "The security token included in the request is expired"
    refused = local.kms("ListKeys", short)
    assert (refused.status, code(refused)) == (400, "ExpiredTokenException")
    assert refused.json["message"] == said
    refused = local.sts("GetCallerIdentity", short)
    assert (refused.status, code(refused)) == (403, "ExpiredToken")
    assert said in refused.body.decode()


def test_a_session_policy_bounds(local: Local) -> None:
    """A federated user may what user and session policy allow both, and nothing without one."""
    listing = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
    lister = credentials(local.sts("GetFederationToken", Name="li", Policy=listing))
    bare = credentials(local.sts("GetFederationToken", Name="li"))
    assert local.kms("ListKeys", lister).status == 200
    refused = local.kms("ListAliases", lister)
    assert code(refused) == "AccessDeniedException"
    assert "because no session policy allows the kms:ListAliases action" in refused.body.decode()
    refused = local.kms("ListKeys", bare)
    assert "because no session policy allows the kms:ListKeys action" in refused.body.decode()


def test_a_session_gives_nothing_that_its_user_lacks(local: Local) -> None:
    """A session policy allows nothing by itself."""
    local.iam("CreateUser", UserName="poor")
    may = policy({"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"})
    local.iam("PutUserPolicy", UserName="poor", PolicyName="p", PolicyDocument=may)
    made = local.iam("CreateAccessKey", UserName="poor")
    poor = Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))
    rich = credentials(local.sts("GetFederationToken", poor, Name="rich", Policy=policy(ALL)))
    for who in (rich, credentials(local.sts("GetSessionToken", poor))):
        assert code(local.kms("ListKeys", who)) == "AccessDeniedException"
    more = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
    local.iam("PutUserPolicy", UserName="poor", PolicyName="q", PolicyDocument=more)
    for who in (rich, credentials(local.sts("GetSessionToken", poor))):
        assert local.kms("ListKeys", who).status == 200


def test_a_key_policy_may_name_a_federated_user(local: Local, account: str) -> None:
    """It allows the one with this name, without any session policy; another name it does not."""
    named = f"arn:aws:sts::{account}:federated-user/jane"
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
           "Action": "kms:*", "Resource": "*"}  # fmt: skip
    hers = {**own, "Principal": {"AWS": named}, "Action": "kms:Encrypt"}
    made = local.kms("CreateKey", Policy=policy(own, hers)).json["KeyMetadata"]["KeyId"]
    for name, status in (("jane", 200), ("june", 400)):
        who = credentials(local.sts("GetFederationToken", Name=name))
        assert local.kms("Encrypt", who, KeyId=made, Plaintext="aGk=").status == status


def test_older_sessions_are_revoked_at_once(local: Local) -> None:
    """A Deny on `aws:TokenIssueTime` ends what began before, for the very next request."""
    local.iam("CreateUser", UserName="rita")
    local.iam("PutUserPolicy", UserName="rita", PolicyName="all", PolicyDocument=policy(ALL))
    made = local.iam("CreateAccessKey", UserName="rita")
    rita = Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))
    old = credentials(local.sts("GetSessionToken", rita))
    federated = credentials(local.sts("GetFederationToken", rita, Name="fay", Policy=policy(ALL)))
    assert local.kms("ListKeys", old).status == 200
    local.time.passes(timedelta(seconds=5))
    cut = f"{local.time.wall():%Y-%m-%dT%H:%M:%SZ}"
    older = {"DateLessThan": {"aws:TokenIssueTime": cut}}
    revoke = policy({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older})
    local.iam(
        "PutUserPolicy", UserName="rita", PolicyName="AWSRevokeOlderSessions",
        PolicyDocument=revoke,
    )  # fmt: skip
    for who in (old, federated):
        assert code(local.kms("ListKeys", who)) == "AccessDeniedException"
    local.time.passes(timedelta(seconds=5))
    for who in (rita, credentials(local.sts("GetSessionToken", rita))):
        assert local.kms("ListKeys", who).status == 200


def test_mfa_conditions(local: Local, session: Credentials) -> None:
    """Sessions without MFA say so; long-term keys know nothing of it (iam.md 2.10)."""
    local.iam("CreateUser", UserName="mia")
    made = local.iam("CreateAccessKey", UserName="mia")
    mia = Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))
    own = credentials(local.sts("GetSessionToken", mia))
    for condition, by_key, by_session in (
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, 400, 200),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, 200, 400),
        ({"Null": {"aws:MultiFactorAuthAge": "true"}}, 200, 200),
    ):
        local.iam(
            "PutUserPolicy", UserName="mia", PolicyName="p",
            PolicyDocument=policy({**ALL, "Condition": condition}),
        )  # fmt: skip
        assert local.kms("ListKeys", mia).status == by_key, condition
        assert local.kms("ListKeys", own).status == by_session, condition


def test_the_record_of_a_session(local: Local, account: str) -> None:
    """GetSessionToken tells the id of the key that it gave; its use tells when it began."""
    made = credentials(local.sts("GetSessionToken"))
    [event] = local.events
    record = written(event)
    given = record["responseElements"]["credentials"]
    assert given["accessKeyId"] == made.access_key
    text = json.dumps(record)
    assert made.token not in text
    assert made.secret_key not in text

    local.events.clear()
    local.kms("ListKeys", made)
    [event] = local.events
    identity = written(event)["userIdentity"]
    attributes = identity.pop("sessionContext")["attributes"]
    assert attributes["mfaAuthenticated"] == "false"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", attributes["creationDate"])
    assert identity == {
        "type": "IAMUser",
        "principalId": identity["principalId"],
        "arn": f"arn:aws:iam::{account}:user/admin",
        "accountId": account,
        "accessKeyId": made.access_key,
        "userName": "admin",
    }


def test_the_record_of_a_federated_user(local: Local, account: str, jim: Credentials) -> None:
    """It says who federated, and under which policies and name."""
    local.sts(
        "GetFederationToken", Name="kim", Policy=policy(ALL),
        **{"Tags.member.1.Key": "Team", "Tags.member.1.Value": "blue"},
    )  # fmt: skip
    local.kms("ListKeys", jim)
    given, used = map(written, local.events)
    assert given["requestParameters"]["name"] == "kim"
    assert given["responseElements"]["federatedUser"] == {
        "federatedUserId": f"{account}:kim",
        "arn": f"arn:aws:sts::{account}:federated-user/kim",
    }
    identity = used["userIdentity"]
    assert identity["type"] == "FederatedUser"
    assert identity["principalId"] == f"{account}:jim"
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("IAMUser", "admin")


def test_a_restart_ends_no_session_and_a_restore_all(tmp_path: Path) -> None:
    """Sessions are not stored: they outlive the process, and not a restore that was declared."""
    local = open_local(tmp_path / "data")
    made = credentials(local.sts("GetSessionToken"))
    local = reopen(local)
    assert local.kms("ListKeys", made).status == 200
    local.installation.close()

    recover(tmp_path / "data", (tmp_path / "data" / RECOVERY_FILE).read_text(), FileSeal())
    local = reopen(local)
    assert code(local.kms("ListKeys", made)) == "UnrecognizedClientException"
    again = credentials(local.sts("GetSessionToken"))
    assert local.kms("ListKeys", again).status == 200
    local.installation.close()
