"""The rows of the CloudTrail operations."""

from keystead.rules import Rules, table
from keystead.wire.models import cloudtrail as api

CLOUDTRAIL = table(
    Rules(api.ListPublicKeys),
    Rules(api.LookupEvents, quotas=lambda _: ("LookupEvents",)),
)
