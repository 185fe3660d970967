"""GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext."""

from typing import Any, NamedTuple

from keystead.custody.material import KeyPair
from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.keys import Key
from keystead.kms.operations.encryption import seal
from keystead.kms.requests import refuse_recipient, require_real
from keystead.registry import implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work, result

_Request = api.GenerateDataKeyPairRequest | api.GenerateDataKeyPairWithoutPlaintextRequest


class DataKeyPair(NamedTuple):
    """A new pair, and its private key sealed. It has nothing to do with the KMS key but that."""

    key: Key
    pair: KeyPair
    blob: bytes


@implements_with_work(api.GenerateDataKeyPair)
def generate_data_key_pair(
    call: KmsCall, request: api.GenerateDataKeyPairRequest
) -> api.GenerateDataKeyPairResponse | Work[Any]:
    made = _generate(call, request, request.recipient)
    if isinstance(made, Work):
        return made
    return api.GenerateDataKeyPairResponse(
        private_key_ciphertext_blob=made.blob,
        private_key_plaintext=made.pair.private,
        public_key=made.pair.public,
        key_id=made.key.arn_text,
        key_pair_spec=request.key_pair_spec,
        key_material_id=made.key.material_id,
    )


@implements_with_work(api.GenerateDataKeyPairWithoutPlaintext)
def generate_data_key_pair_without_plaintext(
    call: KmsCall, request: api.GenerateDataKeyPairWithoutPlaintextRequest
) -> api.GenerateDataKeyPairWithoutPlaintextResponse | Work[Any]:
    made = _generate(call, request)
    if isinstance(made, Work):
        return made
    return api.GenerateDataKeyPairWithoutPlaintextResponse(
        private_key_ciphertext_blob=made.blob,
        public_key=made.pair.public,
        key_id=made.key.arn_text,
        key_pair_spec=request.key_pair_spec,
        key_material_id=made.key.material_id,
    )


def _generate(
    call: KmsCall, request: _Request, recipient: api.RecipientInfo | None = None
) -> DataKeyPair | Work[Any]:
    spec = request.key_pair_spec
    usage.require_offered(call.operation, "key_pair_spec", spec, call.region)
    context = call.context(request.encryption_context)
    key = call.key(request.key_id)
    asked = {**context.symmetric_keys, "kms:datakeypairspec": spec}
    permit = call.authorize(f"kms:{call.operation.name}", key, asked)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, usage.SYMMETRIC_DEFAULT)
    call.require_had(spec)
    refuse_recipient(recipient)
    require_real(request.dry_run)
    pair = result(call, call.custody.key_pair(permit, spec))
    if isinstance(pair, Work):
        return pair
    call.event.additional["keyMaterialId"] = key.material_id
    return DataKeyPair(key, pair, seal(call, permit, pair.private, context))
