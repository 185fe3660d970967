"""When does a key get new material?  (kms.md 13.1)

A key with automatic rotation carries the date of the next rotation. A job of the server looks for
keys that are due. A key that is disabled or pending deletion waits, and is rotated as soon as it is
enabled again. A rotation on demand does not move the schedule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.kms.imports import is_ready, of_set
from keystead.kms.keys import Key, KeyRecord, KeyRepository, Place, dates, key_view
from keystead.kms.schedule.dated import DatedWork
from keystead.kms.schedule.events import service_event
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Transaction
from keystead.times import from_microseconds, microseconds
from keystead.wire.models import kms as api

DEFAULT_PERIOD_DAYS = 365


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotation that is done."""

    key: KeyRecord  # after the rotation
    rotation_type: api.RotationType
    former_material_id: str

    def event(self, request_id: str, now: datetime) -> Event:
        """RotateKey, as AWS records it."""
        details = {
            "rotationType": self.rotation_type,
            "keyOrigin": self.key.origin,
            "currentKeyMaterialId": self.key.material_id,
            "previousKeyMaterialId": self.former_material_id,
        }
        return service_event("RotateKey", self.key, request_id, now, details)


def rotate(
    transaction: Transaction,
    repository: KeyRepository,
    custody: Custody,
    permit: Permit[Key],
    *,
    rotation_type: api.RotationType,
    now: datetime,
) -> Rotated:
    """Give the permit's key new material. Former materials still decrypt their ciphertexts."""
    key = permit.resource
    made = custody.generate(permit, key.spec).do()  # quick: only symmetric keys are rotated
    material_id = custody.create_material(
        transaction, permit, key.account, key.key_id, now, key_spec=key.spec, secret=made.value
    )
    record = repository.add_material(
        transaction, key.record, material_id, rotation_type, microseconds(now)
    )
    return Rotated(record, rotation_type, key.material_id)


def rotate_to_imported(
    transaction: Transaction,
    repository: KeyRepository,
    custody: Custody,
    permit: Permit[Key],
    now: datetime,
) -> Rotated:
    """Let the imported material that waits for it encrypt from now on.

    Raises KMSInvalidStateException when there is none that the key, and each other member of its
    set, has.
    """
    key = permit.resource
    waiting = next((each for each in key.imports if each.rotation_state), None)
    of_members = [] if waiting is None else of_set(transaction, repository, key, waiting)
    if waiting is None or not is_ready(of_members, now):
        raise api.KMSInvalidStateException(
            f"No available key material pending rotation for the key: {key.arn_text}."
        )
    custody.imports.make_current(transaction, permit, waiting.material_id)
    for each in of_members:
        belonging = msgspec.structs.replace(each, rotation_state="")
        repository.imports.change(transaction, belonging)
    record = repository.add_material(
        transaction, key.record, waiting.material_id, "ON_DEMAND", microseconds(now)
    )
    return Rotated(record, "ON_DEMAND", key.material_id)


def rotate_due(
    transaction: Transaction,
    repository: KeyRepository,
    custody: Custody,
    place: Place,
    now: datetime,
) -> Rotated:
    """Rotate the key in this row; raises RowIntegrityError unless it is enabled and due."""
    record = repository.due(transaction, place, _is_due, now)
    permit = Permit.for_system(
        key_view(record, (), ()), "kms:RotateKey", "its rotation date has passed"
    )
    rotated = rotate(transaction, repository, custody, permit, rotation_type="AUTOMATIC", now=now)
    repository.change_key(
        transaction, rotated.key, next_rotation_us=microseconds(_next_date(record, now))
    )
    return rotated


def _is_due(key: KeyRecord, now_us: int) -> bool:
    return (
        key.state == "Enabled"
        and key.next_rotation_us is not None
        and key.next_rotation_us <= now_us
    )


def _next_date(key: KeyRecord, now: datetime) -> datetime:
    """One period after the date that was due; one period from now if that is past too."""
    period = timedelta(days=key.rotation_days)
    due = now if key.next_rotation_us is None else from_microseconds(key.next_rotation_us)
    return due + period if due + period > now else now + period


ROTATION = DatedWork("key rotation", irreversible=False, waiting=dates.for_rotation, do=rotate_due)
