"""PutAttributeMapping, DeleteAttributeMapping: which facts of certificates become tags?"""

from collections.abc import Mapping, Sequence

import msgspec

from keystead.identity import times
from keystead.identity.anywhere import mapping_rules
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.profiles import keep, named, shown
from keystead.identity.repository import AnywhereProfile, written
from keystead.registry import implements
from keystead.wire.models import rolesanywhere as api


@implements(api.PutAttributeMapping)
def put_attribute_mapping(
    call: AnywhereCall, request: api.PutAttributeMappingRequest
) -> api.PutAttributeMappingResponse:
    profile = named(call, request.profile_id)
    rules = mapping_rules.put(
        profile.mapping_rules, request.certificate_field, request.mapping_rules
    )
    return api.PutAttributeMappingResponse(profile=shown(_kept(call, profile, rules)))


@implements(api.DeleteAttributeMapping)
def delete_attribute_mapping(
    call: AnywhereCall, request: api.DeleteAttributeMappingRequest
) -> api.DeleteAttributeMappingResponse:
    profile = named(call, request.profile_id)
    rules = mapping_rules.without(
        profile.mapping_rules, request.certificate_field, request.specifiers
    )
    return api.DeleteAttributeMappingResponse(profile=shown(_kept(call, profile, rules)))


def _kept(
    call: AnywhereCall, profile: AnywhereProfile, rules: Mapping[str, Sequence[str]]
) -> AnywhereProfile:
    after = msgspec.structs.replace(
        profile, mappings=written(rules), updated=times.stored(call.now)
    )
    return keep(call, profile, after)
