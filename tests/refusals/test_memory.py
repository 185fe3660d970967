"""What was refused can be explained for days, and nobody can make that cost more than it may."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.audit.records.event import Event
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.rows.rows import RowIntegrityError
from keystead.custody.seals.root import FileSeal, initialise
from keystead.custody.state import open_sums
from keystead.errors import AwsError
from keystead.policy.evaluation.decision import AccessDenied
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PrincipalPolicies,
    Question,
    RefusedQuestion,
)
from keystead.policy.reasons.explain import explain
from keystead.refusals.memory import HEADER, OF_STRANGERS, WRITTEN_AT_ONCE, Refusals
from keystead.refusals.queue import STRANGERS, Capacity, Queue
from keystead.refusals.repository import Bounds, RefusalRepository
from keystead.refusals.written import Refusal
from keystead.server.installation import ceremonies
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.store.protocol import StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore, open_store
from keystead.wire.http import HttpResponse
from tests.policy.support import ALICE, allow, ask, own
from tests.server.installations import Local, open_local

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def refusal(
    number: int, account: str = "111122223333", *, unlike: str = "", **keys: str
) -> Refusal:
    """A refusal of an account; `unlike` makes its policy another one."""
    context = msgspec.structs.replace(ask(), keys={"aws:username": "alice", **keys})
    policies = ApplicablePolicies(PrincipalPolicies((own(allow(f"s3:{unlike or 'Get'}*")),)))
    time = NOW + timedelta(seconds=number)
    return Refusal(
        f"{account}-{number}", time, account, "no", RefusedQuestion(Question(context, policies))
    )


# what waits in memory


def test_an_account_loses_only_its_own() -> None:
    """Who is refused often drives out its own oldest refusals, and nobody else's."""
    waiting = Queue(Capacity(refusals_of_account=10))
    waiting.add(refusal(0, "222233334444"))
    for number in range(1_000):
        waiting.add(refusal(number))
    assert len(waiting) == 11
    assert waiting.lost == 990
    assert waiting.find("222233334444-0")
    assert waiting.find("111122223333-989") is None
    assert waiting.find("111122223333-990")


def test_all_accounts_together_are_bounded() -> None:
    """However many accounts there are, the oldest go first."""
    waiting = Queue(Capacity(refusals=50))
    for number in range(200):
        waiting.add(refusal(number, f"{number:012}"))
    assert len(waiting) == 50
    assert waiting.find(f"{149:012}-149") is None
    assert waiting.find(f"{150:012}-150")


def test_bytes_are_bounded_and_given_back() -> None:
    """Large requests and ever new policies are bounded by their bytes, of one account or of all."""
    one, all_ = Queue(Capacity(bytes_of_account=50_000)), Queue(Capacity(bytes=50_000))
    for number in range(100):
        large = {"aws:useragent": "x" * 8_000}
        one.add(refusal(number, unlike="y" * number, **large))
        all_.add(refusal(number, f"{number:012}", unlike="y" * number, **large))
        assert one.bytes <= 50_000
        assert all_.bytes <= 50_000
    assert one.find("111122223333-99")
    for waiting in (one, all_):
        for written in waiting.oldest(100)[0]:
            waiting.remove(written.request_id)
        assert (len(waiting), waiting.bytes, waiting._accounts) == (0, 0, {})


def test_refusals_share_their_documents() -> None:
    """A policy is kept once for all refusals that it had a say in, and as long as one is kept."""
    waiting = Queue(Capacity())
    for number in range(100):
        waiting.add(refusal(number))
    _, documents = waiting.oldest(100)
    assert len(documents) == 1
    for number in range(99):
        waiting.remove(f"111122223333-{number}")
    assert waiting.find("111122223333-99")


# what the store remembers


