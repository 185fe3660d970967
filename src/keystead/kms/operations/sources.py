"""Which ciphertext does a request bring, and which key opens it?

A blob of a symmetric key names its key. The ciphertext of an asymmetric key is raw: as long as the
modulus, and nothing tells whose it is. So the request names the key (kms.md 6.1, 17).
"""

from collections.abc import Mapping, Sequence

import msgspec

from keystead.custody.material import BadCiphertext
from keystead.errors import ValidationException
from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.ciphertext import Blob
from keystead.kms.encryption_context import EncryptionContext
from keystead.kms.keys import Key, key_reference
from keystead.kms.requests import tried
from keystead.policy.evaluation import AccessDenied, ContextValue, Permit
from keystead.policy.reasons import cross_account
from keystead.wire.models import kms as api
from keystead.work import Work


class Source(msgspec.Struct, frozen=True):
    """A ciphertext to be opened, and the key to open it."""

    key: Key
    found_by_blob: bool  # the request does not name the key
    ignored: bool  # a dry run that does not look at the ciphertext
    blob: Blob | None = None  # None when it is raw, ignored or malformed
    raw: bytes | None = None  # the ciphertext of an asymmetric key: it tells nothing of its key

    def require_made_by_its_key(self) -> None:
        """Refuse malformed bytes, and a blob that another key made."""
        if self.ignored or self.raw is not None:
            return
        if self.blob is None:
            raise api.InvalidCiphertextException
        if not self.key.made(self.blob.made_by):
            raise api.IncorrectKeyException(
                "The key ID in the request does not identify a CMK that can perform this operation."
            )


def ciphertext_ignored(modifiers: Sequence[str] | None, dry_run: bool | None) -> bool:
    """Is this a dry run that asks only for permission?"""
    ignored = "IGNORE_CIPHERTEXT" in (modifiers or ())
    if ignored and not dry_run:
        raise ValidationException("DryRunModifiers can only be used when DryRun is true.")
    return ignored


def find_source(
    call: KmsCall,
    sent: bytes | None,
    key_id: str | None,
    member: str,
    algorithm: str,
    *,
    ignored: bool,
) -> Source:
    """The ciphertext of a request, and its key: the named key, or else the key that made it."""
    if key_id is None and algorithm != usage.SYMMETRIC_DEFAULT:
        raise ValidationException(f"{member} must not be null")
    if ignored:
        if key_id is None:
            raise ValidationException(f"{member} is required when the ciphertext is ignored.")
        return Source(call.key(key_id), found_by_blob=False, ignored=True)
    if sent is None:
        raise ValidationException(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy"
            " constraint: Member must not be null"
        )
    if key_id is None:
        blob = call.heard.blob(call.account, sent)
        return Source(call.key_of_blob(blob.made_by), True, False, blob)
    if algorithm != usage.SYMMETRIC_DEFAULT:
        return Source(call.key(key_id), found_by_blob=False, ignored=False, raw=sent)
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


def authorize(
    call: KmsCall, action: str, source: Source, keys: Mapping[str, ContextValue]
) -> Permit[Key]:
    """May they open this?  A caller who did not name the key does not learn whether it exists."""
    try:
        return call.authorize(action, source.key, keys)
    except AccessDenied as refusal:
        if not source.found_by_blob:
            raise
        raise cross_account.of_ciphertext(refusal) from None


def open_source(
    call: KmsCall,
    permit: Permit[Key],
    source: Source,
    algorithm: str,
    context: EncryptionContext,
    *,
    dry_run: bool | None,
) -> tuple[bytes, str] | Work[bytes | None]:
    """The plaintext, and the material that made the blob: "" for asymmetric keys.

    There is no plaintext if the blob is ignored.
    """
    blob = source.blob
    if source.raw is not None:
        return _open_raw(call, permit, algorithm, source.raw, dry_run)
    if blob is None:
        return b"", source.key.material_id
    try:
        plaintext = call.custody.decrypt(call.transaction, permit, blob.sealed, blob.bound(context))
    except BadCiphertext:
        raise api.InvalidCiphertextException from None
    return plaintext, blob.sealed.material_id


def _open_raw(
    call: KmsCall, permit: Permit[Key], algorithm: str, raw: bytes, dry_run: bool | None
) -> tuple[bytes, str] | Work[bytes | None]:
    """The same for the ciphertext of an asymmetric key. A dry run only looks at its length."""
    if len(raw) != usage.ciphertext_length(permit.resource.spec):
        raise api.InvalidCiphertextException
    custody = call.custody
    opening = custody.decrypt_asymmetric(call.transaction, permit, algorithm, raw)
    plaintext = tried(call, opening, dry_run)
    if isinstance(plaintext, Work):
        return plaintext
    if plaintext is None:
        raise api.InvalidCiphertextException
    return plaintext, ""
