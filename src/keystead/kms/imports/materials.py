"""Which material does a key take, and in which state is it afterwards?  (kms.md 7, 13.3; KM-6)

The first material of a key belongs to it from then on. A symmetric key takes further material,
which waits for RotateKeyOnDemand: one at a time, and until then it does not belong to the key.
Material that belongs to a key may be deleted or expire. Then the key takes that same material
again, and waits for it: nothing can be done with a key while any of its materials is missing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from keystead.custody.backends import GivenSecret
from keystead.custody.material import Custody
from keystead.errors import ValidationException
from keystead.kms import usage
from keystead.kms.imports.expiration import Expiration
from keystead.kms.keys import ImportedMaterial, Key, KeyRecord, KeyRepository
from keystead.kms.states import KeyState
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Transaction
from keystead.times import microseconds
from keystead.wire.models import kms as api

_NEW = "NEW_KEY_MATERIAL"
_OF_SYMMETRIC = {
    "ImportType": "import_type",
    "KeyMaterialDescription": "key_material_description",
    "KeyMaterialId": "key_material_id",
}
_FIXED = {
    KeyState.PENDING_DELETION,
    KeyState.PENDING_REPLICA_DELETION,
    KeyState.CREATING,
    KeyState.UPDATING,
}
"""The states that do not depend on material."""


def require_parameters(
    key: Key, request: api.ImportKeyMaterialRequest | api.DeleteImportedKeyMaterialRequest
) -> None:
    """Refuse parameters that are for symmetric keys, and those that contradict each other."""
    if key.spec != usage.SYMMETRIC_DEFAULT:
        for name, attribute in _OF_SYMMETRIC.items():
            if getattr(request, attribute, None) is not None:
                raise api.UnsupportedOperationException(
                    f"{name} is not supported for keys with the key spec {key.spec}."
                )
    elif getattr(request, "import_type", None) == _NEW and request.key_material_id is not None:
        raise ValidationException(
            "KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL"
        )


def accepted(
    key: Key, request: api.ImportKeyMaterialRequest, material_id: str
) -> ImportedMaterial | None:
    """The material of the key that a request brings again; None when it is new to the key.

    Raises IncorrectKeyMaterialException unless the key takes it.
    """
    known = next((each for each in key.imports if each.material_id == material_id), None)
    stated = request.key_material_id
    kind = request.import_type or ("EXISTING_KEY_MATERIAL" if key.material_id else _NEW)
    new = kind == _NEW and (key.spec == usage.SYMMETRIC_DEFAULT or not key.material_id)
    if new is (known is not None) or (stated is not None and stated != material_id):
        raise api.IncorrectKeyMaterialException
    pending = next((each for each in key.imports if each.rotation_state), None)
    if new and pending is not None:
        raise api.KMSInvalidStateException(
            f"New key material (id: {material_id}) cannot be imported into KMS key {key.arn_text},"
            f" because another key material (id: {pending.material_id}) is pending rotation."
        )
    return known


class Imported(NamedTuple):
    """The imported material of the permit's key, to be changed."""

    transaction: Transaction
    repository: KeyRepository
    custody: Custody
    permit: Permit[Key]
    now: datetime

    def keep(
        self,
        secret: GivenSecret,
        known: ImportedMaterial | None,
        expiration: Expiration,
        description: str | None,
    ) -> str:
        """Let the key have this secret, which is that of a `known` material or of a new one.

        Returns the material's id.
        """
        key, record = self.permit.resource, self.permit.resource.record
        material_id = self.custody.imports.add(self.transaction, self.permit, secret, self.now)
        material = known or ImportedMaterial(
            account=key.account,
            region=key.region,
            key_id=key.key_id,
            material_id=material_id,
            rotation_state="PENDING_ROTATION" if key.material_id else "",
            expiration_model=expiration.model,
        )
        changed = msgspec.structs.replace(
            material,
            import_state="IMPORTED",
            expiration_model=expiration.model,
            valid_to_us=expiration.valid_to_us,
            description=material.description if description is None else description,
        )
        if not key.material_id:
            record = self.repository.add_first_material(self.transaction, record, material_id)
        self._put(record, changed)
        return material_id

    def remove(self, material: ImportedMaterial) -> KeyRecord:
        """Destroy a material; what waits for a rotation is forgotten. Returns the key's record."""
        key = self.permit.resource
        self.custody.imports.remove(self.transaction, self.permit, material.material_id)
        if material.rotation_state:
            self.repository.imports.remove(self.transaction, material)
            return key.record
        gone = msgspec.structs.replace(material, import_state="PENDING_IMPORT", valid_to_us=None)
        return self._put(key.record, gone)

    def _put(self, record: KeyRecord, changed: ImportedMaterial) -> KeyRecord:
        """Remember a material, and the state in which it leaves its key."""
        # The view in a permit may be of another moment: a grantee's is kept (`granted`).
        key = self.permit.resource.at(microseconds(self.now))
        self.repository.imports.put(self.transaction, changed, key.imports)
        others = [each for each in key.imports if each.material_id != changed.material_id]
        state = _state(key, [*others, changed], self.now)
        return self.repository.change_key(self.transaction, record, state=state)


def named(key: Key, material_id: str | None) -> ImportedMaterial | None:
    """The material that a request names, or else the current one; None if there never was one."""
    wanted = material_id or key.material_id
    found = next((each for each in key.imports if each.material_id == wanted), None)
    if found is None and material_id is not None:
        raise api.NotFoundException(
            f"Key material '{material_id}' is not associated with the key {key.arn_text}"
        )
    return found


def is_whole(imports: Sequence[ImportedMaterial], now: datetime) -> bool:
    """Is all of the material there that belongs to a key, and is there any?"""
    own = [each for each in imports if not each.rotation_state]
    now_us = microseconds(now)
    return bool(own) and all(each.is_there(now_us) for each in own)


def _state(key: Key, imports: Sequence[ImportedMaterial], now: datetime) -> api.KeyState:
    """The state of a key that has these materials; it becomes enabled with the last of them."""
    if key.state in _FIXED:
        return key.record.state
    if not is_whole(imports, now):
        return "PendingImport"
    return "Enabled" if key.state is KeyState.PENDING_IMPORT else key.record.state
