"""My security credentials: password, MFA devices, access keys.

Each change is an ordinary call of the person. Each part of the page is a call of its own, so one
that is refused leaves the others. A secret is shown once, in the answer to the form that made it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from keystead.console.visits import (
    Calls,
    Visit,
    cookies,
    form_of,
    fresh_session_of,
    own_session_of,
    page,
    to,
    visit_of,
)
from keystead.errors import AwsError
from keystead.identity.signin import logins as for_programs
from keystead.identity.signin import shapes
from keystead.wire.models import iam
from keystead.wire.operation import Operation

PATH = "/security"
_DIFFERENT = "The two new passwords are not the same."
_NOT_ITS_ID = "That is not the id of the access key."
_CHANGED = (
    "Your access keys changed since this page was shown."
    " If you did not keep the secret of a new one, delete it and create another."
)
_MOST_DEVICES, _MOST_KEYS = 8, 2

Form = Mapping[str, str]


class Credentials:
    """The pages of a person's own credentials."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._making: set[str] = set()  # ARNs of those whose access key is being made

    async def show(self, request: Request) -> Response:
        """GET /security"""
        visit = visit_of(request)
        session = await own_session_of(self._calls, visit)
        return await self._page(visit, session)

    async def change_password(self, request: Request) -> Response:
        """POST /security/password. It ends the session, as every change of a factor does."""
        visit, form = visit_of(request), form_of(request)
        session = await fresh_session_of(self._calls, visit)
        old, new = form.get("old", ""), form.get("new", "")
        if new != form.get("again", ""):
            return await self._page(visit, session, "password", _DIFFERENT)
        if session.is_root:
            of_root = shapes.ChangeRootPasswordRequest(old=old, new=new)
            root = self._calls.call(visit.request, shapes.CHANGE_ROOT_PASSWORD, of_root)
            return await self._ending(visit, session, "password", root)
        asked = iam.ChangePasswordRequest(old_password=old, new_password=new)
        call = self._calls.call(visit.request, iam.ChangePassword, asked)
        return await self._ending(visit, session, "password", call)

    async def new_device(self, request: Request) -> Response:
        """POST /security/device: a new virtual device, with the code by which an app takes it."""
        visit, form = visit_of(request), form_of(request)
        session = await fresh_session_of(self._calls, visit)
        name = form.get("name", "").strip()
        try:
            made = await self._made(visit, session, name)
        except AwsError as error:
            return await self._page(visit, session, "device", _told(error))
        device = made.virtual_mfa_device
        secret = (device.base32_string_seed or b"").decode()
        values = {
            "session": session, "serial": device.serial_number, "secret": secret, "error": "",
            "picture": _picture(name, session, secret),
        }  # fmt: skip
        return page("device.html", values)

    async def enable_device(self, request: Request) -> Response:
        """POST /security/device/enable: two codes of the new device, one after the other."""
        visit, form = visit_of(request), form_of(request)
        session = await fresh_session_of(self._calls, visit)
        serial = form.get("serial", "")
        first, second = (_code(form, name) for name in ("first", "second"))
        asked = iam.EnableMFADeviceRequest(
            user_name=session.account if session.is_root else session.name,
            serial_number=serial,
            authentication_code1=first,
            authentication_code2=second,
        )
        try:
            await self._calls.call(visit.request, iam.EnableMFADevice, asked)
        except AwsError as error:
            values = {
                "session": session, "serial": serial, "secret": "", "picture": "",
                "error": _told(error),
            }  # fmt: skip
            return page("device.html", values, HTTPStatus.BAD_REQUEST)
        return _changed("device")

    async def remove_device(self, request: Request) -> Response:
        """POST /security/device/remove. Only in a session that began with a device (CO-8)."""
        visit, form = visit_of(request), form_of(request)
        session = await fresh_session_of(self._calls, visit)
        asked = iam.DeactivateMFADeviceRequest(
            user_name=session.account if session.is_root else session.name,
            serial_number=form.get("serial", ""),
        )
        call = self._calls.call(visit.request, iam.DeactivateMFADevice, asked)
        return await self._ending(visit, session, "device", call)

    async def new_key(self, request: Request) -> Response:
        """POST /security/key: an access key, whose secret is shown in this answer alone.

        A form that is sent again, as by a reload or a second click, makes no second key: it says
        which keys there were when it was shown.
        """
        visit = visit_of(request)
        session = await fresh_session_of(self._calls, visit)
        if session.arn in self._making:
            return await self._page(visit, session, "key", _CHANGED)
        self._making.add(session.arn)
        try:
            return await self._new_key(visit, session, form_of(request).get("shown", ""))
        finally:
            self._making.discard(session.arn)

    async def _new_key(self, visit: Visit, session: shapes.SessionAnswer, shown: str) -> Response:
        try:
            keys = await self._calls.call(
                visit.request, iam.ListAccessKeys, iam.ListAccessKeysRequest()
            )
            if shown != _ids(keys.access_key_metadata):
                return await self._page(visit, session, "key", _CHANGED)
            made = await self._calls.call(
                visit.request, iam.CreateAccessKey, iam.CreateAccessKeyRequest()
            )
        except AwsError as error:
            return await self._page(visit, session, "key", _told(error))
        return page("key.html", {"session": session, "key": made.access_key})

    async def change_key(self, request: Request) -> Response:
        """POST /security/key/status: activate or deactivate an access key."""
        visit, form = visit_of(request), form_of(request)
        session = await fresh_session_of(self._calls, visit)
        asked: Any = iam.UpdateAccessKeyRequest(
            access_key_id=form.get("id", ""),
            status="Active" if form.get("status") == "Active" else "Inactive",
        )
        return await self._staying(visit, session, iam.UpdateAccessKey, asked)

    async def delete_key(self, request: Request) -> Response:
        """POST /security/key/delete: for ever, so its id is typed once more."""
        visit, form = visit_of(request), form_of(request)
        session = await fresh_session_of(self._calls, visit)
        key_id = form.get("id", "")
        if form.get("typed", "").strip() != key_id:
            return await self._page(visit, session, "key", _NOT_ITS_ID)
        asked = iam.DeleteAccessKeyRequest(access_key_id=key_id)
        return await self._staying(visit, session, iam.DeleteAccessKey, asked)

    async def _made(
        self, visit: Visit, session: shapes.SessionAnswer, name: str
    ) -> iam.CreateVirtualMFADeviceResponse:
        """A new device. One of this name that nobody ever enabled makes room for it."""
        asked = iam.CreateVirtualMFADeviceRequest(virtual_mfa_device_name=name)
        try:
            return await self._calls.call(visit.request, iam.CreateVirtualMFADevice, asked)
        except iam.EntityAlreadyExistsException:
            partition = session.arn.split(":")[1]
            serial = f"arn:{partition}:iam::{session.account}:mfa/{name}"
            old = iam.DeleteVirtualMFADeviceRequest(serial_number=serial)
            await self._calls.call(visit.request, iam.DeleteVirtualMFADevice, old)
        return await self._calls.call(visit.request, iam.CreateVirtualMFADevice, asked)

    async def _ending(
        self, visit: Visit, session: shapes.SessionAnswer, part: str, call: Awaitable[object]
    ) -> Response:
        """A change that ends the session."""
        try:
            await call
        except AwsError as error:
            return await self._page(visit, session, part, _told(error))
        return _changed(part)

    async def _staying(
        self,
        visit: Visit,
        session: shapes.SessionAnswer,
        operation: Operation[Any, Any],
        asked: Any,
    ) -> Response:
        """A change of an access key; the session stays."""
        try:
            await self._calls.call(visit.request, operation, asked)
        except AwsError as error:
            return await self._page(visit, session, "key", _told(error))
        return to(f"{PATH}#keys-title")

    async def _page(
        self, visit: Visit, session: shapes.SessionAnswer, part: str = "", error: str = ""
    ) -> Response:
        """The page; `error` is shown in its part."""
        devices, no_devices = await _panel(
            lambda: self._calls.call(
                visit.request, iam.ListMFADevices, iam.ListMFADevicesRequest()
            ),
            "mfa_devices",
        )
        keys, no_keys = await _panel(
            lambda: self._calls.call(
                visit.request, iam.ListAccessKeys, iam.ListAccessKeysRequest()
            ),
            "access_key_metadata",
        )
        logins, no_logins = await _panel(
            lambda: self._calls.call(
                visit.request, for_programs.shapes.LIST_LOGINS, shapes.Nothing()
            ),
            "logins",
        )
        values = {
            "session": session, "part": part, "error": error,
            "logins": logins, "no_logins": no_logins,
            "devices": devices, "no_devices": no_devices, "room": len(devices) < _MOST_DEVICES,
            "keys": keys, "no_keys": no_keys, "key_room": len(keys) < _MOST_KEYS,
            "shown": _ids(keys),
        }  # fmt: skip
        return page("security.html", values, HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK)


