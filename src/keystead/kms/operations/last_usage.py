"""GetKeyLastUsage."""

from keystead.kms.call import KmsCall
from keystead.kms.keys import KeyUse
from keystead.registry import implements
from keystead.times import from_microseconds
from keystead.wire.models import kms as api


@implements(api.GetKeyLastUsage)
def get_key_last_usage(
    call: KmsCall, request: api.GetKeyLastUsageRequest
) -> api.GetKeyLastUsageResponse:
    key = call.key(request.key_id)
    call.authorize("kms:GetKeyLastUsage", key)
    call.require_state(key)
    use = call.last_uses.of(key.account, key.arn_text)
    if use is None:
        use = call.repository.last_use(call.transaction, key.record)
    created = from_microseconds(key.record.created_us)
    return api.GetKeyLastUsageResponse(
        key_id=key.arn_text,
        key_last_usage=_shown(use),
        tracking_start_date=max(created, call.last_uses.since),
        key_creation_date=created,
    )


def _shown(use: KeyUse | None) -> api.KeyLastUsageData:
    """The use; an empty object for a key that was never used."""
    if use is None:
        return api.KeyLastUsageData()
    return api.KeyLastUsageData(
        operation=use.operation,
        timestamp=from_microseconds(use.used_us),
        cloud_trail_event_id=use.event_id,
        kms_request_id=use.request_id,
    )
