"""The slow lane through the pipeline: what the second run finds counts, and is recorded, once."""

import base64
import gc
import json
import queue
from collections.abc import Callable, Iterator
from types import FrameType, FunctionType, TracebackType

import pytest

from keystead.call import Call
from keystead.policy.evaluation import Principal, PrincipalType
from keystead.registry import implementation
from keystead.server.lane import pool as pools
from keystead.server.pipeline import Again, Answer, Later
from keystead.server.pipeline.exchange import Arrived, Asked, Known, Ready
from keystead.server.pipeline.failures import throttled
from keystead.server.pipeline.owners import owner_of
from keystead.server.pipeline.routing import Route
from keystead.wire.http import HttpRequest
from keystead.wire.models import accessanalyzer, iam, kms
from keystead.work import Outcome, Undone, Work
from tests.patience import PATIENCE, wait_until
from tests.server import slow_operations
from tests.server.installations import Answered, Local, open_local
from tests.server.slow_operations import BEGUN, RUNS, gate, wait_until_begun

HELLO = b"hello"


class Lanes:
    """An installation whose turns a test takes one by one."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.pipeline = local.installation.pipeline
        self._ended: dict[Later, queue.Queue[Outcome | Undone]] = {}

    def turn(self, *asked: HttpRequest | Again) -> list[Answer | Later]:
        """One turn, durable, with its work begun."""
        answers = self.pipeline.answer_all(asked, 60.0)
        self.local.installation.commit()
        for later in answers:
            if isinstance(later, Later):
                ended = self._ended[later] = queue.Queue()
                later.begin(ended.put)
        return answers

    def later(self, request: HttpRequest | Again) -> Later:
        """A request that must leave work."""
        [later] = self.turn(request)
        assert isinstance(later, Later)
        return later

    def again(self, later: Later) -> Again:
        """The request as it arrives when its work has ended."""
        return later.after(self._ended.pop(later).get(timeout=PATIENCE))

    def finish(self, later: Later) -> Answered:
        """The answer, when the second run has one."""
        [answer] = self.turn(self.again(later))
        assert isinstance(answer, Answer)
        response = answer.response
        return Answered(response.status, dict(response.headers), response.body)

    def ask(self, request: HttpRequest) -> Answered:
        return self.finish(self.later(request))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("lane") / "data")
    yield local
    local.installation.close()


@pytest.fixture
def lanes(installed: Local) -> Iterator[Lanes]:
    slow_operations.register()
    installed.events.clear()
    yield Lanes(installed)
    slow_operations.unregister()


@pytest.fixture
def key(installed: Local) -> str:
    return str(installed.kms("CreateKey").json["KeyMetadata"]["KeyId"])


def sign(local: Local, key: str, message: bytes = HELLO) -> HttpRequest:
    text = base64.b64encode(message).decode()
    return local.kms_request("Sign", KeyId=key, Message=text, SigningAlgorithm="RSASSA_PSS_SHA_256")


def update(local: Local, key: str, region: str = "eu-west-1") -> HttpRequest:
    return local.kms_request("UpdatePrimaryRegion", KeyId=key, PrimaryRegion=region)


def verify(local: Local, key: str, assertion: bytes) -> HttpRequest:
    text = base64.b64encode(assertion).decode()
    return local.kms_request(
        "Verify", KeyId=key, Message=text, Signature="AA==", SigningAlgorithm="ECDSA_SHA_256"
    )


def described(local: Local, key: str) -> str:
    return str(local.kms("DescribeKey", KeyId=key).json["KeyMetadata"]["Description"])


def codes(local: Local, name: str) -> list[str]:
    """How each call of an operation ended, as recorded."""
    return [event.error_code for event in local.events if event.name == name]


def test_the_second_run_answers(lanes: Lanes, key: str) -> None:
    """Two runs, one work, one answer and one record, which has the decisions of one run."""
    local = lanes.local
    local.events.clear()
    later = lanes.later(sign(local, key))
    assert local.events == []
    answer = lanes.finish(later)

    assert answer.status == 200
    assert answer.json["Signature"]
    assert (RUNS["Sign"], BEGUN[HELLO]) == (2, 1)
    [event] = local.events
    assert (event.name, event.error_code, len(event.decisions)) == ("Sign", "", 1)
    assert event.request_id == answer.headers["x-amzn-RequestId"]
    assert event.principal is not None


def deactivated(local: Local, key: str) -> None:
    key_id = local.founded.access_key.access_key_id
    local.iam("UpdateAccessKey", AccessKeyId=key_id, Status="Inactive")


def denied(local: Local, key: str) -> None:
    refused = ["kms:Sign", "kms:UpdatePrimaryRegion"]
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": refused, "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    answer = local.kms("PutKeyPolicy", KeyId=key, Policy=policy)
    assert answer.status == 200


def disabled(local: Local, key: str) -> None:
    local.kms("DisableKey", KeyId=key)


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [
        (denied, "AccessDeniedException"),
        (disabled, "DisabledException"),
        (deactivated, "UnrecognizedClientException"),
    ],
)
def test_what_came_meanwhile_counts(
    lanes: Lanes,
    key: str,
    tmp_path_factory: pytest.TempPathFactory,
    meanwhile: Callable[[Local, str], None],
    code: str,
) -> None:
    """Nothing leaves after a revocation returned, although the work was begun before it."""
    local = lanes.local
    if meanwhile is deactivated:
        local = open_local(tmp_path_factory.mktemp("revoked") / "data")
        key = str(local.kms("CreateKey").json["KeyMetadata"]["KeyId"])
        lanes = Lanes(local)
    opened = gate(HELLO)
    later = lanes.later(sign(local, key))
    wait_until_begun(HELLO)
    meanwhile(local, key)
    local.events.clear()
    opened.set()
    answer = lanes.finish(later)

    assert answer.json["__type"].endswith(code)
    assert b"Signature" not in answer.body
    assert codes(local, "Sign") == [code]
    if meanwhile is deactivated:
        local.installation.close()


def test_result_for_another_row_is_dropped(lanes: Lanes, key: str) -> None:
    """What changed under the work makes it be done once more, for the row that is there now."""
    local = lanes.local
    opened = gate(HELLO)
    later = lanes.later(sign(local, key))
    wait_until_begun(HELLO)
    local.kms("UpdateKeyDescription", KeyId=key, Description="changed")
    opened.set()
    once_more = lanes.later(lanes.again(later))
    local.events.clear()
    assert lanes.finish(once_more).status == 200
    assert BEGUN[HELLO] == 2
    assert codes(local, "Sign") == [""]


def test_twice_is_enough(lanes: Lanes, key: str) -> None:
    """A call that finds something else a second time may be tried again, and has a record."""
    local = lanes.local
    later = lanes.later(sign(local, key))
    again = lanes.again(later)
    local.kms("UpdateKeyDescription", KeyId=key, Description="changed")
    again = lanes.again(lanes.later(again))
    local.kms("UpdateKeyDescription", KeyId=key, Description="changed again")
    [answer] = lanes.turn(again)
    assert isinstance(answer, Answer)
    assert answer.response.status == 400
    assert codes(local, "Sign") == ["ThrottlingException"]


def test_a_write_is_one_transaction_of_the_second_run(lanes: Lanes, key: str) -> None:
    """Nothing is written before the work is done, but what must stand whatever follows."""
    local = lanes.local
    later = lanes.later(update(local, key))
    assert described(local, key) == ""
    rows = local.installation.store.read()
    [attempts] = rows.one("SELECT rotation_days FROM kms_keys WHERE key_id = ?", (key,)) or ()
    assert attempts == len("eu-west-1")
    assert lanes.finish(later).status == 200
    assert described(local, key) == "eu-west-1"
    assert codes(local, "UpdatePrimaryRegion") == [""]


def test_a_refusal_keeps_the_attempt_and_not_the_write(lanes: Lanes, key: str) -> None:
    """A second run that is refused writes nothing; what the first one wrote stands."""
    local = lanes.local
    opened = gate(b"eu-west-1")
    later = lanes.later(update(local, key))
    wait_until_begun(b"eu-west-1")
    denied(local, key)
    opened.set()
    assert lanes.finish(later).status == 400
    assert described(local, key) == ""
    rows = local.installation.store.read()
    assert rows.one("SELECT rotation_days FROM kms_keys WHERE key_id = ?", (key,)) == (9,)


def test_a_lost_turn_begins_no_work(lanes: Lanes, key: str) -> None:
    """When the turn of the first run is lost, its work is not begun, and its room is free."""
    local = lanes.local
    held = lanes.pipeline.lane
    [later] = lanes.pipeline.answer_all([update(local, key)], 60.0)
    assert isinstance(later, Later)
    local.installation.trail.abandon()
    later.take_back()

    assert BEGUN[b"eu-west-1"] == 0
    assert later.unavailable().status == 503
    assert (held.waiting, held.begun, held._bytes) == (0, 0, 0)


def test_a_turn_that_fails_promises_nothing(
    lanes: Lanes, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was promised in a turn that raises is given back."""

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    local = lanes.local
    monkeypatch.setattr(local.installation.metrics, "call", fails)
    with pytest.raises(KeyboardInterrupt):
        lanes.pipeline.answer_all([sign(local, key), local.kms_request("ListKeys")], 60.0)
    assert lanes.pipeline.lane._promised == {}
    assert lanes.pipeline.lane._bytes == 0


