"""The operations of profiles: which roles may the bearers of certificates have?

A profile lists roles of its own account. Somebody who makes, changes or enables it passes each of
them to Roles Anywhere (`iam:PassRole`, IA-3). A change of what limits sessions, and a disabling,
end the sessions that began before; a role that is taken out ends its own.
"""

import msgspec

from keystead import tags as tag_rule
from keystead.arns import NotAnArn
from keystead.errors import AwsError
from keystead.identity import resources, times
from keystead.identity.anywhere import limits, mapping_rules, tagging
from keystead.identity.anywhere.call import PASSED_TO, AnywhereCall
from keystead.identity.anywhere.listing import page
from keystead.identity.anywhere.naming import (
    PROFILE,
    arn,
    ask,
    ask_any,
    found,
    invalid,
    new_id,
)
from keystead.identity.repository import AnywhereProfile, Role, packed, written
from keystead.identity.sts import assumable_roles, session_policies
from keystead.registry import implements
from keystead.wire.models import rolesanywhere as api
from keystead.wire.models import sts

_HOUR = 3600
_LIMITS = ("session_policy", "managed_policies", "mappings")
"""The columns by which sessions are limited: a change of one ends those that began before."""


@implements(api.CreateProfile)
def create_profile(
    call: AnywhereCall, request: api.CreateProfileRequest
) -> api.ProfileDetailResponse:
    tags = tagging.requested(request.tags)
    ask_any(call, tag_rule.request_keys(tags))
    _pass(call, request.role_arns)
    _require_served(request.alias_name, request.tip_configuration)
    profiles, most = call.repository.anywhere.profiles, limits.PROFILES
    if profiles.count(call.transaction, call.account, call.region) >= most:
        raise invalid(f"Limit exceeded: {most} profiles of an account in a Region")
    now = times.stored(call.now)
    profile = AnywhereProfile(
        account=call.account,
        profile_id=new_id(),
        region=call.region,
        name=request.name,
        enabled=int(request.enabled is True),
        roles="[]",
        next_role=0,
        session_policy=request.session_policy or "",
        managed_policies=written(request.managed_policy_arns or ()),
        duration=request.duration_seconds or _HOUR,
        takes_session_names=int(request.accept_role_session_name is True),
        needs_properties=int(request.require_instance_properties is True),
        mappings=written(mapping_rules.DEFAULT),
        created_by=call.principal.arn,
        revision=0,
        tags=packed(tags),
        created=now,
        updated=now,
    ).with_roles(request.role_arns)
    _require_policies(call, profile)
    profiles.insert(call.transaction, profile)
    return api.ProfileDetailResponse(profile=shown(profile))


@implements(api.GetProfile)
def get_profile(call: AnywhereCall, request: api.ScalarProfileRequest) -> api.ProfileDetailResponse:
    return api.ProfileDetailResponse(profile=shown(named(call, request.profile_id)))


@implements(api.ListProfiles)
def list_profiles(call: AnywhereCall, request: api.ListRequest) -> api.ListProfilesResponse:
    profiles = call.repository.anywhere.profiles
    some = page(
        call, request,
        lambda after, n: profiles.after(call.transaction, call.account, call.region, after, n),
        lambda each: len(each.roles) + len(each.session_policy),
    )  # fmt: skip
    every = [shown(each) for each in some.items]
    return api.ListProfilesResponse(profiles=every, next_token=some.marker)


@implements(api.UpdateProfile)
def update_profile(
    call: AnywhereCall, request: api.UpdateProfileRequest
) -> api.ProfileDetailResponse:
    profile = named(call, request.profile_id)
    arns = request.role_arns
    # Roles that stay are passed once more: the change may give them to more, or for longer.
    _pass(call, [role.arn for role in profile.role_list] if arns is None else arns)
    _require_served(request.alias_name, request.tip_configuration)
    takes = request.accept_role_session_name
    after = msgspec.structs.replace(
        profile if arns is None else profile.with_roles(arns),
        name=request.name or profile.name,
        session_policy=request.session_policy or profile.session_policy,
        managed_policies=(
            profile.managed_policies
            if request.managed_policy_arns is None
            else written(request.managed_policy_arns)
        ),
        duration=request.duration_seconds or profile.duration,
        takes_session_names=profile.takes_session_names if takes is None else int(takes),
        updated=times.stored(call.now),
    )
    _require_policies(call, after)
    return api.ProfileDetailResponse(profile=shown(keep(call, profile, after)))


@implements(api.EnableProfile)
def enable_profile(
    call: AnywhereCall, request: api.ScalarProfileRequest
) -> api.ProfileDetailResponse:
    return _switched(call, request.profile_id, enabled=True)