class Kept:
    """A keeper with a store of its own."""

    def __init__(self, directory: Path, **bounds: Any) -> None:
        self.hierarchy = Hierarchy(initialise(directory, FileSeal()))
        self.store: SqliteStore = open_store(directory / "keystead.db", self.hierarchy.store_key)
        open_sums(self.hierarchy.rows, self.store)
        self.repository = RefusalRepository(self.hierarchy.rows, Bounds(**bounds))
        self.refusals = Refusals(self.repository, self.hierarchy.tokens, Capacity())

    def add(self, *refusals: Refusal) -> None:
        for each in refusals:
            self.refusals._waiting.add(each)

    def run(self, now: datetime = NOW) -> None:
        """One run of the job."""
        self.refusals.write(self.store, self.store.flush, now)

    def count(self, table: str) -> int:
        found = self.store.read().one(f"SELECT COUNT(*) FROM {table}")
        assert found is not None
        return int(found[0])

    def stored(self, number: int, account: str = "111122223333") -> bool:
        return self.repository.get(self.store.read(), f"{account}-{number}") is not None


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "kept", of_account=20, in_all=50)
    yield kept
    kept.store.close()


def test_a_run_of_the_job_is_bounded(kept: Kept) -> None:
    """One run writes so many and no more; what it wrote waits no more; no epoch moves."""
    kept.add(*(refusal(number, f"{number:012}") for number in range(WRITTEN_AT_ONCE + 10)))
    epoch = kept.store.state
    kept.run()
    assert len(kept.refusals._waiting) == 10
    kept.run()
    assert len(kept.refusals._waiting) == 0
    assert kept.store.state == epoch


def test_strangers_are_apart(kept: Kept) -> None:
    """However many strangers are refused, from whatever networks, accounts lose nothing."""
    event = Event(request_id="", time=NOW, source="sts.amazonaws.com", name="AssumeRole")
    kept.add(refusal(0))
    for number in range(2 * STRANGERS.refusals):
        failed = msgspec.structs.replace(event, request_id=f"stranger-{number}")
        kept.refusals.note(AwsError("no", why="step 1"), failed, f"10.0.{number}.0/24")
    assert kept.refusals.lost == STRANGERS.refusals
    assert kept.refusals.kept_bytes < STRANGERS.bytes + Capacity().bytes_of_account
    reader = kept.store.read()
    assert kept.refusals.find(reader, "111122223333-0")
    kept.run()
    assert not kept.refusals._waiting
    assert len(kept.refusals._strangers) == STRANGERS.refusals - OF_STRANGERS
    oldest = kept.refusals.find(kept.store.read(), f"stranger-{STRANGERS.refusals}")
    assert oldest is not None
    assert oldest.why == "step 1"


def test_an_account_is_bounded_in_the_store(kept: Kept) -> None:
    """Its oldest go; another account's stay; and so do the policies that are still used."""
    kept.add(refusal(0, "222233334444"))
    for number in range(60):
        kept.add(refusal(number, unlike=f"Number{number}"))
        kept.run()
    assert kept.count("refusals") == 21
    assert kept.count("refusal_documents") == 21
    assert kept.stored(0, "222233334444")
    assert kept.stored(40)
    assert not kept.stored(39)
    assert kept.refusals.find(kept.store.read(), "111122223333-59")


def test_all_are_bounded_in_the_store(kept: Kept) -> None:
    """The oldest of all go when there are too many in all."""
    for number in range(80):
        kept.add(refusal(number, f"{number % 8:012}"))
        kept.run()
    assert kept.count("refusals") == 50
    assert kept.stored(79, f"{7:012}")
    assert not kept.stored(29, f"{29 % 8:012}")
    assert kept.count("refusal_documents") == 1


def test_kept_for_days_and_then_dropped(kept: Kept) -> None:
    """A refusal is known for a day at least, and not for ever; its policies go with it."""
    kept.add(refusal(0))
    kept.run()
    kept.run(NOW + DAY)
    assert kept.stored(0)
    kept.run(NOW + 30 * DAY)
    assert kept.count("refusals") == kept.count("refusal_documents") == 0


