"""TagPolicy, UntagPolicy, ListPolicyTags."""

import msgspec

from keystead.identity import paging, tagging
from keystead.identity.call import IamCall
from keystead.identity.repository import packed
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.TagPolicy)
def tag_policy(call: IamCall, request: api.TagPolicyRequest) -> None:
    given = tagging.requested(request.tags)
    named = call.policy(request.policy_arn, to_change=True)
    call.ask(named, tagging.request_keys(given))
    policy = named.existing()
    tags = tagging.merged(policy.tag_map, given, fold=False, quota="TagsPerPolicy")
    call.repository.policies.update(
        call.transaction, msgspec.structs.replace(policy, tags=packed(tags))
    )


@implements(api.UntagPolicy)
def untag_policy(call: IamCall, request: api.UntagPolicyRequest) -> None:
    named = call.policy(request.policy_arn, to_change=True)
    call.ask(named, tagging.untag_keys(request.tag_keys))
    policy = named.existing()
    tags = tagging.without(policy.tag_map, request.tag_keys, fold=False)
    call.repository.policies.update(
        call.transaction, msgspec.structs.replace(policy, tags=packed(tags))
    )


@implements(api.ListPolicyTags)
def list_policy_tags(
    call: IamCall, request: api.ListPolicyTagsRequest
) -> api.ListPolicyTagsResponse:
    named = call.policy(request.policy_arn)
    call.ask(named)
    page = paging.cut(call, request, tagging.shown(named.existing().tag_map))
    return api.ListPolicyTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )
