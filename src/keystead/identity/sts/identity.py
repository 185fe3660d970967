"""GetCallerIdentity and GetAccessKeyInfo: which caller am I, and which account has this key?"""

from keystead.errors import ValidationException
from keystead.identity import identifiers
from keystead.identity.call import StsCall
from keystead.registry import implements
from keystead.wire.models import sts as api


@implements(api.GetCallerIdentity)
def get_caller_identity(
    call: StsCall,
    _request: api.GetCallerIdentityRequest,
) -> api.GetCallerIdentityResponse:
    # Other systems use this answer as a proof of identity. It has only verified facts, and repeats
    # nothing of the request (ST-10). No policy can allow or deny it.
    return api.GetCallerIdentityResponse(
        user_id=call.principal.user_id,
        account=call.principal.account,
        arn=call.principal.arn,
    )


@implements(api.GetAccessKeyInfo)
def get_access_key_info(
    call: StsCall, request: api.GetAccessKeyInfoRequest
) -> api.GetAccessKeyInfoResponse:
    call.authorize_any("sts:GetAccessKeyInfo")
    # The account is read out of the id itself: the answer does not tell whether the key exists.
    account = identifiers.account_of(request.access_key_id)
    if account is None:
        raise ValidationException(f"Access key id {request.access_key_id} is invalid")
    return api.GetAccessKeyInfoResponse(account=account)
