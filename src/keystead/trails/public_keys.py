"""ListPublicKeys: with which key can a digest of exported records be verified?"""

from datetime import datetime

from keystead.registry import implements
from keystead.times import from_microseconds
from keystead.trails.call import TrailCall
from keystead.trails.repository import DigestKey
from keystead.wire.models import cloudtrail as api

_LAST = datetime.fromisoformat("2099-12-31T23:59:59+00:00")
"""Until when a key is valid: no other replaces it."""


@implements(api.ListPublicKeys)
def list_public_keys(
    call: TrailCall, request: api.ListPublicKeysRequest
) -> api.ListPublicKeysResponse:
    call.authorize_any("cloudtrail:ListPublicKeys")
    start, end = request.start_time, request.end_time
    if request.next_token is not None:
        raise api.InvalidTokenException("The token is not valid.")
    if start is not None and end is not None and start > end:
        raise api.InvalidTimeRangeException("The start time must be before the end time.")
    keys = call.digest_keys.every(call.transaction)
    listed = [
        _shown(key) for key in keys if end is None or from_microseconds(key.created_us) <= end
    ]
    return api.ListPublicKeysResponse(public_key_list=listed)


def _shown(key: DigestKey) -> api.PublicKey:
    return api.PublicKey(
        value=key.public_key,
        validity_start_time=from_microseconds(key.created_us),
        validity_end_time=_LAST,
        fingerprint=key.fingerprint,
    )
