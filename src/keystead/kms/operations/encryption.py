"""Encrypt, Decrypt, ReEncrypt."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from keystead.custody.material import BadCiphertext
from keystead.errors import ValidationException
from keystead.kms import ciphertext, grants, usage
from keystead.kms.call import KmsCall
from keystead.kms.ciphertext import Blob
from keystead.kms.encryption_context import EncryptionContext
from keystead.kms.keys import Key, key_reference
from keystead.kms.requests import refuse_recipient, require_real
from keystead.policy.evaluation import AccessDenied, ContextValue, Permit
from keystead.policy.reasons import cross_account
from keystead.registry import implements
from keystead.wire.models import kms as api


@implements(api.Encrypt)
def encrypt(call: KmsCall, request: api.EncryptRequest) -> api.EncryptResponse:
    context = call.context(request.encryption_context)
    algorithm = request.encryption_algorithm or usage.SYMMETRIC_DEFAULT
    call.record_defaults(encryptionAlgorithm=algorithm)
    key = call.key(request.key_id)
    permit = call.authorize("kms:Encrypt", key, context_keys(context, algorithm))
    grants.require_known(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, algorithm)
    require_real(request.dry_run)
    call.event.additional["keyMaterialId"] = key.material_id
    return api.EncryptResponse(
        ciphertext_blob=seal(call, permit, request.plaintext, context),
        key_id=key.arn_text,
        encryption_algorithm=algorithm,
    )


@implements(api.Decrypt)
def decrypt(call: KmsCall, request: api.DecryptRequest) -> api.DecryptResponse:
    context = call.context(request.encryption_context)
    algorithm = request.encryption_algorithm or usage.SYMMETRIC_DEFAULT
    call.record_defaults(encryptionAlgorithm=algorithm)
    ignored = _ciphertext_ignored(request.dry_run_modifiers, request.dry_run)
    source = _source(call, request.ciphertext_blob, request.key_id, "KeyId", ignored=ignored)
    permit = _authorize(call, "kms:Decrypt", source, context_keys(context, algorithm))
    grants.require_known(request.grant_tokens)
    call.require_state(source.key)
    source.require_made_by_its_key()
    call.require_use(source.key, algorithm)
    refuse_recipient(request.recipient)
    plaintext, material_id = _open(call, permit, source, context)
    require_real(request.dry_run)
    call.event.additional["keyMaterialId"] = material_id
    return api.DecryptResponse(
        key_id=source.key.arn_text,
        plaintext=plaintext,
        encryption_algorithm=algorithm,
        key_material_id=material_id,
    )


@implements(api.ReEncrypt)
def re_encrypt(call: KmsCall, request: api.ReEncryptRequest) -> api.ReEncryptResponse:
    old_context = call.context(request.source_encryption_context)
    new_context = call.context(request.destination_encryption_context)
    old_algorithm = request.source_encryption_algorithm or usage.SYMMETRIC_DEFAULT
    new_algorithm = request.destination_encryption_algorithm or usage.SYMMETRIC_DEFAULT
    call.record_defaults(
        sourceEncryptionAlgorithm=old_algorithm, destinationEncryptionAlgorithm=new_algorithm
    )
    ignored = _ciphertext_ignored(request.dry_run_modifiers, request.dry_run)
    source = _source(
        call, request.ciphertext_blob, request.source_key_id, "SourceKeyId", ignored=ignored
    )
    key = call.key(request.destination_key_id)
    same = {"kms:reencryptonsamekey": "true" if key.arn_text == source.key.arn_text else "false"}
    opening = _authorize(
        call, "kms:ReEncryptFrom", source, {**context_keys(old_context, old_algorithm), **same}
    )
    sealing = call.authorize(
        "kms:ReEncryptTo", key, {**context_keys(new_context, new_algorithm), **same}
    )
    grants.require_known(request.grant_tokens)
    call.require_state(source.key)
    call.require_state(key)
    source.require_made_by_its_key()
    call.require_use(source.key, old_algorithm)
    call.require_use(key, new_algorithm)
    plaintext, old_material = _open(call, opening, source, old_context)
    require_real(request.dry_run)
    call.event.additional["sourceKeyMaterialId"] = old_material
    call.event.additional["destinationKeyMaterialId"] = key.material_id
    return api.ReEncryptResponse(
        ciphertext_blob=seal(call, sealing, plaintext, new_context),
        source_key_id=source.key.arn_text,
        key_id=key.arn_text,
        source_encryption_algorithm=old_algorithm,
        destination_encryption_algorithm=new_algorithm,
        source_key_material_id=old_material,
        destination_key_material_id=key.material_id,
    )


def context_keys(
    context: EncryptionContext, algorithm: str = usage.SYMMETRIC_DEFAULT
) -> Mapping[str, ContextValue]:
    """The condition keys about the encryption in a request."""
    return {"kms:encryptionalgorithm": algorithm, **context.condition_keys}


def seal(call: KmsCall, permit: Permit[Key], plaintext: bytes, context: EncryptionContext) -> bytes:
    """The blob of this plaintext under the current material of the permit's key."""
    header = permit.resource.header
    bound = header + context.canonical
    sealed = call.custody.encrypt(call.transaction, permit, plaintext, bound)
    return ciphertext.pack(header, sealed)


