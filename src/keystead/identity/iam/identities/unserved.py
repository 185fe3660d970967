"""The things that users do not have here yet: passwords, MFA devices, certificates, SSH keys.

Terraform and the CLI read these lists back when they look at or delete a user. The truthful
answers are empty lists and NoSuchEntity; each operation still asks, and still says when the user
does not exist.
"""

from keystead.identity.call import IamCall
from keystead.registry import implements
from keystead.wire.models import iam as api

_WITH_CREDENTIALS = (
    "bedrock.amazonaws.com",
    "cassandra.amazonaws.com",
    "codecommit.amazonaws.com",
    "logs.amazonaws.com",
)
"""The services that have credentials of their own at AWS."""


@implements(api.GetLoginProfile)
def get_login_profile(
    call: IamCall, request: api.GetLoginProfileRequest
) -> api.GetLoginProfileResponse:
    raise _no_login_profile(call, request.user_name)


@implements(api.DeleteLoginProfile)
def delete_login_profile(call: IamCall, request: api.DeleteLoginProfileRequest) -> None:
    raise _no_login_profile(call, request.user_name)


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


@implements(api.ListSigningCertificates)
def list_signing_certificates(
    call: IamCall, request: api.ListSigningCertificatesRequest
) -> api.ListSigningCertificatesResponse:
    _ask_about_owner(call, request.user_name)
    return api.ListSigningCertificatesResponse(certificates=[], is_truncated=False)


@implements(api.ListSSHPublicKeys)
def list_ssh_public_keys(
    call: IamCall, request: api.ListSSHPublicKeysRequest
) -> api.ListSSHPublicKeysResponse:
    _ask_about_user(call, request.user_name)
    return api.ListSSHPublicKeysResponse(ssh_public_keys=[], is_truncated=False)


@implements(api.ListServiceSpecificCredentials)
def list_service_specific_credentials(
    call: IamCall, request: api.ListServiceSpecificCredentialsRequest
) -> api.ListServiceSpecificCredentialsResponse:
    if request.all_users:
        call.ask_any()
    else:
        _ask_about_user(call, request.user_name)
    if request.service_name not in {None, *_WITH_CREDENTIALS}:
        raise api.ServiceNotSupportedException(
            f"The service {request.service_name} does not support service-specific credentials."
        )
    return api.ListServiceSpecificCredentialsResponse(
        service_specific_credentials=[], is_truncated=False
    )


def _ask_about_user(call: IamCall, name: str | None) -> str:
    user = call.user(name)
    call.ask(user)
    return user.existing().name


def _ask_about_owner(call: IamCall, name: str | None) -> None:
    """As about a user, but without a name root may ask about itself."""
    owner = call.key_owner(name)
    call.ask(owner)
    owner.existing()


def _no_login_profile(call: IamCall, name: str | None) -> api.NoSuchEntityException:
    user = _ask_about_user(call, name)
    return api.NoSuchEntityException(f"Login Profile for User {user} cannot be found.")
