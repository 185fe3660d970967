"""CreateGroup, GetGroup, UpdateGroup, DeleteGroup, ListGroups."""

import msgspec

from keystead.call import Target
from keystead.custody import randomness
from keystead.identity import identifiers, limits, paging, resources, times
from keystead.identity.call import IamCall
from keystead.identity.iam.identities import users
from keystead.identity.names import canonical, group_arn
from keystead.identity.repository import Group, User
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreateGroup)
def create_group(call: IamCall, request: api.CreateGroupRequest) -> api.CreateGroupResponse:
    path = request.path or "/"
    arn = group_arn(call.account, path, request.group_name)
    call.ask(Target(arn, call.account, "AWS::IAM::Group"))
    _require_free(call, request.group_name)
    if call.repository.groups.count(call.transaction, call.account) >= limits.GROUPS_PER_ACCOUNT:
        raise api.LimitExceededException(
            f"Cannot exceed quota for GroupsPerAccount: {limits.GROUPS_PER_ACCOUNT}"
        )
    group = Group(
        account=call.account,
        group_id=randomness.unique_id(identifiers.GROUP),
        name=request.group_name,
        name_key=canonical(request.group_name),
        path=path,
        created=times.stored(call.now),
    )
    call.repository.groups.insert(call.transaction, group)
    return api.CreateGroupResponse(group=shown(group))


@implements(api.GetGroup)
def get_group(call: IamCall, request: api.GetGroupRequest) -> api.GetGroupResponse:
    group = call.group(request.group_name)
    call.ask(group)
    known = group.existing()

    def after(name_key: str, count: int) -> list[User]:
        return call.repository.memberships.users_after(call.transaction, known, name_key, count)

    page = paging.walk(call, request, after, lambda user: user.name_key)
    return api.GetGroupResponse(
        group=shown(known),
        users=[users.listed(user) for user in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.UpdateGroup)
def update_group(call: IamCall, request: api.UpdateGroupRequest) -> None:
    group = call.group(request.group_name)
    call.ask(group)
    known = group.existing()
    name = request.new_group_name or known.name
    renamed = msgspec.structs.replace(
        known, name=name, name_key=canonical(name), path=request.new_path or known.path
    )
    if renamed.arn != known.arn:  # both the old and the new name must be allowed (IA-8)
        call.ask(resources.group(call.account, name, renamed))
    if renamed.name_key != known.name_key:
        _require_free(call, name)
    call.repository.groups.update(call.transaction, renamed)


@implements(api.DeleteGroup)
def delete_group(call: IamCall, request: api.DeleteGroupRequest) -> None:
    group = call.group(request.group_name)
    call.ask(group)
    known = group.existing()
    _require_bare(call, known)
    call.repository.groups.delete(call.transaction, known)


@implements(api.ListGroups)
def list_groups(call: IamCall, request: api.ListGroupsRequest) -> api.ListGroupsResponse:
    call.ask_any()

    def after(name_key: str, count: int) -> list[Group]:
        prefix = request.path_prefix or "/"
        return call.repository.groups.after(call.transaction, call.account, name_key, prefix, count)

    page = paging.walk(call, request, after, lambda group: group.name_key)
    return api.ListGroupsResponse(
        groups=[shown(group) for group in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def shown(group: Group) -> api.Group:
    """A group as answers carry it."""
    return api.Group(
        path=group.path,
        group_name=group.name,
        group_id=group.group_id,
        arn=group.arn,
        create_date=times.shown(group.created),
    )


def _require_free(call: IamCall, name: str) -> None:
    if call.repository.groups.named(call.transaction, call.account, name) is not None:
        raise api.EntityAlreadyExistsException(f"Group with name {name} already exists.")


def _require_bare(call: IamCall, group: Group) -> None:
    """Refuse to delete a group that still has anything (iam.md 10.3)."""
    repository, reader = call.repository, call.transaction
    owned = (group.account, (group.group_id,))
    conflicts = (
        (not repository.memberships.is_empty(reader, group), "remove users from group first."),
        (repository.attachments.of(reader, *owned), "detach all policies first."),
        (repository.inline_policies.of(reader, *owned), "delete policies first."),
    )
    for found, remedy in conflicts:
        if found:
            raise api.DeleteConflictException(f"Cannot delete entity, must {remedy}")
