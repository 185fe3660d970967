"""Which second factors has somebody?  Virtual MFA devices, and passkeys or security keys."""

from typing import NamedTuple

from keystead.identity import limits
from keystead.identity.repository import IdentityRepository
from keystead.store.protocol import Reader
from keystead.wire.models import iam as api


class Factor(NamedTuple):
    """An enabled device of any kind."""

    serial_number: str
    enabled: int


def of_owner(
    repository: IdentityRepository, reader: Reader, account: str, owner_id: str, name: str | None
) -> list[Factor]:
    """The devices of a user or of root, the oldest first; `name` is the user's, None for root."""
    virtual = repository.mfa_devices.of_owner(reader, account, owner_id)
    passkeys = repository.passkeys.of_owner(reader, account, owner_id)
    every = [Factor(device.arn, device.enabled or 0) for device in virtual]
    every += [Factor(passkey.serial_number(name), passkey.enabled) for passkey in passkeys]
    return sorted(every, key=lambda factor: (factor.enabled, factor.serial_number))


def has_any(repository: IdentityRepository, reader: Reader, account: str, owner_id: str) -> bool:
    """Has this owner a second factor?"""
    return bool(
        repository.mfa_devices.of_owner(reader, account, owner_id)
        or repository.passkeys.of_owner(reader, account, owner_id)
    )


def require_room(
    repository: IdentityRepository, reader: Reader, account: str, owner_id: str
) -> None:
    """Refuse another device of somebody who has as many as one may have."""
    virtual = repository.mfa_devices.of_owner(reader, account, owner_id)
    passkeys = repository.passkeys.of_owner(reader, account, owner_id)
    if len(virtual) + len(passkeys) >= limits.MFA_DEVICES:
        raise api.LimitExceededException(
            f"Cannot exceed quota for MFADevicesPerUser: {limits.MFA_DEVICES}"
        )
