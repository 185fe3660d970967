"""How does an account come to be?  By ceremonies of the operator, or in an organization.

An account that the operator makes has a root user with a one-time password. Root's access keys and
the first administrator are separate steps, each taken only when the operator asks for it (OP-2).
One that a management account makes for its organization has a root user without a password.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from keystead.arns import is_account_id
from keystead.call import Target
from keystead.custody import randomness
from keystead.custody.proofs import Passwords
from keystead.identity import access_keys, identifiers, limits, resources, times
from keystead.identity.access_keys import IssuedKey
from keystead.identity.managed_policies import ADMINISTRATOR_ACCESS
from keystead.identity.names import AWS_ACCOUNT, canonical, root_arn
from keystead.identity.repository import (
    Account,
    AccountState,
    Attachment,
    Entity,
    IdentityRepository,
    ManagedPolicy,
    Role,
    User,
    new,
    packed,
)
from keystead.identity.resources import KeyOwner, Named
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Transaction

_EMAIL = re.compile(r"\A(?=.{6,64}\Z)[!-?A-~]+@[!-?A-~]+\Z")
_USER_NAME = re.compile(r"\A[A-Za-z0-9_+=,.@-]{1,64}\Z")

SEE_ACCOUNTS = "see `keystead account list`"
CREATE_ACCOUNT = "organizations:CreateAccount"
_LONGEST_SESSION = 3600  # seconds, of the role for the management account


class CeremonyRefused(Exception):
    """The ceremony cannot be held; the message and the hint are for the operator."""

    def __init__(self, message: str, hint: str = SEE_ACCOUNTS) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account, and root's one-time password."""

    account: Account
    root_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewUser:
    """A new user with an access key."""

    user: User
    access_key: IssuedKey


def create_account(
    transaction: Transaction,
    repository: IdentityRepository,
    passwords: Passwords,
    *,
    email: str,
    now: datetime,
    account_id: str | None = None,
) -> NewAccount:
    """A new account with its root user. Hashing the password takes about 0.15 s."""
    accounts = repository.accounts
    if not _EMAIL.match(email):
        raise CeremonyRefused(
            f"`{email}` is not an e-mail address", "write it as `name@example.com`"
        )
    if account_id is not None and not is_account_id(account_id):
        raise CeremonyRefused(
            f"`{account_id}` is not an account id", "an account id has twelve digits"
        )
    if accounts.with_email(transaction, email) is not None:
        raise CeremonyRefused(f"an account with the e-mail address `{email}` exists already")
    if account_id is not None and accounts.get(transaction, account_id) is not None:
        raise CeremonyRefused(f"the account `{account_id}` exists already")
    number = account_id or unused_id(transaction, repository)
    password = randomness.one_time_password()
    sealed = accounts.seal_password(number, passwords.hash_password(password))
    return NewAccount(
        _insert(transaction, repository, number=number, email=email, password=sealed, now=now),
        password,
    )


def reset_root(
    transaction: Transaction, repository: IdentityRepository, passwords: Passwords, number: str
) -> str:
    """A new one-time password of root, whose MFA devices are removed. Hashing takes about 0.15 s.

    For a person who lost either. Every session of root ends.
    """
    account = repository.accounts.get(transaction, number)
    if account is None:
        raise CeremonyRefused(f"there is no account `{number}`")
    password = randomness.one_time_password()
    sealed = repository.accounts.seal_password(number, passwords.hash_password(password))
    repository.accounts.update(transaction, msgspec.structs.replace(account, password=sealed))
    for device in repository.mfa_devices.of_owner(transaction, number, number):
        repository.mfa_devices.delete(transaction, device)
    for passkey in repository.passkeys.of_owner(transaction, number, number):
        repository.passkeys.delete(transaction, passkey)
    return password


def create_member_account(
    transaction: Transaction,
    repository: IdentityRepository,
    permit: Permit[Target],
    number: str,
    *,
    email: str,
    now: datetime,
) -> Account | None:
    """A new account of an organization, whose root has no password; None when the address is taken.

    The permit is to create accounts (`organizations:CreateAccount`).
    """
    _require_to_create(permit)
    if repository.accounts.with_email(transaction, email) is not None:
        return None
    return _insert(transaction, repository, number=number, email=email, password=b"", now=now)


def _insert(
    transaction: Transaction,
    repository: IdentityRepository,
    *,
    number: str,
    email: str,
    password: bytes,
    now: datetime,
) -> Account:
    account = Account(
        account=number,
        email=email,
        email_key=canonical(email),
        alias=None,
        password=password,
        state="ACTIVE",
        created=times.stored(now),
    )
    repository.accounts.insert(transaction, account)
    return account


