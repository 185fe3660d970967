"""What a record looks like, and what never gets into it."""

import hmac
import json
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import pytest

from keystead.audit.records import lines
from keystead.audit.records.event import Event
from keystead.audit.records.record import Recorder
from keystead.custody.signing.signer import AuditTags
from keystead.policy.evaluation.decision import (
    DecidingStatement,
    Decision,
    Outcome,
    PolicyKind,
)
from keystead.policy.evaluation.question import Principal, PrincipalType
from tests.audit.world import ACCOUNT, ALICE, ALLOWED, KEY_ARN, TAGS, encrypt

EVENT_IDS = "3f2a91bc-7d01-4e5f-8a3b-"


def line_of(event: Event, index: int = 7) -> bytes:
    return lines.write(Recorder(EVENT_IDS).record(event, index), index, TAGS, changed=False)[0]


def written(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line_of(event))["event"]
    return found


def test_the_whole_record() -> None:
    """An Encrypt is CloudTrail's record, field by field, and our own member."""
    assert written(encrypt()) == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAALICE",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAALICE",
            "userName": "alice",
        },
        "eventTime": "2026-11-24T12:00:00Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": "Encrypt",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2",
        "requestParameters": {"keyId": "alias/a", "encryptionContext": {"tenant": "a"}},
        "responseElements": None,
        "additionalEventData": {"keyMaterialId": "ab" * 32},
        "requestID": "request-1",
        "eventID": f"{EVENT_IDS}000000000007",
        "readOnly": True,
        "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": KEY_ARN}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "keystead": {
            "index": 7,
            "endpoint": "public",
            "durationMicroseconds": 87,
            "decisions": [
                {
                    "action": "kms:Encrypt",
                    "outcome": "Allowed",
                    "decidedBy": "resource-based policy",
                    "statements": [
                        {
                            "policy": "default",
                            "index": 0,
                            "sid": "Use",
                            "effect": "Allow",
                        }
                    ],
                }
            ],
        },
    }


def test_what_a_record_says_once() -> None:
    """A decision names its resource, and a statement its kind and place, only where they differ."""
    boundary = DecidingStatement(PolicyKind.BOUNDARY, "arn:b", ALICE.arn, 2, "", "Allow")
    other = Decision(
        Outcome.ALLOWED, ALICE.arn, "kms:TagResource", "*", PolicyKind.RESOURCE, (boundary,)
    )
    [same, differing] = written(encrypt(decisions=[ALLOWED, other]))["keystead"]["decisions"]

    assert same["statements"] == [
        {"policy": "default", "index": 0, "sid": "Use", "effect": "Allow"}
    ]
    assert "resource" not in same
    assert differing["resource"] == "*"
    assert differing["statements"] == [
        {
            "kind": "permissions boundary",
            "policy": "arn:b",
            "attachedTo": ALICE.arn,
            "index": 2,
            "effect": "Allow",
        }
    ]


def test_a_refusal() -> None:
    """A refusal carries the error, the kind of policy that refused, and no answer."""
    decision = Decision(
        Outcome.EXPLICITLY_DENIED, ALICE.arn, "kms:Encrypt", KEY_ARN, PolicyKind.SESSION
    )
    event = written(
        encrypt(error_code="AccessDeniedException", error_message="no", decisions=[decision])
    )

    assert (event["errorCode"], event["errorMessage"]) == ("AccessDeniedException", "no")
    assert event["responseElements"] is None
    [found] = event["keystead"]["decisions"]
    assert (found["outcome"], found["decidedBy"]) == ("ExplicitlyDenied", "session policy")


