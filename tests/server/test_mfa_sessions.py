"""Second factors through the pipeline: codes, the sessions that they begin, and their end."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.custody.proofs.one_time_codes import MOST_WRONG, WRONG_SECONDS
from keystead.custody.seals import RECOVERY_FILE, FileSeal, recover
from keystead.server.installation.ceremonies.acts import perform
from keystead.server.pipeline import Answer, Later
from keystead.wire.http import HttpRequest
from keystead.work import Outcome, Undone
from tests.patience import PATIENCE
from tests.server.installations import Answered, Local, open_local, reopen
from tests.server.second_factors import Somebody
from tests.server.test_sessions import ALL, credentials, element, policy, written
from tests.server.test_sessions import code as error

WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code."
UNKNOWN = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial"
    " number is valid and associated with this user."
)
BY_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def role(local: Local, name: str, who: str, condition: dict[str, Any]) -> str:
    """The ARN of a new role that trusts a user under a condition."""
    account = local.founded.account_id
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:user/{who}"},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
    )
    made = local.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
    assert made.status == 200, made.body
    local.iam("PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=policy(ALL))
    return element(made, "Arn")


def assume(local: Local, who: Credentials, arn: str, **members: str) -> Answered:
    return local.sts("AssumeRole", who, RoleArn=arn, RoleSessionName="me", **members)


def message(answer: Answered) -> str:
    return answer.body.decode().partition("<Message>")[2].partition("</Message>")[0]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("mfa") / "data")
    yield local
    local.installation.close()


@pytest.fixture(scope="module")
def mia(local: Local) -> Somebody:
    return Somebody(local, "mia")


def test_a_session_with_a_second_factor(local: Local, mia: Somebody) -> None:
    """It may call IAM, and policies see the factor and its age; one without it does neither."""
    plain = credentials(local.sts("GetSessionToken", mia.key))
    strong = mia.session()
    assert error(local.iam("ListUsers", plain)) == "InvalidClientTokenId"
    assert local.iam("ListUsers", strong).status == 200

    young = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    for condition, by_key, by_plain, by_strong in (
        (BY_MFA, 400, 400, 200),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, 400, 200, 400),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, 200, 400, 200),
        ({"Null": {"aws:MultiFactorAuthAge": "true"}}, 200, 200, 400),
        (young, 400, 400, 200),
    ):
        local.iam(
            "PutUserPolicy", UserName="mia", PolicyName="p",
            PolicyDocument=policy({**ALL, "Condition": condition}),
        )  # fmt: skip
        seen = [local.kms("ListKeys", who).status for who in (mia.key, plain, strong)]
        assert seen == [by_key, by_plain, by_strong], condition
    local.time.passes(timedelta(seconds=300))
    assert local.kms("ListKeys", strong).status == 400
    local.iam("PutUserPolicy", UserName="mia", PolicyName="p", PolicyDocument=policy(ALL))


def test_what_is_no_factor(local: Local, mia: Somebody) -> None:
    """Half of it, another's device, no device and a wrong code, each in AWS's sentence."""
    other = Somebody(local, "other")
    both = "MultiFactorAuthentication failed, must provide both MFA serial number and one time"
    factor = mia.factor()
    for members, told in (
        ({"SerialNumber": mia.serial}, both),
        ({"TokenCode": factor["TokenCode"]}, both),
        ({**factor, "SerialNumber": other.serial}, UNKNOWN),
        ({**factor, "SerialNumber": mia.serial.upper()}, UNKNOWN),
        ({**factor, "SerialNumber": "GAHT12345678"}, UNKNOWN),
        ({**factor, "TokenCode": f"{(int(factor['TokenCode']) + 1) % 10**6:06d}"}, WRONG),
    ):
        answer = local.sts("GetSessionToken", mia.key, **members)
        assert (error(answer), answer.status) == ("AccessDenied", 403)
        assert told in message(answer), members
    assert local.sts("GetSessionToken", mia.key, **factor).status == 200


def test_root_and_roles_show_no_factor(local: Local, mia: Somebody) -> None:
    """Only a user's devices count: a device of root, or of a role's user, does not."""
    arn = role(local, "plain", "mia", {})
    session = credentials(assume(local, mia.key, arn))
    again = role(local, "again", "mia", {})
    answer = assume(local, session, again, **mia.factor())
    assert (error(answer), message(answer)) == ("AccessDenied", UNKNOWN)
    answer = local.sts("GetSessionToken", root_of(local), **mia.factor())
    assert (error(answer), message(answer)) == ("AccessDenied", UNKNOWN)


def root_of(local: Local) -> Credentials:
    """The root user's access key."""
    arguments = {"account_id": local.founded.account_id}
    made = perform(local.installation, "account root-access-key", arguments)
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


