"""TagUser, UntagUser, ListUserTags."""

import msgspec

from keystead.identity import paging, tagging
from keystead.identity.call import IamCall
from keystead.identity.repository import packed
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.TagUser)
def tag_user(call: IamCall, request: api.TagUserRequest) -> None:
    given = tagging.requested(request.tags)
    named = call.user(request.user_name)
    call.ask(named, tagging.request_keys(given))
    user = named.existing()
    tags = tagging.merged(user.tag_map, given, fold=True, quota="TagsPerUser")
    call.repository.users.update(call.transaction, msgspec.structs.replace(user, tags=packed(tags)))


@implements(api.UntagUser)
def untag_user(call: IamCall, request: api.UntagUserRequest) -> None:
    named = call.user(request.user_name)
    call.ask(named, tagging.untag_keys(request.tag_keys))
    user = named.existing()
    tags = tagging.without(user.tag_map, request.tag_keys, fold=True)
    call.repository.users.update(call.transaction, msgspec.structs.replace(user, tags=packed(tags)))


@implements(api.ListUserTags)
def list_user_tags(call: IamCall, request: api.ListUserTagsRequest) -> api.ListUserTagsResponse:
    named = call.user(request.user_name)
    call.ask(named)
    page = paging.cut(call, request, tagging.shown(named.existing().tag_map))
    return api.ListUserTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )
