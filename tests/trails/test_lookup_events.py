"""LookupEvents: the events of the caller's account, by boto3, from a log that a server writes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials as BotoCredentials

from keystead.server.installation import ceremonies
from tests.conftest import Server, create_user, policy, refused
from tests.server.installations import REGION, Local, open_local

ACCOUNT_2 = "444455556666"
LOOKUP = {"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """An installation with a key, and with an alias that was asked for by a hostile program."""
    made = open_local(tmp_path_factory.mktemp("trails") / "data")
    key = made.kms("CreateKey").json["KeyMetadata"]["Arn"]
    made.key = key  # type: ignore[attr-defined]  # for these tests
    for _ in range(3):
        made.kms("DescribeKey", KeyId=key)
    made.kms("DescribeKey", KeyId="alias/none")
    made.iam("CreateUser", UserName="alice")
    yield made
    made.installation.close()


def look(
    local: Local, region: str = REGION, who: BotoCredentials | None = None, **members: Any
) -> dict[str, Any]:
    request = local.json_request("cloudtrail", "LookupEvents", who, region, **members)
    answered = local.send(request)
    assert answered.status == 200, answered.body
    return answered.json


def refusal(local: Local, **members: Any) -> str:
    answered = local.send(local.json_request("cloudtrail", "LookupEvents", **members))
    assert answered.status == 400, answered.body
    return answered.headers["x-amzn-ErrorType"]


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def test_the_newest_events_come_first(local: Local) -> None:
    """Each with CloudTrail's members, and the whole record as a text."""
    events = look(local)["Events"]
    times = [event["EventTime"] for event in events]
    assert times == sorted(times, reverse=True)
    [created] = [event for event in events if event["EventName"] == "CreateKey"]
    assert created["ReadOnly"] == "false"
    assert created["EventSource"] == "kms.amazonaws.com"
    assert created["AccessKeyId"] == local.admin.access_key
    assert created["Username"] == "admin"
    resource = {"ResourceType": "AWS::KMS::Key", "ResourceName": local.key}  # type: ignore[attr-defined]  # see above
    assert resource in created["Resources"]
    record = json.loads(created["CloudTrailEvent"])
    assert record["eventID"] == created["EventId"]
    assert record["eventVersion"] == "1.11"
    assert "keystead" not in record
    assert set(record["additionalEventData"]["keystead"]) <= {"index", "severity"}


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("EventName", "DescribeKey", {"DescribeKey"}),
        ("EventSource", "iam.amazonaws.com", {"CreateUser"}),
        ("ResourceType", "AWS::IAM::User", {"CreateUser"}),
        ("ResourceName", "alice", {"CreateUser"}),
        ("ReadOnly", "false", {"CreateKey", "CreateUser"}),
        ("Username", "admin", {"CreateKey", "CreateUser", "DescribeKey", "LookupEvents"}),
        ("Username", "root", set()),
        ("AccessKeyId", "AKIAIOSFODNN7EXAMPLE", set()),
        ("EventName", "describekey", set()),
    ],
)
def test_one_attribute_chooses(local: Local, key: str, value: str, names: set[str]) -> None:
    """Only events with exactly this value."""
    names_of = {event["EventName"] for event in look(local, **attribute(key, value))["Events"]}
    assert names_of - {"LookupEvents"} == names - {"LookupEvents"}


def test_an_event_is_looked_up_by_its_id(local: Local) -> None:
    """Its id leads to its position in the log; other ids find nothing."""
    event = look(local)["Events"][-1]
    assert look(local, **attribute("EventId", event["EventId"]))["Events"] == [event]
    other = "00000000" + event["EventId"][8:]
    for wrong in (other, "x", event["EventId"][:-12] + "ffffffffffff"):
        assert look(local, **attribute("EventId", wrong))["Events"] == []


def test_pages(local: Local) -> None:
    """Tokens lead through all events once; they are bound to the caller and to the question."""
    question = attribute("EventName", "DescribeKey")
    page = look(local, MaxResults=1, **question)
    token, ids = page["NextToken"], [event["EventId"] for event in page["Events"]]
    while "NextToken" in page:
        page = look(local, MaxResults=1, **question, NextToken=page["NextToken"])
        ids += [event["EventId"] for event in page["Events"]]
    assert len(ids) == len(set(ids)) == 4
    other = attribute("EventName", "CreateKey")
    assert refusal(local, NextToken=token, **other) == "InvalidNextTokenException"
    assert refusal(local, NextToken="x" * 40) == "InvalidNextTokenException"
    assert look(local, NextToken=token, **question)["Events"]


def test_a_range_of_time(local: Local) -> None:
    """Events of the range, of 90 days at most; a range that ends before it begins is refused."""
    now = datetime.now(UTC).timestamp()
    assert look(local, StartTime=now - 3600, EndTime=now + 60)["Events"]
    assert look(local, StartTime=now - 7200, EndTime=now - 3600)["Events"] == []
    assert look(local, StartTime=now + 3600)["Events"] == []
    assert look(local, StartTime=-6e10)["Events"]
    assert look(local, EndTime=now - 91 * 86400)["Events"] == []
    assert refusal(local, StartTime=now, EndTime=now - 1) == "InvalidTimeRangeException"


