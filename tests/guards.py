"""Which tests hold which guard of threat-model section 7?  A row for each row of its table.

`tests/test_guards.py` holds the two together, and finds each test. Beside these, the matrix
(`tests/matrix/`) tries every operation: another target, another action, another kind of
credentials.
"""

from collections.abc import Mapping

_MATRIX = "matrix/test_matrix.py: test_another_resource test_everything_else_is_not_enough"

GUARDS: Mapping[str, tuple[str, ...]] = {
    "CreatePolicyVersion, SetDefaultPolicyVersion": (
        _MATRIX,
        "identity/test_policies.py: test_policies_of_aws_are_immutable test_versions",
        "identity/test_guards.py: test_nobody_sheds_the_own_boundary",
    ),
    "Attach*/Detach*Policy": (
        "identity/test_guards.py: test_only_certain_policies",
        "identity/test_permissions.py: test_a_detached_deny_widens test_only_bounded_users",
    ),
    "Put*/Delete*Policy, AddUserToGroup, RemoveUserFromGroup": (
        _MATRIX,
        "identity/test_guards.py: test_one_group_only",
        "identity/test_permissions.py: test_only_bounded_users",
        "identity/test_roles.py: test_boundaries_can_be_demanded",
    ),
    "Create/Update/DeleteAccessKey, *LoginProfile, ChangePassword": (
        "identity/test_access_keys.py: test_own_keys_only test_of_another_owner",
        "identity/test_login_profiles.py: test_each_operation_asks",
        "identity/test_login_profiles.py: test_to_change_it_needs_a_permission",
        "identity/test_login_profiles.py: test_the_accounts_permission_is_for_the_user_alone",
        "identity/test_login_profiles.py: test_a_new_password_has_a_new_id",
    ),
    "*MFADevice operations": (
        "identity/test_mfa_devices.py: test_each_operation_asks test_a_device_has_one_owner",
        "identity/test_mfa_devices.py: test_the_own_device_needs_a_second_factor",
        "console/test_passkeys.py: test_policies_decide_about_a_registration",
        "console/test_passkey_uses.py: test_the_own_passkey_goes_with_a_factor",
    ),
    "CreateUser, CreateRole": (
        "identity/test_users.py: test_conditions_on_tags_and_boundary",
        "identity/test_roles.py: test_boundaries_can_be_demanded",
        "identity/test_tags.py: test_to_create_with_tags_is_to_tag",
    ),
    "*PermissionsBoundary": (
        "identity/test_guards.py: test_removing_a_boundary_can_be_denied",
        "identity/test_guards.py: test_nobody_sheds_the_own_boundary",
    ),
    "UpdateAssumeRolePolicy": (
        _MATRIX,
        "identity/test_roles.py: test_trust_policies_are_checked test_trust_means_unique_ids",
        "server/test_severity.py: test_trust_policies",
    ),
    "AddRoleToInstanceProfile, associate/replace profile": (
        "identity/test_instance_profiles.py: test_a_role_must_be_passed",
        "agent/test_instances.py: test_to_give_a_profile_is_to_pass_its_role",
        "agent/test_enrolment.py: test_who_may_mint",
    ),
    "UpdateUser/Group/Role rename or path": (
        "identity/test_users.py: test_rename_needs_both_names",
        "identity/test_groups.py: test_rename",
    ),
    "Tag*/Untag*, session tags": (
        "identity/test_tags.py: test_conditions test_to_create_with_tags_is_to_tag",
        "identity/test_assume_role.py: test_session_tags test_transitive_tags_go_on",
        "identity/test_assume_role.py: test_a_source_identity_never_changes",
    ),
    "Create/Update SAML and OIDC providers, client ids, thumbprints": (
        _MATRIX,
        "server/test_severity.py: test_providers",
    ),
    "PutKeyPolicy, CreateGrant, ReplicateKey, ImportKeyMaterial, ScheduleKeyDeletion, alias and tag"
    " calls, ReEncrypt": (
        "kms/test_encryption.py: test_reencrypt_asks_twice",
        "kms/test_aliases.py: test_permission_on_alias_and_key",
        "kms/test_aliases.py: test_moving_needs_permission_on_all_three",
        "kms/test_key_policies.py: test_lockout_is_refused test_the_bypass_can_be_forbidden",
        "kms/test_imports.py: test_other_material_is_refused test_new_or_existing",
        "kms/test_import_expiry.py: test_conditions test_at_its_date",
        "kms/test_import_tokens.py: test_a_token_of_another_key test_a_day",
        "kms/test_deletion.py: test_not_before_its_date test_ids_are_never_given_again",
        "kms/test_tags.py: test_tags_in_the_request_can_be_conditions test_tags_that_cannot_be",
        "kms/test_multi_region.py: test_both_sides_are_asked",
        "kms/test_multi_region_uses.py: test_both_regions_are_asked_for_it",
        "kms/test_multi_region.py: test_the_lockout_check_is_about_the_replica",
        "kms/test_grant_rules.py: test_a_grant_makes_no_wider_one test_constraints_are_kept",
        "kms/test_grant_rules.py: test_the_source_arn_is_kept test_conditions",
    ),
    "organization policies, account moves, endpoint policies": (
        "identity/test_organizations.py: test_what_members_may_ask",
        "identity/test_organizations.py: test_nothing_of_other_organizations",
        "identity/test_organization_policies.py: test_policies_of_other_organizations",
        "identity/test_resource_policy.py: test_a_member_does_what_is_delegated",
        "identity/test_resource_policy.py: test_both_sides_allow",
        "identity/test_delegation.py: test_a_delegated_administrator_reads",
    ),
    "AssumeRoot": (
        "server/test_assume_root.py: test_who_may_assume_root test_the_tasks_are_fixed",
        "server/test_assume_root.py: test_fifteen_minutes_at_most test_a_task_and_nothing_else",
        "matrix/test_matrix.py: test_a_task_of_root",
    ),
    "RegisterService, RotateServiceKey": (
        "services/test_registering.py: test_each_needs_its_own_action",
        "services/test_registering.py: test_names_of_aws_are_refused",
        "services/test_registering.py: test_another_account_takes_no_name",
        "services/test_direct.py: test_names_that_no_service_can_have",
        "services/test_direct.py: test_a_service_names_only_sources_that_are_covered",
    ),
    "ForwardAccess": (
        "services/test_forwarding.py: test_only_services_forward test_requests_that_are_not_taken",
        "services/test_forwarding.py: test_a_request_is_forwarded_once test_once_across_a_restart",
        "services/test_forwarding.py: test_only_the_service_can_use_it",
        "services/test_forwarding.py: test_the_registration_bounds_the_caller",
        "services/test_forwarding.py: test_a_forwarded_session_goes_nowhere",
        "services/test_forwarding.py: test_revoked_means_revoked",
    ),
    "CreateProfile": (
        _MATRIX,
        "anywhere/test_administration.py: test_roles_are_passed test_what_is_no_bundle",
        "anywhere/test_sessions.py: test_what_certificates_prove_nothing test_trust_policies",
        "anywhere/test_sessions.py: test_signatures test_a_request_is_used_once",
        "anywhere/test_endings.py: test_a_revoked_certificate test_what_ends_sessions",
    ),
    "GetScopedCredentials": (
        "identity/test_scoped_sessions.py: test_only_sessions_may_ask",
        "identity/test_scoped_sessions.py: test_a_fourth_policy_is_refused",
        "identity/test_scoped_sessions.py: test_each_layer_takes_away",
        "identity/test_scoped_sessions.py: test_the_end_comes_never_later",
        "identity/test_scoped_sessions.py: test_who_it_is_stays test_tags_and_source_identity_stay",
    ),
    "delegation requests": (
        "identity/test_declined.py: test_who_may_ask_hears_the_answer test_nobody_else_hears_it",
    ),
}
"""By the first cell of the row, or its beginning up to a comma: files below `tests`, and tests."""
