"""A client of boto3's kind for an installation of this process, whose clock the test moves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.server import sdk
from tests.server.installations import REGION, Local


@dataclass(frozen=True, slots=True)
class Client:
    """`client.describe_key(KeyId=…)`; requests and answers as botocore writes and reads them."""

    local: Local
    who: Credentials
    service: str = "kms"
    region: str = REGION

    def __getattr__(self, method: str) -> Callable[..., Any]:
        name = "".join(word.capitalize() for word in method.split("_"))
        return lambda **members: self.call(name, members)

    def call(self, name: str, members: dict[str, Any]) -> Any:
        """Make a call; its output. Raises ClientError."""
        asked = sdk.request(self.local, self.service, name, self.who, members, region=self.region)
        response = sdk.answered(self.local, asked)
        self.local.installation.commit()
        found = sdk.parsed(self.service, name, response)
        if response.status >= 400:
            raise ClientError(found, name)
        return found

    def key(self, **members: Any) -> str:
        """Make a key that waits for its material; its id."""
        made = self.call("CreateKey", {"Origin": "EXTERNAL", **members})
        return str(made["KeyMetadata"]["KeyId"])

    def described(self, key: str) -> dict[str, Any]:
        """The metadata of a key."""
        found: dict[str, Any] = self.call("DescribeKey", {"KeyId": key})["KeyMetadata"]
        return found

    def state(self, key: str) -> str:
        return str(self.described(key)["KeyState"])

    def arn(self, key: str) -> str:
        return str(self.described(key)["Arn"])

    def materials(self, key: str) -> list[dict[str, Any]]:
        """Every material of a key, without the key's id."""
        listed = self.call(
            "ListKeyRotations", {"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}
        )
        return [{k: v for k, v in each.items() if k != "KeyId"} for each in listed["Rotations"]]

    def in_days(self, days: float) -> datetime:
        """A date that comes in so many days, in whole seconds."""
        return self.local.time.wall().replace(microsecond=0) + timedelta(days=days)
