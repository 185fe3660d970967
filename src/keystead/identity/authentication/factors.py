"""With which factors does a person prove who it is?  A digest: another one with each change.

A session of a person stands on this digest. It is made anew from the rows at each use, so a new
password and a device that came or went have ended every session when their call returns.
"""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from keystead.identity.repository import Account, IdentityRepository, MfaDevice, Passkey
from keystead.store.protocol import Reader


def digest(
    subject: str, password_id: str, devices: Sequence[MfaDevice], passkeys: Sequence[Passkey]
) -> str:
    """The digest of these factors."""
    enabled = sorted(
        [device.enabling or "" for device in devices] + [passkey.passkey_id for passkey in passkeys]
    )
    return sha256(msgspec.msgpack.encode((subject, password_id, enabled))).hexdigest()


def password_id_of_root(account: Account) -> str:
    """Another one with each password of root."""
    return sha256(account.password).hexdigest()


def of(repository: IdentityRepository, reader: Reader, account: str, subject: str) -> str | None:
    """The digest of a person's factors as they are; None without a password, or without a person.

    `subject` is the unique id of a user, or the account id for root.
    """
    if subject == account:
        record = repository.accounts.get(reader, account)
        if record is None or not record.password:
            return None
        password_id = password_id_of_root(record)
    else:
        profile = repository.login_profiles.get(reader, account, subject)
        if profile is None or repository.users.get(reader, account, subject) is None:
            return None
        password_id = profile.password_id
    devices = repository.mfa_devices.of_owner(reader, account, subject)
    passkeys = repository.passkeys.of_owner(reader, account, subject)
    return digest(subject, password_id, devices, passkeys)
