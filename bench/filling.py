"""An installation with very many keys, each with a grant, over several accounts.

The keys and grants are made in bulk, through the rooms that own their rows: `custody` makes the
material, `kms.keys` the key with its policy, `kms.grants` the grant. So every row, MAC and sum is
the one that CreateKey and CreateGrant write. What is left out is what a call costs beside: the
signature, the decision, the record, and a commit for each. So a million takes minutes.
"""

import json
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
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
TOGETHER = 2000  # keys of one commit
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
    keys: int = 0
    used: list[KeyName] = []  # the first ones: the same at every size
    cold: list[KeyName] = []


class Sample(msgspec.Struct, frozen=True):
    """A key that the server made, and its policy: what the others of an account are copies of."""

    record: KeyRecord
    policy: str
    principals: dict[str, str]


def open_installation(directory: Path) -> Installation:
    """The installation in a directory."""
    data = directory / "data"
    config = Config(data=str(data), regions=(REGION,), request_quotas=False)
    return Installation(config, lock(data))


def filled(directory: Path) -> Filled:
    """What was put into a directory; nothing if it is new."""
    file = directory / "filled.json"
    return msgspec.json.decode(file.read_bytes(), type=Filled) if file.exists() else Filled()


def fill(directory: Path, count: int) -> None:
    """Bring a directory to so many keys, and as many grants. Tells its progress."""
    data, state = directory / "data", filled(directory)
    if not state.accounts:
        held = lock(data)
        founding.found(data, Choices(FileSeal(), REGION, "http://x"), datetime.now(UTC))
        held.release()
    installation = open_installation(directory)
    try:
        while len(state.accounts) < ACCOUNTS:
            made = ceremonies.perform(installation, "account create", {})
            names = ("AccountId", "AccessKeyId", "SecretAccessKey")
            state.accounts.append(Account(*(made[name] for name in names)))
        samples = [_sample(installation, account) for account in state.accounts]
        new: list[KeyName] = []
        while state.keys < count:
            new += _add_some(installation, state, samples, min(TOGETHER, count - state.keys))
            installation.commit()
            print(f"\r{state.keys:,} of {count:,} keys", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    finally:
        installation.close()
    if not state.used:
        state.used, new = new[:USED], new[USED:]
    # In a new process every key is cold, so that some of the first are as good as others.
    others = new or state.used
    state.cold = Random(1).sample(others, min(COLD, len(others)))
    (directory / "filled.json").write_bytes(msgspec.json.encode(state))


def _add_some(
    installation: Installation, state: Filled, samples: Sequence[Sample], count: int
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
    return made


def _sample(installation: Installation, account: Account) -> Sample:
    made = ask(installation, request(account, "CreateKey"))["KeyMetadata"]["KeyId"]
    reader, keys = installation.store.read(), installation.keys
    record = keys.row(reader, account.number, REGION, made)
    if record is None:
        raise RuntimeError(made)
    policy = keys.policy(reader, record)
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