def test_where_the_call_came_through() -> None:
    """A VPC endpoint and TLS are recorded when there were any, and only then."""
    plain = written(encrypt())
    secure = written(
        encrypt(
            secure=True,
            tls_version="TLSv1.3",
            host="kms.example",
            vpce_id="vpce-1",
            vpce_account="111122223333",
        )
    )

    assert "tlsDetails" not in plain
    assert not {"vpcEndpointId", "vpcEndpointAccountId"} & set(plain)
    assert secure["vpcEndpointId"] == "vpce-1"
    assert secure["vpcEndpointAccountId"] == "111122223333"
    assert secure["tlsDetails"] == {
        "tlsVersion": "TLSv1.3",
        "clientProvidedHostHeader": "kms.example",
    }


@pytest.mark.parametrize(
    ("principal", "identity"),
    [
        (
            Principal(PrincipalType.ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCOUNT),
            {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"},
        ),
        (
            Principal(
                PrincipalType.ASSUMED_ROLE,
                f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/al",
                ACCOUNT,
                "AROAOPS:al",
            ),
            {"type": "AssumedRole", "principalId": "AROAOPS:al"},
        ),
        (
            Principal(PrincipalType.SERVICE, "", ACCOUNT, "", service_names=("s3.amazonaws.com",)),
            {"type": "AWSService", "invokedBy": "s3.amazonaws.com"},
        ),
        (None, {"type": "Unknown", "accessKeyId": "AKIAALICE"}),
    ],
)
def test_who(principal: Principal | None, identity: dict[str, str]) -> None:
    """Every kind of caller has CloudTrail's word; a claim that was not proven is Unknown."""
    found = written(encrypt(principal=principal))["userIdentity"]

    assert found.items() >= identity.items()


def test_a_session_is_told() -> None:
    """A session's context stands in the identity, each session's own."""
    recorder = Recorder(EVENT_IDS)
    first, second, none = (
        json.loads(
            lines.write(recorder.record(encrypt(session=session), 0), 0, TAGS, changed=False)[0]
        )
        for session in ({"mfa": "true"}, {"mfa": "false"}, {})
    )

    assert first["event"]["userIdentity"]["sessionContext"] == {"mfa": "true"}
    assert second["event"]["userIdentity"]["sessionContext"] == {"mfa": "false"}
    assert "sessionContext" not in none["event"]["userIdentity"]


def test_our_own_work() -> None:
    """What no caller asked for is AWS's service event."""
    event = written(
        encrypt(
            principal=None, access_key_id="", source_ip="", user_agent="", name="DeleteKey",
            event_type="AwsServiceEvent", service_details={"keyId": KEY_ARN},
        )
    )  # fmt: skip

    assert event["userIdentity"] == {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}
    assert event["sourceIPAddress"] == "AWS Internal"
    assert event["serviceEventDetails"] == {"keyId": KEY_ARN}
    assert event["recipientAccountId"] == ACCOUNT


def test_the_leaf_is_the_hash_of_the_bytes() -> None:
    """The leaf beside the event is SHA-256 over a zero byte and the bytes that stand there."""
    line = line_of(encrypt())
    event, leaf = lines.read(line)

    assert line[:-43] == b'{"event":' + event + b',"leaf":"' + leaf.hex().encode() + b'"'
    assert leaf == sha256(b"\0" + event).digest()


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "\n",
        "\r\n",
        "\0",
        "\x7f",
        "\x9b31m",
        "\u2028",
        "\u202e",
        "é",
        "😀",
        '"\\',
        "\udc80",
    ],
)
def test_nothing_escapes(text: str) -> None:
    """Whatever a caller sends, the line is one line of printable ASCII, and says what it was."""
    line = line_of(encrypt(user_agent=text, request_parameters={text: text}))

    assert line.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    shown = json.loads(line)["event"]["userAgent"]
    assert shown == (text if text != "\udc80" else "\\udc80")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**70, 2**70),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (b"bytes", "Ynl0ZXM="),
        (float("nan"), None),
        ({1, 2}, [1, 2]),
        (complex(1, 2), "(1+2j)"),
    ],
)
def test_any_value_is_recorded(value: Any, expected: Any) -> None:
    """A value of a type that JSON does not have never costs us the record."""
    found = written(encrypt(request_parameters={"value": value}))["requestParameters"]["value"]

    assert found == expected


