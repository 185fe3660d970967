"""Virtual MFA devices: made, enabled with two codes, listed, found again, deactivated, deleted."""

import base64
import re
import struct
import zlib
from datetime import timedelta
from typing import Any

import pytest

from keystead.custody.proofs.one_time_codes import MOST_WRONG, WRONG_SECONDS
from keystead.identity import limits
from keystead.identity.sessions import RowKind, Session, SessionKind, SessionRow
from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.mfa import Phone, enable, new_phone, passes
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow

INVALID = "Authentication code for device is not valid."


def with_factor(person: Person) -> Session:
    """The facts of a session of a user that used a second factor."""
    now = int(person.tenant.world.now.timestamp())
    row = SessionRow(RowKind.USER, person.tenant.id, person.caller.principal.unique_id)
    return Session(SessionKind.USER, person.tenant.id, (row,), now, now + 3600, mfa=now)


@pytest.fixture
def jo(tenant: Tenant) -> Person:
    own = [f"arn:aws:iam::{tenant.id}:{kind}/jo" for kind in ("user", "mfa")]
    return tenant.user("jo", allow("iam:*MFADevice*", resource=own))


@pytest.fixture
def phone(admin: Person, jo: Person) -> Phone:
    """A device that is enabled for jo."""
    phone = new_phone(admin)
    enable(admin, phone, "jo")
    return phone


def test_a_new_device(tenant: Tenant, admin: Person) -> None:
    """It has a serial number with its path, a seed as base32 text, and a picture of both."""
    made = admin(
        api.CreateVirtualMFADevice,
        virtual_mfa_device_name="phone", path="/a/b/", tags=[api.Tag(key="Team", value="blue")],
    ).virtual_mfa_device  # fmt: skip

    assert made.serial_number == f"arn:aws:iam::{tenant.id}:mfa/a/b/phone"
    assert len(base64.b32decode(made.base32_string_seed or b"")) == 40
    assert (made.tags, made.user, made.enable_date) == (
        [api.Tag(key="Team", value="blue")], None, None,
    )  # fmt: skip
    width, height, pixels = read_png(made.qr_code_png or b"")
    assert width == height
    # Around a QR code are four light modules. Three of its corners have squares of seven dark ones.
    border = next(at for at in range(width) if not pixels[at][at])
    module, end = border // 4, width - 1 - border
    for x, y, right, down in ((border, border, 1, 1), (end, border, -1, 1), (border, end, 1, -1)):
        edge = [pixels[y][x + right * at * module] for at in range(8)]
        side = [pixels[y + down * at * module][x] for at in range(8)]
        assert edge == side == [0] * 7 + [1]


def read_png(data: bytes) -> tuple[int, int, list[list[int]]]:
    """Width, height and pixels of a PNG in one bit of grey."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert (depth, colour) == (1, 0)
    chunks, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            chunks += data[at + 8 : at + 8 + length]
        at += length + 12
    raw, line = zlib.decompress(chunks), (width + 7) // 8 + 1
    rows = [bytes(line - 1)]
    for y in range(height):
        row = raw[y * line + 1 : (y + 1) * line]
        assert raw[y * line] in (0, 2)  # as it is, or as the difference from the row above
        above = rows[-1] if raw[y * line] else bytes(line - 1)
        rows.append(bytes([(one + other) & 0xFF for one, other in zip(row, above, strict=True)]))
    del rows[0]
    return width, height, [[row[x // 8] >> 7 - x % 8 & 1 for x in range(width)] for row in rows]


def test_names_of_devices(tenant: Tenant, admin: Person) -> None:
    """Path and name together are unique in any case, and fit into a serial number."""
    new_phone(admin, "phone")
    new_phone(admin, "phone", path="/a/")
    for name, path in (("PHONE", "/"), ("phone", "/A/")):
        with refused("EntityAlreadyExists", "MFADevice entity at the same path and name"):
            new_phone(admin, name, path=path)
    rest = 256 - len(f"arn:aws:iam::{tenant.id}:mfa/")
    new_phone(admin, "x" * rest)
    with refused("ValidationError", "at most 256 characters"):
        new_phone(admin, "x" * (rest + 1))


def test_the_quota_of_an_account(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many devices as users."""
    assert limits.MFA_DEVICES_PER_ACCOUNT == limits.USERS_PER_ACCOUNT
    monkeypatch.setattr("keystead.identity.repository.people.mfa_devices.MfaDevices.count", _full)
    with refused("LimitExceeded", "quota for VirtualMFADevicesPerAccount: 5000"):
        new_phone(admin)


