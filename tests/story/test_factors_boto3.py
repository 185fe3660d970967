"""A person's password and MFA device through boto3: from the first to the last, and a session."""

import base64
from datetime import UTC, datetime, timedelta

from keystead.custody.proofs.one_time_codes import codes_of, step_at
from tests.conftest import Server, create_user, refused
from tests.story.test_sessions_boto3 import client

ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def test_a_person_with_password_and_device(server: Server) -> None:
    """What an administrator sets up for somebody, what she does with it, and how it ends."""
    _, root = server.new_account()  # without a password policy
    iam = server.client("iam", root)
    zoe = create_user(server, "zoe", ALLOW, by=root)
    made = iam.create_login_profile(UserName="zoe", Password="Bread-and-butter-1")
    assert made["LoginProfile"]["PasswordResetRequired"] is False
    server.client("iam", zoe).change_password(
        OldPassword="Bread-and-butter-1", NewPassword="Bread-and-honey-2"
    )
    with refused("PasswordPolicyViolation", "Password should have a minimum length of 8"):
        iam.update_login_profile(UserName="zoe", Password="Short-1")

    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="zoe")["VirtualMFADevice"]
    assert device["QRCodePNG"].startswith(b"\x89PNG")
    seed, step = base64.b32decode(device["Base32StringSeed"]), step_at(datetime.now(UTC))
    first, second = (code.decode() for code in codes_of(seed, [step - 1, step]))
    serial = device["SerialNumber"]
    iam.enable_mfa_device(
        UserName="zoe", SerialNumber=serial, AuthenticationCode1=first, AuthenticationCode2=second
    )
    sts = server.client("sts", zoe)
    with refused("AccessDenied", "with invalid MFA one time pass code."):
        sts.get_session_token(SerialNumber=serial, TokenCode=second)
    now = max(step + 1, step_at(datetime.now(UTC)))  # a code is good once
    [third] = codes_of(seed, [now])
    given = sts.get_session_token(SerialNumber=serial, TokenCode=third.decode())["Credentials"]
    assert given["Expiration"] > datetime.now(UTC) + timedelta(hours=11)
    strong = client(server, "iam", given)
    assert [one["SerialNumber"] for one in strong.list_mfa_devices()["MFADevices"]] == [serial]
    with refused("DeleteConflict", "must delete login profile first."):
        iam.delete_user(UserName="zoe")

    strong.deactivate_mfa_device(UserName="zoe", SerialNumber=serial)
    with refused("InvalidClientTokenId"):
        strong.list_mfa_devices()
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    iam.delete_login_profile(UserName="zoe")
    with refused("NoSuchEntity", "Login Profile for User zoe cannot be found."):
        iam.get_login_profile(UserName="zoe")
