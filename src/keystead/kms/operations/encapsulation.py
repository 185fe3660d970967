"""Encapsulate and Decapsulate: a secret that two parties share, through ML-KEM (FIPS 203)."""

from typing import Any

from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.requests import require_real
from keystead.registry import implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work, result


@implements_with_work(api.Encapsulate)
def encapsulate(
    call: KmsCall, request: api.EncapsulateRequest
) -> api.EncapsulateResponse | Work[Any]:
    key = call.key(request.key_id)
    permit = call.authorize("kms:Encapsulate", key)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, request.encapsulation_algorithm)
    call.require_had(key.spec)
    require_real(request.dry_run)
    made = result(call, call.custody.encapsulate(call.transaction, permit))
    if isinstance(made, Work):
        return made
    shared, ciphertext = made
    return api.EncapsulateResponse(
        key_id=key.arn_text,
        shared_secret=shared,
        shared_secret_ciphertext_blob=ciphertext,
        encapsulation_algorithm=request.encapsulation_algorithm,
    )


@implements_with_work(api.Decapsulate)
def decapsulate(
    call: KmsCall, request: api.DecapsulateRequest
) -> api.DecapsulateResponse | Work[Any]:
    key = call.key(request.key_id)
    permit = call.authorize("kms:Decapsulate", key)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, request.encapsulation_algorithm)
    call.require_had(key.spec)
    ciphertext = request.shared_secret_ciphertext_blob
    if len(ciphertext) != usage.ENCAPSULATED_BYTES[key.spec]:
        raise api.InvalidCiphertextException  # the only one there is (kms.md 5.2)
    require_real(request.dry_run)
    shared = result(call, call.custody.decapsulate(call.transaction, permit, ciphertext))
    if isinstance(shared, Work):
        return shared
    return api.DecapsulateResponse(
        key_id=key.arn_text,
        shared_secret=shared,
        encapsulation_algorithm=request.encapsulation_algorithm,
    )
