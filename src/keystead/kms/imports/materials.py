"""Which material does a key take, and in which state is it afterwards?  (kms.md 7, 13.3; KM-6)

The first material of a key belongs to it from then on. A symmetric key takes further material,
which waits for RotateKeyOnDemand: one at a time, and until then it does not belong to the key.
Material that belongs to a key may be deleted or expire. Then the key takes that same material
again, and waits for it: nothing can be done with a key while any of its materials is missing.

Each member of a multi-Region set is imported into by itself (kms.md 14). New material comes to the
primary, and every other member waits for the same from then on. The secret is kept once, for as
long as any member has it. A member that has it not waits in its state, and does nothing with it.
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
from keystead.store.protocol import Reader, Transaction
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
    elif getattr(request, "import_type", None) == _NEW:
        if request.key_material_id is not None:
            raise ValidationException(
                "KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL"
            )
        usage.refuse_replica(key)


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
        new = ImportedMaterial(
            account=key.account,
            region=key.region,
            key_id=key.key_id,
            material_id=material_id,
            rotation_state="PENDING_ROTATION" if key.material_id else "",
            expiration_model=expiration.model,
        )
        changed = msgspec.structs.replace(
            known or new,
            import_state="IMPORTED",
            expiration_model=expiration.model,
            valid_to_us=expiration.valid_to_us,
            description=(known or new).description if description is None else description,
        )
        if not key.material_id:
            record = self.repository.add_first_material(self.transaction, record, material_id)
        if known is None:
            self.repository.imports.add(self.transaction, changed)
            for region in key.other_regions:
                self.repository.imports.await_in(self.transaction, region, changed)
        else:
            self.repository.imports.change(self.transaction, changed)
        if secret.public_key:
            self.repository.public_keys.keep(self.transaction, record, secret.public_key)
        self._settle(record, changed)
        return material_id

    def remove(self, material: ImportedMaterial, *, in_set: bool = False) -> KeyRecord:
        """Take a material away; returns the key's record.

        What waits for a rotation is forgotten, and `in_set` lets a primary forget it in its whole
        set. The secret is destroyed with the last member that has it.
        """
        key, repository = self.permit.resource, self.repository
        of_members = of_set(self.transaction, repository, key, material)
        alone = len(of_members) == 1 or (in_set and key.multi_region == "PRIMARY")
        if material.rotation_state and alone:
            for each in of_members:
                repository.imports.remove(self.transaction, each)
            self.custody.imports.remove(self.transaction, self.permit, material.material_id)
            return key.record
        self._release(material, of_members)
        gone = msgspec.structs.replace(material, import_state="PENDING_IMPORT", valid_to_us=None)
        repository.imports.change(self.transaction, gone)
        return self._settle(key.record, gone)

    def release(self) -> None:
        """Destroy the secrets that no other member of the set has: the key is about to end."""
        for material in self.permit.resource.imports:
            of_members = of_set(self.transaction, self.repository, self.permit.resource, material)
            self._release(material, of_members)

    def _release(self, material: ImportedMaterial, of_members: Sequence[ImportedMaterial]) -> None:
        """Destroy the secret of a material, unless another member of the set has it."""
        others = [each for each in of_members if each.region != material.region]
        if not any(each.import_state == "IMPORTED" for each in others):
            self.custody.imports.remove(self.transaction, self.permit, material.material_id)

    def _settle(self, record: KeyRecord, changed: ImportedMaterial) -> KeyRecord:
        """Remember the state in which a change of a material leaves its key."""
        # The view in a permit may be of another moment: a grantee's is kept (`granted`).
        key = self.permit.resource.at(microseconds(self.now))
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


def of_set(
    reader: Reader, repository: KeyRepository, key: Key, material: ImportedMaterial
) -> list[ImportedMaterial]:
    """A material of a key, as each member of the key's set has it; of other keys, itself."""
    every = [material]
    for region in key.other_regions:
        rows = repository.imports.of(reader, (key.account, region, key.key_id))
        every += [each for each in rows if each.material_id == material.material_id]
    return every


def is_ready(of_members: Sequence[ImportedMaterial], now: datetime) -> bool:
    """Has every member of a set this material, so that it can be rotated to?  (kms.md 13.3)"""
    return all(each.is_there(microseconds(now)) for each in of_members)


def rotation_state(of_members: Sequence[ImportedMaterial], now: datetime) -> api.KeyMaterialState:
    """The state of a material that waits for a rotation (kms.md 13.1)."""
    if len(of_members) > 1 and not is_ready(of_members, now):
        return "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    return "PENDING_ROTATION"


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
