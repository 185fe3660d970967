"""Slow keys through the pipeline: signatures, decryption, new keys leave the loop (0021, 0033)."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keystead.identity.authentication import Authenticator
from keystead.server.pipeline import Answer, Later
from keystead.wire.http import HttpRequest
from tests.server.installations import Local, open_local
from tests.server.test_slow_lane import Lanes

OAEP, PSS = "RSAES_OAEP_SHA_256", "RSASSA_PSS_SHA_256"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("slow") / "data")
    yield local
    local.installation.close()


@pytest.fixture
def lanes(installed: Local) -> Lanes:
    return Lanes(installed)


def new_key(lanes: Lanes, usage: str, spec: str = "RSA_2048", **members: Any) -> str:
    answer = lanes.ask(
        lanes.local.kms_request("CreateKey", KeySpec=spec, KeyUsage=usage, **members)
    )
    assert answer.status == 200, answer.body
    return str(answer.json["KeyMetadata"]["KeyId"])


def sign(local: Local, key: str, message: bytes = b"m") -> HttpRequest:
    text = base64.b64encode(message).decode()
    return local.kms_request("Sign", KeyId=key, Message=text, SigningAlgorithm=PSS)


def test_a_slow_key_is_made_once(lanes: Lanes) -> None:
    """CreateKey of an RSA key is two runs, one key and one record; nothing is written before."""
    local = lanes.local
    before = len(local.kms("ListKeys").json["Keys"])
    local.events.clear()
    later = lanes.later(local.kms_request("CreateKey", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"))
    assert local.events == []
    assert len(local.kms("ListKeys").json["Keys"]) == before
    answer = lanes.finish(later)

    assert answer.status == 200
    assert len(local.kms("ListKeys").json["Keys"]) == before + 1
    assert [event.name for event in local.events if event.name == "CreateKey"] == ["CreateKey"]


def test_a_key_that_is_refused_at_last(tmp_path: Path) -> None:
    """A right that goes while the key is generated leaves no key, and no row of material."""
    local = open_local(tmp_path / "data")
    lanes = Lanes(local)
    rows = "SELECT count(*) FROM key_materials"
    before = local.installation.store.read().one(rows)
    later = lanes.later(local.kms_request("CreateKey", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"))
    key_id = local.founded.access_key.access_key_id
    local.iam("UpdateAccessKey", AccessKeyId=key_id, Status="Inactive")
    assert lanes.finish(later).json["__type"] == "UnrecognizedClientException"
    assert local.installation.store.read().one(rows) == before
    local.installation.close()


def test_a_slow_key_with_a_long_policy(lanes: Lanes) -> None:
    """The names in its policy, the policy, and the key: each is worked on once."""
    local = lanes.local
    account = local.founded.account_id
    everything = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*",
                  "Resource": "*"}  # fmt: skip
    many = [
        {**everything, "Sid": f"s{number}", "Condition": {"StringEquals": {"aws:userid": "x" * 64}}}
        for number in range(40)
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything, *many]})
    request = local.kms_request(
        "CreateKey", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY", Policy=policy
    )
    read = lanes.again(lanes.later(lanes.again(lanes.later(request))))
    assert lanes.finish(lanes.later(read)).status == 200


def test_revoked_while_it_is_signed(lanes: Lanes) -> None:
    """A key that is disabled while work is in flight gives no signature; enabled again, it does."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    later = lanes.later(sign(local, key))
    local.kms("DisableKey", KeyId=key)
    refused = lanes.finish(later)
    assert refused.json["__type"] == "DisabledException"
    assert b"Signature" not in refused.body
    local.kms("EnableKey", KeyId=key)
    assert lanes.ask(sign(local, key)).json["Signature"]


def test_short_work_of_a_turn_with_time_to_spare(lanes: Lanes) -> None:
    """As much as there is time for is signed at once, and recorded so; then the turn ends."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    local.events.clear()
    asked = [sign(local, key, b"%d" % number) for number in range(5)]
    for first, count in ((0, 2), (2, 2), (4, 1)):
        answered = local.installation.pipeline.answer_all(asked[first:], 60.0, spare=0.0007)
        local.installation.commit()
        assert len(answered) == count
        for answer in answered:
            assert isinstance(answer, Answer)
            assert b'"Signature"' in answer.response.body
    assert [(event.name, len(event.decisions)) for event in local.events] == [("Sign", 1)] * 5


def test_short_work_of_a_turn_without_time_to_spare(lanes: Lanes) -> None:
    """It leaves the loop, and the turn goes on."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    asked = [sign(local, key), sign(local, key), local.kms_request("ListKeys")]
    *signing, listing = local.installation.pipeline.answer_all(asked, 60.0, spare=0.0)
    local.installation.commit()
    assert isinstance(listing, Answer)
    for later in signing:
        assert isinstance(later, Later)
        later.take_back()


