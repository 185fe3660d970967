"""SetSecurityTokenServicePreferences, GetAccountProperties, PutAccountProperties.

The preference for tokens is kept and shown in the account summary. All tokens here are good in all
Regions, so nothing depends on it. Account properties configure features of AWS, such as its role
manager; none of them is here, so an account has no properties, and none can be set.
"""

from keystead.errors import ValidationException
from keystead.identity.call import IamCall
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.SetSecurityTokenServicePreferences)
def set_security_token_service_preferences(
    call: IamCall, request: api.SetSecurityTokenServicePreferencesRequest
) -> None:
    call.ask_any()
    version = int(request.global_endpoint_token_version[1])  # v1Token or v2Token
    call.repository.accounts.keep_token_version(call.transaction, call.account, version)


@implements(api.GetAccountProperties)
def get_account_properties(
    call: IamCall, _request: api.GetAccountPropertiesRequest
) -> api.GetAccountPropertiesResponse:
    call.ask_any()
    return api.GetAccountPropertiesResponse(properties={})


@implements(api.PutAccountProperties)
def put_account_properties(
    call: IamCall, request: api.PutAccountPropertiesRequest
) -> api.PutAccountPropertiesResponse:
    namespaces = tuple(sorted({name.partition("/")[0] for name in request.properties}))
    keys: dict[str, ContextValue] = {"iam:accountpropertynamespaces": namespaces}
    call.authorize_any("iam:PutAccountProperties", keys)
    for name in request.properties:
        if not all(name.partition("/")[::2]) or name.count("/") != 1:
            raise ValidationException(f"The property {name} is not of the form Namespace/Name.")
    if len(namespaces) > 1:
        raise api.InvalidInputException("All properties must be of one namespace.")
    raise api.InvalidInputException(f"There are no properties of {', '.join(namespaces)}.")
