"""GetAccountAuthorizationDetails: every identity and policy of the account, with documents.

The account is walked in one fixed order: users, groups, roles, the account's own policies, AWS's;
a marker says where in that order the next page begins. Of AWS's policies only those in use are
listed, and of the account's own all. A page ends early where documents are many (`paging`).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from keystead.identity import managed_policies, paging, tagging, times
from keystead.identity.call import IamCall
from keystead.identity.iam.entities import attachments, boundaries, inline_policies
from keystead.identity.iam.identities import instance_profiles, roles
from keystead.identity.iam.policies import PolicyUsage, policy_usage, policy_versions
from keystead.identity.permissions import managed_policy
from keystead.identity.repository import Group, ManagedPolicy, Role, User
from keystead.registry import implements
from keystead.store.protocol import Reader
from keystead.wire.models import iam as api

_BATCH = 25  # entities that are read at a time; a page of long documents shows few
_Item = User | Group | Role | ManagedPolicy
_Detail = api.UserDetail | api.GroupDetail | api.RoleDetail | api.ManagedPolicyDetail
_Section = Callable[[Reader, str, str, str, int], Sequence[_Item]]


@implements(api.GetAccountAuthorizationDetails)
def get_account_authorization_details(
    call: IamCall, request: api.GetAccountAuthorizationDetailsRequest
) -> api.GetAccountAuthorizationDetailsResponse:
    call.ask_any()
    usage = policy_usage(call)

    shown: list[_Detail] = []

    def after(position: str, count: int) -> Iterator[tuple[str, _Item]]:
        return islice(_items_after(call, request, usage, position), count)

    def text(entry: tuple[str, _Item]) -> int:
        shown.append(_shown(call, usage, entry[1]))
        return _text(shown[-1])

    page = paging.walk(call, request, after, lambda entry: entry[0], text)
    return api.GetAccountAuthorizationDetailsResponse(
        user_detail_list=[each for each in shown if isinstance(each, api.UserDetail)],
        group_detail_list=[each for each in shown if isinstance(each, api.GroupDetail)],
        role_detail_list=[each for each in shown if isinstance(each, api.RoleDetail)],
        policies=[each for each in shown if isinstance(each, api.ManagedPolicyDetail)],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


def _shown(call: IamCall, usage: PolicyUsage, item: _Item) -> _Detail:
    match item:
        case User():
            return _user(call, item)
        case Group():
            return _group(call, item)
        case Role():
            return _role(call, item)
    return _policy(call, usage, item)


def _text(detail: _Detail) -> int:
    """How long the documents of an item are."""
    match detail:
        case api.UserDetail():
            texts = [policy.policy_document for policy in detail.user_policy_list or ()]
        case api.GroupDetail():
            texts = [policy.policy_document for policy in detail.group_policy_list or ()]
        case api.RoleDetail():
            texts = [policy.policy_document for policy in detail.role_policy_list or ()]
            texts.append(detail.assume_role_policy_document)
        case _:
            texts = [version.document for version in detail.policy_version_list or ()]
    return sum(len(text or "") for text in texts)


def _items_after(
    call: IamCall,
    request: api.GetAccountAuthorizationDetailsRequest,
    usage: PolicyUsage,
    position: str,
) -> Iterator[tuple[str, _Item]]:
    """Everything that is asked for after a position, each with its own position."""
    repository, reader = call.repository, call.transaction

    def aws_after(
        _reader: object, _account: str, name_key: str, _prefix: str, _count: int
    ) -> Sequence[_Item]:
        return [
            policy
            for policy in managed_policies.every()
            if policy.name_key > name_key and any(usage.of(policy.arn))
        ]

    sections: tuple[tuple[str, str, _Section], ...] = (
        ("1", "User", repository.users.after),
        ("2", "Group", repository.groups.after),
        ("3", "Role", repository.roles.after),
        ("4", "LocalManagedPolicy", repository.policies.after),
        ("5", "AWSManagedPolicy", aws_after),
    )
    for section, kind, section_after in sections:
        if section < position[:1] or (request.filter and kind not in request.filter):
            continue
        name_key = position[1:] if position.startswith(section) else ""
        while batch := section_after(reader, call.account, name_key, "/", _BATCH):
            yield from ((section + item.name_key, item) for item in batch)
            name_key = batch[-1].name_key


def _user(call: IamCall, user: User) -> api.UserDetail:
    groups = call.repository.memberships.groups_of(call.transaction, user)
    return api.UserDetail(
        path=user.path,
        user_name=user.name,
        user_id=user.user_id,
        arn=user.arn,
        create_date=times.shown(user.created),
        user_policy_list=inline_policies.shown(call, user),
        group_list=[group.name for group in groups],
        attached_managed_policies=attachments.shown(call, user),
        permissions_boundary=boundaries.shown(user.boundary),
        tags=tagging.shown(user.tag_map),
    )


def _group(call: IamCall, group: Group) -> api.GroupDetail:
    return api.GroupDetail(
        path=group.path,
        group_name=group.name,
        group_id=group.group_id,
        arn=group.arn,
        create_date=times.shown(group.created),
        group_policy_list=inline_policies.shown(call, group),
        attached_managed_policies=attachments.shown(call, group),
    )


def _role(call: IamCall, role: Role) -> api.RoleDetail:
    return api.RoleDetail(
        path=role.path,
        role_name=role.name,
        role_id=role.role_id,
        arn=role.arn,
        create_date=times.shown(role.created),
        assume_role_policy_document=roles.trust_shown(call, role),
        instance_profile_list=instance_profiles.of_role(call, role),
        role_policy_list=inline_policies.shown(call, role),
        attached_managed_policies=attachments.shown(call, role),
        permissions_boundary=boundaries.shown(role.boundary),
        tags=tagging.shown(role.tag_map),
        role_last_used=roles.last_used(call, role),
    )


def _policy(call: IamCall, usage: PolicyUsage, policy: ManagedPolicy) -> api.ManagedPolicyDetail:
    attached, bounding = usage.of(policy.arn)
    versions = managed_policy.versions(call.repository, call.transaction, policy)
    return api.ManagedPolicyDetail(
        policy_name=policy.name,
        policy_id=policy.policy_id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=f"v{policy.default_version}",
        attachment_count=attached,
        permissions_boundary_usage_count=bounding,
        is_attachable=True,
        description=policy.description,
        create_date=times.shown(policy.created),
        update_date=times.shown(policy.updated),
        policy_version_list=[policy_versions.shown(policy, version) for version in versions],
    )
