"""CreateUser, GetUser, UpdateUser, DeleteUser, ListUsers."""

from typing import Any, cast

import msgspec

from keystead.call import Target
from keystead.custody import randomness
from keystead.identity import identifiers, limits, paging, resources, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.iam.policies import boundaries
from keystead.identity.names import canonical, user_arn
from keystead.identity.repository import Account, User, packed
from keystead.policy.evaluation import PrincipalType
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreateUser)
def create_user(call: IamCall, request: api.CreateUserRequest) -> api.CreateUserResponse:
    tags = tagging.requested(request.tags)
    boundary = boundaries.requested(request.permissions_boundary)
    path = request.path or "/"
    arn = user_arn(call.account, path, request.user_name)
    call.ask(
        Target(arn, call.account, "AWS::IAM::User"),
        {**tagging.request_keys(tags), **resources.boundary_keys(boundary)},
    )
    if tags:
        call.ask(Target(arn, call.account), tagging.request_keys(tags), api.TagUser)
    _require_free(call, request.user_name)
    if call.repository.users.count(call.transaction, call.account) >= limits.USERS_PER_ACCOUNT:
        raise api.LimitExceededException(
            f"Cannot exceed quota for UsersPerAccount: {limits.USERS_PER_ACCOUNT}"
        )
    boundaries.require_policy(call, boundary)
    user = User(
        account=call.account,
        user_id=randomness.unique_id(identifiers.USER),
        name=request.user_name,
        name_key=canonical(request.user_name),
        path=path,
        boundary=boundary,
        tags=packed(tags),
        created=times.stored(call.now),
    )
    call.repository.users.insert(call.transaction, user)
    return api.CreateUserResponse(user=shown(user))


@implements(api.GetUser)
def get_user(call: IamCall, request: api.GetUserRequest) -> api.GetUserResponse:
    if request.user_name is None and call.principal.type is PrincipalType.ACCOUNT:
        account = call.own_account()
        call.ask(resources.root(account))
        return api.GetUserResponse(user=_shown_root(account))
    user = call.user(request.user_name)
    call.ask(user)
    return api.GetUserResponse(user=shown(user.existing()))


@implements(api.UpdateUser)
def update_user(call: IamCall, request: api.UpdateUserRequest) -> None:
    user = call.user(request.user_name)
    call.ask(user)
    known = user.existing()
    name = request.new_user_name or known.name
    renamed = msgspec.structs.replace(
        known, name=name, name_key=canonical(name), path=request.new_path or known.path
    )
    if renamed.arn != known.arn:  # both the old and the new name must be allowed (IA-8)
        call.ask(resources.user(call.account, name, renamed))
    if renamed.name_key != known.name_key:
        _require_free(call, name)
    call.repository.users.update(call.transaction, renamed)


@implements(api.DeleteUser)
def delete_user(call: IamCall, request: api.DeleteUserRequest) -> None:
    user = call.user(request.user_name)
    call.ask(user)
    known = user.existing()
    _require_bare(call, known)
    call.repository.users.delete(call.transaction, known)


@implements(api.ListUsers)
def list_users(call: IamCall, request: api.ListUsersRequest) -> api.ListUsersResponse:
    call.ask_any()

    def after(name_key: str, count: int) -> list[User]:
        prefix = request.path_prefix or "/"
        return call.repository.users.after(call.transaction, call.account, name_key, prefix, count)

    page = paging.walk(call, request, after, lambda user: user.name_key)
    return api.ListUsersResponse(
        users=[listed(user) for user in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def listed(user: User) -> api.User:
    """A user as lists show it: without boundary and tags."""
    return api.User(
        path=user.path,
        user_name=user.name,
        user_id=user.user_id,
        arn=user.arn,
        create_date=times.shown(user.created),
    )


def shown(user: User) -> api.User:
    """A user with everything that is known of it."""
    return msgspec.structs.replace(
        listed(user),
        permissions_boundary=boundaries.shown(user.boundary),
        tags=tagging.shown(user.tag_map) or None,
    )


def _shown_root(account: Account) -> api.User:
    return api.User(
        path="/",
        user_name=cast("Any", None),  # root has no name, though the model asks for one
        user_id=account.account,
        arn=account.root_arn,
        create_date=times.shown(account.created),
    )


def _require_free(call: IamCall, name: str) -> None:
    if call.repository.users.named(call.transaction, call.account, name) is not None:
        raise api.EntityAlreadyExistsException(f"User with name {name} already exists.")


def _require_bare(call: IamCall, user: User) -> None:
    """Refuse to delete a user that still has anything (iam.md 10.3)."""
    repository, reader = call.repository, call.transaction
    owned = (user.account, (user.user_id,))
    conflicts = (
        (
            repository.access_keys.of(reader, user.account, user.user_id),
            "delete access keys first.",
        ),
        (repository.attachments.of(reader, *owned), "detach all policies first."),
        (repository.inline_policies.of(reader, *owned), "delete policies first."),
        (repository.memberships.groups_of(reader, user), "remove users from group first."),
    )
    for found, remedy in conflicts:
        if found:
            raise api.DeleteConflictException(f"Cannot delete entity, must {remedy}")
