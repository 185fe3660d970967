"""Encrypt, Decrypt, ReEncrypt."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from keystead.kms import ciphertext, usage
from keystead.kms.call import KmsCall
from keystead.kms.encryption_context import EncryptionContext
from keystead.kms.keys import Key
from keystead.kms.operations.sources import (
    authorize,
    ciphertext_ignored,
    find_source,
    open_source,
)
from keystead.kms.requests import refuse_recipient, require_real
from keystead.policy.evaluation import ContextValue, Permit
from keystead.registry import implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work, result


@implements_with_work(api.Encrypt)
def encrypt(call: KmsCall, request: api.EncryptRequest) -> api.EncryptResponse | Work[bytes]:
    context = call.context(request.encryption_context)
    algorithm = request.encryption_algorithm or usage.SYMMETRIC_DEFAULT
    call.record_defaults(encryptionAlgorithm=algorithm)
    key = call.key(request.key_id)
    permit = call.authorize("kms:Encrypt", key, context.keys(algorithm))
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, algorithm)
    if algorithm == usage.SYMMETRIC_DEFAULT:
        require_real(request.dry_run)
        call.event.additional["keyMaterialId"] = key.material_id
        blob = seal(call, permit, request.plaintext, context)
    else:
        usage.require_no_context(algorithm, request.encryption_context)
        usage.require_length(key, algorithm, request.plaintext)
        require_real(request.dry_run)
        encrypted = _encrypt_asymmetric(call, permit, algorithm, request.plaintext)
        if isinstance(encrypted, Work):
            return encrypted
        blob = encrypted
    return api.EncryptResponse(
        ciphertext_blob=blob,
        key_id=key.arn_text,
        encryption_algorithm=algorithm,
    )


@implements_with_work(api.Decrypt)
def decrypt(call: KmsCall, request: api.DecryptRequest) -> api.DecryptResponse | Work[Any]:
    context = call.context(request.encryption_context)
    algorithm = request.encryption_algorithm or usage.SYMMETRIC_DEFAULT
    call.record_defaults(encryptionAlgorithm=algorithm)
    ignored = ciphertext_ignored(request.dry_run_modifiers, request.dry_run)
    source = find_source(
        call, request.ciphertext_blob, request.key_id, "KeyId", algorithm, ignored=ignored
    )
    permit = authorize(call, "kms:Decrypt", source, context.keys(algorithm))
    call.require_tokens(request.grant_tokens)
    call.require_state(source.key)
    source.require_made_by_its_key()
    call.require_use(source.key, algorithm)
    usage.require_no_context(algorithm, request.encryption_context)
    refuse_recipient(request.recipient)
    opened = open_source(call, permit, source, algorithm, context, dry_run=request.dry_run)
    if isinstance(opened, Work):
        return opened
    require_real(request.dry_run)
    plaintext, material_id = opened
    if material_id:
        call.event.additional["keyMaterialId"] = material_id
    return api.DecryptResponse(
        key_id=source.key.arn_text,
        plaintext=plaintext,
        encryption_algorithm=algorithm,
        key_material_id=material_id or None,
    )


class Side(NamedTuple):
    """How one side of a ReEncrypt is encrypted."""

    algorithm: api.EncryptionAlgorithmSpec
    context: EncryptionContext

    def keys(self, same: str) -> Mapping[str, ContextValue]:
        """Its condition keys; `same` tells whether both sides have the same key."""
        return {**self.context.keys(self.algorithm), "kms:reencryptonsamekey": same}


def _side(
    call: KmsCall, algorithm: api.EncryptionAlgorithmSpec | None, pairs: Mapping[str, str] | None
) -> Side:
    return Side(algorithm or usage.SYMMETRIC_DEFAULT, call.context(pairs))


@implements_with_work(api.ReEncrypt)
def re_encrypt(call: KmsCall, request: api.ReEncryptRequest) -> api.ReEncryptResponse | Work[Any]:
    old_pairs, new_pairs = request.source_encryption_context, request.destination_encryption_context
    old = _side(call, request.source_encryption_algorithm, old_pairs)
    new = _side(call, request.destination_encryption_algorithm, new_pairs)
    call.record_defaults(
        sourceEncryptionAlgorithm=old.algorithm, destinationEncryptionAlgorithm=new.algorithm
    )
    ignored = ciphertext_ignored(request.dry_run_modifiers, request.dry_run)
    source = find_source(
        call, request.ciphertext_blob, request.source_key_id, "SourceKeyId", old.algorithm,
        ignored=ignored,
    )  # fmt: skip
    key = call.key(request.destination_key_id)
    same = "true" if key.arn_text == source.key.arn_text else "false"
    opening = authorize(call, "kms:ReEncryptFrom", source, old.keys(same))
    sealing = call.authorize("kms:ReEncryptTo", key, new.keys(same))
    call.require_tokens(request.grant_tokens)
    call.require_state(source.key)
    call.require_state(key)
    source.require_made_by_its_key()
    call.require_use(source.key, old.algorithm)
    call.require_use(key, new.algorithm)
    usage.require_no_context(old.algorithm, old_pairs)
    usage.require_no_context(new.algorithm, new_pairs)
    opened = open_source(call, opening, source, old.algorithm, old.context, dry_run=request.dry_run)
    if isinstance(opened, Work):
        return opened
    plaintext, old_material = opened
    sealed = _seal_for(call, sealing, new, plaintext, request.dry_run)
    if isinstance(sealed, Work):
        return sealed
    new_material = _current_material(key)
    _record_materials(call, sourceKeyMaterialId=old_material, destinationKeyMaterialId=new_material)
    return api.ReEncryptResponse(
        ciphertext_blob=sealed,
        source_key_id=source.key.arn_text,
        key_id=key.arn_text,
        source_encryption_algorithm=old.algorithm,
        destination_encryption_algorithm=new.algorithm,
        source_key_material_id=old_material or None,
        destination_key_material_id=new_material or None,
    )


def _seal_for(
    call: KmsCall, permit: Permit[Key], side: Side, plaintext: bytes, dry_run: bool | None
) -> bytes | Work[bytes]:
    """The plaintext as the destination of a ReEncrypt encrypts it; a dry run ends here."""
    if side.algorithm == usage.SYMMETRIC_DEFAULT:
        require_real(dry_run)
        return seal(call, permit, plaintext, side.context)
    usage.require_length(permit.resource, side.algorithm, plaintext)
    require_real(dry_run)
    return _encrypt_asymmetric(call, permit, side.algorithm, plaintext)


def _current_material(key: Key) -> str:
    """The material that callers are told of: asymmetric keys have one for ever, and tell none."""
    return key.material_id if key.spec == usage.SYMMETRIC_DEFAULT else ""


def _record_materials(call: KmsCall, **materials: str) -> None:
    call.event.additional.update({name: each for name, each in materials.items() if each})


def seal(call: KmsCall, permit: Permit[Key], plaintext: bytes, context: EncryptionContext) -> bytes:
    """The blob of this plaintext under the current material of the permit's key."""
    header = permit.resource.header
    bound = header + context.canonical
    sealed = call.custody.encrypt(call.transaction, permit, plaintext, bound)
    return ciphertext.pack(header, sealed)


def _encrypt_asymmetric(
    call: KmsCall, permit: Permit[Key], algorithm: str, plaintext: bytes
) -> bytes | Work[bytes]:
    custody, transaction = call.custody, call.transaction
    return result(call, custody.encrypt_asymmetric(transaction, permit, algorithm, plaintext))