def test_a_code_counts_once(local: Local, mia: Somebody) -> None:
    """Of fifty calls with one code at a time exactly one succeeds, whatever they ask for."""
    arn = role(local, "once", "mia", BY_MFA)
    factor = mia.factor()
    requests = [
        local.sts_request("GetSessionToken", mia.key, **factor)
        if number % 2
        else local.sts_request(
            "AssumeRole", mia.key, RoleArn=arn, RoleSessionName=f"s{number}", **factor
        )
        for number in range(50)
    ]
    answers = together(local, requests)
    assert [answer.status for answer in answers].count(200) == 1
    assert {message(answer) for answer in answers} == {"", WRONG}

    local.time.passes(timedelta(seconds=WRONG_SECONDS))
    assert local.sts("GetSessionToken", mia.key, **mia.factor()).status == 200


def together(local: Local, requests: list[HttpRequest]) -> list[Answered]:
    """The answers to requests of one turn; their work is done when it is durable."""
    first = local.installation.pipeline.answer_all(requests, 20.0)
    local.installation.commit()
    answers = [_after_work(local, one) if isinstance(one, Later) else one for one in first]
    local.installation.commit()
    return [
        Answered(one.response.status, dict(one.response.headers), one.response.body)
        for one in answers
    ]


def _after_work(local: Local, later: Later) -> Answer:
    ended: SimpleQueue[Outcome | Undone] = SimpleQueue()
    later.begin(ended.put)
    [answer] = local.installation.pipeline.answer_all(
        [later.after(ended.get(timeout=PATIENCE))], 20.0
    )
    assert isinstance(answer, Answer)
    return answer


def test_a_code_is_spent_whatever_follows(local: Local, mia: Somebody) -> None:
    """A refused call, and one whose client has gone, give no code back."""
    factor = mia.factor()
    arn = f"arn:aws:iam::{local.founded.account_id}:role/missing"
    assert "not authorized" in message(assume(local, mia.key, arn, **factor))
    assert message(local.sts("GetSessionToken", mia.key, **factor)) == WRONG

    factor = mia.factor()
    request = local.sts_request("GetSessionToken", mia.key, **factor)
    [left] = local.installation.pipeline.answer_all([request], 0.0)
    assert isinstance(left, Later)
    local.installation.commit()
    ended: SimpleQueue[Outcome | Undone] = SimpleQueue()
    left.begin(ended.put).leave()
    ended.get(timeout=PATIENCE)
    assert message(local.sts("GetSessionToken", mia.key, **factor)) == WRONG


def test_wrong_codes_are_throttled(local: Local) -> None:
    """After five in five minutes the right one is refused as well, until they are old."""
    ida = Somebody(local, "ida")
    given = {"SerialNumber": ida.serial, "TokenCode": ida.wrong_code()}
    for _ in range(MOST_WRONG):
        assert message(local.sts("GetSessionToken", ida.key, **given)) == WRONG
    assert message(local.sts("GetSessionToken", ida.key, **ida.factor())) == WRONG
    local.time.passes(timedelta(seconds=WRONG_SECONDS))
    assert local.sts("GetSessionToken", ida.key, **ida.factor()).status == 200


