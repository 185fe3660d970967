"""TagResource, UntagResource, ListResourceTags."""

from keystead.kms.call import KmsCall
from keystead.kms.keys import tags
from keystead.kms.paging import page
from keystead.registry import implements
from keystead.tags import merged, request_keys, tag_keys, without
from keystead.wire.models import kms as api


@implements(api.TagResource)
def tag_resource(call: KmsCall, request: api.TagResourceRequest) -> None:
    given = tags.read(request.tags)
    key = call.key(request.key_id)
    call.authorize("kms:TagResource", key, request_keys(given))
    call.require_state(key)
    together = merged(key.tags, given, fold=False)
    tags.require_together(together)
    call.repository.change_key(call.transaction, key.record, tags=tags.write(together))


@implements(api.UntagResource)
def untag_resource(call: KmsCall, request: api.UntagResourceRequest) -> None:
    tags.require_allowed(request.tag_keys)
    key = call.key(request.key_id)
    call.authorize("kms:UntagResource", key, tag_keys(request.tag_keys))
    call.require_state(key)
    kept = without(key.tags, request.tag_keys, fold=False)
    call.repository.change_key(call.transaction, key.record, tags=tags.write(kept))


@implements(api.ListResourceTags)
def list_resource_tags(
    call: KmsCall, request: api.ListResourceTagsRequest
) -> api.ListResourceTagsResponse:
    key = call.key(request.key_id)
    call.authorize("kms:ListResourceTags", key)
    call.require_state(key)

    def following(name: str, count: int) -> list[tuple[str, str]]:
        return [tag for tag in sorted(key.tags.items()) if tag[0] > name][:count]

    listed = page(
        call,
        request,
        fetch=following,
        position=lambda tag: tag[0],
        parameters=(key.key_id,),
    )
    return api.ListResourceTagsResponse(
        tags=[api.Tag(tag_key=name, tag_value=value) for name, value in listed.items],
        next_marker=listed.marker,
        truncated=listed.is_truncated,
    )
