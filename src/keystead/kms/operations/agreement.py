"""DeriveSharedSecret: a secret that two parties share, through ECDH."""

from typing import Any

from keystead.errors import ValidationException
from keystead.kms.call import KmsCall
from keystead.kms.requests import refuse_recipient, require_real
from keystead.registry import implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work, result


@implements_with_work(api.DeriveSharedSecret)
def derive_shared_secret(
    call: KmsCall, request: api.DeriveSharedSecretRequest
) -> api.DeriveSharedSecretResponse | Work[Any]:
    algorithm = request.key_agreement_algorithm
    key = call.key(request.key_id)
    asked = {"kms:keyagreementalgorithm": algorithm}
    permit = call.authorize("kms:DeriveSharedSecret", key, asked)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, algorithm)
    if not call.custody.agrees_with(key.spec, request.public_key):
        raise ValidationException  # AWS gives no message here (kms.md 9)
    refuse_recipient(request.recipient)
    require_real(request.dry_run)
    shared = result(call, call.custody.agree(call.transaction, permit, request.public_key))
    if isinstance(shared, Work):
        return shared
    return api.DeriveSharedSecretResponse(
        key_id=key.arn_text,
        shared_secret=shared,
        key_agreement_algorithm=algorithm,
        key_origin=key.origin,
    )