def test_a_failed_commit_loses_nothing(kept: Kept) -> None:
    """What could not be made durable waits for the next run."""
    kept.add(refusal(0))

    def fail() -> None:
        kept.store.undo()
        raise StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable):
        kept.refusals.write(kept.store, fail, NOW)
    assert not kept.stored(0)
    assert kept.refusals.find(kept.store.read(), "111122223333-0")
    kept.run()
    assert kept.stored(0)


def test_a_changed_row_is_refused(kept: Kept) -> None:
    """Whoever edits the database changes no explanation: neither the question nor the policy."""
    kept.add(refusal(0), refusal(1, unlike="Put"))
    kept.run()
    for sql in (
        "UPDATE refusals SET account = '444455556666'",
        "UPDATE refusal_documents SET content = (SELECT MAX(content) FROM refusal_documents)",
        "DELETE FROM refusal_documents",
    ):
        with pytest.raises(RowIntegrityError), kept.store.write() as transaction:
            transaction.run(sql)
            for number in (0, 1):
                kept.repository.get(transaction, f"111122223333-{number}")
    assert kept.stored(0)


# the whole installation

FORBIDDEN = {"app": "payroll"}
DENY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "NoPayroll", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*",
            "Condition": {"StringEquals": {"kms:EncryptionContext:app": "payroll"}},
        },
    }
)  # fmt: skip


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = open_local(tmp_path / "data")
    local.iam("PutUserPolicy", UserName="admin", PolicyName="payroll", PolicyDocument=DENY)
    yield local
    local.installation.close()


def refused_call(local: Local, key: str, **context: str) -> dict[str, str]:
    """A call that the administrator's own policy denies; its answer's headers."""
    answer = local.kms(
        "Encrypt", KeyId=key, Plaintext="cGxhaW50ZXh0LXNlY3JldA==",
        EncryptionContext={**FORBIDDEN, **context},
    )  # fmt: skip
    assert (answer.status, answer.json["__type"]) == (400, "AccessDeniedException")
    return answer.headers


def test_a_refusal_moves_no_epoch_and_outlives_a_restart(local: Local) -> None:
    """Refused, written by the job, read after a restart: the state is the same all the time."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    installation, epoch = local.installation, local.installation.store.state
    headers = refused_call(local, key)
    assert installation.refusals.find(installation.store.read(), headers["x-amzn-RequestId"])
    installation.upkeep.write_refusals()
    assert installation.store.state == epoch

    later = refused_call(local, key)  # not written by the job, but when the server stops
    installation.close()
    local.installation = Installation(
        installation.config, lock(installation.directory),
        wall=local.time.wall, monotonic=lambda: local.time.monotonic,
    )  # fmt: skip
    assert local.installation.store.state == epoch
    for each in (headers, later):
        found = local.installation.refusals.find(
            local.installation.store.read(), each["x-amzn-RequestId"]
        )
        assert found is not None
        assert found.asked is not None
        assert explain(found.asked.question).decision.statements[0].sid == "NoPayroll"


def test_a_flood_is_bounded(local: Local) -> None:
    """More refusals than there is room for, in one turn: bounded, counted, the newest are known."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    request = local.kms_request("Encrypt", KeyId=key, Plaintext="eA==", EncryptionContext=FORBIDDEN)
    pipeline, refusals, room = local.installation.pipeline, local.installation.refusals, Capacity()
    flood = [pipeline.answer(request).response for _ in range(room.refusals_of_account + 50)]
    local.installation.commit()
    assert {response.status for response in flood} == {400}
    assert len(refusals._waiting) == room.refusals_of_account
    assert refusals.lost == 50
    reader = local.installation.store.read()
    known = [
        refusals.find(reader, dict(response.headers)["x-amzn-RequestId"]) is not None
        for response in flood
    ]
    assert known == [False] * 50 + [True] * room.refusals_of_account


