"""Request quotas: calls above them are refused, as AWS does it, and cost nobody else anything."""

import base64
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

from keystead import quotas
from keystead.audit.counting.counted import EACH_OWNER, NAMED
from keystead.audit.counting.throttled_calls import EVENT_NAME
from keystead.caches import weigh
from keystead.kms.rules import KMS
from keystead.quotas import UNSERVED
from keystead.server.door.intake import Rank
from keystead.server.installation.ceremonies.acts import perform
from keystead.server.pipeline.answer import Answer
from keystead.server.pipeline.throttle import BUCKET, MOST, SECONDS, Throttle
from keystead.server.telemetry.exposition import exposition
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from tests.conftest import policy, refused
from tests.kms.test_quotas import CALLER
from tests.server import sdk
from tests.server.conftest import RunningDoor, unavailable
from tests.server.installations import ENDPOINT, OTHER_REGION, REGION, Answered, Local, open_local

SENTENCE = (
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    made = open_local(tmp_path_factory.mktemp("throttle") / "data", request_quotas=True)
    yield made
    made.installation.close()


@pytest.fixture
def local(opened: Local) -> Local:
    """An installation with AWS's quotas, of which nothing is used."""
    opened.installation.use(opened.installation.config)
    opened.time.passes(timedelta(minutes=1))
    opened.events.clear()
    return opened


class _Body(BytesIO):
    """A body as botocore reads it from a socket."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def client(local: Local, region: str = REGION, **retries: Any) -> Any:
    """boto3's client of KMS for an installation in this process."""
    who = local.admin
    made = boto3.client(
        "kms", region, endpoint_url=ENDPOINT, aws_access_key_id=who.access_key,
        aws_secret_access_key=who.secret_key, config=Config(retries=retries or None),
    )  # fmt: skip

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {"host": "127.0.0.1:8420"}
        for name, value in request.headers.items():
            headers[name.lower()] = value.decode() if isinstance(value, bytes) else value
        asked = HttpRequest(
            "POST", "/", "", headers, request.body or b"", "127.0.0.1", False, Endpoint()
        )
        given = local.send(asked)
        return AWSResponse(request.url, given.status, given.headers, _Body(given.body))

    made.meta.events.register("before-send.kms", answer)
    return made


def is_throttled(answer: Answered) -> bool:
    """Is it refused for a quota?  If not, it was refused or performed as ever."""
    return answer.status == 400 and answer.json["__type"] == "ThrottlingException"


def throttled_after(local: Local, request: HttpRequest) -> int:
    """How many such calls are answered in one moment before one is throttled."""
    for number in range(40):
        if is_throttled(local.send(request)):
            return number
    raise AssertionError("none was throttled")


def set_quotas(local: Local, *texts: str) -> None:
    local.installation.use(replace(local.installation.config, quotas=texts))


def new_key(local: Local, who: Credentials | None = None, **members: Any) -> str:
    found: str = local.kms("CreateKey", who, **members).json["KeyMetadata"]["Arn"]
    return found


def account(local: Local) -> Credentials:
    """The root user of a new account."""
    made = perform(local.installation, "account create", {})
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


def user(local: Local, name: str, *statements: dict[str, Any]) -> Credentials:
    """A user of the administrator's account."""
    local.iam("CreateUser", UserName=name)
    if statements:
        local.iam(
            "PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=policy(*statements)
        )
    return local.new_key(name)


# The quota


def test_boto3_is_throttled(local: Local) -> None:
    """The sixth CreateKey of a second is refused as by AWS; one more is allowed after a fifth."""
    kms = client(local, total_max_attempts=1)
    for _ in range(5):
        kms.create_key()
    with refused("ThrottlingException", SENTENCE) as caught:
        kms.create_key()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Message"] == (
        f"{SENTENCE} The request quota CreateKey is 5 per second."
    )
    local.time.passes(timedelta(seconds=0.19))
    with refused("ThrottlingException"):
        kms.create_key()
    local.time.passes(timedelta(seconds=0.02))
    kms.create_key()
    with refused("ThrottlingException"):
        kms.create_key()
    local.time.passes(timedelta(seconds=1))
    for _ in range(5):
        kms.create_key()


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_boto3_tries_again(local: Local, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own settings, boto3 waits and tries again until the call is allowed."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        local.time.passes(timedelta(seconds=seconds))

    monkeypatch.setattr("botocore.endpoint.time.sleep", sleep)
    kms = client(local, mode=mode, max_attempts=10)
    for _ in range(8):
        kms.create_key()
    assert waited
    assert "ThrottlingException" in {event.error_code for event in local.events}


def test_without_request_quotas(local: Local) -> None:
    """A setting lifts all request quotas; the twin is above."""
    config = replace(local.installation.config, request_quotas=False)
    local.installation.use(config)
    for _ in range(20):
        assert local.kms("CreateAlias").status == 400
        assert not is_throttled(local.kms("CreateAlias"))


def test_settings(local: Local) -> None:
    """A quota can have another number, for all accounts and for one."""
    mine = local.founded.account_id
    other = account(local)
    set_quotas(local, "CreateKey=3", f"{mine}:CreateKey=2")
    assert throttled_after(local, local.kms_request("CreateKey")) == 2
    assert throttled_after(local, local.kms_request("CreateKey", other)) == 3


@pytest.mark.parametrize("name", sorted(KMS))
def test_every_operation_has_a_quota(local: Local, name: str) -> None:
    """Without any calls left, each operation is throttled, even if its input cannot be read."""
    row = KMS[name]
    assert row.quotas is not None
    assert not is_throttled(local.kms(name, KeyId=7))
    set_quotas(local, *(f"{quota}=0" for quota in row.quotas(None)))
    assert is_throttled(local.kms(name, KeyId=7))


def test_what_shares_a_quota(local: Local) -> None:
    """Symmetric operations share one quota; those of RSA keys, and DescribeKey, have another."""
    key = new_key(local)
    rsa = new_key(local, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    set_quotas(local, f"{quotas.SYMMETRIC}=2")
    text = base64.b64encode(b"x").decode()
    blob = local.kms("Encrypt", KeyId=key, Plaintext=text).json["CiphertextBlob"]
    assert local.kms("Decrypt", CiphertextBlob=blob).status == 200
    assert is_throttled(local.kms("GenerateRandom", NumberOfBytes=1))
    for_rsa = {"KeyId": rsa, "Plaintext": text, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    assert local.kms("Encrypt", **for_rsa).status == 200
    assert local.kms("DescribeKey", KeyId=key).status == 200
    local.time.passes(timedelta(seconds=1))
    assert local.kms("GenerateRandom", NumberOfBytes=1).status == 200


# What counts, and for whom


def test_dry_runs_count(local: Local) -> None:
    """A dry run takes a call away, and is throttled itself."""
    key = new_key(local)
    set_quotas(local, f"{quotas.SYMMETRIC}=3")
    dry = {"KeyId": key, "Plaintext": "AAAA", "DryRun": True}
    for _ in range(3):
        assert local.kms("Encrypt", **dry).json["__type"] == "DryRunOperationException"
    assert is_throttled(local.kms("Encrypt", **dry))
    assert is_throttled(local.kms("Encrypt", KeyId=key, Plaintext="AAAA"))


def test_refused_calls_count_for_the_account(local: Local) -> None:
    """Denied and malformed calls count, and those of all principals of an account together."""
    key = new_key(local)
    nobody = user(local, "nobody")
    set_quotas(local, "DescribeKey=3")
    assert local.kms("DescribeKey", nobody, KeyId=key).json["__type"] == "AccessDeniedException"
    assert local.kms("DescribeKey", nobody).json["__type"] == "ValidationException"
    assert local.kms("DescribeKey", KeyId=key).status == 200
    assert is_throttled(local.kms("DescribeKey", nobody, KeyId=key))
    assert is_throttled(local.kms("DescribeKey", nobody))
    assert is_throttled(local.kms("DescribeKey", KeyId=key))


def test_strangers_count_for_nobody(local: Local) -> None:
    """A wrong signature takes no call away from the account that it names."""
    set_quotas(local, "ListKeys=1")
    forger = Credentials(local.admin.access_key, "x" * 40)
    for _ in range(3):
        assert local.kms("ListKeys", forger).json["__type"] == "InvalidSignatureException"
    assert throttled_after(local, local.kms_request("ListKeys")) == 1


def test_another_account_counts_for_itself(local: Local) -> None:
    """A call about another account's key counts for its caller, and throttles nobody else."""
    other = account(local)
    key = new_key(local)
    set_quotas(local, "DescribeKey=2")
    assert throttled_after(local, local.kms_request("DescribeKey", other, KeyId=key)) == 2
    assert throttled_after(local, local.kms_request("DescribeKey", KeyId=key)) == 2


def test_another_region_counts_for_itself(local: Local) -> None:
    """Each Region has its own calls."""
    set_quotas(local, "ListKeys=2")
    assert throttled_after(local, local.kms_request("ListKeys")) == 2
    there = local.json_request("kms", "ListKeys", region=OTHER_REGION)
    assert throttled_after(local, there) == 2


def test_work_counts_once(local: Local) -> None:
    """A call that runs twice, because it leaves work, takes one call away."""
    key = new_key(local)
    set_quotas(local, "GenerateDataKeyPair (ECC_NIST_P256)=2")
    asked = local.kms_request("GenerateDataKeyPair", KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert throttled_after(local, asked) == 2


def test_a_request_that_waits_counts_once(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests for which a turn has no time any more count when they are performed."""
    set_quotas(local, "ListKeys=8")
    request, looks = local.kms_request("ListKeys"), itertools.count()
    with monkeypatch.context() as patch:
        # Each look at the clock takes a second: 24 for the steps before the last, of 8 requests.
        patch.setattr("keystead.server.pipeline.pipeline.perf_counter", lambda: next(looks))
        answered = local.installation.pipeline.answer_all([request] * 8, 25.0)
    assert 1 <= len(answered) < 8
    assert len(answered) + throttled_after(local, request) == 8


def test_nothing_is_done_and_nothing_decided(local: Local) -> None:
    """A throttled call changes nothing; its record has the error and no decision."""
    set_quotas(local, "CreateKey=0")
    local.kms("CreateKey")
    [event] = local.events
    assert (event.name, event.error_code) == ("CreateKey", "ThrottlingException")
    assert event.error_message.startswith(SENTENCE)
    assert (event.decisions, event.resources) == ([], [])
    assert event.principal is not None


def test_what_is_not_served_counts_together(local: Local) -> None:
    """A caller may ask ten times a second for what no service serves; what is served goes on."""
    other = account(local)
    for _ in range(5):
        assert local.kms("NoSuchOperation").json["__type"] == "UnknownOperationException"
        assert b"<Code>InvalidAction</Code>" in local.iam("NoSuchAction").body
    assert is_throttled(local.kms("AnotherOne"))
    assert b"<Code>Throttling</Code>" in local.iam("AnotherOne").body
    assert not is_throttled(local.kms("AnotherOne", other))
    assert local.kms("ListKeys").status == 200
    assert local.iam("ListUsers").status == 200
    local.time.passes(timedelta(seconds=0.1))
    assert not is_throttled(local.kms("AnotherOne"))


def test_a_flood_of_what_is_not_served(local: Local) -> None:
    """It is recorded as other throttled calls are: the first of a minute, then counts."""
    before = len(records(local))
    for _ in range(10 + EACH_OWNER + 25):
        local.installation.pipeline.answer(local.kms_request("NoSuchOperation"))
    local.installation.upkeep.write_counted()
    made = records(local)[before:]
    assert Counter(event.get("errorCode") for event in made) == {
        "UnknownOperationException": 10, "ThrottlingException": EACH_OWNER + 1,
    }  # fmt: skip
    mine = local.founded.account_id
    assert made[-1]["serviceEventDetails"]["quotas"] == {f"{mine} {REGION} {UNSERVED}": 25}


SERVICES = (
    ("sts", "GetCallerIdentity", "<Code>Throttling</Code>", 400),
    ("iam", "ListUsers", "<Code>Throttling</Code>", 400),
    ("ec2", "DescribeInstances", "<Code>RequestLimitExceeded</Code>", 503),
    ("organizations", "DescribeOrganization", "TooManyRequestsException", 400),
    ("access-analyzer", "ValidatePolicy", "Rate exceeded", 429),
)


@pytest.mark.parametrize(("service", "name", "code", "status"), SERVICES)
def test_each_service_has_a_quota(
    local: Local, service: str, name: str, code: str, status: int
) -> None:
    """All calls of a service count for the account, and its refusal is AWS's and is recorded."""
    quota, other = quotas.OF_SERVICE[service], account(local)
    number = 6 if quota in quotas.HALVED else 3
    set_quotas(local, f"{quota}={number}")
    document = {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}
    asked = document if service == "access-analyzer" else {}

    def ask(who: Credentials) -> HttpResponse:
        return sdk.answered(local, sdk.request(local, service, name, who, asked))

    for _ in range(3):
        assert code not in ask(local.admin).body.decode()
    refusal = ask(local.admin)
    local.installation.commit()
    assert refusal.status == status
    assert code in refusal.body.decode()
    assert f"The request quota {quota} is {number} per second." in refusal.body.decode()
    assert local.events[-1].error_code
    assert code not in ask(other).body.decode()
    assert local.kms("ListKeys").status == 200
    local.time.passes(timedelta(seconds=0.34))
    assert code not in ask(local.admin).body.decode()


@pytest.mark.parametrize(("service", "name", "code", "status"), SERVICES)
def test_no_principal_keeps_others_away(
    local: Local, service: str, name: str, code: str, status: int
) -> None:
    """A user gets a half of an account's calls, denied ones too; two get all; root's half stays."""
    set_quotas(local, f"{quotas.OF_SERVICE[service]}=8")
    root = account(local)
    others = []
    for user_name in ("mallory", "trent"):
        local.time.passes(timedelta(seconds=2))
        assert local.iam("CreateUser", root, UserName=user_name).status == 200
        made = local.iam("CreateAccessKey", root, UserName=user_name).body.decode()
        names = ("AccessKeyId", "SecretAccessKey")
        others.append(Credentials(*(made.split(f"<{each}>")[1].split("<")[0] for each in names)))
    local.time.passes(timedelta(seconds=2))
    document = {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}
    asked = document if service == "access-analyzer" else {}

    def answered(who: Credentials, times: int) -> int:
        """How many of so many calls were not throttled."""
        requests = [sdk.request(local, service, name, who, asked) for _ in range(times)]
        answers = [sdk.answered(local, each) for each in requests]
        return sum(code not in each.body.decode() for each in answers)

    for who in others:
        assert answered(who, 20) == 4
    assert answered(root, 5) == 4


def test_roles_give_no_second_half(local: Local) -> None:
    """A user has one half with every role that it takes, from role to role; another has its own."""
    set_quotas(local, "IAM requests=8")
    number = local.founded.account_id
    trust = policy({"Effect": "Allow", "Principal": {"AWS": number}, "Action": "sts:AssumeRole"})
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    for name in ("first", "second"):
        local.time.passes(timedelta(seconds=2))
        sdk.call(
            local, "iam", "CreateRole", local.admin, RoleName=name, AssumeRolePolicyDocument=trust
        )
        document = {"RoleName": name, "PolicyName": "p", "PolicyDocument": policy(may)}
        sdk.call(local, "iam", "PutRolePolicy", local.admin, **document)
    local.time.passes(timedelta(seconds=2))
    mallory = user(local, "mallory", may)
    local.time.passes(timedelta(seconds=2))
    trent = user(local, "trent", may)
    local.time.passes(timedelta(seconds=2))

    def within(who: Credentials, role: str) -> Credentials:
        asked = {"RoleArn": f"arn:aws:iam::{number}:role/{role}", "RoleSessionName": "story"}
        given = sdk.call(local, "sts", "AssumeRole", who, **asked)["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return Credentials(*(given[each] for each in names))

    def answered(who: Credentials) -> int:
        answers = [local.iam("ListUsers", who).body for _ in range(6)]
        return sum(b"Rate exceeded" not in each for each in answers)

    first = within(mallory, "first")
    chained, own = within(first, "second"), within(trent, "second")
    assert [answered(who) for who in (first, mallory, chained, own, trent)] == [4, 0, 0, 4, 0]
    local.time.passes(timedelta(seconds=2))
    assert [answered(who) for who in (mallory, chained, trent)] == [4, 0, 4]


def test_another_account_has_one_half(local: Local) -> None:
    """Its users come by any roles, and leave the other half to those who are at home."""
    set_quotas(local, "IAM requests=8")
    number, host = local.founded.account_id, account(local)
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    trust = policy({"Effect": "Allow", "Principal": {"AWS": number}, "Action": "sts:AssumeRole"})
    arns = []
    for name in ("east", "west"):
        local.time.passes(timedelta(seconds=2))
        role = {"RoleName": name, "AssumeRolePolicyDocument": trust}
        arns.append(sdk.call(local, "iam", "CreateRole", host, **role)["Role"]["Arn"])
        document = {"RoleName": name, "PolicyName": "p", "PolicyDocument": policy(may)}
        sdk.call(local, "iam", "PutRolePolicy", host, **document)
    guests = []
    for name, arn in zip(("ann", "bob"), arns, strict=True):
        local.time.passes(timedelta(seconds=2))
        asked = {"RoleArn": arn, "RoleSessionName": "story"}
        given = sdk.call(local, "sts", "AssumeRole", user(local, name, may), **asked)["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        guests.append(Credentials(*(given[each] for each in names)))
    local.time.passes(timedelta(seconds=2))
    sdk.call(local, "iam", "CreateUser", host, UserName="eve")
    made = sdk.call(local, "iam", "CreateAccessKey", host, UserName="eve")["AccessKey"]
    eve = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    local.time.passes(timedelta(seconds=2))

    def answered(who: Credentials) -> int:
        answers = [local.iam("ListUsers", who).body for _ in range(6)]
        return sum(b"Rate exceeded" not in each for each in answers)

    assert [answered(who) for who in (*guests, eve)] == [4, 0, 4]


def test_the_key_is_taken_away(local: Local) -> None:
    """While a user asks as fast as it can, an administrator ends its key."""
    set_quotas(local, "IAM requests=8")
    mallory = user(local, "mallory")
    local.time.passes(timedelta(seconds=2))
    for _ in range(20):
        local.iam("ListUsers", mallory)
    taken = local.iam(
        "UpdateAccessKey", UserName="mallory", AccessKeyId=mallory.access_key, Status="Inactive"
    )
    assert taken.status == 200
    assert b"<Code>InvalidClientTokenId</Code>" in local.iam("ListUsers", mallory).body


def test_tools_have_room(local: Local) -> None:
    """Hundreds of calls of IAM and STS at one moment are answered with the usual numbers."""
    for _ in range(300):
        assert local.sts("GetCallerIdentity").status == 200
    for _ in range(250):
        assert local.iam("GetAccountPasswordPolicy").status == 404


# Records and metrics


def records(local: Local) -> list[dict[str, Any]]:
    files = sorted((local.installation.directory / "audit").glob("records-*"))
    return [json.loads(line)["event"] for file in files for line in file.read_bytes().splitlines()]


def shown(local: Local, quota: str) -> float:
    """How many throttled calls the page of metrics shows."""
    page = exposition(local.installation.metrics).decode()
    match = re.search(rf'^keystead_throttled_total{{quota="{quota}"}} (.*)$', page, re.MULTILINE)
    return float(match[1]) if match else 0.0


def test_a_flood_is_counted(local: Local) -> None:
    """The first of a minute have a record each, the others one record a second, by quota."""
    before, throttled = len(records(local)), shown(local, "EnableKey")
    other = account(local)
    set_quotas(local, "DisableKey=0", "EnableKey=0")
    for _ in range(EACH_OWNER + 30):
        local.installation.pipeline.answer(local.kms_request("DisableKey"))
    for _ in range(5):
        local.installation.pipeline.answer(local.kms_request("EnableKey"))
    local.kms("EnableKey", other)
    local.installation.upkeep.write_counted()
    local.installation.upkeep.write_counted()

    made = records(local)[before:]
    assert Counter(event["eventName"] for event in made) == {
        "CreateAccount": 1, "DisableKey": EACH_OWNER, "EnableKey": 1, EVENT_NAME: 1,
    }  # fmt: skip
    assert {event.get("errorCode") for event in made[1:]} == {"ThrottlingException"}
    details = made[-1]["serviceEventDetails"]
    mine = local.founded.account_id
    assert details["quotas"] == {f"{mine} {REGION} DisableKey": 30, f"{mine} {REGION} EnableKey": 5}
    assert (details["total"], details["otherQuotas"]) == (35, 0)
    [administrator] = {event["userIdentity"]["principalId"] for event in made[1:EACH_OWNER]}
    assert details["principals"] == {administrator: 35}
    assert shown(local, "EnableKey") - throttled == 6


def test_the_next_minute_is_recorded_again(local: Local) -> None:
    """The records of their own are those of each minute; what is allowed is always recorded."""
    set_quotas(local, "DisableKey=0")
    for _ in range(EACH_OWNER + 1):
        local.installation.pipeline.answer(local.kms_request("DisableKey"))
    local.installation.pipeline.answer(local.kms_request("ListKeys"))
    local.time.passes(timedelta(minutes=1))
    local.kms("DisableKey")
    assert Counter(event.name for event in local.events) == {
        "DisableKey": EACH_OWNER + 1, "ListKeys": 1,
    }  # fmt: skip
    local.installation.upkeep.write_counted()


def test_a_record_of_counts_is_short(local: Local) -> None:
    """It names so many quotas, and counts the others together."""
    names = [name for name in KMS if KMS[name].quotas(None) == (name,)]  # type: ignore[misc]  # each row has them
    regions = [REGION, OTHER_REGION]
    set_quotas(local, *(f"{name}=0" for name in names))
    for _ in range(EACH_OWNER):
        local.installation.pipeline.answer(local.kms_request("CreateKey"))
    asked = [(name, region) for region in regions for name in names][: NAMED + 3]
    for name, region in asked:
        request = local.json_request("kms", name, region=region)
        local.installation.pipeline.answer(request)
    local.installation.upkeep.write_counted()
    details = records(local)[-1]["serviceEventDetails"]
    assert (len(details["quotas"]), details["otherQuotas"]) == (NAMED, 3)


# Memory and fairness


def test_a_hundred_thousand_accounts() -> None:
    """Buckets are forgotten when they are full; in one moment there are so many, and no more."""
    now = [0.0]
    throttle = Throttle(lambda *_: 5, lambda: now[0])
    row = KMS["CreateKey"]

    def calls(number: int) -> str:
        caller = replace(CALLER, account=f"{number:012}")
        return throttle.exceeded(row, caller, REGION, None)

    assert [calls(0) for _ in range(6)] == [""] * 5 + ["CreateKey"]
    for number in range(1, 100_000):
        assert calls(number) == ""
        if not number % 10_000:
            assert calls(0) == "CreateKey"  # in use, so it is not forgotten
    assert throttle.kept_bytes <= 2 * MOST * BUCKET
    for seconds in (SECONDS, 2 * SECONDS):
        now[0] = seconds
        throttle.tick()
    assert throttle.kept_bytes == 0
    assert [calls(0) for _ in range(6)] == [""] * 5 + ["CreateKey"]


def test_the_memory_of_a_bucket() -> None:
    """A bucket takes as much as is counted."""
    throttle = Throttle(lambda *_: 5, lambda: 0.0)
    for number in range(1000):
        caller = replace(CALLER, account=f"{number:012}")
        throttle.exceeded(KMS["CreateKey"], caller, REGION, None)
    assert 0.7 < weigh(throttle._young) / throttle.kept_bytes < 1.1


def test_a_throttled_connection_lets_others_go_first(door: RunningDoor) -> None:
    """After an answer for a quota a connection is greedy; after the next answer it is modest."""
    ranks: list[Rank] = []
    with door.connect() as connected:
        for too_often in (True, False):
            door.application.replaced = Answer(unavailable(), unavailable, too_often)
            connected.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while b"not durable" not in connected.recv(4096):
                pass
            door.with_each(lambda connection: ranks.append(connection.rank))
    assert ranks == [Rank.GREEDY, Rank.MODEST]