def test_trust_that_demands_a_factor(local: Local, mia: Somebody) -> None:
    """A role may ask for one: shown with the call, or in the session that calls; else refused."""
    arn = role(local, "strict", "mia", BY_MFA)
    fresh = role(local, "fresh", "mia", {"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}})
    plain = credentials(local.sts("GetSessionToken", mia.key))
    strong = mia.session()
    for who in (mia.key, plain):
        assert error(assume(local, who, arn)) == "AccessDenied"
        assert assume(local, who, arn, **mia.factor()).status == 200
    assert assume(local, strong, arn).status == 200
    local.time.passes(timedelta(seconds=60))
    assert error(assume(local, strong, fresh)) == "AccessDenied"
    assert assume(local, strong, fresh, **mia.factor()).status == 200


def test_a_role_session_tells_of_no_factor(local: Local, mia: Somebody) -> None:
    """Neither that of its own call, nor that of the session before (iam.md 2.10)."""
    arn = role(local, "silent", "mia", BY_MFA)
    strict = role(local, "next", "mia", BY_MFA)
    strong = mia.session()
    for who, members in ((strong, {}), (mia.key, mia.factor())):
        session = credentials(assume(local, who, arn, **members))
        assert local.kms("ListKeys", session).status == 200
        assert error(assume(local, session, strict)) == "AccessDenied"
        local.iam(
            "PutRolePolicy", RoleName="silent", PolicyName="p",
            PolicyDocument=policy({**ALL, "Condition": BY_MFA}),
        )  # fmt: skip
        assert local.kms("ListKeys", session).status == 400
        local.iam("PutRolePolicy", RoleName="silent", PolicyName="p", PolicyDocument=policy(ALL))


def test_a_session_ends_with_its_device(local: Local) -> None:
    """Its very next request is refused, and enabling the device again brings no session back."""
    eva = Somebody(local, "eva")
    strong, plain = eva.session(), credentials(local.sts("GetSessionToken", eva.key))
    given = {"UserName": "eva", "SerialNumber": eva.serial}
    assert local.kms("ListKeys", strong).status == 200
    assert error(local.iam("DeactivateMFADevice", eva.key, **given)) == "AccessDenied"
    assert local.iam("DeactivateMFADevice", strong, **given).status == 200

    assert error(local.kms("ListKeys", strong)) == "UnrecognizedClientException"
    assert error(local.iam("ListUsers", strong)) == "InvalidClientTokenId"
    assert local.kms("ListKeys", plain).status == 200
    eva.enable()
    assert error(local.kms("ListKeys", strong)) == "UnrecognizedClientException"
    assert local.kms("ListKeys", eva.session()).status == 200


def test_the_records(local: Local, mia: Somebody) -> None:
    """They tell the device and that a factor was used, and never a code."""
    factor = mia.factor()
    local.events.clear()
    strong = credentials(local.sts("GetSessionToken", mia.key, **factor))
    local.kms("ListKeys", strong)
    given, used = map(written, local.events)
    assert given["requestParameters"] == {"serialNumber": mia.serial}
    assert given["readOnly"] is True
    attributes = used["userIdentity"]["sessionContext"]["attributes"]
    assert attributes["mfaAuthenticated"] == "true"


def test_a_restore_takes_no_code_of_before(tmp_path: Path) -> None:
    """After a declared restore the first code only moves the device's time to now (OP-3)."""
    local = open_local(tmp_path / "data")
    ann = Somebody(local, "ann")
    spent = ann.factor()
    assert local.sts("GetSessionToken", ann.key, **spent).status == 200
    local.installation.close()
    recover(tmp_path / "data", (tmp_path / "data" / RECOVERY_FILE).read_text(), FileSeal())

    ann.local = local = reopen(local)
    unused = {**spent, "TokenCode": ann.code(1)}
    for given in (spent, unused, unused):
        assert message(local.sts("GetSessionToken", ann.key, **given)) == WRONG
    assert local.sts("GetSessionToken", ann.key, **ann.factor()).status == 200
    local.installation.close()


def test_a_device_in_a_question_of_the_operator(local: Local, mia: Somebody) -> None:
    """What `explain` says of a device by its tags is what a call would be answered."""
    tags = {"Tags.member.1.Key": "Team", "Tags.member.1.Value": "blue"}
    made = {
        name: element(
            local.iam("CreateVirtualMFADevice", VirtualMFADeviceName=name, Path="/a/", **given),
            "SerialNumber",
        )
        for name, given in (("blue", tags), ("bare", {}))
    }
    condition = {"StringEquals": {"aws:ResourceTag/Team": "blue"}}
    own = policy({**ALL, "Condition": condition})
    local.iam("PutUserPolicy", UserName="mia", PolicyName="p", PolicyDocument=own)
    action = "iam:DeleteVirtualMFADevice"
    for name, allowed in (("bare", False), ("blue", True)):
        question = {"principal": arn_of(local, "mia"), "action": action, "resource": made[name]}
        told = perform(local.installation, "explain", question)
        assert (told["message"] == "") is allowed, told
        answer = local.iam("DeleteVirtualMFADevice", mia.key, SerialNumber=made[name])
        assert (answer.status == 200) is allowed
    local.iam("PutUserPolicy", UserName="mia", PolicyName="p", PolicyDocument=policy(ALL))


def arn_of(local: Local, name: str) -> str:
    return f"arn:aws:iam::{local.founded.account_id}:user/{name}"
