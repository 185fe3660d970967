"""How does a page look?  Templates whose every value is escaped, one style sheet, two scripts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

_STYLE = (resources.files("keystead.console") / "static" / "console.css").read_bytes()
STYLE = f"/static/console.{sha256(_STYLE).hexdigest()[:16]}.css"
"""The path of the style sheet: another one with each content, so that it may be kept for ever."""


_PASSKEYS = (resources.files("keystead.console") / "static" / "passkeys.js").read_bytes()
PASSKEYS_SCRIPT = f"/static/passkeys.{sha256(_PASSKEYS).hexdigest()[:16]}.js"
"""The path of the script of passkeys, as above."""
_SUBMIT = (resources.files("keystead.console") / "static" / "submit.js").read_bytes()
SUBMIT_SCRIPT = f"/static/submit.{sha256(_SUBMIT).hexdigest()[:16]}.js"
"""The path of the script that sends the form of a page, as above."""
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("keystead.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    environment.filters["device_name"] = _device_name
    environment.filters["duration"] = _duration
    environment.globals["style"] = STYLE
    environment.globals["passkeys_script"] = PASSKEYS_SCRIPT
    environment.globals["submit_script"] = SUBMIT_SCRIPT
    return environment


def _moment(second: int) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(second, UTC).strftime("%d %B %Y, %H:%M UTC")


def _device_name(serial_number: str) -> str:
    """The name that a person gave a device."""
    name = serial_number.partition("/")[2]
    is_passkey = ":u2f/" in serial_number
    return name.rpartition("/")[2].rpartition("-")[0] if is_passkey else name


def _duration(seconds: int) -> str:
    """How long one has to wait, as people read it."""
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"


_ENVIRONMENT = _environment()


def page(template: str, values: Mapping[str, object] | None = None, status: int = 200) -> Response:
    """A page."""
    text = _ENVIRONMENT.get_template(template).render(values or {})
    return HTMLResponse(text, status)


def to(path: str) -> Response:
    """The browser asks for another page of ours, by GET."""
    return RedirectResponse(path, 303)


async def style(_: Request) -> Response:
    """The style sheet."""
    return Response(_STYLE, media_type="text/css", headers=_FOR_EVER)


async def passkeys_script(_: Request) -> Response:
    """The script of passkeys."""
    return Response(_PASSKEYS, media_type="text/javascript", headers=_FOR_EVER)


async def submit_script(_: Request) -> Response:
    """The script that sends the form of a page."""
    return Response(_SUBMIT, media_type="text/javascript", headers=_FOR_EVER)
