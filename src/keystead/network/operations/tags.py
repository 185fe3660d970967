"""CreateTags, DeleteTags and DescribeTags, of endpoints."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from keystead import tags as rule
from keystead.network import filters, paging, tagging
from keystead.network.call import NetworkCall
from keystead.network.endpoints import Endpoint, written
from keystead.network.errors import InvalidId
from keystead.network.operations.finding import existing
from keystead.registry import implements
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue, MissingParameter

_LEAST = 5  # tags of a page, as AWS has it
_MOST = 100  # resources of a call
_KIND: api.ResourceType = "vpc-endpoint"


class _Tagged(NamedTuple):
    """One tag of one endpoint."""

    resource: str
    key: str
    value: str


@implements(api.CreateTags)
def create_tags(call: NetworkCall, request: api.CreateTagsRequest) -> None:
    given = tagging.read(request.tags)
    if not given:
        raise MissingParameter("The request must contain the parameter Tag")
    endpoints = _named(call, request.resources, "ec2:CreateTags")
    for endpoint in endpoints:
        keys = call.of_request(rule.request_keys(given))
        call.authorize("ec2:CreateTags", endpoint.target(), keys)
    together = [rule.merged(each.tag_values, given, fold=False) for each in endpoints]
    for tags in together:
        tagging.require_together(tags)
    call.require_real(dry_run=request.dry_run)
    for endpoint, tags in zip(endpoints, together, strict=True):
        _keep(call, endpoint, tags)


@implements(api.DeleteTags)
def delete_tags(call: NetworkCall, request: api.DeleteTagsRequest) -> None:
    wanted = request.tags
    for tag in wanted or ():
        if not tag.key:
            raise MissingParameter("The request must contain the parameter Tag.Key")
    if len(wanted or ()) > rule.MOST_TAGS:
        raise InvalidParameterValue(f"A call removes at most {rule.MOST_TAGS} tags.")
    tagging.require_allowed(tag.key or "" for tag in wanted or ())
    endpoints = _named(call, request.resources, "ec2:DeleteTags")
    named = {tag.key or "": tag.value for tag in wanted or ()}
    with_values = {key: value for key, value in named.items() if value is not None}
    keys = call.of_request({**rule.request_keys(with_values), **rule.tag_keys(named)})
    for endpoint in endpoints:
        call.authorize("ec2:DeleteTags", endpoint.target(), keys)
    call.require_real(dry_run=request.dry_run)
    for endpoint in endpoints:
        _keep(call, endpoint, _left(endpoint.tag_values, named if wanted else None))


def _left(tags: Mapping[str, str], named: Mapping[str, str | None] | None) -> dict[str, str]:
    """The tags that stay. Without names all go; a name with a value means that value alone."""
    if named is None:
        return {}
    return {
        key: value
        for key, value in tags.items()
        if key not in named or named[key] not in {None, value}
    }


@implements(api.DescribeTags)
def describe_tags(call: NetworkCall, request: api.DescribeTagsRequest) -> api.DescribeTagsResult:
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    tagged = [
        _Tagged(each.endpoint_id, key, value)
        for each in call.endpoints.of(call.transaction, call.account, call.region)
        for key, value in each.tag_values.items()
    ]
    chosen = filters.chosen(tagged, request.filters, _FILTERS, lambda each: {each.key: each.value})
    page = paging.cut(call, request, chosen, least=_LEAST)
    return api.DescribeTagsResult(
        tags=[
            api.TagDescription(
                key=each.key, resource_id=each.resource, resource_type=_KIND, value=each.value
            )
            for each in page.items
        ],
        next_token=page.marker,
    )


_FILTERS: dict[str, filters.Values[_Tagged]] = {
    "key": lambda each: (each.key,),
    "resource-id": lambda each: (each.resource,),
    "resource-type": lambda _: (_KIND,),
    "value": lambda each: (each.value,),
}


def _named(call: NetworkCall, names: Sequence[str], action: str) -> list[Endpoint]:
    """The endpoints that a request names, each once; raises the errors of other ids."""
    once = list(dict.fromkeys(names))
    if not 1 <= len(once) <= _MOST:
        raise InvalidParameterValue(f"A call names from 1 to {_MOST} resources.")
    for name in once:
        if not name.startswith("vpce-"):
            raise InvalidId(name)
    return [existing(call, name, action) for name in once]


def _keep(call: NetworkCall, endpoint: Endpoint, tags: Mapping[str, str]) -> None:
    changed = msgspec.structs.replace(endpoint, tags=written(dict(tags)))
    call.endpoints.update(call.transaction, changed)
