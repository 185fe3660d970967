"""Query answers: XML, and JSON for those who ask for it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.errors import AwsError, InternalFailure, ValidationException
from keystead.wire.models import iam, sts
from keystead.wire.query import query_json, xml
from keystead.wire.sigv4.errors import MissingAuthenticationToken
from tests.wire import oracle

NOON = datetime(2024, 1, 31, 12, 0, 0, 999_999, UTC)
USER = iam.User(path="/", user_name="alice", user_id="AIDA1", arn="arn", create_date=NOON)


def test_an_answer() -> None:
    """Members in the model's order, empty lists written, absent ones left out."""
    answer = iam.ListUsersResponse(users=[], is_truncated=False)

    assert xml.write(iam.ListUsers, answer, "the-id") == (
        b'<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListUsersResult>'
        b"<Users></Users><IsTruncated>false</IsTruncated></ListUsersResult>"
        b"<ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata></ListUsersResponse>"
    )


def test_an_answer_without_output() -> None:
    """An operation without output has only its metadata."""
    assert xml.write(iam.DeleteUser, None, "the-id") == (
        b'<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        b"<ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


def test_an_empty_output() -> None:
    """An empty output still has its wrapper."""
    body = xml.write(iam.UpdateRole, iam.UpdateRoleResponse(), "the-id")

    assert b"<UpdateRoleResult></UpdateRoleResult>" in body


def test_maps() -> None:
    """A map is a list of entries."""
    body = xml.write(
        iam.GetAccountSummary, iam.GetAccountSummaryResponse(summary_map={"Users": 3}), "the-id"
    )

    assert b"<SummaryMap><entry><key>Users</key><value>3</value></entry></SummaryMap>" in body


def test_headers() -> None:
    """An answer is text/xml and carries its request id."""
    response = xml.response(iam.DeleteUser, None, "the-id")

    assert (response.status, dict(response.headers)) == (
        200,
        {"x-amzn-RequestId": "the-id", "Content-Type": "text/xml"},
    )


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_timestamps_are_whole_seconds_in_utc(zone: timezone) -> None:
    """Fractions are cut, zones converted."""
    assert xml.timestamp(NOON.astimezone(zone)) == "2024-01-31T12:00:00Z"


@given(st.text())
def test_any_text_survives(text: str) -> None:
    """Every text that XML can carry is read back; what it cannot carry is replaced."""
    answer = iam.GetUserResponse(
        user=iam.User(path=text, user_name="a", user_id="b", arn="c", create_date=NOON)
    )
    response = xml.response(iam.GetUser, answer, "the-id")

    result, _ = oracle.parsed(iam.GetUser, 200, response.headers, response.body)

    expected = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in text)
    expected = expected.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    assert result["User"]["Path"] == expected


@pytest.mark.parametrize(
    ("refusal", "status", "error"),
    [
        (
            iam.NoSuchEntityException("The user with name <a> cannot be found."),
            404,
            (
                b"<Type>Sender</Type><Code>NoSuchEntity</Code>"
                b"<Message>The user with name &lt;a&gt; cannot be found.</Message>"
            ),
        ),
        (
            ValidationException("x"),
            400,
            b"<Type>Sender</Type><Code>ValidationError</Code><Message>x</Message>",
        ),
        (
            iam.PolicyEvaluationException("x"),
            500,
            b"<Type>Receiver</Type><Code>PolicyEvaluation</Code><Message>x</Message>",
        ),
        (InternalFailure(), 500, b"<Type>Receiver</Type><Code>InternalFailure</Code>"),
        (
            MissingAuthenticationToken(),
            403,
            (
                b"<Type>Sender</Type><Code>MissingAuthenticationToken</Code>"
                b"<Message>Request is missing Authentication Token</Message>"
            ),
        ),
    ],
)
def test_errors(refusal: AwsError, status: int, error: bytes) -> None:
    """An error has the Query protocol's code and status, and says whose fault it is."""
    response = xml.error(sts.SERVICE, refusal, "the-id")

    assert (response.status, response.body) == (
        status,
        b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        + error
        + b"</Error><RequestId>the-id</RequestId></ErrorResponse>",
    )


def test_json_for_verifiers() -> None:
    """GetCallerIdentity can be answered in JSON, with the same names."""
    identity = sts.GetCallerIdentityResponse(user_id="AIDA1", account="111122223333", arn="arn")

    response = query_json.response(sts.GetCallerIdentity, identity, "the-id")

    assert dict(response.headers)["Content-Type"] == "application/json"
    assert json.loads(response.body) == {
        "GetCallerIdentityResponse": {
            "GetCallerIdentityResult": {
                "UserId": "AIDA1",
                "Account": "111122223333",
                "Arn": "arn",
            },
            "ResponseMetadata": {"RequestId": "the-id"},
        }
    }


def test_json_values_are_those_of_the_xml() -> None:
    """Timestamps are written as in XML, absent members left out."""
    response = query_json.response(iam.GetUser, iam.GetUserResponse(user=USER), "the-id")

    user = json.loads(response.body)["GetUserResponse"]["GetUserResult"]["User"]
    assert user["CreateDate"] == "2024-01-31T12:00:00Z"
    assert "Tags" not in user


def test_json_errors() -> None:
    """A refusal in JSON has the Query protocol's code."""
    response = query_json.error(MissingAuthenticationToken(), "the-id")

    assert (response.status, json.loads(response.body)) == (
        403,
        {
            "Error": {
                "Type": "Sender",
                "Code": "MissingAuthenticationToken",
                "Message": "Request is missing Authentication Token",
            },
            "RequestId": "the-id",
        },
    )


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("*/*", False),
        ("text/xml", False),
        ("application/json, text/xml", False),
        ("application/jsonp", False),
        ("", False),
    ],
)
def test_who_wants_json(accept: str, wanted: bool) -> None:
    """Only a caller that accepts JSON and nothing else gets it."""
    assert query_json.is_wanted({"accept": accept}) is wanted
    assert not query_json.is_wanted({})
