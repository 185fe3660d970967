"""One path for every request: one event each, no change by what fails, nothing told of our bugs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from keystead import registry
from keystead.custody.material import Custody
from keystead.identity.authentication import Authenticator
from keystead.registry import Implementation
from keystead.server.pipeline import Answer, Later, routing
from keystead.server.pipeline.bodies import JSON_LIMIT
from keystead.server.pipeline.pipeline import FEW
from keystead.store.protocol import StoreUnavailable
from keystead.wire import query
from keystead.wire.http import HttpRequest
from tests.server.installations import Local, open_local


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("pipeline") / "data")
    yield local
    local.installation.close()


@pytest.fixture
def local(installed: Local) -> Local:
    """The installation, with its memory of events cleared."""
    installed.events.clear()
    return installed


@pytest.fixture
def key(installed: Local) -> str:
    return str(installed.kms("CreateKey").json["KeyMetadata"]["KeyId"])


def with_headers(request: HttpRequest, **headers: str | None) -> HttpRequest:
    """The request with headers changed after it was signed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    changed = {k: v for k, v in {**request.headers, **named}.items() if v is not None}
    return msgspec.structs.replace(request, headers=changed)


def test_a_call_leaves_one_event(local: Local, key: str) -> None:
    """A success is recorded once: who, what, on what, and with which decision."""
    local.events.clear()
    answer = local.kms("Encrypt", KeyId=key, Plaintext="aGk=", EncryptionContext={"a": "b"})

    assert answer.status == 200
    [event] = local.events
    assert answer.headers["x-amzn-RequestId"] == event.request_id
    assert (event.source, event.name, event.error_code) == ("kms.amazonaws.com", "Encrypt", "")
    assert event.principal is not None
    assert event.principal.name == "admin"
    assert event.request_parameters is not None
    assert event.request_parameters["encryptionContext"] == {"a": "b"}
    assert event.response_elements is None
    assert [d.allowed for d in event.decisions] == [True]
    assert (event.region, event.read_only) == ("us-east-1", True)


def statuses(answers: list[Answer | Later]) -> list[int]:
    return [answer.response.status for answer in answers if isinstance(answer, Answer)]


def refusals(local: Local) -> dict[str, tuple[HttpRequest, str]]:
    """Requests that are refused at each step of the path, with the code."""
    good = local.kms_request("ListKeys")
    listing = local.iam_request("ListUsers")
    stranger = replace(
        local.founded,
        access_key=replace(local.founded.access_key, access_key_id="AKIAAAAAAAAAAAAAAAAA"),
    )
    return {
        "unsigned": (
            with_headers(good, authorization=None), "MissingAuthenticationTokenException"
        ),
        "unsigned query": (with_headers(listing, authorization=None), "MissingAuthenticationToken"),
        "wrong signature": (
            msgspec.structs.replace(good, body=b'{"Limit":1}'), "InvalidSignatureException"
        ),
        "wrong signature of a query": (
            msgspec.structs.replace(listing, body=listing.body + b"&x=y"), "SignatureDoesNotMatch"
        ),
        "unknown key": (
            Local(local.installation, stranger, local.time).kms_request("ListKeys"),
            "UnrecognizedClientException",
        ),
        "unknown operation": (local.kms_request("NoSuchThing"), "UnknownOperationException"),
        "unknown action": (local.iam_request("NoSuchThing"), "InvalidAction"),
        "unknown service": (
            with_headers(good, x_amz_target="Other.ListKeys"), "UnknownOperationException"
        ),
        "no protocol": (
            local.request("iam", listing.body, Content_Type="text/plain"), "MissingAction"
        ),
        "no JSON": (
            local.request(
                "kms", b"{", Content_Type="application/x-amz-json-1.1",
                X_Amz_Target="TrentService.ListKeys",
            ),
            "SerializationException",
        ),
        "against the model": (local.kms_request("ListKeys", Limit=0), "ValidationException"),
        "unknown user": (local.iam_request("GetUser", UserName="nobody"), "NoSuchEntity"),
    }  # fmt: skip


def test_every_refusal_leaves_one_event(local: Local) -> None:
    """Wherever on the path a request is refused, there is one event with the code it was given."""
    for name, (request, code) in refusals(local).items():
        local.events.clear()
        answer = local.send(request)
        assert 400 <= answer.status < 500, name
        [event] = local.events
        assert event.error_code == code, name
        assert answer.headers["x-amzn-RequestId"] == event.request_id
        assert code.encode() in answer.body


