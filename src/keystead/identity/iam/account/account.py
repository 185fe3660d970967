"""CreateAccountAlias, DeleteAccountAlias, ListAccountAliases, GetAccountSummary."""

import msgspec

from keystead.errors import ValidationException
from keystead.identity import limits, paging
from keystead.identity.call import IamCall
from keystead.identity.factors import devices
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreateAccountAlias)
def create_account_alias(call: IamCall, request: api.CreateAccountAliasRequest) -> None:
    call.ask_any()
    alias = request.account_alias
    if alias.isdigit() and len(alias) == 12:
        raise ValidationException("The account alias must not be an account id.")
    holder = call.repository.accounts.with_alias(call.transaction, alias)
    if holder is not None and holder.account != call.account:
        raise api.EntityAlreadyExistsException(f"The account alias {alias} already exists.")
    named = msgspec.structs.replace(call.own_account(), alias=alias)
    call.repository.accounts.update(call.transaction, named)


@implements(api.DeleteAccountAlias)
def delete_account_alias(call: IamCall, request: api.DeleteAccountAliasRequest) -> None:
    call.ask_any()
    account = call.own_account()
    if account.alias != request.account_alias:
        raise api.NoSuchEntityException(
            f"The account alias {request.account_alias} cannot be found."
        )
    unnamed = msgspec.structs.replace(account, alias=None)
    call.repository.accounts.update(call.transaction, unnamed)


@implements(api.ListAccountAliases)
def list_account_aliases(
    call: IamCall, request: api.ListAccountAliasesRequest
) -> api.ListAccountAliasesResponse:
    call.ask_any()
    alias = call.own_account().alias
    page = paging.cut(call, request, [alias] if alias else [])
    return api.ListAccountAliasesResponse(
        account_aliases=page.items, is_truncated=page.is_truncated, marker=page.marker
    )


@implements(api.GetAccountSummary)
def get_account_summary(
    call: IamCall, _request: api.GetAccountSummaryRequest
) -> api.GetAccountSummaryResponse:
    call.ask_any()
    repository, reader, account = call.repository, call.transaction, call.account
    root_keys = repository.access_keys.of(reader, account, account)
    passkeys = repository.passkeys.in_use(reader, account)
    root_password = call.own_account().password
    summary: dict[api.summaryKeyType, int] = {
        "Users": repository.users.count(reader, account),
        "UsersQuota": limits.USERS_PER_ACCOUNT,
        "Groups": repository.groups.count(reader, account),
        "GroupsQuota": limits.GROUPS_PER_ACCOUNT,
        "Roles": repository.roles.count(reader, account),
        "RolesQuota": limits.ROLES_PER_ACCOUNT,
        "Policies": repository.policies.count(reader, account),
        "PoliciesQuota": limits.POLICIES_PER_ACCOUNT,
        "PolicyVersionsInUse": repository.policies.version_count(reader, account),
        "PolicyVersionsInUseQuota": limits.POLICY_VERSIONS_IN_USE,
        "VersionsPerPolicyQuota": limits.VERSIONS_PER_POLICY,
        "PolicySizeQuota": limits.MANAGED_POLICY_SIZE,
        "UserPolicySizeQuota": limits.USER_POLICY_SIZE,
        "GroupPolicySizeQuota": limits.GROUP_POLICY_SIZE,
        "RolePolicySizeQuota": limits.ROLE_POLICY_SIZE,
        "AssumeRolePolicySizeQuota": limits.ASSUME_ROLE_POLICY_SIZE,
        "AttachedPoliciesPerUserQuota": limits.POLICIES_PER_USER,
        "AttachedPoliciesPerGroupQuota": limits.POLICIES_PER_GROUP,
        "AttachedPoliciesPerRoleQuota": limits.POLICIES_PER_ROLE,
        "GroupsPerUserQuota": limits.GROUPS_PER_USER,
        "AccessKeysPerUserQuota": limits.ACCESS_KEYS_PER_USER,
        "SigningCertificatesPerUserQuota": limits.SIGNING_CERTIFICATES_PER_USER,
        "ServerCertificates": 0,
        "ServerCertificatesQuota": limits.SERVER_CERTIFICATES_PER_ACCOUNT,
        "InstanceProfiles": repository.instance_profiles.count(reader, account),
        "InstanceProfilesQuota": limits.INSTANCE_PROFILES_PER_ACCOUNT,
        "Providers": (
            repository.oidc_providers.count(reader, account)
            + repository.saml_providers.count(reader, account)
        ),
        "MFADevices": repository.mfa_devices.count(reader, account) + passkeys,
        "MFADevicesInUse": repository.mfa_devices.in_use(reader, account) + passkeys,
        "AccountMFAEnabled": int(devices.has_any(repository, reader, account, account)),
        "AccountPasswordPresent": int(bool(root_password)),
        "AccountAccessKeysPresent": int(bool(root_keys)),
        "AccountSigningCertificatesPresent": 0,
        "GlobalEndpointTokenVersion": repository.accounts.token_version(reader, account),
    }
    return api.GetAccountSummaryResponse(summary_map=summary)
