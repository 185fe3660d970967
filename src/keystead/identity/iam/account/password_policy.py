"""UpdateAccountPasswordPolicy, GetAccountPasswordPolicy, DeleteAccountPasswordPolicy.

What an account demands of passwords is kept here, whole: an update replaces everything, and what
it does not name has AWS's default again (iam.md 1.9).
"""

from keystead.identity import limits
from keystead.identity.call import IamCall
from keystead.identity.repository import PasswordPolicy
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.UpdateAccountPasswordPolicy)
def update_account_password_policy(
    call: IamCall, request: api.UpdateAccountPasswordPolicyRequest
) -> None:
    call.ask_any()
    hard = request.hard_expiry
    policy = PasswordPolicy(
        account=call.account,
        minimum_length=request.minimum_password_length or limits.PASSWORD_LENGTH,
        symbols=int(bool(request.require_symbols)),
        numbers=int(bool(request.require_numbers)),
        uppercase=int(bool(request.require_uppercase_characters)),
        lowercase=int(bool(request.require_lowercase_characters)),
        own_changes=int(bool(request.allow_users_to_change_password)),
        longest_days=request.max_password_age,
        remembered=request.password_reuse_prevention,
        hard_expiry=None if hard is None else int(hard),
    )
    call.repository.password_policies.replace(call.transaction, policy)


@implements(api.GetAccountPasswordPolicy)
def get_account_password_policy(
    call: IamCall, _request: api.GetAccountPasswordPolicyRequest
) -> api.GetAccountPasswordPolicyResponse:
    call.ask_any()
    policy = call.repository.password_policies.of(call.transaction, call.account)
    if policy is None:
        raise _missing(call.account)
    return api.GetAccountPasswordPolicyResponse(password_policy=_shown(policy))


@implements(api.DeleteAccountPasswordPolicy)
def delete_account_password_policy(
    call: IamCall, _request: api.DeleteAccountPasswordPolicyRequest
) -> None:
    call.ask_any()
    if not call.repository.password_policies.delete(call.transaction, call.account):
        raise _missing(call.account)


def _missing(account: str) -> api.NoSuchEntityException:
    return api.NoSuchEntityException(
        f"The Password Policy with domain name {account} cannot be found."
    )


def _shown(policy: PasswordPolicy) -> api.PasswordPolicy:
    hard = policy.hard_expiry
    return api.PasswordPolicy(
        minimum_password_length=policy.minimum_length,
        require_symbols=bool(policy.symbols),
        require_numbers=bool(policy.numbers),
        require_uppercase_characters=bool(policy.uppercase),
        require_lowercase_characters=bool(policy.lowercase),
        allow_users_to_change_password=bool(policy.own_changes),
        expire_passwords=policy.longest_days is not None,
        max_password_age=policy.longest_days,
        password_reuse_prevention=policy.remembered,
        hard_expiry=None if hard is None else bool(hard),
    )