async def _panel(call: Callable[[], Awaitable[Any]], member: str) -> tuple[list[Any], str]:
    """A list for a part of the page, or why there is none."""
    try:
        return list(getattr(await call(), member)), ""
    except AwsError as error:
        return [], _told(error)


def _ids(keys: Sequence[iam.AccessKeyMetadata]) -> str:
    return " ".join(sorted(key.access_key_id or "" for key in keys))


def _told(error: AwsError) -> str:
    return error.message or "The server cannot do this now. Try again."


def _code(form: Form, name: str) -> str:
    return "".join(form.get(name, "").split())


def _changed(part: str) -> Response:
    """The session is over: sign in again, with what is new."""
    response = to(f"/changed?{part}")
    cookies.take(response, cookies.SESSION)
    return response


def _picture(name: str, session: shapes.SessionAnswer, secret: str) -> Markup:
    """The code that an authenticator app takes, as a picture made of text."""
    text = f"otpauth://totp/{quote(f'{name}@{session.alias or session.account}', safe='@')}"
    code = segno.make(f"{text}?secret={secret}&issuer=Keystead", error="m", micro=False)
    drawn = code.svg_inline(scale=4, light="#fff", title="QR code for an authenticator app")
    return Markup(drawn)  # noqa: S704  # segno escapes; the text is not in it
