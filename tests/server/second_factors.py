"""Users with virtual MFA devices, in an installation of this process."""

import base64
import re
from datetime import timedelta

from botocore.credentials import Credentials

from keystead.custody.proofs.one_time_codes import STEP, codes_of, step_at
from tests.server.installations import Answered, Local

ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def element(answer: Answered, name: str) -> str:
    """What stands in this element of a successful answer."""
    assert answer.status == 200, answer.body
    [found] = re.findall(f"<{name}>(.*)</{name}>", answer.body.decode())
    return str(found)


class Somebody:
    """A user with a device."""

    def __init__(self, local: Local, name: str) -> None:
        self.local = local
        self.name = name
        assert local.iam("CreateUser", UserName=name).status == 200
        made = local.iam("CreateAccessKey", UserName=name)
        self.key = Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))
        local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=ALL)
        device = local.iam("CreateVirtualMFADevice", VirtualMFADeviceName=name)
        self.serial = element(device, "SerialNumber")
        self.seed = base64.b32decode(base64.b64decode(element(device, "Base32StringSeed")))
        self.enable()

    def code(self, step: int = 0) -> str:
        return codes_of(self.seed, [step_at(self.local.time.wall()) + step])[0].decode()

    def wrong_code(self) -> str:
        """Six figures that are no code of the hours around now."""
        near = {self.code(step) for step in range(-240, 241)}
        return next(each for number in range(1_000) if (each := f"{number:06}") not in near)

    def enable(self) -> None:
        """Enable the device with fresh codes; the next code is good a minute later."""
        self.local.time.passes(timedelta(seconds=3 * STEP))
        answer = self.local.iam(
            "EnableMFADevice", UserName=self.name, SerialNumber=self.serial,
            AuthenticationCode1=self.code(-1), AuthenticationCode2=self.code(),
        )  # fmt: skip
        assert answer.status == 200, answer.body
        self.local.time.passes(timedelta(seconds=3 * STEP))

    def factor(self) -> dict[str, str]:
        """The members of a call that shows the second factor, with a fresh code."""
        self.local.time.passes(timedelta(seconds=3 * STEP))
        return {"SerialNumber": self.serial, "TokenCode": self.code()}

    def session(self) -> Credentials:
        """A session that used the device."""
        given = self.local.sts("GetSessionToken", self.key, **self.factor())
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return Credentials(*(element(given, name) for name in names))