@pytest.mark.parametrize(("assertion", "status"), [(b"true", 200), (b"false", 400)])
def test_a_proof_before_the_question(lanes: Lanes, key: str, assertion: bytes, status: int) -> None:
    """The first run asks nothing; the second is refused without the proof, and asks with it."""
    local = lanes.local
    local.events.clear()
    later = lanes.later(verify(local, key, assertion))
    answer = lanes.finish(later)

    assert answer.status == status
    [event] = local.events
    assert len(event.decisions) == (1 if status == 200 else 0)


def test_work_that_fails(lanes: Lanes, key: str) -> None:
    """An exception in the work is an internal failure of the call, and tells nothing."""
    local = lanes.local
    answer = lanes.ask(sign(local, key, b"a defect"))
    assert answer.json["__type"] == "KMSInternalException"
    assert b"canary" not in answer.body
    assert codes(local, "Sign") == ["KMSInternalException"]


def test_no_room(lanes: Lanes, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would wait for too long is throttled in its turn, in KMS's words, and recorded.

    The first waits for nobody.
    """
    monkeypatch.setattr(pools, "ROOM_SECONDS", 0.0)
    local = lanes.local
    opened = gate(HELLO)
    answers = lanes.turn(*(sign(local, key) for _ in range(8)))
    refused = [each for each in answers if isinstance(each, Answer)]

    assert len(refused) == 7
    assert b'"ThrottlingException"' in refused[0].response.body
    assert b"Reduce the frequency of your calls." in refused[0].response.body
    assert codes(local, "Sign") == ["ThrottlingException"] * len(refused)
    opened.set()
    for later in answers:
        if isinstance(later, Later):
            lanes.again(later)


def test_each_service_has_its_word_for_too_much() -> None:
    """KMS and IAM name the same refusal differently, and so do their texts."""
    known = {
        service.name: throttled(Route(service, ""))
        for service in (kms.SERVICE, iam.SERVICE, accessanalyzer.SERVICE)
    }
    assert (known["kms"].code, known["kms"].status) == ("ThrottlingException", 400)
    assert (known["iam"].query_code, known["iam"].message) == ("Throttling", "Rate exceeded")
    assert known["access-analyzer"].status == 429


def test_a_throttled_write_leaves_nothing(
    lanes: Lanes, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room, the first run is undone too: there was no attempt."""
    monkeypatch.setattr(type(lanes.pipeline.lane), "has_room", lambda *_: False)
    local = lanes.local
    [answer] = lanes.turn(update(local, key))
    assert isinstance(answer, Answer)
    assert answer.response.status == 400
    rows = local.installation.store.read()
    assert rows.one("SELECT rotation_days FROM kms_keys WHERE key_id = ?", (key,)) == (0,)


@pytest.mark.parametrize(
    ("why", "status", "code"),
    [
        (Undone.LATE, 400, "ThrottlingException"),
        (Undone.LEFT, 400, "RequestAbandoned"),
        (Undone.STOPPED, 503, "ServiceUnavailable"),
    ],
)
def test_work_that_is_not_done_is_recorded(
    lanes: Lanes, key: str, why: Undone, status: int, code: str
) -> None:
    """Late, left or stopped: one record with its caller, and nothing is run again."""
    local = lanes.local
    later = lanes.later(sign(local, key))
    lanes.again(later)
    local.events.clear()
    again = Later.after(_settled(later), why)
    [answer] = lanes.turn(again)
    assert isinstance(answer, Answer)
    assert answer.response.status == status
    [event] = local.events
    assert (event.name, event.error_code) == ("Sign", code)
    assert event.principal is not None
    assert RUNS["Sign"] == 1


def _settled(later: Later) -> Later:
    """The same, whose room was given back already."""
    promise = later._promise
    later._lane._held[promise.owner] += promise.size
    later._lane._bytes += promise.size
    return later


def test_a_dry_run_answers_in_its_turn(lanes: Lanes, key: str) -> None:
    """What only asks whether it would be allowed leaves no work."""
    local = lanes.local
    members = {"KeyId": key, "Message": "aGk=", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    answer = local.kms("Sign", **members, DryRun=True)
    assert answer.json["__type"] == "DryRunOperationException"
    assert (RUNS["Sign"], BEGUN.total()) == (1, 0)


def _reached(found: object, kinds: tuple[type, ...]) -> list[object]:
    """What of these kinds something reaches, modules and classes aside."""
    seen: set[int] = set()
    at: list[object] = [found]
    hits: list[object] = []
    while at:
        each = at.pop()
        if id(each) in seen or isinstance(each, type) or type(each).__name__ == "module":
            continue
        seen.add(id(each))
        if isinstance(each, kinds):
            hits.append(each)
        if isinstance(each, FunctionType):
            at += [cell.cell_contents for cell in each.__closure__ or ()]
            at += [each.__defaults__, each.__kwdefaults__]
        else:
            at += gc.get_referents(each)
    return hits


FORBIDDEN = (
    Call, HttpRequest, Arrived, Asked, Known, Ready, BaseException, FrameType, TracebackType,
    Principal,
)  # fmt: skip


def test_work_reaches_nothing_of_its_request(lanes: Lanes, key: str) -> None:
    """What is handed to a thread reaches no request, call, stage, exception or frame."""
    local = lanes.local
    opened = gate(HELLO)
    for request in (sign(local, key), update(local, key), verify(local, key, b"true")):
        [later] = lanes.pipeline.answer_all([request], 60.0)
        assert isinstance(later, Later)
        work = later._promise.work
        assert _reached(work, FORBIDDEN) == []
        assert _reached((work, later._arrived), FORBIDDEN) != []  # the walk finds them
        later.take_back()
    local.installation.trail.abandon()
    opened.set()


def test_nothing_stays_of_a_call_that_left_work(lanes: Lanes, key: str) -> None:
    """Counts of references alone let go of it, when it is answered, refused or throttled."""
    local = lanes.local
    lanes.ask(sign(local, key))
    gc.collect()
    gc.disable()
    try:
        before = _held()
        for number in range(5):
            lanes.ask(sign(local, key, b"%d" % number))
            lanes.ask(sign(local, key, b"a defect"))
        lanes.ask(sign(local, key))  # the worker lets go of what was before, and of this soon
        wait_until(lambda: _held() <= before + 1)
    finally:
        gc.enable()


def _held() -> int:
    """The stages, calls and pieces of work that something holds."""
    return sum(isinstance(each, (Arrived, Call, Work)) for each in gc.get_objects())


def test_owners() -> None:
    """Sessions of a role, or of a user, are one owner; strangers are where they come from.

    A session that a user began is of the same owner as the user.
    """
    account, kind = "111122223333", PrincipalType
    role = Principal(kind.ASSUMED_ROLE, "arn", account, "AROAX:a", unique_id="AROAX")
    other = Principal(kind.ASSUMED_ROLE, "arn", account, "AROAX:b", unique_id="AROAX")
    root = Principal(kind.ACCOUNT, "arn", account, account)
    user = Principal(kind.USER, "arn", account, "AIDAX", unique_id="AIDAX")
    jim, joe, roots = (
        Principal(kind.FEDERATED_USER, "arn", account, f"{account}:{name}", issuer_id=issuer)
        for name, issuer in (("jim", "AIDAX"), ("joe", "AIDAX"), ("jim", account))
    )
    assert owner_of(role, "") == owner_of(other, "")
    assert owner_of(user, "") == owner_of(jim, "") == owner_of(joe, "")
    taken = Principal(
        kind.ASSUMED_ROLE, "arn", account, "AROAX:c", unique_id="AROAX",
        begun_by=f"{account} AIDAX",
    )  # fmt: skip
    assert owner_of(taken, "") == owner_of(user, "") != owner_of(role, "")
    guests = [
        Principal(
            kind.ASSUMED_ROLE, "arn", account, f"{of}:c", unique_id=of,
            begun_by=f"444455556666 AIDA{first}",
        )
        for of, first in (("AROAX", "Y"), ("AROAX", "Z"), ("AROAZ", "Z"))
    ]  # fmt: skip
    assert len({owner_of(guest, "") for guest in guests} - {owner_of(user, "")}) == 1
    assert owner_of(root, "") == owner_of(roots, "")
    assert len({owner_of(who, "") for who in (role, user, root)}) == 3
    ann, bob, other = (
        Principal(kind.FEDERATED, provider, "", f"{provider}:aud:{name}", issuer_arn=provider)
        for provider, name in (("login", "ann"), ("login", "bob"), ("elsewhere", "ann"))
    )
    assert owner_of(ann, "10.0.0.1") == owner_of(bob, "10.9.9.9") != owner_of(other, "10.0.0.1")
    of_account = f"arn:aws:iam::{account}:oidc-provider/idp.example"
    vouched = Principal(kind.FEDERATED, of_account, "", "ann", issuer_arn=of_account)
    assert pools.party_of(owner_of(vouched, "")) == account  # which can make many
    assert pools.party_of(owner_of(ann, "")) == "login"  # nobody has made it
    nobody = Principal(PrincipalType.ANONYMOUS, "", "", "")
    assert owner_of(role, "10.0.0.1") == owner_of(role, "10.9.9.9")
    assert owner_of(nobody, "10.0.0.1") == owner_of(nobody, "10.0.0.9")
    assert owner_of(nobody, "10.0.0.1") == "strangers 10.0.0.0/24"
    assert owner_of(nobody, "10.0.1.1") != owner_of(nobody, "10.0.0.9")
    assert owner_of(nobody, "2001:db8::1") == owner_of(nobody, "2001:db8::ffff")


def test_they_are_registered_in_tests_only() -> None:
    """Otherwise the real ones are served."""
    for name in ("Sign", "Verify", "GenerateMac", "UpdatePrimaryRegion"):
        found = implementation("kms", name)
        assert found is None or found.function.__module__ != slow_operations.__name__
