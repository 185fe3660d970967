"""Of which ends of certificates is somebody to be notified?  The settings of a trust anchor."""

from collections.abc import Sequence

import msgspec

from keystead.identity.anywhere.naming import invalid
from keystead.wire.models import rolesanywhere as api

NOTHING = "{}"
"""The column of a trust anchor for which nothing was put."""

_EVENTS: tuple[api.NotificationEvent, ...] = (
    "CA_CERTIFICATE_EXPIRY",
    "END_ENTITY_CERTIFICATE_EXPIRY",
)
_DAYS = 45  # before the end, as AWS has it
_DEFAULT = "rolesanywhere.amazonaws.com"

_Column = dict[str, tuple[bool, int]]
_read = msgspec.json.Decoder(_Column).decode
_write = msgspec.json.Encoder(order="sorted").encode


def written(settings: Sequence[api.NotificationSetting], before: str = NOTHING) -> str:
    """The column of these settings, beside those that were put before."""
    column = _read(before)
    events = [setting.event for setting in settings]
    if len(set(events)) != len(events):
        raise invalid("An event has two notification settings")
    for setting in settings:
        column[setting.event] = (setting.enabled, setting.threshold or _DAYS)
    return _write(column).decode()


def shown(column: str) -> list[api.NotificationSettingDetail]:
    """Every setting: those that were put, and AWS's defaults."""
    known = _read(column)
    every = []
    for event in _EVENTS:
        enabled, threshold = known.get(event, (True, _DAYS))
        every.append(
            api.NotificationSettingDetail(
                enabled=enabled,
                event=event,
                threshold=threshold,
                channel="ALL",
                configured_by=None if event in known else _DEFAULT,
            )
        )
    return every


def without(column: str, keys: Sequence[api.NotificationSettingKey]) -> str:
    """The column without what was put for these events."""
    known = _read(column)
    for key in keys:
        known.pop(key.event, None)
    return _write(known).decode()
