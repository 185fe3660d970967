"""Virtual MFA devices in tests: made, enabled, and their codes."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from keystead.custody.proofs.one_time_codes import STEP, codes_of, step_at
from keystead.wire.models import iam as api
from tests.identity.world import Person, World


@dataclass
class Phone:
    """The app on a phone, with the seed of one device."""

    serial: str
    seed: bytes

    def code(self, now: datetime, step: int = 0) -> str:
        """The code of now, or of a step before or after."""
        return codes_of(self.seed, [step_at(now) + step])[0].decode()

    def both(self, now: datetime) -> dict[str, str]:
        """The members with the codes of the last step and of this one."""
        return {
            "authentication_code1": self.code(now, -1),
            "authentication_code2": self.code(now),
        }


def new_phone(person: Person, name: str = "phone", **members: str) -> Phone:
    """A new device of the account."""
    made = person(api.CreateVirtualMFADevice, virtual_mfa_device_name=name, **members)
    device = made.virtual_mfa_device
    assert device.base32_string_seed is not None
    return Phone(device.serial_number, base64.b32decode(device.base32_string_seed))


def enable(person: Person, phone: Phone, user_name: str) -> None:
    """Enable a device for a user; the next code is good a minute later."""
    world = person.tenant.world
    person(
        api.EnableMFADevice,
        user_name=user_name, serial_number=phone.serial, **phone.both(world.now),
    )  # fmt: skip
    passes(world)


def passes(world: World, steps: int = 2) -> None:
    """Let time pass."""
    world.now += timedelta(seconds=steps * STEP)
