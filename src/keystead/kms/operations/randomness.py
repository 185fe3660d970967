"""GenerateRandom."""

from keystead.errors import ValidationException
from keystead.kms.call import KmsCall
from keystead.kms.requests import refuse_recipient, refuse_store
from keystead.registry import implements
from keystead.wire.models import kms as api


@implements(api.GenerateRandom)
def generate_random(
    call: KmsCall, request: api.GenerateRandomRequest
) -> api.GenerateRandomResponse:
    if request.number_of_bytes is None:
        raise ValidationException("NumberOfBytes is required.")
    permit = call.authorize_any("kms:GenerateRandom")
    refuse_store(request.custom_key_store_id)
    refuse_recipient(request.recipient)
    return api.GenerateRandomResponse(
        plaintext=call.custody.random(permit, request.number_of_bytes)
    )