def test_what_cannot_be_asked(local: Local) -> None:
    """AWS's errors, and no event for a category without any."""
    two = [{"AttributeKey": "EventName", "AttributeValue": "a"}] * 2
    assert refusal(local, LookupAttributes=two) == "InvalidLookupAttributesException"
    read_only = attribute("ReadOnly", "maybe")
    assert refusal(local, **read_only) == "InvalidLookupAttributesException"
    for number in (0, 51, -1):
        assert refusal(local, MaxResults=number) == "InvalidMaxResultsException"
    assert look(local, MaxResults=50)["Events"]
    assert refusal(local, **attribute("Color", "red")) == "ValidationException"
    assert look(local, EventCategory="insight") == {"Events": []}


def test_other_operations_are_not_served(local: Local) -> None:
    """As with every service, the caller hears that there is no such operation."""
    for name in ("CreateTrail", "StartQuery", "DescribeTrails"):
        answered = local.send(local.json_request("cloudtrail", name))
        assert answered.headers["x-amzn-ErrorType"] == "UnknownOperationException"


def test_regions_are_apart(local: Local) -> None:
    """Each Region has its own events; those of IAM are in the global one."""
    elsewhere = look(local, region="us-west-2")["Events"]
    assert {event["EventSource"] for event in elsewhere} <= {"cloudtrail.amazonaws.com"}
    here = {event["EventSource"] for event in look(local)["Events"]}
    assert {"iam.amazonaws.com", "kms.amazonaws.com"} <= here


def test_boto3_asks_and_policies_decide(server: Server) -> None:
    """A user reads the events of the account only if a policy allows it."""
    nobody = create_user(server, "trail-nobody")
    with refused("AccessDeniedException", "cloudtrail:LookupEvents"):
        server.client("cloudtrail", nobody).lookup_events()
    reader = create_user(server, "trail-reader", LOOKUP)
    client = server.client("cloudtrail", reader, "us-east-1")  # IAM's events are there
    name = [{"AttributeKey": "ResourceName", "AttributeValue": "trail-reader"}]
    pages = client.get_paginator("lookup_events").paginate(
        LookupAttributes=name, StartTime=datetime.now(UTC) - timedelta(minutes=10)
    )
    names = [event["EventName"] for page in pages for event in page["Events"]]
    assert names == ["CreateAccessKey", "PutUserPolicy", "CreateUser"]


def test_nothing_of_another_account(local: Local) -> None:
    """An account sees its own events, and of another account only what was done to its resources.

    What it then sees does not name the caller, only its account and its unique id.
    """
    made = ceremonies.perform(local.installation, "account create", {"account_id": ACCOUNT_2})
    other = BotoCredentials(made["AccessKeyId"], made["SecretAccessKey"])
    account = local.founded.account_id
    both = [f"arn:aws:iam::{number}:root" for number in (account, ACCOUNT_2)]
    shared = policy(
        {"Effect": "Allow", "Principal": {"AWS": both}, "Action": "kms:*", "Resource": "*"}
    )
    shown = local.kms("CreateKey", Policy=shared)
    key = shown.json["KeyMetadata"]["Arn"]
    assert local.kms("DescribeKey", other, KeyId=key).status == 200
    assert local.kms("DescribeKey", other, KeyId=local.key).status == 400  # type: ignore[attr-defined]  # not shared

    theirs = look(local, who=other)["Events"]
    assert {event["EventName"] for event in theirs} == {"DescribeKey"}
    assert len(theirs) == 2  # the refused call is theirs alone
    assert all(account not in json.loads(event["CloudTrailEvent"])["userIdentity"]["arn"]
               for event in theirs)  # fmt: skip
    told = look(local, **attribute("ResourceName", key))["Events"]
    [copy] = [event for event in told if event["EventName"] == "DescribeKey"]
    record = json.loads(copy["CloudTrailEvent"])
    assert record["userIdentity"] == {
        "type": "AWSAccount", "principalId": ACCOUNT_2, "accountId": ACCOUNT_2
    }  # fmt: skip
    assert record["recipientAccountId"] == account
    [theirs_of_it] = [event for event in theirs if "errorCode" not in event["CloudTrailEvent"]]
    original = json.loads(theirs_of_it["CloudTrailEvent"])
    assert record["sharedEventID"] == original["sharedEventID"]
    assert record["eventID"] != original["eventID"]
    assert look(local, **attribute("EventId", copy["EventId"]))["Events"] == [copy]
    assert look(local, **attribute("EventId", original["eventID"]))["Events"] == []


def test_a_changed_line_is_not_shown(tmp_path: Path) -> None:
    """A record that somebody changed in the file, together with its hash, is no answer."""
    made = open_local(tmp_path / "data")
    made.kms("ListKeys")
    [path] = (tmp_path / "data" / "audit").glob("records-*.jsonl")
    made.installation.commit()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1].replace(b'"ListKeys"', b'"LostKeys"'))
    asked = made.json_request("cloudtrail", "LookupEvents")
    answered = made.send(asked)
    assert answered.status == 500, answered.body
    path.write_bytes(b"".join(lines))
    made.installation.store.close()


def test_twice_a_second(tmp_path: Path) -> None:
    """An account may ask two times at once in a Region, and again after a while, as at AWS."""
    made = open_local(tmp_path / "data", request_quotas=True)
    codes = [made.send(made.json_request("cloudtrail", "LookupEvents")).status for _ in range(3)]
    assert codes == [200, 200, 400]
    assert refusal(made) == "ThrottlingException"
    assert look(made, region="us-west-2")["Events"] == []
    made.time.passes(timedelta(seconds=1))
    assert look(made)["Events"]
    made.installation.close()
