"""TagResource, UntagResource, ListTagsForResource: of whichever kind the resource is."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from keystead import tags as rule
from keystead.identity.anywhere import tagging
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.naming import (
    ANCHOR,
    CRL,
    PROFILE,
    SUBJECT,
    Found,
    Kind,
    ask,
    ask_any,
    found,
    invalid,
)
from keystead.identity.repository import packed
from keystead.registry import implements
from keystead.wire.models import rolesanywhere as api

_KINDS: Mapping[str, tuple[Kind[Any], Callable[[AnywhereCall, Any], object]]] = {
    "trust-anchor": (
        ANCHOR,
        lambda call, record: call.repository.anywhere.anchors.update(call.transaction, record),
    ),
    "profile": (
        PROFILE,
        lambda call, record: call.repository.anywhere.profiles.update(call.transaction, record),
    ),
    "subject": (
        SUBJECT,
        lambda call, record: call.repository.anywhere.subjects.update(call.transaction, record),
    ),
    "crl": (
        CRL,
        lambda call, record: call.repository.anywhere.crls.update(call.transaction, record),
    ),
}


@implements(api.TagResource)
def tag_resource(call: AnywhereCall, request: api.TagResourceRequest) -> api.TagResourceResponse:
    given = tagging.requested(request.tags)
    one, keep = _named(call, request.resource_arn)
    ask(call, one.target, rule.request_keys(given))
    record = one.existing()
    together = rule.merged(record.tag_map, given, fold=False)
    tagging.require_together(together)
    keep(call, msgspec.structs.replace(record, tags=packed(together)))
    return api.TagResourceResponse()


@implements(api.UntagResource)
def untag_resource(
    call: AnywhereCall, request: api.UntagResourceRequest
) -> api.UntagResourceResponse:
    tagging.require_unreserved(request.tag_keys)
    one, keep = _named(call, request.resource_arn)
    ask(call, one.target, rule.tag_keys(request.tag_keys))
    record = one.existing()
    left = rule.without(record.tag_map, request.tag_keys, fold=False)
    keep(call, msgspec.structs.replace(record, tags=packed(left)))
    return api.UntagResourceResponse()


@implements(api.ListTagsForResource)
def list_tags_for_resource(
    call: AnywhereCall, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResponse:
    one, _ = _named(call, request.resource_arn)
    ask_any(call)  # AWS has this action for no single resource
    return api.ListTagsForResourceResponse(tags=tagging.shown(one.existing().tag_map))


def _named(
    call: AnywhereCall, text: str
) -> tuple[Found[Any], Callable[[AnywhereCall, Any], object]]:
    """The resource with this ARN, and how it is kept."""
    noun = text.rpartition(":")[2].partition("/")[0]
    if noun not in _KINDS:
        raise invalid(f"{text[:200]} is not the ARN of a resource that has tags")
    kind, keep = _KINDS[noun]
    return found(call, kind, text), keep
