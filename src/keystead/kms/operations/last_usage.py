"""GetKeyLastUsage; and for how long was a key not used, as policies may ask?"""

from datetime import datetime

from keystead.kms.call import KmsCall
from keystead.kms.keys import Key, KeyUse
from keystead.policy.evaluation import ContextValue
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
    return api.GetKeyLastUsageResponse(
        key_id=key.arn_text,
        key_last_usage=_shown(_last_use(call, key)),
        tracking_start_date=_tracked_since(call, key),
        key_creation_date=from_microseconds(key.record.created_us),
    )


def trailing_days(call: KmsCall, key: Key) -> dict[str, ContextValue]:
    """`kms:TrailingDaysWithoutKeyUsage`: the whole days since the last use (kms.md 11).

    Of a key that was never used they are counted from its creation, or from the time since which
    uses are noted, whichever is later. Strangers get no value: their own Deny would be told, and so
    it would answer whether there is such a key, and when it was used (threat-model KM-2).
    """
    if key.owner != call.account or not key.exists:
        return {}
    use = _last_use(call, key)
    since = _tracked_since(call, key) if use is None else from_microseconds(use.used_us)
    return {"kms:trailingdayswithoutkeyusage": str(max(0, (call.now - since).days))}


def _last_use(call: KmsCall, key: Key) -> KeyUse | None:
    """The last use of a key, written or not."""
    use = call.last_uses.of(key.account, key.arn_text)
    return use or call.repository.last_use(call.transaction, key.record)


def _tracked_since(call: KmsCall, key: Key) -> datetime:
    """Since when every use of this key is noted."""
    return max(from_microseconds(key.record.created_us), call.last_uses.since)


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
