"""AddUserToGroup, RemoveUserFromGroup, ListGroupsForUser."""

from keystead.identity import limits, paging, times
from keystead.identity.call import IamCall
from keystead.identity.iam.identities import groups
from keystead.identity.repository import Membership
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.AddUserToGroup)
def add_user_to_group(call: IamCall, request: api.AddUserToGroupRequest) -> None:
    named = call.group(request.group_name)
    call.ask(named)
    group = named.existing()
    user = call.user(request.user_name).existing()
    if call.repository.memberships.get(call.transaction, user, group) is not None:
        return
    joined = call.repository.memberships.groups_of(call.transaction, user)
    if len(joined) >= limits.GROUPS_PER_USER:
        raise api.LimitExceededException(
            f"Cannot exceed quota for GroupsPerUser: {limits.GROUPS_PER_USER}"
        )
    membership = Membership(
        account=call.account,
        user_id=user.user_id,
        group_id=group.group_id,
        created=times.stored(call.now),
    )
    call.repository.memberships.insert(call.transaction, membership)


@implements(api.RemoveUserFromGroup)
def remove_user_from_group(call: IamCall, request: api.RemoveUserFromGroupRequest) -> None:
    named = call.group(request.group_name)
    call.ask(named)
    group = named.existing()
    user = call.user(request.user_name).existing()
    membership = call.repository.memberships.get(call.transaction, user, group)
    if membership is not None:  # for a user that is not a member it is not an error, as at AWS
        call.repository.memberships.delete(call.transaction, membership)


@implements(api.ListGroupsForUser)
def list_groups_for_user(
    call: IamCall, request: api.ListGroupsForUserRequest
) -> api.ListGroupsForUserResponse:
    user = call.user(request.user_name)
    call.ask(user)
    joined = call.repository.memberships.groups_of(call.transaction, user.existing())
    page = paging.cut(call, request, joined)
    return api.ListGroupsForUserResponse(
        groups=[groups.shown(group) for group in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )
