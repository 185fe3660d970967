"""An installation that served some hours ago, and whose log has some hours of records."""

from datetime import timedelta
from pathlib import Path

from botocore.credentials import Credentials

from keystead.server.installation import ceremonies, founding, lock
from tests.server.installations import Local, Time, _opened, choices

STRANGER = Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
HOURS = 5
"""So long ago it was made."""


def past(directory: Path) -> Local:
    """The installation, whose clock shows a time of `HOURS` hours ago."""
    time = Time()
    time.ahead = -timedelta(hours=HOURS)
    held = lock(directory)
    founded = founding.found(directory, choices(), time.wall())
    local = _opened(directory, held, founded, time)
    # A founding signs with the machine's time.
    ceremonies.perform(local.installation, "clock acknowledge", {})
    return local


def hours(local: Local, *, agent: str = "test", number: int = 3) -> None:
    """Some hours with calls of IAM and KMS, the second of them without any."""
    for hour in range(number):
        if hour != 1:
            local.kms("ListKeys")
            local.iam("CreateUser", UserName=f"user-{hour}")
            local.kms("ListKeys", STRANGER)
            request = local.kms_request("DescribeKey", KeyId=f"alias/none-{hour}")
            request.headers["user-agent"] = agent
            local.send(request)
        local.time.passes(timedelta(hours=1))