def _full(*_: object) -> int:
    return limits.MFA_DEVICES_PER_ACCOUNT


def test_enabled_with_two_codes(world: World, tenant: Tenant, admin: Person, jo: Person) -> None:
    """Two consecutive codes enable it; then it is the user's, and everywhere told so."""
    phone, enabled = new_phone(admin), world.now
    for first, second in ((0, 0), (0, -1), (-3, -2)):
        with refused("InvalidAuthenticationCode", INVALID):
            admin(
                api.EnableMFADevice,
                user_name="jo",
                serial_number=phone.serial,
                authentication_code1=phone.code(world.now, first),
                authentication_code2=phone.code(world.now, second),
            )
    enable(admin, phone, "jo")

    [listed] = admin(api.ListMFADevices, user_name="jo").mfa_devices
    assert listed == api.MFADevice(user_name="jo", serial_number=phone.serial, enable_date=enabled)
    shown = admin(api.GetMFADevice, user_name="jo", serial_number=phone.serial)
    assert (shown.user_name, shown.serial_number, shown.enable_date) == (
        "jo", phone.serial, enabled,
    )  # fmt: skip
    [device] = admin(api.ListVirtualMFADevices).virtual_mfa_devices
    assert device.user is not None
    assert (device.user.user_name, device.enable_date) == ("jo", enabled)
    assert (device.base32_string_seed, device.qr_code_png) == (None, None)
    assert admin(api.ListMFADevices).mfa_devices == []


def test_a_device_has_one_owner(world: World, admin: Person, jo: Person, phone: Phone) -> None:
    """An enabled device is not enabled again, nor deleted; afterwards it is free."""
    with refused("EntityAlreadyExists", "MFA Device is already in use."):
        enable(admin, phone, "admin")
    with refused("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."):
        admin(api.DeleteVirtualMFADevice, serial_number=phone.serial)
    with refused("DeleteConflict", "Cannot delete entity, must delete MFA device first."):
        _without_keys(admin, jo)

    missing = f"VirtualMFADevice with serial number {phone.serial} doesn't exist."
    others = {"user_name": "admin", "serial_number": phone.serial}
    with refused("NoSuchEntity", missing):
        admin.tenant.root(api.GetMFADevice, **others)
    with refused("NoSuchEntity", missing):
        admin.tenant.root(api.DeactivateMFADevice, **others)
    admin(api.DeactivateMFADevice, user_name="jo", serial_number=phone.serial)
    with refused("NoSuchEntity", missing):
        admin(api.DeactivateMFADevice, user_name="jo", serial_number=phone.serial)
    enable(admin, phone, "admin")
    admin.tenant.root(api.DeactivateMFADevice, user_name="admin", serial_number=phone.serial)
    admin(api.DeleteVirtualMFADevice, serial_number=phone.serial)
    with refused("NoSuchEntity", missing):
        admin(api.DeleteVirtualMFADevice, serial_number=phone.serial)


def _without_keys(admin: Person, person: Person) -> None:
    """Delete a user whose keys and policies are deleted."""
    assert person.key is not None
    name = {"user_name": person.name}
    admin(api.DeleteAccessKey, **name, access_key_id=person.key.access_key_id)
    admin(api.DeleteUserPolicy, **name, policy_name="inline0")
    admin(api.DeleteUser, **name)


