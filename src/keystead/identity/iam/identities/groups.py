"""CreateGroup, GetGroup, UpdateGroup, DeleteGroup, ListGroups."""

from keystead.identity import paging, times
from keystead.identity.call import IamCall
from keystead.identity.iam import entities
from keystead.identity.iam.identities import users
from keystead.identity.repository import Group, User
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreateGroup)
def create_group(call: IamCall, request: api.CreateGroupRequest) -> api.CreateGroupResponse:
    name, path = request.group_name, request.path or "/"
    entities.ask_to_create(call, Group, name, path)
    group = entities.create(call, Group, name, path)
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
        users=[users.listed(call, user) for user in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.UpdateGroup)
def update_group(call: IamCall, request: api.UpdateGroupRequest) -> None:
    group = call.group(request.group_name)
    entities.rename(call, group, request.new_group_name, request.new_path)


@implements(api.DeleteGroup)
def delete_group(call: IamCall, request: api.DeleteGroupRequest) -> None:
    group = call.group(request.group_name)
    call.ask(group)
    known = group.existing()
    entities.require_nothing_left(
        (
            not call.repository.memberships.is_empty(call.transaction, known),
            "remove users from group first.",
        ),
        *entities.policies_left(call, known),
    )
    call.repository.groups.delete(call.transaction, known)


@implements(api.ListGroups)
def list_groups(call: IamCall, request: api.ListGroupsRequest) -> api.ListGroupsResponse:
    page = entities.listed_after(call, request, Group)
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