@implements(api.DisableProfile)
def disable_profile(
    call: AnywhereCall, request: api.ScalarProfileRequest
) -> api.ProfileDetailResponse:
    return _switched(call, request.profile_id, enabled=False)


@implements(api.DeleteProfile)
def delete_profile(
    call: AnywhereCall, request: api.ScalarProfileRequest
) -> api.ProfileDetailResponse:
    profile = named(call, request.profile_id)
    call.repository.anywhere.profiles.delete(call.transaction, profile)
    return api.ProfileDetailResponse(profile=shown(profile))


def _switched(call: AnywhereCall, text: str, *, enabled: bool) -> api.ProfileDetailResponse:
    """Somebody who enables a profile passes its roles."""
    profile, profiles = named(call, text), call.repository.anywhere.profiles
    if enabled:
        _pass(call, [role.arn for role in profile.role_list])
    changed = msgspec.structs.replace(profile, enabled=int(enabled), updated=times.stored(call.now))
    kept = (profiles.update if enabled else profiles.revise)(call.transaction, changed)
    return api.ProfileDetailResponse(profile=shown(kept))


def named(call: AnywhereCall, text: str) -> AnywhereProfile:
    """The profile that a request names, if the caller may do this to it."""
    one = found(call, PROFILE, text)
    ask(call, one.target)
    return one.existing()


def keep(call: AnywhereCall, before: AnywhereProfile, after: AnywhereProfile) -> AnywhereProfile:
    """Keep a changed profile, with a new revision if the change limits sessions."""
    profiles = call.repository.anywhere.profiles
    same = all(getattr(before, name) == getattr(after, name) for name in _LIMITS)
    return (profiles.update if same else profiles.revise)(call.transaction, after)


def _pass(call: AnywhereCall, arns: list[str]) -> None:
    """May the caller give each of these roles to Roles Anywhere?  All of them have to exist."""
    if len(arns) > limits.ROLES_PER_PROFILE:
        raise invalid(f"A profile has at most {limits.ROLES_PER_PROFILE} roles")
    roles = [_role(call, text) for text in dict.fromkeys(arns)]
    for role in roles:
        call.authorize("iam:PassRole", role, {"iam:passedtoservice": PASSED_TO})
    for role in roles:
        if role.record is None:
            raise invalid(f"The role {role.arn_text} does not exist in this account")


def _role(call: AnywhereCall, text: str) -> resources.Named[Role]:
    """The role with this ARN, whether it is there or not; nobody passes another account's."""
    try:
        arn = assumable_roles.parsed(text)
    except (AwsError, NotAnArn):
        raise invalid(f"{text[:100]} is not the ARN of a role") from None
    known, name = None, arn.resource.rpartition("/")[2]
    if arn.account == call.account:
        known = call.repository.roles.named(call.transaction, call.account, name)
    there = known if known is not None and known.arn == text else None
    return resources.with_arn(Role, arn.account, text, there)


def _require_policies(call: AnywhereCall, profile: AnywhereProfile) -> None:
    """Refuse policies that no session could have."""
    try:
        session_policies.passed_policies(
            call, call.account, profile.session_policy or None,
            [sts.PolicyDescriptorType(arn=arn) for arn in profile.policy_arns],
        )  # fmt: skip
    except (sts.MalformedPolicyDocumentException, sts.PackedPolicyTooLargeException) as refused:
        raise invalid(refused.message or "A session policy is refused") from None


def _require_served(alias: str | None, propagation: api.TipConfiguration | None) -> None:
    """Refuse what AWS has and we do not (docs/divergences.md)."""
    if alias:
        raise invalid("Aliases of profiles are not available")
    if propagation is not None and propagation.status == "ENABLED":
        raise invalid("Trusted identity propagation is not available")


def shown(profile: AnywhereProfile) -> api.ProfileDetail:
    """A profile as answers carry it."""
    return api.ProfileDetail(
        profile_id=profile.profile_id,
        profile_arn=arn(PROFILE, profile),
        name=profile.name,
        require_instance_properties=bool(profile.needs_properties),
        enabled=bool(profile.enabled),
        created_by=profile.created_by,
        session_policy=profile.session_policy or None,
        role_arns=[role.arn for role in profile.role_list],
        managed_policy_arns=list(profile.policy_arns),
        created_at=times.shown(profile.created),
        updated_at=times.shown(profile.updated),
        duration_seconds=profile.duration,
        accept_role_session_name=bool(profile.takes_session_names),
        attribute_mappings=mapping_rules.shown(profile.mapping_rules),
    )
