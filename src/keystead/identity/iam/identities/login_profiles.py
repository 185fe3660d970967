"""CreateLoginProfile, GetLoginProfile, UpdateLoginProfile, DeleteLoginProfile, ChangePassword.

Root has a password of its own kind, in its account. Only a session of AssumeRoot reads and removes
it here, without a name (iam.md 1.9).

A password is hashed beside the loop: the first run of an operation leaves that work, the second
decides and writes (decision 0021). What such work depends on is named without the password.
"""

from typing import Any

import msgspec

from keystead.custody.proofs import passwords as custody
from keystead.errors import AwsError, ThrottlingException, ValidationException
from keystead.identity import resources, times
from keystead.identity.call import IamCall
from keystead.identity.factors import attempts, passwords
from keystead.identity.repository import Account, LoginProfile, PasswordPolicy, User
from keystead.identity.sessions import SessionKind
from keystead.policy.evaluation import AccessDenied, PrincipalType
from keystead.registry import implements, implements_with_work
from keystead.wire.models import iam as api
from keystead.work import PASSWORDS, MadeWith, Work

_SECONDS = 0.15  # for one hash


@implements_with_work(api.CreateLoginProfile)
def create_login_profile(
    call: IamCall, request: api.CreateLoginProfileRequest
) -> api.CreateLoginProfileResponse | Work[str]:
    if (account := _assumed_root(call, request.user_name)) is not None:
        raise _not_for_root(call, account)
    named = call.user(request.user_name)
    call.ask(named)
    user = named.existing()
    profiles = call.repository.login_profiles
    if profiles.get(call.transaction, user.account, user.user_id) is not None:
        raise api.EntityAlreadyExistsException(
            f"Login Profile for user {user.name} already exists."
        )
    password = request.password
    if password is None:  # the model leaves it out for root, whose profile is another matter
        raise ValidationException(
            "1 validation error detected: Value at 'password' failed to satisfy constraint: "
            "Member must not be null"
        )
    passwords.require_taken(_policy(call), call.own_account(), password)
    work = Work(
        PASSWORDS,
        _SECONDS,
        MadeWith(user.user_id),
        custody.hashed,
        (call.passwords, password, None),
    )
    done = call.done(work)
    if done is None:
        return work
    profile = passwords.new_profile(
        profiles,
        user.account,
        user.user_id,
        done.value,
        times.stored(call.now),
        reset_required=bool(request.password_reset_required),
    )
    profiles.insert(call.transaction, profile)
    return api.CreateLoginProfileResponse(login_profile=_shown(user, profile))


@implements(api.GetLoginProfile)
def get_login_profile(
    call: IamCall, request: api.GetLoginProfileRequest
) -> api.GetLoginProfileResponse:
    if (account := _assumed_root(call, request.user_name)) is not None:
        return api.GetLoginProfileResponse(login_profile=_shown_root(_with_password(call, account)))
    named = call.user(request.user_name)
    call.ask(named)
    user = named.existing()
    return api.GetLoginProfileResponse(login_profile=_shown(user, _profile(call, user)))


@implements_with_work(api.UpdateLoginProfile)
def update_login_profile(call: IamCall, request: api.UpdateLoginProfileRequest) -> Work[str] | None:
    named = call.user(request.user_name)
    call.ask(named)
    profile = _profile(call, named.existing())
    profiles, reset = call.repository.login_profiles, request.password_reset_required
    if reset is not None:
        profile = msgspec.structs.replace(profile, reset_required=int(reset))
    if request.password is not None:
        policy, hashes = _policy(call), profiles.hashes(profile)
        passwords.require_taken(policy, call.own_account(), request.password)
        work = Work(
            PASSWORDS,
            _SECONDS,
            _made_with(profile),
            custody.hashed,
            (call.passwords, request.password, hashes[0]),
        )
        done = call.done(work)
        if done is None:
            return work
        passwords.require_new(policy, hashes, done.value)
        profile = passwords.with_password(
            profiles,
            profile,
            done.value,
            times.stored(call.now),
            reset_required=bool(profile.reset_required),
        )
    profiles.update(call.transaction, profile)
    return None


