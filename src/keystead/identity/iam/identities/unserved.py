"""The things that users do not have here yet: MFA devices.

Terraform and the CLI read these lists back when they look at or delete a user. The truthful
answers are empty lists; each operation still asks, and still says when the user does not exist.
"""

from keystead.identity.call import IamCall
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.ListMFADevices)
def list_mfa_devices(
    call: IamCall, request: api.ListMFADevicesRequest
) -> api.ListMFADevicesResponse:
    _ask_about_owner(call, request.user_name)
    return api.ListMFADevicesResponse(mfa_devices=[], is_truncated=False)


@implements(api.ListVirtualMFADevices)
def list_virtual_mfa_devices(
    call: IamCall, _request: api.ListVirtualMFADevicesRequest
) -> api.ListVirtualMFADevicesResponse:
    call.ask_any()
    return api.ListVirtualMFADevicesResponse(virtual_mfa_devices=[], is_truncated=False)


def _ask_about_owner(call: IamCall, name: str | None) -> None:
    """As about a user, but without a name root may ask about itself."""
    owner = call.key_owner(name)
    call.ask(owner)
    owner.existing()
