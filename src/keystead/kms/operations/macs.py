"""GenerateMac and VerifyMac."""

from keystead.kms.call import KmsCall
from keystead.kms.keys import Key
from keystead.kms.requests import require_real
from keystead.policy.evaluation import Permit
from keystead.registry import implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work, result


@implements_with_work(api.GenerateMac)
def generate_mac(
    call: KmsCall, request: api.GenerateMacRequest
) -> api.GenerateMacResponse | Work[bytes]:
    permit = _permit(call, request)
    require_real(request.dry_run)
    algorithm = request.mac_algorithm
    mac = result(call, call.custody.mac(call.transaction, permit, algorithm, request.message))
    if isinstance(mac, Work):
        return mac
    return api.GenerateMacResponse(
        key_id=permit.resource.arn_text, mac=mac, mac_algorithm=algorithm
    )


@implements_with_work(api.VerifyMac)
def verify_mac(call: KmsCall, request: api.VerifyMacRequest) -> api.VerifyMacResponse | Work[bool]:
    permit = _permit(call, request)
    algorithm = request.mac_algorithm
    valid = result(
        call,
        call.custody.verify_mac(call.transaction, permit, algorithm, request.message, request.mac),
    )
    if isinstance(valid, Work):
        return valid
    if not valid:
        raise api.KMSInvalidMacException
    require_real(request.dry_run)
    return api.VerifyMacResponse(
        key_id=permit.resource.arn_text, mac_valid=True, mac_algorithm=algorithm
    )


def _permit(call: KmsCall, request: api.GenerateMacRequest | api.VerifyMacRequest) -> Permit[Key]:
    """Find, ask and require."""
    key = call.key(request.key_id)
    permit = call.authorize(
        f"kms:{call.operation.name}", key, {"kms:macalgorithm": request.mac_algorithm}
    )
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    call.require_use(key, request.mac_algorithm)
    return permit