def test_for_whose_work_an_answer_was_made(lanes: Lanes) -> None:
    """Of a signature its party, wherever it was made; of a call that needs no work nobody."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    asked = [sign(local, key), local.kms_request("ListKeys"), sign(local, "alias/none")]
    at_once = local.installation.pipeline.answer_all(asked, 60.0, spare=0.005)
    local.installation.commit()
    again = lanes.again(lanes.later(sign(local, key)))
    [beside] = local.installation.pipeline.answer_all([again], 60.0)
    local.installation.commit()
    parties = [answer.works_for for answer in (*at_once, beside) if isinstance(answer, Answer)]
    assert parties == [local.founded.account_id, "", "", local.founded.account_id]


def test_few_take_the_steps_that_would_be_repeated(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a turn that computed, as many are authenticated as the next one has time for."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    callers: list[Any] = []
    authenticate = Authenticator.authenticate
    listing = local.kms_request("ListKeys")
    local.installation.pipeline.answer_all([listing], 60.0, spare=0.001)  # it computes nothing

    def authenticated(*arguments: Any, **named: Any) -> Any:
        callers.append(authenticate(*arguments, **named))
        return callers[-1]

    monkeypatch.setattr(Authenticator, "authenticate", authenticated)
    asked = [sign(local, key, b"%d" % number) for number in range(12)]
    for known in (12, 12 + 3):
        assert len(local.installation.pipeline.answer_all(asked, 60.0, spare=0.001)) == 3
        local.installation.commit()
        assert len(callers) == known


def test_time_to_spare_is_not_for_all_work(lanes: Lanes) -> None:
    """A key of RSA takes too long for any turn, and a long policy is read where readers wait."""
    local = lanes.local
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": local.founded.account_id}, "Action": "kms:*",
         "Resource": "*", "Sid": "s" * 3000}]})  # fmt: skip
    members = {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}
    asked = [
        local.kms_request("CreateKey", **members), local.kms_request("CreateKey", Policy=policy)
    ]  # fmt: skip
    for answer in local.installation.pipeline.answer_all(asked, 60.0, spare=0.005):
        assert isinstance(answer, Later)
        answer.take_back()
    local.installation.commit()


def test_a_new_description_spoils_no_work(lanes: Lanes) -> None:
    """A result depends on material and input: it is used though the key's row has changed."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    later = lanes.later(sign(local, key))
    assert local.kms("UpdateKeyDescription", KeyId=key, Description="changed").status == 200
    assert lanes.finish(later).status == 200


def test_decryption_is_slow_and_encryption_is_not(lanes: Lanes) -> None:
    """Encrypt with RSA is answered in its turn; a dry run of Decrypt too, and Decrypt later."""
    local, key = lanes.local, new_key(lanes, "ENCRYPT_DECRYPT")
    text = base64.b64encode(b"secret").decode()
    sealed = local.kms("Encrypt", KeyId=key, Plaintext=text, EncryptionAlgorithm=OAEP)
    named = {"KeyId": key, "EncryptionAlgorithm": OAEP,
             "CiphertextBlob": sealed.json["CiphertextBlob"]}  # fmt: skip
    dry = local.kms("Decrypt", **named, DryRun=True)
    assert dry.json["__type"] == "DryRunOperationException"
    opened = lanes.ask(local.kms_request("Decrypt", **named))
    assert opened.json["Plaintext"] == text


def test_the_record_of_a_signature(lanes: Lanes) -> None:
    """One record for two runs, with the parameters that AWS shows, and nothing secret."""
    local, key = lanes.local, new_key(lanes, "SIGN_VERIFY")
    local.events.clear()
    lanes.ask(sign(local, key, b"canary"))
    [event] = local.events
    shown = event.request_parameters
    assert shown is not None
    assert {"keyId": key, "signingAlgorithm": PSS, "messageType": "RAW"}.items() <= shown.items()
    assert base64.b64encode(b"canary").decode() not in repr(event)
