"""How does the server record changes that nobody asked for?  AwsServiceEvents (kms.md 22.2)."""

from collections.abc import Mapping
from datetime import datetime

from keystead.audit.records import Event, EventResource
from keystead.kms.keys import RESOURCE_TYPE, KeyRecord, key_reference
from keystead.wire.models import kms as api


def service_event(
    name: str, key: KeyRecord, request_id: str, now: datetime, details: Mapping[str, str]
) -> Event:
    """The event of a change of a key that nobody asked for."""
    arn = key_reference(key.account, key.region, key.key_id).arn
    return Event(
        request_id=request_id,
        time=now,
        source=api.SERVICE.event_source,
        name=name,
        region=key.region,
        event_type="AwsServiceEvent",
        service_details={"keyId": arn, **details},
        resources=[EventResource(key.account, RESOURCE_TYPE, arn)],
    )
