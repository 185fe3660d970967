"""The Query protocol: what is read, what is refused and in which words."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.errors import AwsError, SerializationException, ValidationException
from keystead.wire.models import iam, sts
from keystead.wire.operation import Operation
from keystead.wire.query import query

ROLE = "arn:aws:iam::111122223333:role/ops"


def message(operation: Operation[Any, Any], form: dict[str, str]) -> str:
    """The text of the ValidationException for a form."""
    with pytest.raises(ValidationException) as refused:
        query.read(operation, form)
    return str(refused.value.message)


OF_NAMES = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
OF_PATHS = "contain only alphanumeric characters and/or / characters."


@pytest.mark.parametrize(
    ("operation", "form", "sentence"),
    [
        (iam.CreateUser, {"UserName": "a b"}, f"userName is invalid. {OF_NAMES}"),
        (iam.CreateGroup, {"GroupName": "a/b"}, f"groupName is invalid. {OF_NAMES}"),
        (
            iam.PutUserPolicy,
            {"UserName": "a", "PolicyName": "*", "PolicyDocument": "{}"},
            f"policyName is invalid. {OF_NAMES}",
        ),
        (
            iam.CreateUser,
            {"UserName": "a", "Path": "a/"},
            f"path is invalid. It must begin and end with / and {OF_PATHS}",
        ),
        (
            iam.ListUsers,
            {"PathPrefix": "a"},
            f"pathPrefix is invalid. It must begin with / and {OF_PATHS}",
        ),
        (
            iam.ListPolicies,
            {"PathPrefix": "/a b/"},
            f"pathPrefix is invalid. It must begin with / and {OF_PATHS}",
        ),
        (iam.CreateUser, {"UserName": "?", "Path": "a"}, "path is invalid. It must begin and end"),
    ],
)
def test_iams_names_and_paths(operation: Any, form: dict[str, str], sentence: str) -> None:
    """The characters of names and paths have sentences of their own; the first is said."""
    assert message(operation, form).startswith(f"The specified value for {sentence}")


def test_iam_never_quotes_a_value() -> None:
    """IAM names the member and the rule, not the value; other rules come before characters."""
    assert message(iam.CreateUser, {"UserName": "a " * 40, "Path": "x"}) == (
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member"
        " must have length less than or equal to 64"
    )
    assert message(iam.CreateUser, {}) == (
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member"
        " must not be null"
    )


def test_sts_quotes_the_value() -> None:
    """STS quotes what it refuses."""
    assert message(sts.AssumeRole, {"RoleArn": ROLE, "RoleSessionName": "x"}) == (
        "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint:"
        " Member must have length greater than or equal to 2"
    )


def test_sts_does_not_quote_a_token() -> None:
    """A sensitive value is not quoted, by any service."""
    form = {"RoleArn": ROLE, "RoleSessionName": "abc", "WebIdentityToken": "abc"}

    text = message(sts.AssumeRoleWithWebIdentity, form)

    assert text == (
        "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint:"
        " Member must have length greater than or equal to 4"
    )


def test_all_violations_at_once() -> None:
    """Violations in nested lists are named with their place."""
    form = {"UserName": "alice", "Tags.member.1.Key": "", "Tags.member.1.Value": "v"}
    form |= {"Tags.member.2.Key": "k"}

    assert message(iam.TagUser, form) == (
        "3 validation errors detected: Value at 'tags.1.member.key' failed to satisfy constraint:"
        r" Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+; Value at"
        " 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than"
        " or equal to 1; Value at 'tags.2.member.value' failed to satisfy constraint: Member must"
        " not be null"
    )


def test_tags_allow_letters_of_every_script() -> None:
    """Where AWS's pattern allows Unicode letters, numbers and separators, so do we."""
    form = {
        "UserName": "alice",
        "Tags.member.1.Key": "größe 東京\u3000\u2160",
        "Tags.member.1.Value": "",
    }

    assert query.read(iam.TagUser, form).tags == [iam.Tag(key="größe 東京\u3000\u2160", value="")]
    assert "tags.1.member.key" in message(iam.TagUser, {**form, "Tags.member.1.Key": "a\u0301"})


def test_lists() -> None:
    """Indices order a list; gaps do not matter; an empty value is an empty list."""
    names = [f"ActionNames.member.{index}" for index in (10, 2, 1)]
    form = {name: f"iam:{name[-1]}" for name in names}
    form |= {"PolicyInputList.member.1": "{}", "ResourceArns": ""}

    request = query.read(iam.SimulateCustomPolicy, form)

    assert request.action_names == ["iam:1", "iam:2", "iam:0"]
    assert request.resource_arns == []
    assert request.context_entries is None