@implements(api.DeleteLoginProfile)
def delete_login_profile(call: IamCall, request: api.DeleteLoginProfileRequest) -> None:
    if (account := _assumed_root(call, request.user_name)) is not None:
        bare = msgspec.structs.replace(_with_password(call, account), password=b"")
        call.repository.accounts.update(call.transaction, bare)
        return
    named = call.user(request.user_name)
    call.ask(named)
    call.repository.login_profiles.delete(call.transaction, _profile(call, named.existing()))


@implements_with_work(api.ChangePassword)
def change_password(call: IamCall, request: api.ChangePasswordRequest) -> Work[str | None] | None:
    """The caller's own, and nobody else's. An expired one, too: HardExpiry is about the console.

    (AWS's reference of PasswordPolicy)
    """
    if call.principal.type is not PrincipalType.USER:
        raise api.InvalidUserTypeException("Only IAM Users can change their own password")
    named = call.user(None)
    call.ask(named)
    profile = _profile(call, named.existing())
    profiles, policy = call.repository.login_profiles, _policy(call)
    passwords.require_taken(policy, call.own_account(), request.new_password)
    hashes, now = profiles.hashes(profile), times.stored(call.now)
    work = Work(
        PASSWORDS,
        2 * _SECONDS,
        _made_with(profile),
        custody.replaced,
        (call.passwords, request.old_password, hashes[0], request.new_password),
    )
    done = call.done(work)
    if done is None:
        if not attempts.begin(call.transaction, profiles, profile.account, profile.user_id, now):
            raise ThrottlingException("Rate exceeded")
        return work
    if done.value is None:
        raise AccessDenied(None, "The old password was incorrect.")
    profiles.forget_attempts(call.transaction, profile.account, profile.user_id)
    passwords.require_new(policy, hashes, done.value)
    changed = passwords.with_password(profiles, profile, done.value, now, reset_required=False)
    profiles.update(call.transaction, changed)
    return None


def _assumed_root(call: IamCall, name: str | None) -> Account | None:
    """The account whose root user is meant; None: a user is. (iam.md 1.9)"""
    is_task = call.session is not None and call.session.kind is SessionKind.ROOT_TASK
    return call.own_account() if is_task and name is None else None


def _with_password(call: IamCall, account: Account) -> Account:
    """An account whose root has a password; the caller may do this to it."""
    call.ask(resources.root(account))
    if not account.password:
        raise api.NoSuchEntityException(
            f"Login Profile for User {account.account} cannot be found."
        )
    return account


def _not_for_root(call: IamCall, account: Account) -> AwsError:
    """At AWS root may then set a password by e-mail; here nobody could, and no answer holds one."""
    call.ask(resources.root(account))
    if account.password:
        return api.EntityAlreadyExistsException(
            f"Login Profile for user {account.account} already exists."
        )
    return AccessDenied(
        None,
        f"User: {call.principal.arn} is not authorized to perform: iam:CreateLoginProfile on"
        f" resource: {account.root_arn} because Keystead sends no e-mail by which root could set"
        " a password",
    )


def _shown_root(account: Account) -> api.LoginProfile:
    name: Any = None  # root has none, though the model asks for one
    return api.LoginProfile(user_name=name, create_date=times.shown(account.created))


def _profile(call: IamCall, user: User) -> LoginProfile:
    profile = call.repository.login_profiles.get(call.transaction, user.account, user.user_id)
    if profile is None:
        raise api.NoSuchEntityException(f"Login Profile for User {user.name} cannot be found.")
    return profile


def _policy(call: IamCall) -> PasswordPolicy | None:
    return call.repository.password_policies.of(call.transaction, call.account)


def _made_with(profile: LoginProfile) -> MadeWith:
    """A hash depends on the salt of the password that it is to replace."""
    return MadeWith(profile.user_id, profile.password_id, profile.row_version)


def _shown(user: User, profile: LoginProfile) -> api.LoginProfile:
    return api.LoginProfile(
        user_name=user.name,
        create_date=times.shown(profile.created),
        password_reset_required=bool(profile.reset_required),
    )
