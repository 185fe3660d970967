"""An installation with very many keys, each with a grant, over several accounts.

The keys and grants are made in bulk, through the rooms that own their rows: `custody` makes the
material, `kms.keys` the key with its policy, `kms.grants` the grant. So every row, MAC and sum is
the one that CreateKey and CreateGrant write; `tests/server/test_million.py` compares all rows. What
is left out is what a call costs beside: the signature, the decision, the record, and a commit for
each.

A commit has very many keys, because ids are random: each commit of a large database changes nearly
every page of its indexes, whether it adds a thousand keys or fifty thousand. What was added stays
when a run is stopped, and the next run goes on.

    python -m bench.filling DIRECTORY KEYS
"""

import json
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.signed import signed_request
from keystead.custody.seals.root import FileSeal
from keystead.kms.grants import Party, wanted
from keystead.kms.keys.records import KeyRecord
from keystead.policy.evaluation.decision import Permit
from keystead.server.installation import ceremonies, founding
from keystead.server.installation.config import Config
from keystead.server.installation.founding import Choices
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.store.protocol import Transaction
from keystead.times import microseconds
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.models import kms as api

REGION = "us-east-1"
ACCOUNTS = 20  # AWS's quota is 100,000 keys for an account
USED, COLD = 1000, 500  # keys that are asked for again and again, and some of the others
TOGETHER = 50_000  # keys of one commit
STEP = 1000  # keys between two lines of progress
CACHE_MB = 1536  # of pages, while it is filled: those that a commit changes
_OPERATIONS: list[api.GrantOperation] = ["Encrypt", "Decrypt", "DescribeKey"]


class Account(msgspec.Struct, frozen=True):
    """An account, and the access key of its root user."""

    number: str
    access_key_id: str
    secret: str

    @property
    def owner(self) -> str:
        """The account, as the permit to create a key needs it."""
        return self.number

    @property
    def root(self) -> str:
        return f"arn:aws:iam::{self.number}:root"


class KeyName(msgspec.Struct, frozen=True):
    """A key: the position of its account, and its id."""

    account: int
    key_id: str


class Filled(msgspec.Struct):
    """What there is in a directory."""

    accounts: list[Account] = []
    samples: list[str] = []  # the id of a key of each account that the server made
    keys: int = 0  # without the samples
    used: list[KeyName] = []  # the first ones: the same at every size
    cold: list[KeyName] = []


class Sample(msgspec.Struct, frozen=True):
    """A key that the server made, and its policy: what the others of an account are copies of."""

    record: KeyRecord
    policy: str
    principals: dict[str, str]


def open_installation(directory: Path, cache_mb: int = 16) -> Installation:
    """The installation in a directory."""
    data = directory / "data"
    config = Config(data=str(data), regions=(REGION,), request_quotas=False, page_cache_mb=cache_mb)
    return Installation(config, lock(data))


def filled(directory: Path) -> Filled:
    """What was put into a directory; nothing if it is new."""
    file = directory / "filled.json"
    return msgspec.json.decode(file.read_bytes(), type=Filled) if file.exists() else Filled()


def fill(directory: Path, count: int) -> None:
    """Bring a directory to so many keys, and as many grants. Tells its progress."""
    data, state = directory / "data", filled(directory)
    if not state.accounts:
        shutil.rmtree(data, ignore_errors=True)  # of a run that was stopped before it began
        held = lock(data)
        founding.found(data, Choices(FileSeal(), REGION, "http://x"), datetime.now(UTC))
        held.release()
    installation = open_installation(directory, CACHE_MB)
    try:
        if not state.accounts:
            _begin(installation, state)
            _save(directory, state)
        state.keys = _counted(installation, state)
        samples = [_sample(installation, *each) for each in _sampled(state)]
        tell = partial(_tell, count, time.monotonic(), state.keys)
        while state.keys < count:
            # The keys that are used later are one commit: a run that is stopped has all or none.
            number = min(TOGETHER if state.used else USED, count - state.keys)
            made = _add_some(installation, state, samples, number, tell)
            installation.commit()
            state.used = state.used or made
            _save(directory, state)
        state.cold = _cold(installation, state)
        _save(directory, state)
    finally:
        installation.close()


def _begin(installation: Installation, state: Filled) -> None:
    """Make the accounts, and a key in each."""
    while len(state.accounts) < ACCOUNTS:
        made = ceremonies.perform(installation, "account create", {})
        names = ("AccountId", "AccessKeyId", "SecretAccessKey")
        account = Account(*(made[name] for name in names))
        state.accounts.append(account)
        key = ask(installation, request(account, "CreateKey"))["KeyMetadata"]["KeyId"]
        state.samples.append(key)


def _save(directory: Path, state: Filled) -> None:
    new = directory / "filled.new"
    new.write_bytes(msgspec.json.encode(state))
    new.replace(directory / "filled.json")


def _sampled(state: Filled) -> Iterable[tuple[Account, str]]:
    return zip(state.accounts, state.samples, strict=True)


