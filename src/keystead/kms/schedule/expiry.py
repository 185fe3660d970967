"""When is imported material destroyed?  (kms.md 13.3, threat-model KM-6)

An importer may say until when the material is valid. When that date has come, the key cannot be
used any more: that is decided at each use (`keys.Key.at`), not here. Here the secret is destroyed.
Nobody can undo this but by importing it again. So the caller has to make sure first that the clock
is right (TM-4).
"""

from dataclasses import dataclass
from datetime import datetime

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.custody.rows import RowIntegrityError
from keystead.kms.imports import Imported
from keystead.kms.keys import ImportedMaterial, Key, KeyRecord, KeyRepository, Place, dates
from keystead.kms.schedule.dated import DatedWork
from keystead.kms.schedule.events import service_event
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Transaction
from keystead.times import microseconds


@dataclass(frozen=True, slots=True)
class Expired:
    """Material that is destroyed, because its date has passed."""

    key: KeyRecord  # afterwards
    material_id: str

    def event(self, request_id: str, now: datetime) -> Event:
        """DeleteExpiredKeyMaterial, as AWS records it."""
        details = {"keyMaterialId": self.material_id}
        return service_event("DeleteExpiredKeyMaterial", self.key, request_id, now, details)


def expire_due(
    transaction: Transaction,
    repository: KeyRepository,
    custody: Custody,
    place: Place,
    now: datetime,
) -> Expired:
    """Destroy one material of this key; raises RowIntegrityError unless the date of one has come.

    A key with several such materials is named once for each.
    """
    key = repository.key(transaction, *place)
    material = None if key is None else _due(key, microseconds(now))
    if key is None or material is None:
        raise RowIntegrityError("kms_imported_materials", place)
    permit = Permit.for_system(
        key.at(microseconds(now)), "kms:DeleteExpiredKeyMaterial", "it is expired"
    )
    record = Imported(transaction, repository, custody, permit, now).remove(material)
    return Expired(record, material.material_id)


def _due(key: Key, now_us: int) -> ImportedMaterial | None:
    dated = [each for each in key.imports if each.valid_to_us is not None]
    return next((each for each in dated if not each.is_there(now_us)), None)


EXPIRY = DatedWork(
    "expired key material",
    irreversible=True,
    waiting=dates.for_expiry,
    do=expire_due,
    purged=True,
)
