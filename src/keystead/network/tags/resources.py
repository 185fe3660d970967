"""What can have tags, and which of it does a request name?  The id says what it is."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from keystead.call import Target
from keystead.network import tagging
from keystead.network.call import NetworkCall
from keystead.network.endpoints import Endpoint, written
from keystead.network.errors import InvalidId, InvalidInstanceId
from keystead.network.hosts import Tagged
from keystead.network.instances import resources
from keystead.network.operations import existing
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

INSTANCE: api.ResourceType = "instance"
ENDPOINT: api.ResourceType = "vpc-endpoint"
OF_INSTANCES, OF_ENDPOINTS = "i-", "vpce-"
"""How the ids begin."""

_MOST = 100  # resources of a call


class Taggable(NamedTuple):
    """One resource that a request names."""

    target: Target
    tags: Mapping[str, str]
    keep: Callable[[dict[str, str]], None]
    must_be_paths: bool  # its keys: they stand in the metadata of an instance


def named(call: NetworkCall, names: Sequence[str]) -> list[Taggable]:
    """What a request names, each once; raises AccessDenied, or the errors of other ids."""
    once = list(dict.fromkeys(names))
    if not 1 <= len(once) <= _MOST:
        raise InvalidParameterValue(f"A call names from 1 to {_MOST} resources.")
    for name in once:
        if not name.startswith((OF_INSTANCES, OF_ENDPOINTS)):
            raise InvalidId(name)
    return [
        _instance(call, name) if name.startswith(OF_INSTANCES) else _endpoint(call, name)
        for name in once
    ]


def _instance(call: NetworkCall, name: str) -> Taggable:
    host = call.hosts.get(call.transaction, call.account, call.region, name)
    target = resources.target_of(call, name, host)
    if host is None:
        call.authorize(f"ec2:{call.operation.name}", target, call.of_request())
        raise InvalidInstanceId(name)
    tagged = call.hosts.tags(call.transaction, host)
    return Taggable(
        target, tagged.values, partial(_keep, call, tagged), tagged.in_metadata == "enabled"
    )


def _keep(call: NetworkCall, tagged: Tagged, tags: dict[str, str]) -> None:
    call.hosts.keep_tags(call.transaction, tagged, tags, tagged.in_metadata)


def _endpoint(call: NetworkCall, name: str) -> Taggable:
    endpoint = existing(call, name, f"ec2:{call.operation.name}")
    return Taggable(
        endpoint.target(),
        endpoint.tag_values,
        partial(_keep_of, call, endpoint),
        must_be_paths=False,
    )


def _keep_of(call: NetworkCall, endpoint: Endpoint, tags: dict[str, str]) -> None:
    changed = msgspec.structs.replace(endpoint, tags=written(tags))
    call.endpoints.update(call.transaction, changed)


def require_possible(resource: Taggable, tags: Mapping[str, str]) -> None:
    """Refuse tags that the resource cannot have together."""
    tagging.require_together(tags)
    if resource.must_be_paths:
        tagging.require_paths(tags)
