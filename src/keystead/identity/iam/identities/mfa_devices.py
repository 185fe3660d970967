"""CreateVirtualMFADevice, DeleteVirtualMFADevice, ListVirtualMFADevices, EnableMFADevice,
ResyncMFADevice, DeactivateMFADevice, ListMFADevices, GetMFADevice.

A virtual device belongs to nobody until it is enabled for a user, or for root by root itself. Its
seed is shown once. Passkeys are registered on a page (`identity.signin`); here they are listed, and
go when they are deactivated. A session that used a virtual device names the enabling of the
device, and ends with it.
"""

import io
from typing import cast
from urllib.parse import quote

import msgspec

from keystead.custody import randomness
from keystead.custody.proofs import one_time_codes
from keystead.errors import ValidationException
from keystead.identity import paging, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.factors import codes, devices
from keystead.identity.iam import entities
from keystead.identity.iam.identities import users
from keystead.identity.repository import MfaDevice, Passkey, User, packed
from keystead.identity.resources import KeyOwner, Named
from keystead.policy.evaluation import AccessDenied, PrincipalType
from keystead.registry import implements, implements_with_work
from keystead.wire.models import iam as api
from keystead.work import DOCUMENTS, MadeWith, Work

_LONGEST_SERIAL = 256
_DRAWN_IN = 0.05  # seconds


@implements_with_work(api.CreateVirtualMFADevice)
def create_virtual_mfa_device(
    call: IamCall, request: api.CreateVirtualMFADeviceRequest
) -> api.CreateVirtualMFADeviceResponse | Work[tuple[bytes, bytes]]:
    tags = tagging.requested(request.tags)
    name = f"{(request.path or '/')[1:]}{request.virtual_mfa_device_name}"
    serial = MfaDevice.kind.arn(call.account, "/", name)
    if len(serial) > _LONGEST_SERIAL:
        raise ValidationException(
            f"A serial number has at most {_LONGEST_SERIAL} characters; this one would have"
            f" {len(serial)}."
        )
    entities.ask_to_create(call, MfaDevice, name, "/", tags=tags)
    entities.require_room(call, MfaDevice, name)
    label = f"{request.virtual_mfa_device_name}@{call.account}"
    done = call.done(work := Work(DOCUMENTS, _DRAWN_IN, MadeWith(serial), _new_seed, (label,)))
    if done is None:
        return work
    seed, picture = done.value
    device = entities.create(
        call,
        MfaDevice,
        name,
        "/",
        seed=call.repository.mfa_devices.seal(call.account, name, seed),
        owner_id=None,
        enabling=None,
        enabled=None,
        tags=packed(tags),
    )
    return api.CreateVirtualMFADeviceResponse(
        virtual_mfa_device=api.VirtualMFADevice(
            serial_number=device.arn,
            base32_string_seed=one_time_codes.seed_text(seed).encode(),
            qr_code_png=picture,
            tags=tagging.shown(tags) or None,
        )
    )


@implements(api.DeleteVirtualMFADevice)
def delete_virtual_mfa_device(call: IamCall, request: api.DeleteVirtualMFADeviceRequest) -> None:
    named = call.mfa_device(request.serial_number)
    call.ask(named)
    device = named.existing()
    if device.owner_id is not None:
        raise api.DeleteConflictException("MFA VirtualDevice in use. Must deactivate first.")
    call.repository.mfa_devices.delete(call.transaction, device)


