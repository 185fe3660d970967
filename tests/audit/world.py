"""A real trail over a real store, and events as the pipeline makes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec

from keystead.audit.log.sinks import Sink
from keystead.audit.records import lines
from keystead.audit.records.event import Event, EventResource
from keystead.audit.report import Report
from keystead.audit.trail import SEGMENT_BYTES, Trail
from keystead.audit.verify import verify
from keystead.custody.signing.signer import AuditSigner, AuditTags
from keystead.custody.signing.verification import signature_verifier
from keystead.custody.sums.sums import Sums
from keystead.policy.evaluation.decision import DecidingStatement, Decision, Outcome, PolicyKind
from keystead.policy.evaluation.question import Principal, PrincipalType
from keystead.store.sqlite.engine import SqliteStore, open_store

ACCOUNT = "111122223333"
KEY_ARN = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NOW = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
STORE_KEY = bytes(range(32))
SIGNER = AuditSigner(bytes(range(32)))
TAGS = AuditTags(bytes(range(32)))

ALICE = Principal(
    type=PrincipalType.USER,
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    account=ACCOUNT,
    user_id="AIDAALICE",
    unique_id="AIDAALICE",
    name="alice",
)
STATEMENT = DecidingStatement(PolicyKind.RESOURCE, "default", KEY_ARN, 0, "Use", "Allow")
ALLOWED = Decision(
    Outcome.ALLOWED, ALICE.arn, "kms:Encrypt", KEY_ARN, PolicyKind.RESOURCE, (STATEMENT,)
)


def encrypt(request_id: str = "request-1", **members: Any) -> Event:
    """Alice encrypts: the event of it."""
    usual: dict[str, Any] = {
        "request_id": request_id,
        "time": NOW,
        "source": "kms.amazonaws.com",
        "name": "Encrypt",
        "region": "eu-central-1",
        "source_ip": "192.0.2.7",
        "user_agent": "aws-cli/2",
        "read_only": True,
        "principal": ALICE,
        "access_key_id": "AKIAALICE",
        "request_parameters": {"keyId": "alias/a", "encryptionContext": {"tenant": "a"}},
        "additional": {"keyMaterialId": "ab" * 32},
        "resources": [EventResource(ACCOUNT, "AWS::KMS::Key", KEY_ARN)],
        "decisions": [ALLOWED],
        "duration_us": 87,
    }
    return Event(**(usual | members))


@dataclass(slots=True)
class Clock:
    """A clock that goes when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class World:
    """A data directory with its store and its trail."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    segment_bytes: int = SEGMENT_BYTES
    sinks: Sequence[Sink] = ()
    vfs: str = "unix"
    sums: Sums = field(default_factory=lambda: Sums(bytes(32), bytes(32)))
    _store: SqliteStore | None = None
    _trail: Trail | None = None

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def store(self) -> SqliteStore:
        assert self._store is not None
        return self._store

    @property
    def trail(self) -> Trail:
        assert self._trail is not None
        return self._trail

    def open(self) -> Self:
        self._store = open_store(self.root / "keystead.db", STORE_KEY, vfs=self.vfs)
        self.sums.open(self._store)
        try:
            self._trail = Trail(
                self.audit,
                self._store,
                SIGNER,
                TAGS,
                self.sums,
                sinks=self.sinks,
                clock=self.clock,
                segment_bytes=self.segment_bytes,
            )
        except BaseException:
            self._store.close()
            raise
        return self

    def close(self) -> None:
        try:
            self.trail.close()
        finally:
            self.store.close()

    def crash(self) -> None:
        """The process is gone: nothing is signed or flushed any more."""
        self.store.undo()
        self.store.close()

    def end(self) -> None:
        """The stop of a server, also of one whose disk failed for good."""
        if self.store.failure is None:
            self.close()
        else:
            self.store.close()

    def record(self, *request_ids: str) -> None:
        """One turn that only reads."""
        for request_id in request_ids:
            self.trail.record(encrypt(request_id))
        self.trail.commit()

    def change(self, *request_ids: str) -> None:
        """One turn that changes something in each call."""
        for request_id in request_ids:
            touch(self.store, request_id)
            self.trail.record(encrypt(request_id, read_only=False))
        self.trail.commit()

    def records(self) -> list[Path]:
        return sorted(self.audit.glob("records-*.jsonl"))

    def lines(self) -> list[bytes]:
        return [line for path in self.records() for line in path.read_bytes().splitlines(True)]

    def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line)["event"] for line in self.lines()]

    def request_ids(self) -> list[str]:
        return [event["requestID"] for event in self.events()]

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Put other lines into the only file of records."""
        [path] = self.records()
        path.write_bytes(b"".join(lines))

    def verify(self, **options: Any) -> Report:
        return verify(self.audit, None, signature_verifier(SIGNER.public_key_pem), **options)


def forged(event: bytes, tag: bytes = bytes(lines.TAG_BYTES)) -> bytes:
    """The line of an event as somebody without the key would write it: all right but the tag."""
    leaf = lines.leaf_hash(event).hex().encode()
    return b'{"event":%b,"leaf":"%b","tag":"%b"}\n' % (event, leaf, tag.hex().encode())


def tag(index: int, event: bytes, *, changed: bool = False) -> bytes:
    """The tag that we give this event in this place."""
    return TAGS(index.to_bytes(8) + lines.leaf_hash(event) + bytes([changed]))


def touch(store: SqliteStore, name: str) -> None:
    """A change that leaves a row with this name."""
    with store.write() as transaction:
        transaction.run("INSERT INTO audit_outbox VALUES (?, 0, x'')", (f"row {name}",))


def rows(store: SqliteStore) -> list[str]:
    """The names of the rows that `touch` left."""
    found = store.read().all("SELECT trail FROM audit_outbox WHERE trail LIKE 'row %'")
    return sorted(name.removeprefix("row ") for (name,) in found)