def test_codes_count_once(world: World, admin: Person, jo: Person) -> None:
    """The codes that enabled a device do not enable it again, not even after a deactivation."""
    phone = new_phone(admin)
    codes = phone.both(world.now)
    given = {"user_name": "jo", "serial_number": phone.serial}
    admin(api.EnableMFADevice, **given, **codes)
    admin(api.DeactivateMFADevice, **given)
    with refused("InvalidAuthenticationCode", INVALID):
        admin(api.EnableMFADevice, **given, **codes)
    passes(world)
    admin(api.EnableMFADevice, **given, **phone.both(world.now))


def test_wrong_codes_are_throttled(world: World, admin: Person, jo: Person) -> None:
    """Five wrong tries in five minutes, and the right codes are refused; then they count again."""
    phone = new_phone(admin)
    given = {"user_name": "jo", "serial_number": phone.serial}
    for _ in range(MOST_WRONG):
        with refused("InvalidAuthenticationCode"):
            admin(
                api.EnableMFADevice,
                **given, authentication_code1="000000", authentication_code2="000000",
            )  # fmt: skip
    with refused("InvalidAuthenticationCode"):
        admin(api.EnableMFADevice, **given, **phone.both(world.now))
    world.now += timedelta(seconds=WRONG_SECONDS)
    admin(api.EnableMFADevice, **given, **phone.both(world.now))


def test_a_device_is_resynchronised(world: World, admin: Person, jo: Person, phone: Phone) -> None:
    """A clock that is five minutes ahead is found; another user's device is not."""
    ahead = world.now + timedelta(minutes=5)
    given = {"serial_number": phone.serial, **phone.both(ahead)}
    with refused("NoSuchEntity"):
        admin(api.ResyncMFADevice, user_name="admin", **given)
    admin(api.ResyncMFADevice, user_name="jo", **given)
    state = world.repository.mfa_devices.memory(
        world.store.read(),
        world.repository.mfa_devices.of_owner(
            world.store.read(), admin.tenant.id, jo.caller.principal.unique_id
        )[0],
    )
    assert state.drift == 10
    with refused("InvalidAuthenticationCode", INVALID):
        admin(api.ResyncMFADevice, user_name="jo", **given)


def test_eight_devices(world: World, admin: Person, jo: Person) -> None:
    """A user has eight at most, in the order in which they were enabled, page by page."""
    phones = [new_phone(admin, f"phone-{number}") for number in range(limits.MFA_DEVICES + 1)]
    for phone in phones[:-1]:
        enable(admin, phone, "jo")
    with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8"):
        enable(admin, phones[-1], "jo")

    first = admin(api.ListMFADevices, user_name="jo", max_items=5)
    rest = admin(api.ListMFADevices, user_name="jo", max_items=5, marker=first.marker)
    serials = [one.serial_number for page in (first, rest) for one in page.mfa_devices]
    assert serials == [phone.serial for phone in phones[:-1]]
    assert (first.is_truncated, rest.is_truncated) == (True, False)
    listed = {
        status: [
            one.serial_number
            for one in admin(
                api.ListVirtualMFADevices, **({"assignment_status": status} if status else {})
            ).virtual_mfa_devices
        ]
        for status in ("", "Any", "Assigned", "Unassigned")
    }
    everything = [phone.serial for phone in phones]
    assert listed[""] == listed["Any"] == everything
    assert (listed["Assigned"], listed["Unassigned"]) == (everything[:-1], everything[-1:])
    page = admin(api.ListVirtualMFADevices, assignment_status="Assigned", max_items=3)
    assert [one.serial_number for one in page.virtual_mfa_devices] == everything[:3]
    assert page.is_truncated


SERIALS = (
    "GAHT12345678",
    "arn:aws:iam::111122223333:mfa/phone",
    "arn:aws:iam::{}:user/jo",
    "x" * 9,
)
BY_SERIAL: tuple[tuple[Operation[Any, Any], dict[str, Any]], ...] = (
    (api.DeleteVirtualMFADevice, {}),
    (api.GetMFADevice, {"user_name": "admin"}),
    (api.ListMFADeviceTags, {}),
)