def test_scalars() -> None:
    """Booleans, integers and blobs have one spelling."""
    form = {"MinimumPasswordLength": "12", "RequireSymbols": "true", "HardExpiry": "false"}

    request = query.read(iam.UpdateAccountPasswordPolicy, form)

    assert (request.minimum_password_length, request.require_symbols) == (12, True)
    assert request.hard_expiry is False


@pytest.mark.parametrize(
    "form",
    [
        {"MaxItems": "ten"},
        {"MaxItems": ""},
        {"MaxItems": "1.0"},
        {"MaxItems": "\uff11"},
        {"MaxItems": " 1"},
        {"MaxItems": "9" * 20},
        {"OnlyAttached": "True"},
        {"OnlyAttached": "1"},
        {"OnlyAttached.x": "true"},
    ],
)
def test_wrong_types(form: dict[str, str]) -> None:
    """Every other spelling is a malformed input."""
    with pytest.raises(SerializationException) as refused:
        query.read(iam.ListPolicies, form)

    assert refused.value.query_code == "MalformedInput"


@pytest.mark.parametrize(
    "parameters",
    [
        {"Tags": "x"},
        {"Tags.1.Key": "a"},
        {"Tags.member": "a"},
        {"Tags.member.0.Key": "a"},
        {"Tags.member.01.Key": "a"},
        {"Tags.member.-1.Key": "a"},
        {"Tags.member.a.Key": "a"},
        {"Tags.member.1": "a"},
        {"Tags": "", "Tags.member.1.Key": "a"},
        {"Tags.member.1.Key": "a", "Tags.member.1.Key.x": "b"},
        {"Tags.member.1.Key.x": "b", "Tags.member.1.Key": "a"},
    ],
)
def test_ambiguous_structures(parameters: dict[str, str]) -> None:
    """A parameter that is two things at once, or has no plain index, is refused."""
    with pytest.raises(SerializationException):
        query.read(iam.TagUser, {"UserName": "alice", **parameters})


def test_unknown_parameters_are_ignored() -> None:
    """AWS ignores what it does not know, and so do we; names are case-sensitive."""
    form = {"Action": "GetUser", "Version": "x", "username": "bob", "X.member.1": "y"}

    assert query.read(iam.GetUser, form) == iam.GetUserRequest()


@pytest.mark.parametrize("body", [b"UserName=a&username=b", b"UserName=%", b"UserName=%ff"])
def test_bad_forms(body: bytes) -> None:
    """A form that has no single reading is a malformed input."""
    with pytest.raises(SerializationException):
        query.parse_form(body)


def test_timestamps() -> None:
    """The oracle's ISO 8601 is read; other forms are not."""
    form = {"JobId": "a" * 36, "ServiceNamespace": "kms"}
    assert query.read(iam.GetServiceLastAccessedDetailsWithEntities, form).job_id == "a" * 36

    for text in ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00.5Z", "2024-01-31T13:00:00+01:00"):
        assert query.timestamp(text).replace(microsecond=0) == datetime(2024, 1, 31, 12, tzinfo=UTC)
    for text in ("2024-01-31", "2024-01-31 12:00:00Z", "2024-13-31T12:00:00Z", "1706702400", ""):
        with pytest.raises(ValueError, match="timestamp"):
            query.timestamp(text)


paths = st.lists(
    st.sampled_from(["Tags", "member", "1", "2", "Key", "Value", "UserName", "entry", "", "x"]),
    min_size=1,
    max_size=5,
).map(".".join)


@given(st.dictionaries(paths, st.text(max_size=5), max_size=8))
def test_any_form_is_read_or_refused(form: dict[str, str]) -> None:
    """Whatever parameters come, they are read or refused with AWS's error."""
    operations: tuple[Operation[Any, Any], ...] = (iam.TagUser, iam.CreateUser)
    for operation in (*operations, iam.SimulateCustomPolicy):
        try:
            value = query.read(operation, form)
        except AwsError:
            continue
        assert isinstance(value, operation.input)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    """Noise is read or refused with AWS's error."""
    for body in (noise, b"UserName=a&Tags.member.1.Key=" + noise):
        with suppress(AwsError):
            query.read(iam.TagUser, query.parse_form(body))