def test_body_that_was_too_long(local: Local) -> None:
    """A body over the limit is refused with AWS's text, and recorded like anything else."""
    request = local.kms_request("Encrypt")
    answer = local.installation.pipeline.refuse_body(request, JSON_LIMIT).response

    assert (answer.status, answer.body) == (413, b"HTTP content length exceeded 200000 bytes.")
    [event] = local.events
    assert (event.name, event.error_code) == ("Encrypt", "RequestEntityTooLarge")


def replaced(
    monkeypatch: pytest.MonkeyPatch, operation: str, function: Callable[[Any, Any], Any]
) -> None:
    """Let another function answer a KMS operation."""
    found = registry.implementation("kms", operation)
    assert found is not None
    other = Implementation(found.operation, function)
    monkeypatch.setitem(registry._implementations, ("kms", operation), other)
    monkeypatch.setattr(routing, "_JSON", {})  # the routes that were found until now


def test_our_bug_changes_nothing_and_tells_nothing(
    local: Local, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception in an operation undoes what it changed; the caller gets a code and an id."""
    original = registry.implementation("kms", "UpdateKeyDescription")
    assert original is not None

    def change_then_fail(call: Any, request: Any) -> None:
        original.function(call, request)
        raise RuntimeError("canary")

    replaced(monkeypatch, "UpdateKeyDescription", change_then_fail)
    local.events.clear()
    answer = local.kms("UpdateKeyDescription", KeyId=key, Description="changed")

    assert answer.status == 500
    assert answer.json["__type"] == "KMSInternalException"
    assert b"canary" not in answer.body
    assert [e.error_code for e in local.events] == ["KMSInternalException"]
    assert "canary" not in local.events[0].error_message
    assert local.kms("DescribeKey", KeyId=key).json["KeyMetadata"]["Description"] == ""
    monkeypatch.undo()
    assert local.kms("UpdateKeyDescription", KeyId=key, Description="changed").status == 200
    assert local.kms("DescribeKey", KeyId=key).json["KeyMetadata"]["Description"] == "changed"


def test_nothing_is_answered_unasked(
    local: Local, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operation that forgot to ask does not get its answer out."""
    original = registry.implementation("kms", "ListKeys")
    assert original is not None

    def forget(call: Any, request: Any) -> Any:
        answer = original.function(call, request)
        call.asked = False
        return answer

    assert local.kms("ListKeys").status == 200
    replaced(monkeypatch, "ListKeys", forget)
    assert local.kms("ListKeys").status == 500


def test_foreign_row_is_refused(tmp_path: Path) -> None:
    """A row that was edited behind our back is an internal failure and an alarm, not an answer."""
    local = open_local(tmp_path / "data")
    key, other = (local.kms("CreateKey").json["KeyMetadata"]["KeyId"] for _ in range(2))
    metrics = local.installation.metrics
    with local.installation.store.write() as transaction:
        transaction.run("UPDATE kms_keys SET description = 'x' WHERE key_id = ?", (key,))

    assert local.kms("DescribeKey", KeyId=key).json["__type"] == "KMSInternalException"
    assert metrics.alarms["integrity"] == 1
    assert local.kms("DescribeKey", KeyId=other).status == 200
    local.installation.close()


def test_store_that_cannot_serve(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store cannot be read, the answer is 503, in each protocol."""

    def unavailable(*arguments: object) -> None:
        raise StoreUnavailable("the disk is full")

    replaced(monkeypatch, "ListKeys", unavailable)
    answer = local.kms("ListKeys")
    assert (answer.status, answer.json["__type"]) == (503, "ServiceUnavailable")


def test_answer_of_a_lost_turn(local: Local) -> None:
    """The answer that replaces one that could not be kept has the same request id."""
    answer = local.installation.pipeline.answer(local.kms_request("ListKeys"))
    retracted = answer.unavailable()
    assert retracted.status == 503
    assert dict(retracted.headers)["x-amzn-RequestId"] == local.events[0].request_id


@pytest.mark.parametrize("deactivated", [True, False])
def test_what_a_turn_revokes_is_revoked_within_it(tmp_path: Path, deactivated: bool) -> None:
    """Requests of one turn are answered as if one came after the other."""
    local = open_local(tmp_path / "data")
    key_id = local.founded.access_key.access_key_id
    status = "Inactive" if deactivated else "Active"
    asked = [
        local.kms_request("ListKeys"),
        local.iam_request("UpdateAccessKey", AccessKeyId=key_id, Status=status),
        local.kms_request("CreateKey"),
        local.kms_request("ListKeys"),
    ]

    answers = local.installation.pipeline.answer_all(asked, 60.0)
    local.installation.commit()

    later = 400 if deactivated else 200
    assert statuses(answers) == [200, 200, later, later]
    assert [event.principal is None for event in local.events] == [False, False, *2 * [deactivated]]
    assert (local.events[2].request_parameters is None) is deactivated
    local.installation.close()


def test_requests_for_which_there_is_no_time_wait(local: Local) -> None:
    """A turn answers at least one request; of what it leaves nothing is recorded."""
    asked = [local.kms_request("ListKeys") for _ in range(3)]

    answers = local.installation.pipeline.answer_all(asked, -1.0)

    assert statuses(answers) == [200]
    assert len(local.events) == 1


def test_a_turn_of_changes_takes_few_steps_that_it_would_repeat(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When time runs out at the first change, only a few others took the steps before it."""
    seconds, callers = [0.0], []
    monkeypatch.setattr("keystead.server.pipeline.pipeline.perf_counter", lambda: seconds[0])
    authenticate, create = Authenticator.authenticate, Custody.create_material

    def authenticated(*arguments: Any, **named: Any) -> Any:
        callers.append(authenticate(*arguments, **named))
        return callers[-1]

    def created(*arguments: Any, **named: Any) -> Any:
        seconds[0] += 1.0
        return create(*arguments, **named)

    monkeypatch.setattr(Authenticator, "authenticate", authenticated)
    monkeypatch.setattr(Custody, "create_material", created)
    asked = [local.kms_request("CreateKey") for _ in range(10)]

    assert statuses(local.installation.pipeline.answer_all(asked, 0.01)) == [200]
    assert len(callers) == FEW


def test_long_forms_are_read_as_time_allows(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form is read before anybody is known, and may take long: one at least, and no more."""
    seconds, read = [0.0], []
    monkeypatch.setattr("keystead.server.pipeline.pipeline.perf_counter", lambda: seconds[0])
    parse = query.parse_form

    def parsed(*arguments: Any) -> Any:
        seconds[0] += 1.0
        read.append(arguments)
        return parse(*arguments)

    monkeypatch.setattr(query, "parse_form", parsed)
    asked = [local.iam_request("ListUsers") for _ in range(4)]

    assert statuses(local.installation.pipeline.answer_all(asked, 0.01)) == [200]
    assert len(read) == 1
    assert statuses(local.installation.pipeline.answer_all(asked, 60.0)) == [200] * 4


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the forms were that were read."""
    lengths: list[int] = []
    parse = query.parse_form

    def measured(body: bytes) -> dict[str, str]:
        lengths.append(len(body))
        return parse(body)

    monkeypatch.setattr(query, "parse_form", measured)
    return lengths


def code(local: Local, request: HttpRequest) -> str:
    """The error with which a request ends."""
    local.send(request)
    return local.events[-1].error_code


LONG_FORM = {"Name": "people", "SAMLMetadataDocument": "a" * 400_000}


def test_a_long_form_is_read_for_its_signer_only(local: Local, parsed: list[int]) -> None:
    """Whoever knows an access key id, but not the secret, has the beginning of a form read."""
    asked = local.iam_request("CreateSAMLProvider", **LONG_FORM)
    signature = f"{asked.headers['authorization'][:-64]}{'0' * 64}"
    forged = with_headers(asked, authorization=signature)
    assert code(local, forged) == "SignatureDoesNotMatch"
    assert max(parsed) <= 4096

    assert code(local, asked) == "InvalidInput"  # it is no metadata
    assert max(parsed) == len(asked.body)


def by_form(local: Local, body: str) -> str:
    """The error with which a form for IAM ends."""
    headers = {"Content_Type": "application/x-www-form-urlencoded"}
    return code(local, local.request("iam", body.encode(), **headers))


def test_a_long_form_is_what_all_of_it_says(local: Local) -> None:
    """Its action has to come first. Its other parameters come in any order, and once."""
    form = urlencode(LONG_FORM)

    assert by_form(local, f"Action=CreateSAMLProvider&Version=2010-05-08&{form}") == "InvalidInput"
    assert by_form(local, f"Action=CreateSAMLProvider&{form}&Version=2010-05-08") == "InvalidInput"
    wrong = f"Action=CreateSAMLProvider&{form}&Version=2011-06-15"
    assert by_form(local, wrong) == "InvalidAction"
    assert by_form(local, f"{form}&Action=CreateSAMLProvider") == "RequestEntityTooLarge"
    again = f"Action=CreateSAMLProvider&{form}&action=ListUsers"
    assert by_form(local, again) == "MalformedInput"


def test_action_may_come_behind_a_document(local: Local) -> None:
    """SDKs that sort the parameters, and other clients, are served and recorded as ever."""
    allow = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": allow}) + " " * 6000
    form = urlencode({"PolicyDocument": document, "PolicyName": "p", "Version": "2010-05-08"})
    assert local.iam("CreateUser", UserName="behind").status == 200

    assert by_form(local, f"{form}&UserName=behind&Action=PutUserPolicy") == ""
    assert local.events[-1].name == "PutUserPolicy"
    assert by_form(local, f"{form}&UserName=behind") == "MissingAction"
    assert by_form(local, f"{form}&UserName=behind&Action=NoSuchThing") == "InvalidAction"


def test_strangers_are_refused_together(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was found to be nobody is answered in that turn, however late it is."""
    times = iter([0.0] * 12 + [60.0] * 100)
    monkeypatch.setattr("keystead.server.pipeline.pipeline.perf_counter", lambda: next(times))
    stranger = local.kms_request("ListKeys")
    stranger.headers["authorization"] = stranger.headers["authorization"][:-64] + "0" * 64
    asked = [stranger] * 6 + [local.kms_request("ListKeys")] * 2

    answers = local.installation.pipeline.answer_all(asked, 0.01)

    assert statuses(answers) == [400] * 4


def test_nothing_stays_of_a_turn_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change without its record must not be kept, whatever is raised between the two."""
    local = open_local(tmp_path / "data")
    pipeline, asked = local.installation.pipeline, local.kms_request("CreateKey")
    counted = iter([None, None])

    def fails(*_: object) -> None:
        next(counted)  # the third raises

    with monkeypatch.context() as patched:
        patched.setattr(type(local.installation.metrics), "call", fails)
        with pytest.raises(StopIteration):
            pipeline.answer_all([asked] * 3, 60.0)
    local.installation.commit()

    logs = (local.installation.directory / "audit").glob("records-*")
    assert b"CreateKey" not in b"".join(path.read_bytes() for path in logs)
    assert local.kms("ListKeys").json["Keys"] == []
    assert pipeline.answer(asked).response.status == 200
    local.installation.commit()
    assert len(local.kms("ListKeys").json["Keys"]) == 1
    local.installation.close()


def test_clock_that_is_behind(local: Local) -> None:
    """Nobody is authenticated by a clock that is minutes behind what was recorded."""
    assert local.kms("ListKeys").status == 200
    local.time.ahead -= timedelta(minutes=6)
    assert local.kms("ListKeys").status == 503
    local.time.ahead += timedelta(minutes=6)
    assert local.kms("ListKeys").status == 200


def test_identity_in_json(local: Local) -> None:
    """A verifier of identities may ask STS for JSON; IAM answers XML whatever is accepted."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    request = local.request("sts", body, Content_Type="application/x-www-form-urlencoded")
    assert b"<Arn>" in local.send(request).body
    answer = local.send(with_headers(request, accept="application/json"))
    result = answer.json["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert result["Arn"].endswith("user/admin")
    answer = local.send(with_headers(local.iam_request("ListUsers"), accept="application/json"))
    assert answer.body.startswith(b"<ListUsersResponse")


def test_iam_is_in_one_region(local: Local) -> None:
    """Policies see IAM's own Region, whatever Region its caller signed for."""
    local.iam("ListUsers")
    assert local.events[0].region == "us-east-1"


def test_metrics_know_operations_only(local: Local) -> None:
    """Names that a stranger makes up do not become labels."""
    local.kms("NoSuchThing")
    local.kms("ListKeys")
    names = {operation for _, operation, _ in local.installation.metrics.calls}
    assert "ListKeys" in names
    assert "NoSuchThing" not in names


def test_events_are_in_the_log(local: Local) -> None:
    """What was answered is in the file of the log when the turn has ended."""
    request_id = local.kms("ListKeys").headers["x-amzn-RequestId"]
    log = b"".join(
        p.read_bytes() for p in (local.installation.directory / "audit").glob("records-*")
    )
    assert log.count(request_id.encode()) == 1
