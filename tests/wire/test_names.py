"""What of a request and of an answer an event may show."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from keystead.wire import names
from keystead.wire.models import iam, kms, sts
from keystead.wire.operation import Operation
from keystead.wire.schema import Kind, Schema, schema_of
from tests.wire import oracle

SECRET = "the secret itself"
TIME = datetime(2022, 8, 10, 22, 38, 27, tzinfo=UTC)


def test_a_request() -> None:
    """Members are shown in lowerCamel, without what is absent, secret or a blob."""
    request = kms.EncryptRequest(
        key_id="alias/a",
        plaintext=b"secret",
        encryption_context={"tenant": "a", "aBC": "d"},
        grant_tokens=["secret"],
        dry_run=False,
    )

    assert names.event_parameters(kms.Encrypt, request) == {
        "keyId": "alias/a",
        "encryptionContext": {"tenant": "a", "aBC": "d"},
        "dryRun": False,
    }


def test_structures_and_lists() -> None:
    """Nested structures are shown member by member."""
    request = kms.TagResourceRequest(key_id="k", tags=[kms.Tag(tag_key="a", tag_value="b")])
    grant = kms.CreateGrantRequest(
        key_id="k",
        grantee_principal="p",
        operations=["Decrypt"],
        constraints=kms.GrantConstraints(encryption_context_subset={"A": "b"}),
    )

    assert names.event_parameters(kms.TagResource, request)["tags"] == [
        {"tagKey": "a", "tagValue": "b"}
    ]
    assert names.event_parameters(kms.CreateGrant, grant) == {
        "keyId": "k",
        "granteePrincipal": "p",
        "operations": ["Decrypt"],
        "constraints": {"encryptionContextSubset": {"A": "b"}},
    }


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (TIME, "Aug 10, 2022, 10:38:27 PM"),
        (TIME.replace(hour=0, minute=5), "Aug 10, 2022, 12:05:27 AM"),
        (TIME.replace(month=1, day=1, hour=12), "Jan 1, 2022, 12:38:27 PM"),
    ],
)
def test_dates(time: datetime, text: str) -> None:
    """A date is written as CloudTrail writes it."""
    answer = kms.ScheduleKeyDeletionResponse(key_id="k", deletion_date=time)

    assert names.event_response(kms.ScheduleKeyDeletion, answer) == {
        "keyId": "k",
        "deletionDate": text,
    }


def test_only_the_first_letter_changes() -> None:
    """Acronyms keep their letters, as in AWS's events."""
    request = iam.DeleteSAMLProviderRequest(saml_provider_arn="arn:aws:iam::1:saml-provider/x")

    assert list(names.event_parameters(iam.DeleteSAMLProvider, request)) == ["sAMLProviderArn"]


def test_credentials_are_shown_without_their_secrets() -> None:
    """The answer of a call that issues credentials shows the key's id and when it expires."""
    credentials = sts.Credentials(
        access_key_id="ASIA1", secret_access_key=SECRET, session_token=SECRET, expiration=TIME
    )

    shown = names.event_response(sts.AssumeRole, sts.AssumeRoleResponse(credentials=credentials))

    assert shown == {
        "credentials": {"accessKeyId": "ASIA1", "expiration": "Aug 10, 2022, 10:38:27 PM"}
    }


def test_nothing_to_show() -> None:
    """An operation without output shows nothing."""
    assert names.event_response(kms.DisableKey, None) == {}


def marked(schema: Schema, tree: dict[str, Any]) -> dict[str, Any]:
    """The same values with a mark in every sensitive text, at any depth."""
    for member in schema.members:
        if member.wire_name not in tree:
            continue
        if member.sensitive and member.schema.kind is Kind.STRING:
            tree[member.wire_name] = SECRET
        elif member.sensitive and member.schema.kind is Kind.LIST:
            tree[member.wire_name] = [SECRET]
        elif member.schema.kind is Kind.STRUCTURE:
            marked(member.schema, tree[member.wire_name])
        elif member.schema.kind is Kind.LIST and member.schema.element.kind is Kind.STRUCTURE:
            for item in tree[member.wire_name]:
                marked(member.schema.element, item)
    return tree


@pytest.mark.parametrize(
    "operation", oracle.OPERATIONS, ids=lambda op: f"{op.service.name}-{op.name}"
)
def test_no_secret_in_any_event(operation: Operation[Any, Any]) -> None:
    """No event of any operation shows a sensitive member, and every event is plain JSON."""
    for tree in oracle.inputs(operation, 3):
        schema = schema_of(operation.input)
        request = oracle.built(schema, marked(schema, tree))
        assert SECRET not in json.dumps(names.event_parameters(operation, request))
    for tree in oracle.outputs(operation, 3):
        if operation.output is not type(None):
            marked(schema_of(operation.output), tree)
        answer = oracle.typed(operation, tree)
        assert SECRET not in json.dumps(names.event_response(operation, answer))