def test_too_much_is_left_out_by_hash() -> None:
    """A long member is replaced by its size and hash; what stands beside it stays."""
    policy = "x" * 32_000
    line = line_of(encrypt(request_parameters={"keyId": "alias/a", "policy": policy}))
    found = json.loads(line)["event"]["requestParameters"]

    assert len(line) <= lines.LIMIT
    assert found["keyId"] == "alias/a"
    assert found["policy"] == {
        "omitted": True,
        "originalSize": 32_002,
        "sha256": sha256(f'"{policy}"'.encode()).hexdigest(),
    }


@pytest.mark.parametrize(
    "members",
    [
        {"user_agent": "x" * 20_000},
        {"user_agent": "\x01" * 20_000, "error_code": "e", "error_message": "x" * 9000},
        {"request_parameters": {str(n): "x" * 90 for n in range(1000)}},
        {"request_parameters": {str(n): n for n in range(9000)}},
        {"decisions": [Decision(Outcome.ALLOWED, "a", "b", "c" * 500, None)] * 99},
        {"session": {"tags": {str(n): "x" * 200 for n in range(200)}}},
    ],
)
def test_a_line_is_never_longer(members: dict[str, Any]) -> None:
    """However long the members are, a line has at most 16 KiB and says where it stands."""
    line = line_of(encrypt(**members))
    event, _ = lines.read(line)

    assert len(line) <= lines.LIMIT
    assert lines.entry(event).index == 7
    assert json.loads(event)["requestID"] == "request-1"


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:-1],
        lambda line: line + b"\n",
        lambda line: b" " + line,
        lambda line: line.replace(b"Encrypt", b"Decrypt", 1),
        lambda line: line.replace(b'{"event":', b'{"event": ', 1),
        lambda line: line.replace(b"aws-cli", b"aws\x00cli", 1),
        lambda line: line[:-50] + bytes([line[-50] ^ 1]) + line[-49:],
        lambda line: line.replace(b'","tag":"', b'","tag":"0'),
        lambda line: line[:-43] + b"}\n",
    ],
)
def test_other_lines_are_refused(damage: Any) -> None:
    """A line in any other form, or with another hash, is not ours."""
    line = line_of(encrypt())
    assert lines.read(line)

    with pytest.raises(lines.BadLine):
        lines.read(damage(line))


def test_the_tag_is_a_mac_over_place_and_leaf() -> None:
    """HMAC-SHA256, as the standard library computes it; another key, index or leaf has another."""
    record = Recorder(EVENT_IDS).record(encrypt(), 7)
    line, leaf = lines.write(record, 7, TAGS, changed=False)
    key = bytes(range(32))
    for changed, turn in ((False, b"\0"), (True, b"\1")):
        mac = hmac.digest(key, (7).to_bytes(8) + leaf + turn, "sha256")[:16]
        line = line[:-35] + mac.hex().encode() + b'"}\n'
        assert lines.came_with_change(line, 7, leaf, TAGS) is changed
        assert lines.write(record, 7, TAGS, changed=changed) == (line, leaf)
    others = ((8, leaf, TAGS), (7, sha256(leaf).digest(), TAGS), (7, leaf, AuditTags(bytes(32))))
    for index, other, tags in others:
        with pytest.raises(lines.BadLine):
            lines.came_with_change(line, index, other, tags)


def test_identities_are_bounded() -> None:
    """The memory for principals does not grow with their number, and forgets none wrongly."""
    recorder = Recorder(EVENT_IDS)
    for number in range(5000):
        recorder.record(encrypt(access_key_id=f"AKIA{number}"), number)
    record = recorder.record(encrypt(access_key_id="AKIA0"), 0)

    assert b'"accessKeyId":"AKIA0"' in bytes(record.user_identity)
    assert len(recorder._identities) <= 4096