class Source(NamedTuple):
    """A ciphertext to be opened, and the key to open it."""

    key: Key
    found_by_blob: bool  # the request does not name the key
    ignored: bool  # a dry run that does not look at the ciphertext
    blob: Blob | None  # None when it is ignored or malformed

    def require_made_by_its_key(self) -> None:
        """Refuse malformed bytes, and a blob that another key made."""
        if self.ignored:
            return
        if self.blob is None:
            raise api.InvalidCiphertextException
        if not self.key.made(self.blob.made_by):
            raise api.IncorrectKeyException(
                "The key ID in the request does not identify a CMK that can perform this operation."
            )


def _ciphertext_ignored(modifiers: Sequence[str] | None, dry_run: bool | None) -> bool:
    """Is this a dry run that asks only for permission?"""
    ignored = "IGNORE_CIPHERTEXT" in (modifiers or ())
    if ignored and not dry_run:
        raise ValidationException("DryRunModifiers can only be used when DryRun is true.")
    return ignored


def _source(
    call: KmsCall, sent: bytes | None, key_id: str | None, member: str, *, ignored: bool
) -> Source:
    """The ciphertext of a request, and its key: the named key, or else the key that made it."""
    if ignored:
        if key_id is None:
            raise ValidationException(f"{member} is required when the ciphertext is ignored.")
        return Source(call.key(key_id), found_by_blob=False, ignored=True, blob=None)
    if sent is None:
        raise ValidationException(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy"
            " constraint: Member must not be null"
        )
    if key_id is None:
        blob = call.heard.blob(call.account, sent)
        return Source(call.key_of_blob(blob.made_by), True, False, blob)
    known = _unpacked(call, sent)
    return Source(_named_key(call, key_id, known), False, False, known)


def _unpacked(call: KmsCall, sent: bytes) -> Blob | None:
    """The blob, or None if it is malformed. Only a caller who may use the named key learns that."""
    try:
        return call.heard.blob(call.account, sent)
    except api.InvalidCiphertextException:
        return None


def _named_key(call: KmsCall, key_id: str, blob: Blob | None) -> Key:
    """The named key. If the blob names the same bare id, it tells the account (kms.md 2)."""
    if blob is not None and blob.made_by.key_id == key_id:
        reference = key_reference(blob.made_by.account, call.region, key_id)
        return call.key(reference.arn)
    return call.key(key_id)


def _authorize(
    call: KmsCall, action: str, source: Source, keys: Mapping[str, ContextValue]
) -> Permit[Key]:
    """May they open this?  A caller who did not name the key does not learn whether it exists."""
    try:
        return call.authorize(action, source.key, keys)
    except AccessDenied as refusal:
        if not source.found_by_blob:
            raise
        raise cross_account.of_ciphertext(refusal) from None


def _open(
    call: KmsCall, permit: Permit[Key], source: Source, context: EncryptionContext
) -> tuple[bytes, str]:
    """The plaintext, and the material that made the blob; no plaintext if the blob is ignored."""
    blob = source.blob
    if blob is None:
        return b"", source.key.material_id
    try:
        plaintext = call.custody.decrypt(call.transaction, permit, blob.sealed, blob.bound(context))
    except BadCiphertext:
        raise api.InvalidCiphertextException from None
    return plaintext, blob.sealed.material_id
