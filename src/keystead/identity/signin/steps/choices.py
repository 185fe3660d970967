"""Among which devices does a person choose who is asked for one?  The last used is first."""

from keystead.custody.proofs import one_time_codes
from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.repository import MfaDevice, Passkey
from keystead.identity.signin.asked import Device
from keystead.identity.signin.sessions import Person


def devices_of(call: SigninCall, person: Person) -> tuple[Device, ...]:
    """The devices of a person."""
    every = [_virtual(call, device) for device in person.devices]
    every += [_passkey(person, passkey) for passkey in person.passkeys]
    return tuple(sorted(every, key=lambda device: -device.used))


def _virtual(call: SigninCall, device: MfaDevice) -> Device:
    memory = call.repository.mfa_devices.memory(call.transaction, device)
    return Device(
        serial_number=device.arn,
        name=device.name,
        kind="code",
        used=memory.last_step * one_time_codes.STEP,
        waits=one_time_codes.seconds_to_wait(memory, times.stored(call.now)),
    )


def _passkey(person: Person, passkey: Passkey) -> Device:
    return Device(
        serial_number=person.serial_number(passkey),
        name=passkey.name,
        kind="passkey",
        used=passkey.used or passkey.enabled,
        host=passkey.rp_id,
    )
