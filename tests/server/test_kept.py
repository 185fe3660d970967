"""Whatever a caller sends, what is kept of it is bounded, and what is kept is counted honestly.

The short form of `make prove-caches`, which sends ten thousand calls of each sort to a server.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keystead.caches import KIB, MIB
from keystead.kms.keys.policies import POLICIES
from keystead.kms.keys.repository import KNOWN, NAMED
from keystead.policy.enforcement.enforce import ROOM as RESIDUALS
from keystead.policy.findings.examine import findings
from keystead.policy.language.kinds import DocumentKind
from tests.documents import LARGE, key_policy
from tests.server.installations import Local, open_local

FORMS = sorted(LARGE)


class _Nothing(list[object]):
    """Where events go that no test looks at."""

    def append(self, _: object) -> None:
        pass


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    opened = open_local(tmp_path)
    opened.events = _Nothing()  # type: ignore[assignment]  # one that forgets
    try:
        yield opened
    finally:
        opened.installation.close()


def large(number: int) -> str:
    return LARGE[FORMS[number % len(FORMS)]](number)


def taken(work: Callable[[int], object], times: int) -> int:
    """The bytes that so many calls leave behind, after a first one."""
    work(0)
    gc.collect()
    tracemalloc.start(1)
    try:
        for number in range(times):
            work(100 + number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def new_key(local: Local, policy: str | None = None) -> str:
    members = {} if policy is None else {"Policy": policy}
    answer = local.kms("CreateKey", **members)
    assert answer.status == 200, answer.body
    key_id: str = answer.json["KeyMetadata"]["KeyId"]
    return key_id


def encrypt(local: Local, key_id: str, **context: str) -> None:
    answer = local.kms("Encrypt", KeyId=key_id, Plaintext="AAAA", EncryptionContext=context)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("operation", ["SimulateCustomPolicy", "GetContextKeysForCustomPolicy"])
def test_nothing_is_kept_of_a_document_that_is_only_asked_about(
    local: Local, operation: str
) -> None:
    """Simulated documents leave neither an entry nor bytes behind."""

    def ask(number: int) -> None:
        members = {"PolicyInputList.member.1": large(number)}
        if operation.startswith("Simulate"):
            members["ActionNames.member.1"] = "kms:Encrypt"
        assert local.iam(operation, **members).status == 200

    ask(0)
    before = local.installation.kept_bytes()
    assert taken(ask, 6) < 100 * KIB
    assert local.installation.kept_bytes() == before


def test_nothing_is_kept_of_a_document_that_is_validated() -> None:
    """The findings of a document are found anew for each page of them."""
    assert taken(lambda number: findings(large(number), DocumentKind.IDENTITY), 6) < 50 * KIB


def test_nothing_is_kept_of_a_policy_that_is_refused(local: Local) -> None:
    """A key policy that would lock its author out is only asked about."""
    key_id, account = new_key(local), local.founded.account_id

    def put(number: int) -> None:
        text = key_policy(account, LARGE["conditions"](number)).replace("kms:*", "kms:Encrypt")
        answer = local.kms("PutKeyPolicy", KeyId=key_id, PolicyName="default", Policy=text)
        assert b"will not allow you to update" in answer.body

    put(0)
    before = local.installation.kept_bytes()
    for number in range(1, 4):
        put(number)
    assert local.installation.kept_bytes() == before


def test_key_policies_in_use_keep_to_their_room(local: Local) -> None:
    """Key after key with a large policy of its own: the caches stay within the account's rooms."""
    account = local.founded.account_id

    def make(number: int) -> None:
        encrypt(local, new_key(local, key_policy(account, large(number))))

    grown = taken(make, 14)
    kept = local.installation.kept_bytes()
    most = POLICIES.of_owner + KNOWN.of_owner + NAMED.of_owner + RESIDUALS.of_owner + MIB
    assert POLICIES.of_owner / 2 < kept < most
    assert grown < kept


def test_one_key_that_changes_keeps_to_its_room(local: Local) -> None:
    """One key with ever new policies, contexts, tags and aliases: what is kept is counted."""
    account, key_id = local.founded.account_id, new_key(local)

    def change(number: int) -> None:
        text = key_policy(account, large(number))
        sent = [
            local.kms("PutKeyPolicy", KeyId=key_id, PolicyName="default", Policy=text),
            local.kms(
                "TagResource", KeyId=key_id,
                Tags=[{"TagKey": f"{i}", "TagValue": f"{number}" * 50} for i in range(40)],
            ),
            local.kms("CreateAlias", AliasName=f"alias/{number}", TargetKeyId=key_id),
        ]  # fmt: skip
        assert [answer.status for answer in sent] == [200] * 3
        for place in range(8):
            encrypt(local, f"alias/{number}", **{f"{place}": f"{number}" * 1_000})

    grown = taken(change, 8)
    assert grown < local.installation.kept_bytes() + MIB


def test_many_small_keys_are_counted(local: Local) -> None:
    """Plain keys, in use under their ids and aliases, take no more than is counted for them."""

    def make(number: int) -> None:
        key_id = new_key(local)
        local.kms("CreateAlias", AliasName=f"alias/{number}", TargetKeyId=key_id)

    def use(number: int) -> None:
        encrypt(local, f"alias/{number % 100}", tenant=f"{number}")

    for number in range(100):
        make(number)
    before = local.installation.kept_bytes()
    grown = taken(use, 200)
    counted = local.installation.kept_bytes() - before
    assert 0 < grown < counted < 4 * grown
