"""The tags of the root, of units, accounts, policies and the resource policy."""

from collections.abc import Mapping

import msgspec

from keystead import tags as rule
from keystead.identity.organizations import tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.paging import cut_whole
from keystead.identity.organizations.policies import keys_of, require_own
from keystead.identity.organizations.resources import NO_TARGET, Part, resource_policy
from keystead.identity.repository import (
    Member,
    Organization,
    OrganizationPolicy,
    ResourcePolicy,
    Unit,
    packed,
)
from keystead.policy.evaluation import NO_KEYS, ContextValue
from keystead.registry import implements
from keystead.wire.models import organizations as api

Tagged = Organization | Unit | Member | OrganizationPolicy | ResourcePolicy


def _asked(
    call: OrganizationsCall, identifier: str, keys: Mapping[str, ContextValue] = NO_KEYS
) -> Tagged:
    """What has the tags, once the caller may do it."""
    organization = call.organization()
    if identifier.startswith("p-"):
        policy = call.policy(organization, identifier)
        call.ask(organization, policy, {**keys, **keys_of(policy)})
        return _existing(policy)
    if identifier.startswith("rp-"):
        stored = call.repository.resource_policies.get(call.transaction, organization.organization)
        own = resource_policy(organization, identifier, stored, NO_TARGET)
        call.ask(organization, own, keys)
        return own.existing()
    if identifier.startswith("rt-"):  # there are no transfers of responsibility
        call.ask_any(organization, keys)
        raise api.TargetNotFoundException(NO_TARGET[1])
    node = call.node(organization, identifier, NO_TARGET)
    call.ask(organization, node, keys)
    return node.existing().record


def _existing(policy: Part[OrganizationPolicy]) -> OrganizationPolicy:
    """The policy; one that there is not is no target, and AWS's have no tags."""
    if policy.record is None:
        raise api.TargetNotFoundException(NO_TARGET[1])
    require_own(policy.record)
    return policy.record


def _store(call: OrganizationsCall, tagged: Tagged, together: Mapping[str, str]) -> None:
    tags.require_together(together)
    repository = call.repository
    changed = msgspec.structs.replace(tagged, tags=packed(together))
    if isinstance(changed, Organization):
        repository.organizations.update(call.transaction, changed)
    elif isinstance(changed, Unit):
        repository.organizations.update_unit(call.transaction, changed)
    elif isinstance(changed, Member):
        repository.organizations.update_member(call.transaction, changed)
    elif isinstance(changed, ResourcePolicy):
        repository.resource_policies.update(call.transaction, changed)
    else:
        repository.organization_policies.update(call.transaction, changed)


@implements(api.TagResource)
def tag_resource(call: OrganizationsCall, request: api.TagResourceRequest) -> None:
    given = tags.requested(request.tags)
    tagged = _asked(call, request.resource_id, rule.request_keys(given))
    _store(call, tagged, rule.merged(tagged.tag_map, given, fold=False))


@implements(api.UntagResource)
def untag_resource(call: OrganizationsCall, request: api.UntagResourceRequest) -> None:
    tags.require_unreserved(request.tag_keys)
    tagged = _asked(call, request.resource_id, rule.tag_keys(request.tag_keys))
    _store(call, tagged, rule.without(tagged.tag_map, request.tag_keys, fold=False))


@implements(api.ListTagsForResource)
def list_tags_for_resource(
    call: OrganizationsCall, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResponse:
    tagged = _asked(call, request.resource_id)
    shown = [api.Tag(key=key, value=value) for key, value in tagged.tag_map.items()]
    page = cut_whole(call, request, shown)
    return api.ListTagsForResourceResponse(tags=page.items, next_token=page.marker)