@implements(api.ListVirtualMFADevices)
def list_virtual_mfa_devices(
    call: IamCall, request: api.ListVirtualMFADevicesRequest
) -> api.ListVirtualMFADevicesResponse:
    call.ask_any()
    status = request.assignment_status or "Any"

    def after(name_key: str, count: int) -> list[MfaDevice]:
        devices = call.repository.mfa_devices
        return devices.listed_after(call.transaction, call.account, name_key, status, count)

    page = paging.walk(call, request, after, lambda device: device.name_key)
    return api.ListVirtualMFADevicesResponse(
        virtual_mfa_devices=[_listed(call, device) for device in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements_with_work(api.EnableMFADevice)
def enable_mfa_device(call: IamCall, request: api.EnableMFADeviceRequest) -> Work[bool] | None:
    owner = call.device_owner(request.user_name)
    call.ask(owner)
    owner_id = owner.existing().owner_id
    device = call.mfa_device(request.serial_number).existing()
    if device.owner_id is not None:
        raise api.EntityAlreadyExistsException("MFA Device is already in use.")
    devices.require_room(call.repository, call.transaction, call.account, owner_id)
    both = (request.authentication_code1, request.authentication_code2)
    right = codes.counted(call, device, both)
    if isinstance(right, Work):
        return right
    _require_right(right)
    enabled = msgspec.structs.replace(
        device,
        owner_id=owner_id,
        enabling=randomness.token_id(),
        enabled=times.stored(call.now),
    )
    call.repository.mfa_devices.update(call.transaction, enabled)
    return None


@implements_with_work(api.ResyncMFADevice)
def resync_mfa_device(call: IamCall, request: api.ResyncMFADeviceRequest) -> Work[bool] | None:
    owner = call.device_owner(request.user_name)
    call.ask(owner)
    device = _device_of(call, owner, request.serial_number)
    both = (request.authentication_code1, request.authentication_code2)
    right = codes.counted(call, device, both, one_time_codes.FAR)
    if isinstance(right, Work):
        return right
    _require_right(right)
    return None


@implements(api.DeactivateMFADevice)
def deactivate_mfa_device(call: IamCall, request: api.DeactivateMFADeviceRequest) -> None:
    owner = call.device_owner(request.user_name)
    call.ask(owner)
    _require_other_factor(call, owner)
    passkey = _passkey_of(call, owner, request.serial_number)
    if passkey is not None:
        call.repository.passkeys.delete(call.transaction, passkey)
        return
    device = _device_of(call, owner, request.serial_number)
    disabled = msgspec.structs.replace(device, owner_id=None, enabling=None, enabled=None)
    call.repository.mfa_devices.update(call.transaction, disabled)


@implements(api.ListMFADevices)
def list_mfa_devices(
    call: IamCall, request: api.ListMFADevicesRequest
) -> api.ListMFADevicesResponse:
    owner = call.device_owner(request.user_name)
    call.ask(owner)
    known = owner.existing()
    every = devices.of_owner(
        call.repository, call.transaction, call.account, known.owner_id, known.user_name
    )
    page = paging.cut(call, request, every)
    return api.ListMFADevicesResponse(
        mfa_devices=[
            api.MFADevice(
                user_name=cast("str", known.user_name),
                serial_number=device.serial_number,
                enable_date=times.shown(device.enabled),
            )
            for device in page.items
        ],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.GetMFADevice)
def get_mfa_device(call: IamCall, request: api.GetMFADeviceRequest) -> api.GetMFADeviceResponse:
    owner = call.device_owner(request.user_name)
    call.ask(owner)
    passkey = _passkey_of(call, owner, request.serial_number)
    device = passkey or _device_of(call, owner, request.serial_number)
    return api.GetMFADeviceResponse(
        user_name=owner.existing().user_name,
        serial_number=request.serial_number,
        enable_date=times.shown(device.enabled or 0),
    )


def _new_seed(label: str) -> tuple[bytes, bytes]:
    """A new seed, and the QR code by which an app takes it, as a PNG. (iam.md 1.9)"""
    import segno  # noqa: PLC0415  # takes long to load, and few calls need it

    seed = one_time_codes.new_seed()
    text = f"otpauth://totp/{quote(label, safe='@')}?secret={one_time_codes.seed_text(seed)}"
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=5)
    return seed, picture.getvalue()


def _device_of(call: IamCall, owner: Named[KeyOwner], serial: str) -> MfaDevice:
    """The device with this serial number, which is enabled for this owner and no other."""
    named = call.mfa_device(serial)
    device = named.existing()
    if device.owner_id != owner.existing().owner_id:
        raise api.NoSuchEntityException(named.missing)
    return device


def _passkey_of(call: IamCall, owner: Named[KeyOwner], serial: str) -> Passkey | None:
    """The passkey with this serial number, if it is of this owner."""
    known = owner.existing()
    passkey = call.repository.passkeys.with_serial_number(
        call.transaction, call.account, known.user_name, serial
    )
    return passkey if passkey is not None and passkey.owner_id == known.owner_id else None


def _require_right(right: bool) -> None:
    if not right:
        raise api.InvalidAuthenticationCodeException("Authentication code for device is not valid.")


def _require_other_factor(call: IamCall, owner: Named[KeyOwner]) -> None:
    """A user who takes a device from itself must have shown a second factor (CO-8).

    Root cannot show one in a call yet: its sessions take none (iam.md 2.7).
    """
    known = owner.existing()
    is_own = call.principal.type is PrincipalType.USER and (
        call.principal.unique_id == known.owner_id
    )
    if is_own and (call.session is None or call.session.mfa is None):
        raise AccessDenied(
            None,
            f"User: {call.principal.arn} is not authorized to perform: iam:DeactivateMFADevice on"
            f" resource: {owner.arn_text} without a session that used multi-factor authentication",
        )


def _listed(call: IamCall, device: MfaDevice) -> api.VirtualMFADevice:
    """A device as the list of all shows it: never its seed."""
    user = None
    if device.owner_id == call.account:
        user = users.shown_root(call.own_account())
    elif device.owner_id is not None:
        known = call.repository.of(User).get(call.transaction, call.account, device.owner_id)
        user = None if known is None else users.listed(call, known)
    return api.VirtualMFADevice(
        serial_number=device.arn,
        user=user,
        enable_date=None if device.enabled is None else times.shown(device.enabled),
    )
