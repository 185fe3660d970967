"""Tag, Untag and ListTags, of every kind of entity that has tags."""

from collections.abc import Sequence

import msgspec

from keystead.identity import paging, tagging
from keystead.identity.call import IamCall
from keystead.identity.kinds import required
from keystead.identity.paging import PagedRequest
from keystead.identity.repository import Entity, packed
from keystead.identity.resources import Named
from keystead.paging import Page
from keystead.registry import implements
from keystead.tags import request_keys, without
from keystead.wire.models import iam as api


@implements(api.TagUser)
def tag_user(call: IamCall, request: api.TagUserRequest) -> None:
    _tag(call, call.user(request.user_name), request.tags)


@implements(api.TagRole)
def tag_role(call: IamCall, request: api.TagRoleRequest) -> None:
    _tag(call, call.role(request.role_name), request.tags)


@implements(api.TagInstanceProfile)
def tag_instance_profile(call: IamCall, request: api.TagInstanceProfileRequest) -> None:
    _tag(call, call.instance_profile(request.instance_profile_name), request.tags)


@implements(api.TagPolicy)
def tag_policy(call: IamCall, request: api.TagPolicyRequest) -> None:
    _tag(call, call.policy(request.policy_arn, to_change=True), request.tags)


@implements(api.TagSAMLProvider)
def tag_saml_provider(call: IamCall, request: api.TagSAMLProviderRequest) -> None:
    _tag(call, call.saml_provider(request.saml_provider_arn), request.tags)


@implements(api.TagMFADevice)
def tag_mfa_device(call: IamCall, request: api.TagMFADeviceRequest) -> None:
    _tag(call, call.mfa_device(request.serial_number), request.tags)


@implements(api.TagOpenIDConnectProvider)
def tag_open_id_connect_provider(
    call: IamCall, request: api.TagOpenIDConnectProviderRequest
) -> None:
    _tag(call, call.oidc_provider(request.open_id_connect_provider_arn), request.tags)


@implements(api.UntagUser)
def untag_user(call: IamCall, request: api.UntagUserRequest) -> None:
    _untag(call, call.user(request.user_name), request.tag_keys)


@implements(api.UntagRole)
def untag_role(call: IamCall, request: api.UntagRoleRequest) -> None:
    _untag(call, call.role(request.role_name), request.tag_keys)


@implements(api.UntagInstanceProfile)
def untag_instance_profile(call: IamCall, request: api.UntagInstanceProfileRequest) -> None:
    _untag(call, call.instance_profile(request.instance_profile_name), request.tag_keys)


@implements(api.UntagPolicy)
def untag_policy(call: IamCall, request: api.UntagPolicyRequest) -> None:
    _untag(call, call.policy(request.policy_arn, to_change=True), request.tag_keys)


@implements(api.UntagSAMLProvider)
def untag_saml_provider(call: IamCall, request: api.UntagSAMLProviderRequest) -> None:
    _untag(call, call.saml_provider(request.saml_provider_arn), request.tag_keys)


@implements(api.UntagMFADevice)
def untag_mfa_device(call: IamCall, request: api.UntagMFADeviceRequest) -> None:
    _untag(call, call.mfa_device(request.serial_number), request.tag_keys)


@implements(api.UntagOpenIDConnectProvider)
def untag_open_id_connect_provider(
    call: IamCall, request: api.UntagOpenIDConnectProviderRequest
) -> None:
    _untag(call, call.oidc_provider(request.open_id_connect_provider_arn), request.tag_keys)


@implements(api.ListUserTags)
def list_user_tags(call: IamCall, request: api.ListUserTagsRequest) -> api.ListUserTagsResponse:
    page = _page(call, request, call.user(request.user_name))
    return api.ListUserTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListRoleTags)
def list_role_tags(call: IamCall, request: api.ListRoleTagsRequest) -> api.ListRoleTagsResponse:
    page = _page(call, request, call.role(request.role_name))
    return api.ListRoleTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListInstanceProfileTags)
def list_instance_profile_tags(
    call: IamCall, request: api.ListInstanceProfileTagsRequest
) -> api.ListInstanceProfileTagsResponse:
    page = _page(call, request, call.instance_profile(request.instance_profile_name))
    return api.ListInstanceProfileTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListPolicyTags)
def list_policy_tags(
    call: IamCall, request: api.ListPolicyTagsRequest
) -> api.ListPolicyTagsResponse:
    page = _page(call, request, call.policy(request.policy_arn))
    return api.ListPolicyTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListSAMLProviderTags)
def list_saml_provider_tags(
    call: IamCall, request: api.ListSAMLProviderTagsRequest
) -> api.ListSAMLProviderTagsResponse:
    page = _page(call, request, call.saml_provider(request.saml_provider_arn))
    return api.ListSAMLProviderTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListMFADeviceTags)
def list_mfa_device_tags(
    call: IamCall, request: api.ListMFADeviceTagsRequest
) -> api.ListMFADeviceTagsResponse:
    page = _page(call, request, call.mfa_device(request.serial_number))
    return api.ListMFADeviceTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.ListOpenIDConnectProviderTags)
def list_open_id_connect_provider_tags(
    call: IamCall, request: api.ListOpenIDConnectProviderTagsRequest
) -> api.ListOpenIDConnectProviderTagsResponse:
    page = _page(call, request, call.oidc_provider(request.open_id_connect_provider_arn))
    return api.ListOpenIDConnectProviderTagsResponse(
        tags=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


def _tag(call: IamCall, named: Named[Entity], tags: Sequence[api.Tag]) -> None:
    given = tagging.requested(tags)
    call.ask(named, request_keys(given))
    entity = named.existing()
    rules = required(entity.kind.tagging)
    _write(call, entity, tagging.merged(entity.tag_map, given, fold=rules.fold, quota=rules.quota))


def _untag(call: IamCall, named: Named[Entity], keys: Sequence[str]) -> None:
    call.ask(named, tagging.untag_keys(keys))
    entity = named.existing()
    fold = required(entity.kind.tagging).fold
    _write(call, entity, without(entity.tag_map, keys, fold=fold))


def _write(call: IamCall, entity: Entity, tags: dict[str, str]) -> None:
    tagged = msgspec.structs.replace(entity, tags=packed(tags))
    call.repository.update(call.transaction, tagged)


def _page(call: IamCall, request: PagedRequest, named: Named[Entity]) -> Page[api.Tag]:
    call.ask(named)
    return paging.cut(call, request, tagging.shown(named.existing().tag_map))
