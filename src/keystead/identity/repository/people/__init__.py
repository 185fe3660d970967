"""Users, their groups, and what they prove themselves with."""

from keystead.identity.repository.people.access_keys import AccessKey, AccessKeys, AccessKeyUse
from keystead.identity.repository.people.groups import Group, Membership, Memberships
from keystead.identity.repository.people.login_profiles import (
    LoginProfile,
    LoginProfiles,
    LoginUse,
    PasswordAttempts,
)
from keystead.identity.repository.people.mfa_devices import MfaDevice, MfaDevices
from keystead.identity.repository.people.passkeys import Challenge, Passkey, Passkeys, Purpose
from keystead.identity.repository.people.password_policies import PasswordPolicies, PasswordPolicy
from keystead.identity.repository.people.users import User, Users

__all__ = (
    "AccessKey",
    "AccessKeyUse",
    "AccessKeys",
    "Challenge",
    "Group",
    "LoginProfile",
    "LoginProfiles",
    "LoginUse",
    "Membership",
    "Memberships",
    "MfaDevice",
    "MfaDevices",
    "Passkey",
    "Passkeys",
    "PasswordAttempts",
    "PasswordPolicies",
    "PasswordPolicy",
    "Purpose",
    "User",
    "Users",
)
