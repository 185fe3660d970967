"""CreateUser, GetUser, UpdateUser, DeleteUser, ListUsers."""

from datetime import datetime
from typing import Any, cast

from keystead.identity import resources, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.factors import devices
from keystead.identity.iam import entities
from keystead.identity.iam.entities import boundaries
from keystead.identity.repository import Account, User, packed
from keystead.policy.evaluation import PrincipalType
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreateUser)
def create_user(call: IamCall, request: api.CreateUserRequest) -> api.CreateUserResponse:
    tags = tagging.requested(request.tags)
    boundary = boundaries.requested(request.permissions_boundary)
    name, path = request.user_name, request.path or "/"
    keys = resources.boundary_keys(boundary)
    entities.ask_to_create(call, User, name, path, tags=tags, keys=keys)
    user = entities.create(call, User, name, path, boundary=boundary, tags=packed(tags))
    return api.CreateUserResponse(user=_whole(user, None))  # it was never used


@implements(api.GetUser)
def get_user(call: IamCall, request: api.GetUserRequest) -> api.GetUserResponse:
    if request.user_name is None and call.principal.type is PrincipalType.ACCOUNT:
        account = call.own_account()
        call.ask(resources.root(account))
        return api.GetUserResponse(user=shown_root(account))
    user = call.user(request.user_name)
    call.ask(user)
    return api.GetUserResponse(user=shown(call, user.existing()))


@implements(api.UpdateUser)
def update_user(call: IamCall, request: api.UpdateUserRequest) -> None:
    user = call.user(request.user_name)
    entities.rename(call, user, request.new_user_name, request.new_path)


@implements(api.DeleteUser)
def delete_user(call: IamCall, request: api.DeleteUserRequest) -> None:
    user = call.user(request.user_name)
    call.ask(user)
    known = user.existing()
    repository, reader = call.repository, call.transaction
    profile = repository.login_profiles.get(reader, known.account, known.user_id)
    keys = repository.access_keys.of(reader, known.account, known.user_id)
    factor = devices.has_any(repository, reader, known.account, known.user_id)
    groups = repository.memberships.groups_of(reader, known)
    entities.require_nothing_left(
        (profile, "delete login profile first."),
        (keys, "delete access keys first."),
        (factor, "delete MFA device first."),
        *entities.policies_left(call, known),
        (groups, "remove users from group first."),
    )
    call.repository.users.delete(call.transaction, known)


@implements(api.ListUsers)
def list_users(call: IamCall, request: api.ListUsersRequest) -> api.ListUsersResponse:
    page = entities.listed_after(call, request, User)
    return api.ListUsersResponse(
        users=[listed(call, user) for user in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def listed(call: IamCall, user: User) -> api.User:
    """A user as lists show it: without boundary and tags."""
    return _user(user, _last_use(call, user))


def shown(call: IamCall, user: User) -> api.User:
    """A user with everything that is known of it."""
    return _whole(user, _last_use(call, user))


def _last_use(call: IamCall, user: User) -> datetime | None:
    use = call.repository.login_profiles.last_use(call.transaction, user.account, user.user_id)
    return times.shown(use.used) if use else None


def _whole(user: User, last_use: datetime | None) -> api.User:
    boundary, tags = boundaries.shown(user.boundary), tagging.shown(user.tag_map) or None
    return _user(user, last_use, permissions_boundary=boundary, tags=tags)


def _user(user: User, last_use: datetime | None, **more: Any) -> api.User:
    return api.User(
        path=user.path,
        user_name=user.name,
        user_id=user.user_id,
        arn=user.arn,
        create_date=times.shown(user.created),
        password_last_used=last_use,
        **more,
    )


def shown_root(account: Account) -> api.User:
    """The root user of an account."""
    return api.User(
        path="/",
        user_name=cast("Any", None),  # root has no name, though the model asks for one
        user_id=account.account,
        arn=account.root_arn,
        create_date=times.shown(account.created),
    )
