"""Which facts about a call are recorded?  CloudTrail's, and our decisions (kms.md 22).

An Event is filled while the call runs. It is written once, after the call. It never holds a secret:
the pipeline adds only members that the model does not mark as sensitive (threat-model AD-2).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from keystead.policy.evaluation import Decision, Principal

CONSOLE = "console"
"""The endpoint of calls from the pages of persons who signed in."""

HIGH = "high"
"""The mark of a record that somebody should look at."""


NO_SESSION: Final[Mapping[str, Any]] = MappingProxyType({})
"""The `session` of a call that was made without one."""


class EventResource(msgspec.Struct, frozen=True, gc=False):
    """A resource that the call touched: an entry of CloudTrail's `resources`."""

    account: str = msgspec.field(name="accountId")
    type: str  # "AWS::KMS::Key"
    arn: str = msgspec.field(name="ARN")


class Event(msgspec.Struct):
    """One call in progress. `trail.Trail.record` takes it when it is complete."""

    request_id: str
    time: datetime
    source: str  # "kms.amazonaws.com"
    name: str  # "Encrypt"; "" if the operation was never known
    region: str = ""
    source_ip: str = ""
    user_agent: str = ""
    endpoint: str = "public"
    vpce_id: str = ""
    secure: bool = False
    tls_version: str = ""  # "TLSv1.3"
    cipher_suite: str = ""
    host: str = ""
    event_type: str = "AwsApiCall"  # or AwsServiceEvent
    read_only: bool = False
    principal: Principal | None = None
    access_key_id: str = ""
    session: Mapping[str, Any] = NO_SESSION  # sessionContext, of a session
    invoked_by: str = ""  # the service that calls, in its own name or for the caller
    request_parameters: Mapping[str, Any] | None = None
    response_elements: Mapping[str, Any] | None = None
    additional: dict[str, Any] = {}  # additionalEventData
    service_details: Mapping[str, Any] | None = None  # serviceEventDetails
    resources: list[EventResource] = []
    decisions: list[Decision] = []
    error_code: str = ""
    error_message: str = ""
    severity: str = ""  # `HIGH`, or nothing
    vpce_account: str = ""  # the owner of the VPC endpoint
    duration_us: int = 0
    also: "Sequence[Event]" = ()  # further records of the same call

    def add(self, further: "Event") -> None:
        """Let the same call have a further record."""
        self.also = (*self.also, further)
