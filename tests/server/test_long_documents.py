"""Long documents are read beside the loop, and long lists in parts, and say the same as ever."""

import gc
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.credentials import Credentials

from keystead import paging
from keystead.caches import BoundedCache, Room
from keystead.policy.language import document as language_document
from keystead.server.pipeline import Answer, Later
from keystead.server.pipeline.exchange import Arrived
from keystead.server.pipeline.pipeline import MOST_WAITS
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
    "document", [SHORT, LARGE["conditions"](1)[:1500], "{}", '{"Version": "2012-10-17"}']
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
    assert finished(lanes, later).status == 200
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
    assert finished(lanes, lanes.later(good)).status == 200
    refused = finished(lanes, lanes.later(bad))

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

    named = lanes.later(request)
    later = lanes.later(lanes.again(named))  # it compiles the policy with the id of the user
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


# What is missing of stored documents


def forget(local: Local) -> None:
    """As after a start: nothing that was compiled is known."""
    for each in gc.get_objects():
        if isinstance(each, BoundedCache):
            each.clear()


def test_who_waited_enough_makes_nobody_read_in_the_turn(lanes: Lanes) -> None:
    """A request that waited so often reads the rest in its turn; others beside it still wait."""
    local = lanes.local
    account, key_id = made_key(local)
    policy = key_policy(account, LONG)
    assert local.send(put(local, key_id, policy)).status == 200
    request = partial(local.kms_request, "Encrypt", KeyId=key_id, Plaintext="AAAA")
    forget(local)
    tired = lanes.again(lanes.later(request()))
    assert isinstance(tired, Arrived)
    tired.waited = MOST_WAITS
    forget(local)
    _, other = made_key(local)
    assert local.send(put(local, other, policy.replace(":key/1-", ":key/2-"))).status == 200
    forget(local)

    for first in (tired, request(KeyId=other)):
        second = request(KeyId=other) if first is tired else tired
        kinds = {type(each): each for each in lanes.turn(first, second)}
        assert set(kinds) == {Answer, Later}
        later = kinds[Later]
        assert isinstance(later, Later)
        assert finished(lanes, later).status == 200
        forget(local)


def test_the_first_use_is_prepared_beside_the_loop(lanes: Lanes) -> None:
    """A long key policy is compiled and specialised as work; the twins, a second use and a short
    policy, need none."""
    local = lanes.local
    account, key_id = made_key(local)
    request = partial(local.kms_request, "Encrypt", KeyId=key_id, Plaintext="AAAA")
    forget(local)
    assert isinstance(lanes.turn(request())[0], Answer)

    assert local.send(put(local, key_id, key_policy(account, LONG))).status == 200
    forget(local)
    first = lanes.later(request())  # its policy is compiled
    [second] = lanes.turn(lanes.again(first))
    assert isinstance(second, Later)  # and specialised
    assert lanes.finish(second).status == 200
    [twin] = lanes.turn(request())
    assert isinstance(twin, Answer)
    assert [event.error_code for event in local.events if event.name == "Encrypt"] == [""] * 3


def test_a_policy_that_changes_meanwhile_counts(lanes: Lanes) -> None:
    """What was prepared of the policy before decides nothing."""
    local = lanes.local
    account, key_id = made_key(local)
    assert local.send(put(local, key_id, key_policy(account, LONG))).status == 200
    forget(local)
    waiting = lanes.later(local.kms_request("Encrypt", KeyId=key_id, Plaintext="AAAA"))
    denies = json.loads(key_policy(account, LONG))
    denies["Statement"].append(
        {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}
    )
    assert local.send(put(local, key_id, json.dumps(denies))).status == 200

    answered = finished(lanes, waiting)

    assert answered.json["__type"] == "AccessDeniedException"


def finished(lanes: Lanes, later: Later) -> Answered:
    """The answer, after all of its runs."""
    while isinstance(answer := lanes.turn(lanes.again(later))[0], Later):
        later = answer
    response = answer.response
    return Answered(response.status, dict(response.headers), response.body)


def test_many_first_uses_are_prepared_once(lanes: Lanes) -> None:
    """When many wait for the same, it is made once."""
    local = lanes.local
    account, key_id = made_key(local)
    assert local.send(put(local, key_id, key_policy(account, LONG))).status == 200
    forget(local)
    requests = [local.kms_request("Encrypt", KeyId=key_id, Plaintext="AAAA") for _ in range(8)]

    with patch.object(language_document, "_policy", wraps=language_document._policy) as reading:
        answers = lanes.turn(*requests)
        again = [lanes.again(each) for each in answers if isinstance(each, Later)]

    assert len(again) == 8
    assert reading.call_count < 4  # those that were begun at once
    for each in lanes.turn(*again):
        assert (finished(lanes, each) if isinstance(each, Later) else each) is not None


def test_what_cannot_be_kept_is_made_at_last(local: Local) -> None:
    """A caller whose policies are larger than its account's room is answered all the same."""
    account, key_id = made_key(local)
    assert local.send(put(local, key_id, key_policy(account, LONG))).status == 200
    forget(local)
    small = Room(of_owner=1, in_all=1)

    with patch.object(local.installation.enforcer._residuals, "_room", small):
        for _ in range(2):
            assert local.kms("Encrypt", KeyId=key_id, Plaintext="AAAA").status == 200


def test_documents_of_callers_are_prepared(lanes: Lanes) -> None:
    """The policies of a user are compiled together as work, before anything is asked."""
    local = lanes.local
    local.iam("CreateUser", UserName="many")
    for number in range(4):
        statement = {"Effect": "Allow", "Action": f"kms:En*{'x' * 400}", "Resource": "*"}
        allowed = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement] * 1 + [allowed]})
        made = local.iam("CreatePolicy", PolicyName=f"p{number}", PolicyDocument=text)
        arn = made.body.decode().partition("<Arn>")[2].partition("</Arn>")[0]
        local.iam("AttachUserPolicy", UserName="many", PolicyArn=arn)
    body = local.iam("CreateAccessKey", UserName="many").body.decode()
    who = Credentials(_element(body, "AccessKeyId"), _element(body, "SecretAccessKey"))
    forget(local)

    later = lanes.later(local.kms_request("ListKeys", who))

    assert finished(lanes, later).status == 200
    [twin] = lanes.turn(local.kms_request("ListKeys", who))
    assert isinstance(twin, Answer)


def _element(body: str, name: str) -> str:
    return body.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


@pytest.mark.parametrize(
    ("action", "name", "members"),
    [
        ("CreatePolicy", "PolicyDocument", {"PolicyName": "p"}),
        ("PutUserPolicy", "PolicyDocument", {"PolicyName": "p", "UserName": "u"}),
        ("CreateRole", "AssumeRolePolicyDocument", {"RoleName": "r"}),
    ],
)
def test_long_documents_of_iam_are_work(
    lanes: Lanes, action: str, name: str, members: dict[str, str]
) -> None:
    """They are checked beside the loop, and refused as short ones are."""
    local = lanes.local
    local.iam("CreateUser", UserName="u")
    answered = []
    for text in ("{}", padded("{}")):
        request = local.iam_request(action, **members, **{name: text})
        [answer] = lanes.turn(request)
        assert isinstance(answer, Later) == (text != "{}")
        got = finished(lanes, answer) if isinstance(answer, Later) else local.send(request)
        answered.append((got.status, _element(got.body.decode(), "Message")))

    assert answered[0] == answered[1]
    assert answered[0][0] == 400


# Long lists


@pytest.fixture
def keys(local: Local, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The keys of an account, more than are read at a time."""
    monkeypatch.setattr(paging, "PART", 3)
    monkeypatch.setattr(paging, "ONE_PART", 3)
    return {local.kms("CreateKey").json["KeyMetadata"]["KeyId"] for _ in range(10)}


@pytest.mark.parametrize(("limit", "parts"), [(1000, 4), (10, 4), (9, 4), (5, 2), (2, 1)])
def test_long_lists_are_read_in_parts(lanes: Lanes, keys: set[str], limit: int, parts: int) -> None:
    """Other calls are served between two parts, and the page is as long as was asked for."""
    local = lanes.local
    [answer] = lanes.turn(local.kms_request("ListKeys", Limit=limit))
    turns = 1
    while isinstance(answer, Later):
        [answer] = lanes.turn(lanes.again(answer))
        turns += 1
    page = json.loads(answer.response.body)

    listed = [entry["KeyId"] for entry in page["Keys"]]
    assert listed == sorted(keys)[:limit]
    assert page["Truncated"] is (limit < 10)
    assert turns == parts


@pytest.mark.parametrize(("limit", "parts"), [(6, 3), (5, 1)])
def test_a_shorter_page_is_one_part(
    lanes: Lanes, keys: set[str], monkeypatch: pytest.MonkeyPatch, limit: int, parts: int
) -> None:
    """A page up to a size is read at once, a longer one in parts that are smaller."""
    monkeypatch.setattr(paging, "ONE_PART", 6)  # a page looks one key further
    test_long_lists_are_read_in_parts(lanes, keys, limit, parts)


def test_a_right_that_ends_in_the_middle_of_a_list(lanes: Lanes, keys: set[str]) -> None:
    """Each part is asked for; a list that was begun with a right is not answered without it."""
    local = lanes.local
    local.iam("CreateUser", UserName="lists")
    allowed = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    local.iam("PutUserPolicy", UserName="lists", PolicyName="p", PolicyDocument=text)
    body = local.iam("CreateAccessKey", UserName="lists").body.decode()
    who = Credentials(_element(body, "AccessKeyId"), _element(body, "SecretAccessKey"))
    twin, later = (lanes.later(local.kms_request("ListKeys", who)) for _ in range(2))
    assert finished(lanes, twin).status == 200

    local.iam("DeleteUserPolicy", UserName="lists", PolicyName="p")

    assert finished(lanes, later).json["__type"] == "AccessDeniedException"
    assert keys


def test_parts_are_of_one_request(lanes: Lanes, keys: set[str]) -> None:
    """Who asks later does not get what was read for another request before."""
    local = lanes.local
    later = lanes.later(local.kms_request("ListKeys"))
    made = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]

    answers = lanes.turn(lanes.again(later), local.kms_request("ListKeys"))
    _, listed = (finished(lanes, each).json["Keys"] for each in answers if isinstance(each, Later))

    assert {entry["KeyId"] for entry in listed} == {*keys, made}
