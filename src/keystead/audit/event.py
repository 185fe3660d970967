"""One call, as it will be remembered: CloudTrail's record plus our decisions (kms.md 22).

An Event is filled while the call runs and written once, after it. It never holds a secret: the
pipeline puts in only the members that the model does not mark as sensitive (threat-model AD-2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keystead.policy.context import Principal
from keystead.policy.decision import Decision


@dataclass(frozen=True, slots=True)
class EventResource:
    """A resource that the call touched."""

    arn: str
    account: str
    type: str = ""  # "AWS::KMS::Key"


@dataclass(slots=True)
class Event:
    """One call in progress; `trail.Trail.record` turns it into a line."""

    request_id: str
    time: datetime
    source: str  # "kms.amazonaws.com"
    name: str  # "Encrypt"; "" when the operation was never known
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
    session: Mapping[str, Any] = field(default_factory=dict)  # sessionContext, when there is one
    request_parameters: Mapping[str, Any] | None = None
    response_elements: Mapping[str, Any] | None = None
    additional: dict[str, Any] = field(default_factory=dict)  # additionalEventData
    service_details: Mapping[str, Any] | None = None  # serviceEventDetails
    resources: list[EventResource] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    error_code: str = ""
    error_message: str = ""
    duration_us: int = 0
