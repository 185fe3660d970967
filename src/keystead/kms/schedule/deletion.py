"""When is a key destroyed, and what is left of it?  (kms.md 13.2, threat-model KM-7)

A key that is pending deletion carries the date. When the date has come, the material of every
generation, the policy, the aliases, the tags and the key itself are removed. A signed tombstone
stays, so that the id is never given again, and the destruction can be proved. Nobody can undo this.
So the caller has to make sure first that the clock is right (TM-4).

A replica leaves the material to the other members of its set (kms.md 14), but takes along what was
imported into it alone. The primary outlives its replicas: it waits for them, and its own waiting
period begins when the last of them is gone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.custody.rows import RowIntegrityError
from keystead.kms.imports import Imported
from keystead.kms.keys import Key, KeyRecord, KeyRepository, Place, RelatedKeys, dates, key_view
from keystead.kms.schedule.dated import DatedWork
from keystead.kms.schedule.events import service_event
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Reader, Transaction
from keystead.times import from_microseconds, microseconds


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A key that was destroyed, with its last record."""

    key: KeyRecord

    def event(self, request_id: str, now: datetime) -> Event:
        """DeleteKey, as AWS records it."""
        return service_event("DeleteKey", self.key, request_id, now, {})


def schedule_deletion(
    transaction: Transaction, repository: KeyRepository, key: Key, days: int, now: datetime
) -> KeyRecord:
    """Let a key be destroyed in so many days. From now on nobody can use it.

    A primary outlives its replicas: its waiting period begins when they are gone (kms.md 14).
    """
    if key.has_replicas:
        repository.related.change_pending(transaction, key.record, days)
        return repository.change_key(transaction, key.record, state="PendingReplicaDeletion")
    date = microseconds(now + timedelta(days=days))
    return repository.change_key(transaction, key.record, state="PendingDeletion", deletion_us=date)


def destroy_due(
    transaction: Transaction,
    repository: KeyRepository,
    custody: Custody,
    place: Place,
    now: datetime,
) -> Destroyed:
    """Destroy the key in this row; raises RowIntegrityError unless its deletion date has come."""
    record = repository.due(transaction, place, _is_due, now)
    permit = Permit.for_system(
        _view(transaction, repository, record), "kms:DeleteKey", "its deletion date has passed"
    )
    ids = [each.material_id for each in repository.generations.of(transaction, record)]
    if permit.resource.other_regions:
        Imported(transaction, repository, custody, permit, now).release()
    left = repository.destroy_key(transaction, record)
    if left is None:
        custody.destroy_material(transaction, permit, record.account, record.key_id)
    else:  # the other members go on with the material
        ids = []
        _begin_waiting(transaction, repository, left, now)
    times = (from_microseconds(record.created_us), now)
    signed = custody.sign_tombstone(permit, permit.resource.arn_text, times, ids)
    repository.tombstones.add(transaction, place, signed, microseconds(now))
    return Destroyed(record)


def _view(reader: Reader, repository: KeyRepository, record: KeyRecord) -> Key:
    """The key, with what its set has to know when it ends."""
    if not record.multi_region:
        return key_view(record, (), ())
    place = (record.account, record.region, record.key_id)
    imported = tuple(repository.imports.of(reader, place))
    return key_view(record, (), (), repository.relation(reader, record), imported)


def _begin_waiting(
    transaction: Transaction, repository: KeyRepository, left: RelatedKeys, now: datetime
) -> None:
    """The waiting period of a primary begins when its last replica is gone."""
    if left.pending_days is None or len(left.members) > 1:
        return
    primary = repository.row(transaction, left.account, left.members[0], left.key_id)
    if primary is None:
        raise RowIntegrityError("kms_related_keys", (left.account, left.key_id))
    until = microseconds(now + timedelta(days=left.pending_days))
    repository.related.change_pending(transaction, primary, None)
    repository.change_key(transaction, primary, state="PendingDeletion", deletion_us=until)


def _is_due(key: KeyRecord, now_us: int) -> bool:
    pending = key.state == "PendingDeletion"
    return pending and key.deletion_us is not None and key.deletion_us <= now_us


DESTRUCTION = DatedWork(
    "key destruction", irreversible=True, waiting=dates.for_deletion, do=destroy_due, purged=True
)
