"""PutNotificationSettings, ResetNotificationSettings: of which ends would a trust anchor tell?

The settings are kept and shown. Nobody is notified (docs/divergences.md): AWS sends such events to
services that are not here.
"""

import msgspec

from keystead.identity import times
from keystead.identity.anywhere import notification_settings as settings
from keystead.identity.anywhere.anchors import shown
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.naming import ANCHOR, ask, found
from keystead.identity.repository import TrustAnchor
from keystead.registry import implements
from keystead.wire.models import rolesanywhere as api


@implements(api.PutNotificationSettings)
def put_notification_settings(
    call: AnywhereCall, request: api.PutNotificationSettingsRequest
) -> api.PutNotificationSettingsResponse:
    anchor = _named(call, request.trust_anchor_id)
    column = settings.written(request.notification_settings, anchor.notifications)
    return api.PutNotificationSettingsResponse(trust_anchor=_kept(call, anchor, column))


@implements(api.ResetNotificationSettings)
def reset_notification_settings(
    call: AnywhereCall, request: api.ResetNotificationSettingsRequest
) -> api.ResetNotificationSettingsResponse:
    anchor = _named(call, request.trust_anchor_id)
    column = settings.without(anchor.notifications, request.notification_setting_keys)
    return api.ResetNotificationSettingsResponse(trust_anchor=_kept(call, anchor, column))


def _named(call: AnywhereCall, text: str) -> TrustAnchor:
    named = found(call, ANCHOR, text)
    ask(call, named.target)
    return named.existing()


def _kept(call: AnywhereCall, anchor: TrustAnchor, column: str) -> api.TrustAnchorDetail:
    changed = msgspec.structs.replace(anchor, notifications=column, updated=times.stored(call.now))
    return shown(call.repository.anywhere.anchors.update(call.transaction, changed))
