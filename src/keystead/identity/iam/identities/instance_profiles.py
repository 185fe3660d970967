"""CreateInstanceProfile, GetInstanceProfile, DeleteInstanceProfile, ListInstanceProfiles,
ListInstanceProfilesForRole, AddRoleToInstanceProfile, RemoveRoleFromInstanceProfile.

An instance gets the permissions of the role in its profile. So a caller who puts a role into a
profile must be allowed to pass that role (threat-model IA-3).
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from keystead.custody.rows import RowIntegrityError
from keystead.identity import limits, paging, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.iam import entities
from keystead.identity.iam.identities import roles
from keystead.identity.repository import InstanceProfile, Role, packed
from keystead.registry import implements
from keystead.wire.models import iam as api

_PASSED_TO = "ec2.amazonaws.com"


@implements(api.CreateInstanceProfile)
def create_instance_profile(
    call: IamCall, request: api.CreateInstanceProfileRequest
) -> api.CreateInstanceProfileResponse:
    tags = tagging.requested(request.tags)
    name, path = request.instance_profile_name, request.path or "/"
    entities.ask_to_create(call, InstanceProfile, name, path, tags=tags)
    profile = entities.create(call, InstanceProfile, name, path, role_id=None, tags=packed(tags))
    return api.CreateInstanceProfileResponse(instance_profile=shown(call, profile))


@implements(api.GetInstanceProfile)
def get_instance_profile(
    call: IamCall, request: api.GetInstanceProfileRequest
) -> api.GetInstanceProfileResponse:
    profile = call.instance_profile(request.instance_profile_name)
    call.ask(profile)
    return api.GetInstanceProfileResponse(instance_profile=shown(call, profile.existing()))


@implements(api.DeleteInstanceProfile)
def delete_instance_profile(call: IamCall, request: api.DeleteInstanceProfileRequest) -> None:
    named = call.instance_profile(request.instance_profile_name)
    call.ask(named)
    profile = named.existing()
    entities.require_nothing_left((profile.role_id, entities.ROLE_IN_PROFILE))
    call.repository.instance_profiles.delete(call.transaction, profile)


@implements(api.ListInstanceProfiles)
def list_instance_profiles(
    call: IamCall, request: api.ListInstanceProfilesRequest
) -> api.ListInstanceProfilesResponse:
    def documents(profile: InstanceProfile) -> int:
        return sum(len(role.trust_policy) for role in _roles(call, profile))

    page = entities.listed_after(call, request, InstanceProfile, documents)
    return api.ListInstanceProfilesResponse(
        instance_profiles=[listed(call, profile) for profile in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.ListInstanceProfilesForRole)
def list_instance_profiles_for_role(
    call: IamCall, request: api.ListInstanceProfilesForRoleRequest
) -> api.ListInstanceProfilesForRoleResponse:
    named = call.role(request.role_name)
    call.ask(named)
    role = named.existing()
    profiles = call.repository.instance_profiles
    held = profiles.of_role(call.transaction, role.account, role.role_id)

    def after(name_key: str, count: int) -> Iterator[InstanceProfile]:
        return islice((each for each in held if each.name_key > name_key), count)

    page = paging.walk(
        call, request, after, lambda each: each.name_key, lambda _: len(role.trust_policy)
    )
    return api.ListInstanceProfilesForRoleResponse(
        instance_profiles=[listed(call, profile) for profile in page.items],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.AddRoleToInstanceProfile)
def add_role_to_instance_profile(
    call: IamCall, request: api.AddRoleToInstanceProfileRequest
) -> None:
    named, passed = (
        call.instance_profile(request.instance_profile_name),
        call.role(request.role_name),
    )
    call.ask(named)
    call.ask_to_pass(passed, _PASSED_TO)
    profile, role = named.existing(), entities.modifiable(passed)
    if profile.role_id is not None:
        raise api.LimitExceededException(
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile:"
            f" {limits.ROLES_PER_INSTANCE_PROFILE}"
        )
    call.repository.instance_profiles.hold(call.transaction, profile, role.role_id)


@implements(api.RemoveRoleFromInstanceProfile)
def remove_role_from_instance_profile(
    call: IamCall, request: api.RemoveRoleFromInstanceProfileRequest
) -> None:
    named = call.instance_profile(request.instance_profile_name)
    call.ask(named)
    profile, removed = named.existing(), call.role(request.role_name)
    if profile.role_id is None or removed.existing().role_id != profile.role_id:
        raise api.NoSuchEntityException(removed.missing)
    call.repository.instance_profiles.hold(call.transaction, profile, None)


def of_role(call: IamCall, role: Role) -> list[api.InstanceProfile]:
    """The instance profiles that hold a role, without its trust policy: that is shown beside."""
    profiles = call.repository.instance_profiles
    held = profiles.of_role(call.transaction, role.account, role.role_id)
    bare = msgspec.structs.replace(roles.listed(call, role), assume_role_policy_document=None)
    return [_shown(profile, [bare]) for profile in held]


def listed(call: IamCall, profile: InstanceProfile) -> api.InstanceProfile:
    """An instance profile as lists show it: without tags."""
    return _shown(profile, [roles.listed(call, role) for role in _roles(call, profile)])


def shown(call: IamCall, profile: InstanceProfile) -> api.InstanceProfile:
    """An instance profile with its tags."""
    tags = tagging.shown(profile.tag_map)
    return msgspec.structs.replace(listed(call, profile), tags=tags)


def _shown(profile: InstanceProfile, held: list[api.Role]) -> api.InstanceProfile:
    return api.InstanceProfile(
        path=profile.path,
        instance_profile_name=profile.name,
        instance_profile_id=profile.profile_id,
        arn=profile.arn,
        create_date=times.shown(profile.created),
        roles=held,
    )


def _roles(call: IamCall, profile: InstanceProfile) -> list[Role]:
    """The role of a profile, if it has one."""
    if profile.role_id is None:
        return []
    role = call.repository.roles.get(call.transaction, profile.account, profile.role_id)
    if role is None:  # a role that is in a profile cannot be deleted
        raise RowIntegrityError("iam_role", (profile.account, profile.role_id))
    return [role]
