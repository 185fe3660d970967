"""Every kind of revoking call that is tried."""

from tests.revoking import identities, resources
from tests.revoking.steps import Kind

KINDS: tuple[Kind, ...] = (
    identities.deactivated_key,
    identities.deleted_key,
    identities.deleted_user,
    identities.deleted_user_policy,
    identities.denied_by_user_policy,
    identities.user_boundary,
    identities.detached_user_policy,
    identities.default_version,
    identities.group_membership,
    identities.group_policy,
    identities.policy_of_who_federates,
    identities.user_tag,
    identities.deleted_role,
    identities.deleted_role_policy,
    identities.policy_of_narrowed_session,
    identities.detached_role_policy,
    identities.role_boundary,
    identities.revoked_sessions,
    identities.trust_policy,
    identities.session_policy,
    identities.role_tag,
    resources.key_policy,
    resources.disabled_key,
    resources.key_to_be_deleted,
    resources.alias,
    resources.key_tag,
    resources.scp_of_account,
    resources.scp_of_root,
    resources.rcp_of_account,
    resources.changed_scp,
    resources.moved_account,
    resources.closed_account,
)
