"""Sign, Verify and GetPublicKey."""

import msgspec

from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.keys import Key, algorithm_lists, old_spec
from keystead.kms.requests import require_real, tried
from keystead.kms.states import KeyState, pending_import
from keystead.policy.evaluation import Permit
from keystead.registry import implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work, result

_RAW = "RAW"


@implements_with_work(api.Sign)
def sign(call: KmsCall, request: api.SignRequest) -> api.SignResponse | Work[bytes]:
    permit = _permit(call, request)
    require_real(request.dry_run)
    algorithm = request.signing_algorithm
    signature = result(
        call,
        call.custody.sign(
            call.transaction, permit, algorithm, request.message, request.message_type or _RAW
        ),
    )
    if isinstance(signature, Work):
        return signature
    return api.SignResponse(
        key_id=permit.resource.arn_text, signature=signature, signing_algorithm=algorithm
    )


@implements_with_work(api.Verify)
def verify(call: KmsCall, request: api.VerifyRequest) -> api.VerifyResponse | Work[bool]:
    permit = _permit(call, request)
    algorithm = request.signing_algorithm
    verifying = call.custody.verify(
        call.transaction,
        permit,
        algorithm,
        request.message,
        request.message_type or _RAW,
        signature=request.signature,
    )
    valid = tried(call, verifying, request.dry_run)
    if isinstance(valid, Work):
        return valid
    if not valid:
        raise api.KMSInvalidSignatureException
    require_real(request.dry_run)
    return api.VerifyResponse(
        key_id=permit.resource.arn_text, signature_valid=True, signing_algorithm=algorithm
    )


def _permit(call: KmsCall, request: api.SignRequest | api.VerifyRequest) -> Permit[Key]:
    """Find, ask and require."""
    message_type, algorithm = request.message_type or _RAW, request.signing_algorithm
    call.record_defaults(messageType=message_type)
    key = call.key(request.key_id)
    permit = call.authorize(
        f"kms:{call.operation.name}",
        key,
        {"kms:messagetype": message_type, "kms:signingalgorithm": algorithm},
    )
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, algorithm)
    usage.require_message(key, algorithm, message_type, request.message)
    return permit


@implements_with_work(api.GetPublicKey)
def get_public_key(
    call: KmsCall, request: api.GetPublicKeyRequest
) -> api.GetPublicKeyResponse | Work[bytes]:
    key = call.key(request.key_id)
    permit = call.authorize("kms:GetPublicKey", key)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    usage.require_public(key)
    call.require_had(key.spec)
    public_key = _public_key(call, permit)
    if isinstance(public_key, Work):
        return public_key
    answer = api.GetPublicKeyResponse(
        key_id=key.arn_text,
        public_key=public_key,
        customer_master_key_spec=old_spec(key.spec),
        key_spec=key.spec,
        key_usage=key.usage,
    )
    return msgspec.structs.replace(answer, **algorithm_lists(key))


def _public_key(call: KmsCall, permit: Permit[Key]) -> bytes | Work[bytes]:
    """The public key; of a key whose material is away, what was kept of it (decision 0068)."""
    key = permit.resource
    if key.state is not KeyState.PENDING_IMPORT:
        return result(call, call.custody.public_key(call.transaction, permit))
    kept = call.repository.public_keys.of(call.transaction, key.record)
    if kept is None:  # AWS's table allows it, but there never was a public key
        raise pending_import(key)
    return kept
