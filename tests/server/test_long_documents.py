"""Long documents are read beside the loop, and say the same as they would in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keystead.server.pipeline import Answer, Later
from keystead.wire.http import HttpRequest
from keystead.work import AT_ONCE
from tests.documents import LARGE, key_policy
from tests.server.installations import Answered, Local, open_local
from tests.server.test_slow_lane import Lanes

LONG = LARGE["resources"](1)
SHORT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
    }
)


@pytest.fixture
def local(tmp_path: Path) -> Local:
    return open_local(tmp_path / "data")


@pytest.fixture
def lanes(local: Local) -> Lanes:
    return Lanes(local)


def simulation(local: Local, *documents: str) -> HttpRequest:
    members = {f"PolicyInputList.member.{i}": text for i, text in enumerate(documents, 1)}
    actions = {"ActionNames.member.1": "kms:Encrypt", "ActionNames.member.2": "s3:GetObject"}
    return local.iam_request("SimulateCustomPolicy", **members, **actions)


def context_keys(local: Local, *documents: str) -> HttpRequest:
    members = {f"PolicyInputList.member.{i}": text for i, text in enumerate(documents, 1)}
    return local.iam_request("GetContextKeysForCustomPolicy", **members)


def padded(text: str) -> str:
    """The same document, long."""
    return text + " " * AT_ONCE


Asking = Callable[..., HttpRequest]


@pytest.mark.parametrize("asking", [simulation, context_keys])
def test_long_documents_are_work(lanes: Lanes, asking: Asking) -> None:
    """A long document is read beside the loop; the twin, a short one, in it."""
    later = lanes.later(asking(lanes.local, LONG))

    assert lanes.finish(later).status == 200
    [answer] = lanes.turn(asking(lanes.local, SHORT))
    assert isinstance(answer, Answer)


@pytest.mark.parametrize("asking", [simulation, context_keys])
@pytest.mark.parametrize(
    "document", [SHORT, LARGE["conditions"](1)[:3000], "{}", '{"Version": "2012-10-17"}']
)
def test_length_changes_no_answer(local: Local, asking: Asking, document: str) -> None:
    """The same document says the same, long and short; what is wrong with it, too."""
    short = local.send(asking(local, document))
    long = local.send(asking(local, padded(document)))

    assert (long.status, _without_ids(long)) == (short.status, _without_ids(short))


def _without_ids(answered: Answered) -> str:
    head, _, _ = answered.body.decode().partition("<RequestId>")
    return head


def test_pages_of_long_simulations_go_on(local: Local) -> None:
    """A marker leads to the next action, as with short documents."""
    found = []
    for text in (SHORT, padded(SHORT)):
        members = {"PolicyInputList.member.1": text, "MaxItems": "1"}
        actions = {f"ActionNames.member.{i}": f"kms:Action{i}" for i in (1, 2)}
        first = local.iam("SimulateCustomPolicy", **members, **actions).body.decode()
        marker = first.partition("<Marker>")[2].partition("</Marker>")[0]
        second = local.iam(
            "SimulateCustomPolicy", **members, **actions, Marker=marker
        ).body.decode()
        found.append([_actions(first), _actions(second), "<Marker>" in second])

    assert found[0] == found[1] == [["kms:Action1"], ["kms:Action2"], False]


def _actions(body: str) -> list[str]:
    parts = body.split("<EvalActionName>")[1:]
    return [part.partition("<")[0] for part in parts]


def put(local: Local, key_id: str, text: str, **members: Any) -> HttpRequest:
    named = {"KeyId": key_id, "PolicyName": "default", "Policy": text, **members}
    return local.kms_request("PutKeyPolicy", **named)


def made_key(local: Local) -> tuple[str, str]:
    """The account and the id of a new key."""
    made = local.kms("CreateKey").json["KeyMetadata"]
    return made["AWSAccountId"], made["KeyId"]


def test_long_key_policies_are_work(lanes: Lanes) -> None:
    """They are stored by the second run, and are in force with the next call."""
    local = lanes.local
    account, key_id = made_key(local)
    text = key_policy(account, LONG)
    later = lanes.later(put(local, key_id, text))

    assert local.kms("GetKeyPolicy", KeyId=key_id).json["Policy"] != text
    assert lanes.finish(later).status == 200
    assert local.kms("GetKeyPolicy", KeyId=key_id).json["Policy"] == text
    assert local.kms("Encrypt", KeyId=key_id, Plaintext="AAAA").status == 200
    assert [e.error_code for e in local.events if e.name == "PutKeyPolicy"] == [""]


def test_a_key_is_made_with_a_long_policy(lanes: Lanes) -> None:
    """One key, although its operation runs twice; one of a bad policy is not made."""
    local = lanes.local
    account, _ = made_key(local)
    good = local.kms_request("CreateKey", Policy=key_policy(account, LONG))
    bad = local.kms_request("CreateKey", Policy=padded(SHORT))

    before = len(local.kms("ListKeys").json["Keys"])
    assert lanes.finish(lanes.later(good)).status == 200
    refused = lanes.finish(lanes.later(bad))

    assert refused.json["__type"] == "MalformedPolicyDocumentException"
    assert len(local.kms("ListKeys").json["Keys"]) == before + 1


def test_who_is_locked_out_by_a_long_policy_is_told(local: Local) -> None:
    """The safety check holds for long policies; the twin bypasses it."""
    account, key_id = made_key(local)
    nobody = key_policy(account, LONG).replace("kms:*", "kms:Encrypt")

    refused = local.send(put(local, key_id, nobody))
    bypassed = local.send(put(local, key_id, nobody, BypassPolicyLockoutSafetyCheck=True))

    assert refused.json["__type"] == "MalformedPolicyDocumentException"
    assert bypassed.status == 200


def test_what_changed_meanwhile_counts(lanes: Lanes) -> None:
    """Who made the principal of a policy while it was read is resolved by the second run."""
    local = lanes.local
    account, key_id = made_key(local)
    text = key_policy(account, LONG)
    document = json.loads(text)
    document["Statement"][1]["Principal"] = {"AWS": f"arn:aws:iam::{account}:user/late"}
    local.iam("CreateUser", UserName="late")
    request = put(local, key_id, json.dumps(document))

    later = lanes.later(request)
    local.iam("DeleteUser", UserName="late")
    again = lanes.again(later)
    [second] = lanes.turn(again)

    assert isinstance(second, Later)  # the result was made with the id of who is gone
    assert lanes.finish(second).json["__type"] == "MalformedPolicyDocumentException"


def test_a_right_that_ends_meanwhile_is_gone(lanes: Lanes) -> None:
    """The second run asks again: what was withdrawn while a document was read counts."""
    local = lanes.local
    account, key_id = made_key(local)
    later = lanes.later(put(local, key_id, key_policy(account, LONG)))
    closed = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"},
        ],
    }
    written = put(local, key_id, json.dumps(closed), BypassPolicyLockoutSafetyCheck=True)
    assert local.send(written).status == 200

    assert lanes.finish(later).json["__type"] == "AccessDeniedException"