@pytest.mark.parametrize(("operation", "members"), BY_SERIAL)
def test_serial_numbers_of_no_device(
    tenant: Tenant, admin: Person, operation: Operation[Any, Any], members: dict[str, Any]
) -> None:
    """A text that is no device's is missing; another account's device is refused, or missing."""
    other = tenant.world.account("other@example.com").administrator()
    theirs = new_phone(other).serial
    for serial in (*(serial.format(tenant.id) for serial in SERIALS), theirs):
        code = "AccessDenied" if ":mfa/" in serial and not members else "NoSuchEntity"
        with refused(code):
            admin(operation, serial_number=serial, **members)
    mine = new_phone(admin, "Phone").serial
    if not members:
        with refused("NoSuchEntity"):
            admin(operation, serial_number=mine.replace("Phone", "phone"), **members)
        admin(operation, serial_number=mine, **members)


# permissions


def test_each_operation_asks(admin: Person, jo: Person, phone: Phone) -> None:
    """A user who may do nothing does nothing, and one who may do it to herself to no other."""
    mallory = admin.tenant.user("mallory")
    for person, name in ((mallory, "jo"), (jo, "admin")):
        with refused("AccessDenied"):
            person(api.GetMFADevice, user_name=name, serial_number=phone.serial)
        with refused("AccessDenied"):
            person(api.DeactivateMFADevice, user_name=name, serial_number=phone.serial)
        with refused("AccessDenied"):
            person(api.ListMFADevices, user_name=name)
        with refused("AccessDenied"):
            person(api.EnableMFADevice, user_name=name, serial_number=phone.serial,
                   authentication_code1="000000", authentication_code2="000000")  # fmt: skip
        with refused("AccessDenied"):
            person(api.ListVirtualMFADevices)
    assert jo(api.GetMFADevice, serial_number=phone.serial).user_name == "jo"
    own = new_phone(jo, "jo")
    jo(api.DeleteVirtualMFADevice, serial_number=own.serial)


def test_refused_callers_spend_nothing(world: World, admin: Person, jo: Person) -> None:
    """Who may not enable a device cannot use up its attempts either."""
    phone = new_phone(admin)
    mallory = admin.tenant.user("mallory")
    for _ in range(MOST_WRONG + 1):
        with refused("AccessDenied"):
            mallory(api.EnableMFADevice, user_name="jo", serial_number=phone.serial,
                    authentication_code1="000000", authentication_code2="000000")  # fmt: skip
    enable(admin, phone, "jo")


def test_the_own_device_needs_a_second_factor(jo: Person, phone: Phone) -> None:
    """A user takes a device from herself only in a session that used one (CO-8)."""
    given = {"user_name": "jo", "serial_number": phone.serial}
    with refused("AccessDenied", "without a session that used multi-factor authentication"):
        jo(api.DeactivateMFADevice, **given)
    with refused("AccessDenied", "without a session"):
        jo(api.DeactivateMFADevice, serial_number=phone.serial)
    world = jo.tenant.world
    world.run(jo.caller, api.DeactivateMFADevice, with_factor(jo), **given)


def test_tags_of_devices(tenant: Tenant, admin: Person) -> None:
    """They are set, shown, removed, and seen by policies."""
    phone = new_phone(admin)
    keeper = tenant.user(
        "keeper",
        allow("iam:*", Condition={"StringEquals": {"aws:ResourceTag/Team": "blue"}}),
    )
    with refused("AccessDenied"):
        keeper(api.DeleteVirtualMFADevice, serial_number=phone.serial)
    tags = [api.Tag(key="Team", value="blue"), api.Tag(key="Cost", value="7")]
    admin(api.TagMFADevice, serial_number=phone.serial, tags=tags)
    admin(api.UntagMFADevice, serial_number=phone.serial, tag_keys=["Cost"])
    assert admin(api.ListMFADeviceTags, serial_number=phone.serial).tags == tags[:1]
    keeper(api.DeleteVirtualMFADevice, serial_number=phone.serial)


# root


def summary(person: Person, *keys: str) -> list[int]:
    """Some numbers of the account's summary."""
    numbers: Any = person(api.GetAccountSummary).summary_map
    return [numbers[key] for key in keys]