def test_what_is_allowed_is_not_remembered(local: Local) -> None:
    """The twin of a refused call is answered without a message, and leaves nothing."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    answer = local.kms("Encrypt", KeyId=key, Plaintext="eA==", EncryptionContext={"app": "orders"})
    assert answer.status == 200
    assert HEADER not in answer.headers
    assert len(local.installation.refusals._waiting) == 0
    assert HEADER in refused_call(local, key)
    assert len(local.installation.refusals._waiting) == 1


def test_other_errors_are_no_refusals(local: Local) -> None:
    """A call that is wrong in itself was not denied access: nothing is remembered of it."""
    for answer in (local.kms("Encrypt", KeyId="?", Plaintext="eA=="), local.kms("Nothing")):
        assert answer.status == 400
        assert HEADER not in answer.headers
    assert len(local.installation.refusals._waiting) == 0


def test_nothing_secret_is_remembered(local: Local) -> None:
    """Neither what was to be encrypted nor anything that proves who asked (AD-2)."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    request = local.kms_request(
        "Encrypt", KeyId=key, Plaintext="cGxhaW50ZXh0LXNlY3JldA==", EncryptionContext=FORBIDDEN
    )
    assert local.send(request).status == 400
    [written], documents = local.installation.refusals._waiting.oldest(9)
    remembered = written.content + b"".join(each.encode() for each in documents.values())
    signature = request.headers["authorization"].rpartition("=")[2]
    for secret in (
        "cGxhaW50ZXh0", "plaintext", signature, local.founded.access_key.secret,
    ):  # fmt: skip
        assert secret.encode() not in remembered
    assert b"payroll" in remembered


def explained(local: Local, request_id: str) -> dict[str, Any]:
    """What the operator is told of a refusal."""
    return ceremonies.perform(local.installation, "explain refusal", {"id": request_id})


def test_no_request_writes_on_the_operators_terminal(local: Local) -> None:
    """What a caller sends is escaped where it is shown: no control character, no own line."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    sent = "x\x1b[2J\nAllowed\u202e"
    local.iam(
        "PutUserPolicy", UserName="admin", PolicyName="odd",
        PolicyDocument=DENY.replace("NoPayroll", "Odd").replace(":app", ":odd"),
    )  # fmt: skip
    request_id = refused_call(local, key, odd=sent)["x-amzn-RequestId"]
    told = explained(local, request_id)
    assert all(line.isprintable() for line in told["text"].split("\n"))
    assert "\nAllowed" not in told["text"]
    assert "x\\x1b[2J\\nAllowed\\u202e" in told["text"]
    actual = [
        condition["actual"]
        for policy in told["explanation"]["considered"]
        for statement in policy["statements"]
        for condition in statement["conditions"]
    ]
    assert sent in actual


def test_a_refusal_that_would_be_allowed_is_told(local: Local) -> None:
    """If enforcement refused what evaluation allows, the explanation does not hide it."""
    refusals = local.installation.refusals
    for name, policies in (
        ("right", ApplicablePolicies(PrincipalPolicies())),
        ("wrong", ApplicablePolicies(PrincipalPolicies((own(allow()),)))),
    ):
        event = Event(name, NOW, "kms.amazonaws.com", "Encrypt", principal=ALICE)
        refused = AccessDenied(None, "no", RefusedQuestion(Question(ask(), policies)))
        refusals.remember(refused, event, HttpResponse(400, (), b""))
        told = explained(local, name)
        assert ("differs" in told) is (name == "wrong")
        assert ("please report" in told["text"]) is (name == "wrong")


def test_a_refusal_that_cannot_be_written_down_is_a_refusal(local: Local) -> None:
    """What is no text cannot be remembered: the answer stays as it is, and the log is told."""
    refusals, response = local.installation.refusals, HttpResponse(400, (), b"no")
    event = Event("id", NOW, "kms.amazonaws.com", "Encrypt", principal=ALICE)
    for text, remembered in (("\ud800", False), ("fine", True)):
        asked = RefusedQuestion(
            Question(ask(aws__useragent=text), ApplicablePolicies(PrincipalPolicies()))
        )
        answer = refusals.remember(AccessDenied(None, "no", asked), event, response)
        assert msgspec.structs.replace(answer, headers=()) == response
        assert bool(answer.headers) is remembered
        assert len(refusals._waiting) == remembered
