"""GenerateDataKey and GenerateDataKeyWithoutPlaintext."""

import msgspec

from keystead.errors import ValidationException
from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.keys import Key
from keystead.kms.operations.encryption import seal
from keystead.kms.requests import refuse_recipient, require_real
from keystead.registry import implements
from keystead.wire.models import kms as api

_SPEC_BYTES = {"AES_256": 32, "AES_128": 16}

_Request = api.GenerateDataKeyRequest | api.GenerateDataKeyWithoutPlaintextRequest


class DataKey(msgspec.Struct, frozen=True):
    """A new data key, in clear and sealed. It is random, not derived from the KMS key."""

    key: Key
    plaintext: bytes
    blob: bytes


@implements(api.GenerateDataKey)
def generate_data_key(
    call: KmsCall, request: api.GenerateDataKeyRequest
) -> api.GenerateDataKeyResponse:
    made = _generate(call, request, request.recipient)
    return api.GenerateDataKeyResponse(
        ciphertext_blob=made.blob,
        plaintext=made.plaintext,
        key_id=made.key.arn_text,
        key_material_id=made.key.material_id,
    )


@implements(api.GenerateDataKeyWithoutPlaintext)
def generate_data_key_without_plaintext(
    call: KmsCall, request: api.GenerateDataKeyWithoutPlaintextRequest
) -> api.GenerateDataKeyWithoutPlaintextResponse:
    made = _generate(call, request)
    return api.GenerateDataKeyWithoutPlaintextResponse(
        ciphertext_blob=made.blob,
        key_id=made.key.arn_text,
        key_material_id=made.key.material_id,
    )


def _generate(
    call: KmsCall, request: _Request, recipient: api.RecipientInfo | None = None
) -> DataKey:
    size = _size(request)
    context = call.context(request.encryption_context)
    key = call.key(request.key_id)
    permit = call.authorize(f"kms:{call.operation.name}", key, context.symmetric_keys)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, usage.SYMMETRIC_DEFAULT)
    refuse_recipient(recipient)
    require_real(request.dry_run)
    call.event.additional["keyMaterialId"] = key.material_id
    plaintext = call.custody.random(permit, size)
    return DataKey(key, plaintext, seal(call, permit, plaintext, context))


def _size(request: _Request) -> int:
    if (request.number_of_bytes is None) == (request.key_spec is None):
        raise ValidationException("Please specify either number of bytes or key spec.")
    return request.number_of_bytes or _SPEC_BYTES[request.key_spec or ""]
