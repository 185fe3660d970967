"""Which page asks for the second factor?  That of one device; the others are links on it."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from keystead.console.visits import SCRIPTED, page
from keystead.identity.signin import shapes, site_of


def factor_page(
    pending: shapes.PendingAnswer,
    url: str,
    serial_number: str = "",
    error: str = "",
    status: int = HTTPStatus.OK,
    *,
    resyncs: bool = False,
) -> Response:
    """The page for this device, or for the first that can be used here."""
    site = site_of(url)
    host = site.rp_id if site else ""
    devices = [_shown(device, host) for device in pending.devices]
    named = [each for each in devices if each["serial_number"] == serial_number]
    usable = [each for each in devices if each["usable"] and not each["waits"]]
    chosen = (named or usable or devices)[0]
    values = {
        "pending": pending, "error": error, "chosen": chosen, "url": url, "resyncs": resyncs,
        "others": [each for each in devices if each is not chosen], "is_address": site is None,
    }  # fmt: skip
    response = page("mfa.html", values, status)
    if chosen["kind"] == "passkey":
        response.headers["Content-Security-Policy"] = SCRIPTED
    return response


def _shown(device: shapes.Device, host: str) -> Mapping[str, object]:
    """A device, and whether it can be used at this host."""
    return {
        "serial_number": device.serial_number, "name": device.name, "kind": device.kind,
        "waits": device.waits, "host": device.host,
        "usable": device.kind == "code" or device.host == host,
    }  # fmt: skip
