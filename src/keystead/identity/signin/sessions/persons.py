"""Who signs in, and with which factors?  A user by account and name, root by its e-mail address.

A person that cannot sign in is None: one that does not exist, one without a password, and anybody
in an account that is not open. Nobody learns which it was (sign-in.md 4.1; threat-model CO-5).
"""

from dataclasses import dataclass, field

from keystead.identity import resources
from keystead.identity.authentication import Caller, callers, factors
from keystead.identity.factors import passwords
from keystead.identity.repository import (
    Account,
    IdentityRepository,
    LoginProfile,
    MfaDevice,
    Passkey,
    PasswordPolicy,
    User,
)
from keystead.identity.resources import KeyOwner, Named
from keystead.store.protocol import Reader


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has a password: a user, or the root user of an account."""

    account: Account
    user: User | None  # None: root
    profile: LoginProfile | None  # of a user
    hashes: tuple[str, ...] = field(repr=False)  # PHC strings, the newest first
    devices: tuple[MfaDevice, ...] = ()  # that show codes
    passkeys: tuple[Passkey, ...] = ()

    @property
    def subject(self) -> str:
        """The unique id of a user, or the account id of root."""
        return self.account.account if self.user is None else self.user.user_id

    @property
    def name(self) -> str:
        return self.account.email if self.user is None else self.user.name

    @property
    def arn(self) -> str:
        return self.account.root_arn if self.user is None else self.user.arn

    @property
    def password_id(self) -> str:
        """Another one with each password."""
        if self.profile is None:
            return factors.password_id_of_root(self.account)
        return self.profile.password_id

    @property
    def factors(self) -> str:
        """A digest of what the person proves itself with: another one with each change of it."""
        return factors.digest(self.subject, self.password_id, self.devices, self.passkeys)

    @property
    def has_factor(self) -> bool:
        """Has the person a second factor?"""
        return bool(self.devices or self.passkeys)

    @property
    def turn(self) -> str:
        """The turn of its work, in the party of its account and not of all strangers.

        So strangers of very many networks keep nobody out who has been here before, or has shown
        the password in the step before.
        """
        return f"{self.account.account} {self.subject}"

    def serial_number(self, passkey: Passkey) -> str:
        """The serial number of a passkey of this person."""
        return passkey.serial_number(None if self.user is None else self.user.name)

    @property
    def resource(self) -> Named[User] | Named[KeyOwner]:
        """The person as the resource of a question."""
        if self.user is None:
            return resources.root(self.account)
        return resources.entity(User, self.account.account, self.user.name, self.user)

    def caller(self, repository: IdentityRepository, reader: Reader) -> Caller:
        """The person as a principal, with its policies."""
        return callers.of_key(repository, reader, self.user or self.account)


def root_with_email(repository: IdentityRepository, reader: Reader, email: str) -> Person | None:
    """The root user with this e-mail address."""
    return _root(repository, reader, repository.accounts.with_email(reader, email))


def user_with_name(
    repository: IdentityRepository, reader: Reader, account: str, name: str
) -> Person | None:
    """The user with this name, in the account with this id or alias."""
    accounts = repository.accounts
    record = accounts.get(reader, account) or accounts.with_alias(reader, account.lower())
    user = repository.users.named(reader, record.account, name) if record else None
    return _user(repository, reader, record, user)


def with_subject(
    repository: IdentityRepository, reader: Reader, account: str, subject: str
) -> Person | None:
    """The person with this unique id."""
    record = repository.accounts.get(reader, account)
    if subject == account:
        return _root(repository, reader, record)
    return _user(repository, reader, record, repository.users.get(reader, account, subject))


def _root(repository: IdentityRepository, reader: Reader, account: Account | None) -> Person | None:
    if account is None or not account.is_open:
        return None
    stored = repository.accounts.password_hash(account)
    if stored is None:
        return None
    return Person(
        account, None, None, (stored,), *_factors(repository, reader, account, account.account)
    )


def _user(
    repository: IdentityRepository, reader: Reader, account: Account | None, user: User | None
) -> Person | None:
    if account is None or user is None or not account.is_open:
        return None
    profiles = repository.login_profiles
    profile = profiles.get(reader, account.account, user.user_id)
    if profile is None:
        return None
    factors = _factors(repository, reader, account, user.user_id)
    return Person(account, user, profile, tuple(profiles.hashes(profile)), *factors)


def _factors(
    repository: IdentityRepository, reader: Reader, account: Account, owner_id: str
) -> tuple[tuple[MfaDevice, ...], tuple[Passkey, ...]]:
    devices = repository.mfa_devices.of_owner(reader, account.account, owner_id)
    passkeys = repository.passkeys.of_owner(reader, account.account, owner_id)
    return tuple(devices), tuple(passkeys)


def policy_of(
    repository: IdentityRepository, reader: Reader, person: Person
) -> PasswordPolicy | None:
    """The password policy that binds a person: root has AWS's own."""
    if person.user is None:
        return None
    return repository.password_policies.of(reader, person.account.account)


def must_change(
    repository: IdentityRepository, reader: Reader, person: Person, now: int
) -> tuple[bool, bool]:
    """Is the password to be changed?  And is it too late for the person to do that itself?"""
    if person.profile is None:
        return not repository.sign_ins.is_chosen(reader, person.account), False
    policy = policy_of(repository, reader, person)
    expired = passwords.is_expired(policy, person.profile, now)
    hard = expired and policy is not None and bool(policy.hard_expiry)
    return expired or bool(person.profile.reset_required), hard
