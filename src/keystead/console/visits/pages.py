"""How does a page look?  Templates whose every value is escaped, and four files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class File(NamedTuple):
    """A file that pages need. Another content has another path, so it may be kept for ever."""

    path: str
    content: bytes
    media_type: str

    async def serve(self, _: Request) -> Response:
        return Response(self.content, media_type=self.media_type, headers=_FOR_EVER)


def _file(name: str, media_type: str) -> File:
    content = (resources.files("keystead.console") / "static" / name).read_bytes()
    stem, _, suffix = name.partition(".")
    path = f"/static/{stem}.{sha256(content).hexdigest()[:16]}.{suffix}"
    return File(path, content, media_type)


_STYLE = _file("console.css", "text/css")
_MARK = _file("mark.svg", "image/svg+xml")
_PASSKEYS = _file("passkeys.js", "text/javascript")
_SUBMIT = _file("submit.js", "text/javascript")
FILES = (_STYLE, _MARK, _PASSKEYS, _SUBMIT)


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
    environment.globals["style"] = _STYLE.path
    environment.globals["mark"] = _MARK.path
    environment.globals["passkeys_script"] = _PASSKEYS.path
    environment.globals["submit_script"] = _SUBMIT.path
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