def _counted(installation: Installation, state: Filled) -> int:
    """How many keys were added. The last commit of a stopped run may not be in its file."""
    reader, keys = installation.store.read(), 0
    for account in state.accounts:
        counted = installation.keys.counted(reader, account.number, REGION)
        keys += 0 if counted is None else counted.keys - 1
    return keys


def _cold(installation: Installation, state: Filled) -> list[KeyName]:
    """Some keys that are not in use.

    In a new process every key is cold, so those in use will do where there are no others.
    """
    reader, cold = installation.store.read(), set[KeyName]()
    numbers = {account.number: place for place, account in enumerate(state.accounts)}
    others = {*state.used, *(KeyName(*each) for each in enumerate(state.samples))}
    [(most,)] = reader.all("SELECT MAX(rowid) FROM kms_keys")
    for row in Random(1).sample(range(1, most + 1), most):
        for account, key in reader.all(
            "SELECT account, key_id FROM kms_keys WHERE rowid = ?", (row,)
        ):
            cold.add(KeyName(numbers[account], key))
        cold -= others
        if len(cold) == COLD:
            break
    return sorted(cold or state.used[:COLD], key=lambda each: each.key_id)


def _add_some(
    installation: Installation,
    state: Filled,
    samples: Sequence[Sample],
    count: int,
    tell: Callable[[int], None],
) -> list[KeyName]:
    """Add keys in one transaction, to one account after the other."""
    now, made = datetime.now(UTC), []
    with installation.store.write(quiet=True) as transaction:
        for _ in range(count):
            place = state.keys % len(state.accounts)
            sample = samples[place]
            key = _add_key(installation, transaction, state.accounts[place], sample, now)
            _add_grant(installation, transaction, state.accounts[place], key, state.keys)
            made.append(KeyName(place, key.key_id))
            state.keys += 1
            if state.keys % STEP == 0:
                tell(state.keys)
    return made


def _tell(goal: int, began: float, before: int, keys: int) -> None:
    rate = (keys - before) / (time.monotonic() - began)
    left = (goal - keys) / rate / 60
    told = f"{keys:,} of {goal:,} keys, {rate:,.0f} a second, {left:,.0f} minutes more"
    print(told, file=sys.stderr, flush=True)


def _sample(installation: Installation, account: Account, key_id: str) -> Sample:
    reader, keys = installation.store.read(), installation.keys
    record = keys.row(reader, account.number, REGION, key_id)
    if record is None:
        raise RuntimeError(key_id)
    policy = keys.policies.stored(reader, record)
    return Sample(record, policy.text, policy.meant)


def _add_key(
    installation: Installation,
    transaction: Transaction,
    account: Account,
    sample: Sample,
    now: datetime,
) -> KeyRecord:
    key_id, spec = str(uuid.uuid4()), sample.record.key_spec
    permit = Permit.for_system(account, "kms:CreateKey", "a benchmark")
    secret = installation.custody.generate(permit, spec).do().value
    material = installation.custody.create_material(
        transaction, permit, account.number, key_id, now, key_spec=spec, secret=secret
    )
    record = msgspec.structs.replace(
        sample.record,
        key_id=key_id,
        material_id=material,
        created_us=microseconds(now),
        row_version=1,
    )
    counted = installation.keys.counted(transaction, account.number, REGION)
    installation.keys.add_key(transaction, record, sample.policy, sample.principals, counted)
    return record


def _add_grant(
    installation: Installation,
    transaction: Transaction,
    account: Account,
    key: KeyRecord,
    number: int,
) -> None:
    """A grant to the account. Every second one has a constraint."""
    constraints = None
    if number % 2:
        constraints = api.GrantConstraints(encryption_context_subset={"tenant": key.key_id})
    asked = wanted.read(
        api.CreateGrantRequest(
            key_id=key.key_id,
            grantee_principal=account.root,
            operations=_OPERATIONS,
            constraints=constraints,
        )
    )
    party = Party(account.root, account.number, account.number)
    place = (key.account, key.region, key.key_id)
    draft = asked.record(place, account.number, party, wanted.NOBODY, key.created_us)
    grant_id = uuid.uuid4().hex + uuid.uuid4().hex
    grant = msgspec.structs.replace(draft, grant_id=grant_id)
    installation.keys.grants.add(transaction, grant, None)


def request(account: Account, operation: str, **members: object) -> HttpRequest:
    """A request to KMS by the root user of an account."""
    body = json.dumps(members).encode()
    headers = signed_request(account.access_key_id, account.secret, operation, body)
    return HttpRequest("POST", "/", "", headers, body, "127.0.0.1", False, Endpoint())


def ask(installation: Installation, asked: HttpRequest) -> Any:
    """The answer to a request that has to succeed, in a turn of its own."""
    response = installation.pipeline.answer(asked).response
    installation.commit()
    if response.status != HTTPStatus.OK:
        raise RuntimeError(response.body)
    return json.loads(response.body)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