def test_devices_of_root(world: World, tenant: Tenant, admin: Person) -> None:
    """Root enables its own, which lists name as root's, and nobody else reaches it (CO-9)."""
    root = tenant.root
    phone = new_phone(root, "root-account-mfa-device")
    with refused("NoSuchEntity", f"The user with name {tenant.id} cannot be found."):
        enable(admin, phone, tenant.id)
    assert summary(admin, "MFADevices", "MFADevicesInUse", "AccountMFAEnabled") == [1, 0, 0]
    enable(root, phone, tenant.id)
    assert phone.serial == f"arn:aws:iam::{tenant.id}:mfa/root-account-mfa-device"
    assert summary(admin, "MFADevices", "MFADevicesInUse", "AccountMFAEnabled") == [1, 1, 1]

    [own] = root(api.ListMFADevices).mfa_devices
    assert own.serial_number == phone.serial
    assert not own.user_name
    assert root(api.GetMFADevice, serial_number=phone.serial).user_name is None
    [device] = admin(api.ListVirtualMFADevices).virtual_mfa_devices
    assert device.user is not None
    assert device.user.arn == f"arn:aws:iam::{tenant.id}:root"
    for name in (None, "admin", tenant.id):
        with refused("AccessDenied" if name != tenant.id else "NoSuchEntity"):
            admin(api.DeactivateMFADevice, user_name=name, serial_number=phone.serial)
    with refused("DeleteConflict"):
        admin(api.DeleteVirtualMFADevice, serial_number=phone.serial)
    root(api.ResyncMFADevice, user_name=tenant.id, serial_number=phone.serial,
         **phone.both(world.now))  # fmt: skip
    root(api.DeactivateMFADevice, serial_number=phone.serial)
    root(api.DeleteVirtualMFADevice, serial_number=phone.serial)


def test_a_user_with_the_name_of_root(tenant: Tenant, admin: Person) -> None:
    """Root by its account id is always root, whatever users are called."""
    admin(api.CreateUser, user_name=tenant.id)
    phone = new_phone(tenant.root)
    enable(tenant.root, phone, tenant.id)
    assert tenant.root(api.ListMFADevices).mfa_devices
    assert admin(api.ListMFADevices, user_name=tenant.id).mfa_devices == []


def test_what_root_may_and_cannot_do(tenant: Tenant) -> None:
    """Two access keys, never a third; no login profile, no password to change (iam.md 2.8)."""
    root = tenant.root
    keys = [root(api.CreateAccessKey).access_key for _ in range(2)]
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"):
        root(api.CreateAccessKey)
    assert [key.user_name for key in keys] == [None, None]
    present = ("AccountAccessKeysPresent", "AccountPasswordPresent")
    assert summary(root, *present, "AccountSigningCertificatesPresent") == [1, 1, 0]
    for key in keys:
        root(api.UpdateAccessKey, access_key_id=key.access_key_id, status="Inactive")
        root(api.DeleteAccessKey, access_key_id=key.access_key_id)
    assert summary(root, *present) == [0, 1]
    with refused("ValidationError", "Must specify userName"):
        root(api.GetLoginProfile)
    with refused("ValidationError", "Must specify userName"):
        root(api.DeleteLoginProfile)


def test_no_record_has_a_seed_or_a_code(world: World, admin: Person, jo: Person) -> None:
    """Neither the events of the calls nor the stored rows tell a seed."""
    phone = new_phone(admin)
    text = base64.b32encode(phone.seed).decode()
    codes = phone.both(world.now)
    assert world.last_event is not None
    assert text not in repr(world.last_event)
    admin(api.EnableMFADevice, user_name="jo", serial_number=phone.serial, **codes)
    numbers = re.findall(r"\d+", repr(world.last_event))  # six figures of an account id are no code
    assert not set(codes.values()) & set(numbers)
    [(stored,)] = world.store.read().all("SELECT seed FROM iam_mfa_device")
    assert phone.seed not in stored
