"""DescribeTags: which tags are there?

They are listed by the ids of their resources: instances first, and then endpoints.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from keystead.network import filters, paging
from keystead.network.call import NetworkCall
from keystead.network.tags.resources import ENDPOINT, INSTANCE, OF_ENDPOINTS
from keystead.registry import implements
from keystead.wire.models import ec2 as api

_LEAST = 5  # tags of a page, as AWS has it


class _Tagged(NamedTuple):
    """One tag of one resource."""

    kind: api.ResourceType
    resource: str
    key: str
    value: str

    @property
    def position(self) -> str:
        return f"{self.resource} {self.key}"


@implements(api.DescribeTags)
def describe_tags(call: NetworkCall, request: api.DescribeTagsRequest) -> api.DescribeTagsResult:
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    passes = filters.passing(request.filters, _FILTERS, lambda each: {each.key: each.value})
    wanted = filters.exactly("resource-id", request.filters)
    if wanted is None:
        page = paging.walk(
            call, request, partial(_after, call), lambda each: each.position, passes, least=_LEAST
        )
    else:
        chosen = [each for name in wanted for each in _of(call, name) if passes(each)]
        page = paging.cut(call, request, chosen, least=_LEAST)
    return api.DescribeTagsResult(
        tags=[
            api.TagDescription(
                key=each.key, resource_id=each.resource, resource_type=each.kind, value=each.value
            )
            for each in page.items
        ],
        next_token=page.marker,
    )


_FILTERS: dict[str, filters.Values[_Tagged]] = {
    "key": lambda each: (each.key,),
    "resource-id": lambda each: (each.resource,),
    "resource-type": lambda each: (each.kind,),
    "value": lambda each: (each.value,),
}


def _of(call: NetworkCall, name: str) -> list[_Tagged]:
    """The tags of one resource; none if there is no such resource."""
    if name.startswith(OF_ENDPOINTS):
        endpoint = call.endpoints.own(call.transaction, call.account, call.region, name)
        return [] if endpoint is None else _tags(ENDPOINT, name, endpoint.tag_values)
    host = call.hosts.get(call.transaction, call.account, call.region, name)
    if host is None:
        return []
    return _tags(INSTANCE, name, call.hosts.tags(call.transaction, host).values)


def _after(call: NetworkCall, position: str, limit: int) -> list[_Tagged]:
    """The next tags: first those that are left of the resource at which a page ended."""
    resource, _, key = position.partition(" ")
    found = [each for each in _of(call, resource) if each.key > key] if resource else []
    if resource < OF_ENDPOINTS:
        found += _of_instances(call, resource, limit - len(found))
        resource = ""
    if len(found) < limit:
        found += _of_endpoints(call, resource)
    return found[:limit]


def _of_instances(call: NetworkCall, after: str, limit: int) -> list[_Tagged]:
    """At least so many tags of the instances after this one, if there are so many."""
    if limit <= 0:
        return []
    # Each of these has a tag.
    rows = call.hosts.tagged_after(call.transaction, call.account, call.region, after, limit)
    return [tag for each in rows for tag in _tags(INSTANCE, each.instance_id, each.values)]


def _of_endpoints(call: NetworkCall, after: str) -> list[_Tagged]:
    """The tags of the endpoints after this one."""
    endpoints = call.endpoints.of(call.transaction, call.account, call.region)
    by_id = {each.endpoint_id: each for each in endpoints if each.endpoint_id > after}
    return [tag for name in sorted(by_id) for tag in _tags(ENDPOINT, name, by_id[name].tag_values)]


def _tags(kind: api.ResourceType, resource: str, tags: Mapping[str, str]) -> list[_Tagged]:
    return [_Tagged(kind, resource, key, tags[key]) for key in sorted(tags)]
