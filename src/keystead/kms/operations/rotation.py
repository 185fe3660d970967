"""EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand and
ListKeyRotations.
"""

from datetime import timedelta

import msgspec

from keystead import quotas
from keystead.kms import imports, usage
from keystead.kms.call import KmsCall
from keystead.kms.keys import ImportedMaterial, Key, MaterialRecord
from keystead.kms.paging import page
from keystead.kms.schedule import DEFAULT_PERIOD_DAYS, Rotated, rotate, rotate_to_imported
from keystead.kms.states import KeyState
from keystead.policy.evaluation import Permit
from keystead.registry import implements
from keystead.times import from_microseconds, microseconds
from keystead.wire.models import kms as api

_NEAR = timedelta(minutes=20)
_ENDING = {KeyState.PENDING_DELETION, KeyState.PENDING_REPLICA_DELETION}


@implements(api.EnableKeyRotation)
def enable_key_rotation(call: KmsCall, request: api.EnableKeyRotationRequest) -> None:
    days = request.rotation_period_in_days or DEFAULT_PERIOD_DAYS
    key = call.key(request.key_id)
    call.authorize("kms:EnableKeyRotation", key, {"kms:rotationperiodindays": str(days)})
    call.require_state(key)
    usage.require_rotation(key)
    usage.refuse_replica(key)
    if days != key.record.rotation_days:
        date = call.now + timedelta(days=days)
        call.repository.change_key(
            call.transaction, key.record, rotation_days=days, next_rotation_us=microseconds(date)
        )


@implements(api.DisableKeyRotation)
def disable_key_rotation(call: KmsCall, request: api.DisableKeyRotationRequest) -> None:
    key = call.key(request.key_id)
    call.authorize("kms:DisableKeyRotation", key)
    call.require_state(key)
    usage.require_rotation(key)
    usage.refuse_replica(key)
    call.repository.change_key(call.transaction, key.record, rotation_days=0, next_rotation_us=None)


@implements(api.GetKeyRotationStatus)
def get_key_rotation_status(
    call: KmsCall, request: api.GetKeyRotationStatusRequest
) -> api.GetKeyRotationStatusResponse:
    key = call.key(request.key_id)
    call.authorize("kms:GetKeyRotationStatus", key)
    call.require_state(key)
    # No rule about the kind of key: one that never rotates by itself tells so (kms.md 13.1).
    next_us = key.shared.next_rotation_us
    if next_us is None or key.state in _ENDING:
        return api.GetKeyRotationStatusResponse(key_id=key.arn_text, key_rotation_enabled=False)
    return api.GetKeyRotationStatusResponse(
        key_id=key.arn_text,
        key_rotation_enabled=True,
        rotation_period_in_days=key.shared.rotation_days,
        next_rotation_date=from_microseconds(next_us),
    )


@implements(api.RotateKeyOnDemand)
def rotate_key_on_demand(
    call: KmsCall, request: api.RotateKeyOnDemandRequest
) -> api.RotateKeyOnDemandResponse:
    key = call.key(request.key_id)
    permit = call.authorize("kms:RotateKeyOnDemand", key)
    call.require_state(key)
    usage.require_rotation(key, automatic=False)
    usage.refuse_replica(key)
    _require_quiet(call, key)
    _require_quota(call, key)
    rotated = _rotated(call, permit)
    call.event.additional["keyMaterialId"] = rotated.key.material_id
    call.event.add(rotated.event(call.event.request_id, call.now))
    return api.RotateKeyOnDemandResponse(key_id=key.arn_text)


def _rotated(call: KmsCall, permit: Permit[Key]) -> Rotated:
    """Give the permit's key new material, or let it use what was imported."""
    transaction, repository, custody = call.transaction, call.repository, call.custody
    if permit.resource.origin == "EXTERNAL":
        return rotate_to_imported(transaction, repository, custody, permit, call.now)
    return rotate(transaction, repository, custody, permit, rotation_type="ON_DEMAND", now=call.now)


def _require_quiet(call: KmsCall, key: Key) -> None:
    """Refuse while an automatic rotation is due or near."""
    next_us = key.record.next_rotation_us
    if next_us is not None and from_microseconds(next_us) - call.now <= _NEAR:
        raise api.ConflictException(
            f"An automatic rotation of {key.arn_text} is in progress or about to begin."
        )


def _require_quota(call: KmsCall, key: Key) -> None:
    materials = call.repository.materials(call.transaction, key.record)
    most = call.quotas.most(quotas.ROTATIONS, key.owner)
    if sum(m.rotation_type == "ON_DEMAND" for m in materials) >= most:
        raise api.LimitExceededException(
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand"
            f" rotations can be performed for this key: {key.arn_text}"
        )


@implements(api.ListKeyRotations)
def list_key_rotations(
    call: KmsCall, request: api.ListKeyRotationsRequest
) -> api.ListKeyRotationsResponse:
    key = call.key(request.key_id)
    call.authorize("kms:ListKeyRotations", key)
    call.require_state(key)
    usage.require_rotation(key, automatic=False)
    included = request.include_key_material or "ROTATIONS_ONLY"
    shown = _shown(call, key, whole=included == "ALL_KEY_MATERIAL")

    def following(generation: str, count: int) -> list[MaterialRecord]:
        return [m for m in shown if m.generation > int(generation or "0")][:count]

    listed = page(
        call,
        request,
        fetch=following,
        position=lambda material: str(material.generation),
        parameters=(key.key_id, included),
    )
    return api.ListKeyRotationsResponse(
        rotations=[_entry(call, key, material) for material in listed.items],
        next_marker=listed.marker,
        truncated=listed.is_truncated,
    )


def _shown(call: KmsCall, key: Key, *, whole: bool) -> list[MaterialRecord]:
    """The rotations of a key; or its `whole` material, at the end that which waits to be used."""
    materials = call.repository.materials(call.transaction, key.record)
    if not whole:
        return [material for material in materials if material.rotated_us is not None]
    last = materials[-1].generation if materials else 0
    waiting = [
        MaterialRecord(
            account=key.account,
            region=key.region,
            key_id=key.key_id,
            generation=last + 1,
            material_id=each.material_id,
        )
        for each in key.imports
        if each.rotation_state
    ]
    return materials + waiting


def _entry(call: KmsCall, key: Key, material: MaterialRecord) -> api.RotationsListEntry:
    current = material.material_id == key.material_id
    rotated = material.rotated_us
    entry = api.RotationsListEntry(
        key_id=key.key_id,
        key_material_id=material.material_id,
        key_material_state="CURRENT" if current else "NON_CURRENT",
        rotation_date=None if rotated is None else from_microseconds(rotated),
        rotation_type=material.rotation_type,
    )
    imported = [each for each in key.imports if each.material_id == material.material_id]
    if not imported:
        return entry
    entry = _with_import(entry, imported[0])
    if not imported[0].rotation_state:
        return entry
    of_members = imports.of_set(call.transaction, call.repository, key, imported[0])
    waits_for = imports.rotation_state(of_members, call.now)
    return msgspec.structs.replace(entry, key_material_state=waits_for)


def _with_import(
    entry: api.RotationsListEntry, imported: ImportedMaterial
) -> api.RotationsListEntry:
    """The entry of a material, with what only imported material has (kms.md 4.1)."""
    there = imported.import_state == "IMPORTED"
    valid_to = imported.valid_to_us
    return msgspec.structs.replace(
        entry,
        key_material_description=imported.description or None,
        import_state=imported.import_state,
        expiration_model=imported.expiration_model if there else None,
        valid_to=None if valid_to is None else from_microseconds(valid_to),
    )