def change_state(
    transaction: Transaction,
    repository: IdentityRepository,
    number: str,
    state: AccountState,
    *,
    now: datetime,
) -> Account:
    """Suspend an account, or open it again: for the operator.

    Nobody authenticates in an account that is not open, and the policies of its resources speak for
    nobody. Every session that began before is over, for good. Nothing else is lost.
    """
    account = repository.accounts.get(transaction, number)
    if account is None:
        raise CeremonyRefused(f"there is no account `{number}`")
    if account.state == state or (state == "SUSPENDED" and not account.is_open):
        raise CeremonyRefused(f"the account `{number}` is {_STATES[account.state]} already")
    if state != "ACTIVE":
        return repository.accounts.close(transaction, account, state, times.stored(now))
    return repository.accounts.update(transaction, msgspec.structs.replace(account, state=state))


_STATES: Mapping[AccountState, str] = {
    "ACTIVE": "open",
    "SUSPENDED": "suspended",
    "CLOSED": "closed",
}


def create_root_access_key(
    transaction: Transaction, repository: IdentityRepository, account: Account, *, now: datetime
) -> IssuedKey:
    """An access key for the account's root."""
    keys = repository.access_keys
    if len(keys.of(transaction, account.account, account.account)) >= limits.ACCESS_KEYS_PER_USER:
        raise CeremonyRefused(
            f"the root of account `{account.account}` has two access keys already"
        )
    return _issue(transaction, repository, resources.root(account), "root access key", now)


def create_administrator(
    transaction: Transaction,
    repository: IdentityRepository,
    account: Account,
    *,
    name: str,
    now: datetime,
) -> NewUser:
    """A user with AdministratorAccess and an access key."""
    if not _USER_NAME.match(name):
        raise CeremonyRefused(
            f"`{name}` is not a user name: 1 to 64 letters, digits and characters of `_+=,.@-`"
        )
    if repository.users.named(transaction, account.account, name) is not None:
        raise CeremonyRefused(f"the user `{name}` exists already in account `{account.account}`")
    created = times.stored(now)
    user = new(User, account.account, "/", name, created, boundary=None, tags="{}")
    repository.users.insert(transaction, user)
    _make_administrator(transaction, repository, user)
    owner = resources.owner_of_keys(resources.entity(User, account.account, name, user))
    return NewUser(user, _issue(transaction, repository, owner, "first administrator", now))


def create_access_role(
    transaction: Transaction,
    repository: IdentityRepository,
    account: Account,
    permit: Permit[Target],
    *,
    name: str,
    management: str,
) -> Role:
    """The role by which the management account administers a new account of its organization.

    Its trust policy names the management account, whose own policies say who may assume it. The
    permit is to create accounts.
    """
    _require_to_create(permit)
    trusted = root_arn(management)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": trusted},
        "Action": "sts:AssumeRole",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    role = new(
        Role,
        account.account,
        "/",
        name,
        account.created,
        description=None,
        trust_policy=msgspec.json.encode(document).decode(),
        trusted=packed({trusted: management}),
        longest_session=_LONGEST_SESSION,
        service=None,
        boundary=None,
        tags="{}",
    )
    repository.roles.insert(transaction, role)
    _make_administrator(transaction, repository, role)
    return role


def _make_administrator(
    transaction: Transaction, repository: IdentityRepository, entity: Entity
) -> None:
    repository.attachments.insert(
        transaction,
        Attachment(
            account=entity.account,
            entity_id=entity.entity_id,
            policy_arn=ManagedPolicy.kind.arn(AWS_ACCOUNT, "/", ADMINISTRATOR_ACCESS),
            created=entity.created,
        ),
    )


def _require_to_create(permit: Permit[Target]) -> None:
    if permit.action != CREATE_ACCOUNT:
        raise ValueError(f"this permit is for {permit.action}")


def _issue(
    transaction: Transaction,
    repository: IdentityRepository,
    owner: Named[KeyOwner],
    reason: str,
    now: datetime,
) -> IssuedKey:
    permit = Permit.for_system(owner, "iam:CreateAccessKey", reason)
    return access_keys.issue(transaction, repository.access_keys, permit, now)


def unused_id(transaction: Transaction, repository: IdentityRepository) -> str:
    """A new account's id."""
    while True:
        number = identifiers.account_id()
        if repository.accounts.get(transaction, number) is None:
            return number
