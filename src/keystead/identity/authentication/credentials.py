"""Which credential may authenticate now?  (AU-10, IA-6, ST-2)

A credential may be unknown, inactive or deleted. It may be without its owner, of a closed account,
or sent with a token that is not its own. All of these are the same "none", so that nobody can tell
them apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from keystead.custody.tokens import SessionTokens
from keystead.identity import identifiers
from keystead.identity.authentication import callers, factors
from keystead.identity.authentication.callers import Caller, KeyHolder, Owner
from keystead.identity.permissions import root_access
from keystead.identity.repository import (
    AccessKey,
    Account,
    IdentityRepository,
    MfaDevice,
    ServiceRecord,
)
from keystead.identity.sessions import (
    OpenedToken,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    open_token,
    secret_of,
)
from keystead.rules import CredentialKind
from keystead.store.protocol import Reader


@dataclass(frozen=True, slots=True)
class Credential:
    """An active access key and its owner: a user, root, or a service."""

    key: AccessKey
    holder: KeyHolder | ServiceRecord
    session: ClassVar[Session | None] = None
    size: ClassVar[int] = 0

    @property
    def kind(self) -> CredentialKind:
        if isinstance(self.holder, ServiceRecord):
            return CredentialKind.SERVICE
        root = isinstance(self.holder, Account)
        return CredentialKind.ROOT_KEY if root else CredentialKind.USER_KEY

    @property
    def service(self) -> ServiceRecord | None:
        """The service that signs with it."""
        return self.holder if isinstance(self.holder, ServiceRecord) else None

    def secret(self, repository: IdentityRepository) -> str:
        return repository.access_keys.secret(self.key).decode()

    def caller(self, repository: IdentityRepository, reader: Reader, region: str) -> Caller:
        """The caller that signs with it for this Region, with its policies."""
        if isinstance(self.holder, ServiceRecord):
            return callers.service(self.holder, region)
        return callers.of_key(repository, reader, self.holder)


@dataclass(frozen=True, slots=True)
class SessionCredential:
    """The token of a session whose rows exist, and the owner of its permissions."""

    opened: OpenedToken = field(repr=False)
    owner: Owner
    access_key_id: str
    token: str = field(repr=False)
    forwarder: Credential | None = None  # the key of the service that it is for
    service: ClassVar[ServiceRecord | None] = None

    @property
    def session(self) -> Session:
        return self.opened.session

    @property
    def size(self) -> int:
        """The bytes of the session."""
        return self.opened.size

    @property
    def kind(self) -> CredentialKind:
        if self.session.forwarded is not None:
            return CredentialKind.FORWARDED
        if self.session.kind is SessionKind.FEDERATION:
            return CredentialKind.FEDERATION
        if self.session.kind is SessionKind.ROLE:
            return CredentialKind.ROLE
        if self.session.kind is SessionKind.ROOT_TASK:
            return CredentialKind.ROOT_TASK
        root = isinstance(self.owner, Account)
        if self.session.kind is SessionKind.LOGIN:
            return CredentialKind.LOGIN_ROOT if root else CredentialKind.LOGIN
        if root:
            return CredentialKind.ROOT_SESSION
        with_mfa = self.session.mfa is not None
        return CredentialKind.SESSION_WITH_MFA if with_mfa else CredentialKind.SESSION

    def secret(self, repository: IdentityRepository) -> str:
        if self.forwarder is None:
            return self.opened.secret
        return secret_of(self.forwarder.secret(repository), self.access_key_id, self.token)

    def caller(self, repository: IdentityRepository, reader: Reader, region: str) -> Caller:  # noqa: ARG002  # as `Credential`'s
        """The caller that signs with it, with its policies."""
        by = None if self.forwarder is None else self.forwarder.service
        return callers.of_session(repository, reader, self.session, self.owner, by)


def usable(repository: IdentityRepository, reader: Reader, access_key_id: str) -> Credential | None:
    """The long-term credential with this id, if it may authenticate now."""
    number = identifiers.account_of(access_key_id)
    if number is None:
        return None
    key = repository.access_keys.get(reader, number, access_key_id)
    account = _open_account(repository, reader, number)
    if key is None or key.status != "Active" or account is None:
        return None
    if key.owner_id == number:
        return Credential(key, account)
    if key.owner_id.startswith(identifiers.SERVICE):
        service = repository.services.with_id(reader, key.owner_id)
        return None if service is None else Credential(key, service)
    user = repository.users.get(reader, number, key.owner_id)
    return None if user is None else Credential(key, user)


def of_session(  # noqa: PLR0917  # as `Authenticator` has them
    repository: IdentityRepository,
    reader: Reader,
    tokens: SessionTokens,
    access_key_id: str,
    token: str,
    now: datetime,
) -> SessionCredential | None:
    """The session that this token holds, if all of its rows exist.

    Its end is checked later, when the signature is known to be right.
    """
    opened = open_token(tokens, access_key_id, token, now)
    if opened is None:
        return None
    owner = owner_of(repository, reader, opened.session)
    if owner is None:
        return None
    forwarder = None
    if opened.session.forwarded is not None:
        forwarder = usable(repository, reader, opened.session.forwarded.key_id)
        service = None if forwarder is None else forwarder.service
        if service is None or service.service_id != opened.session.forwarded.service_id:
            return None
    return SessionCredential(opened, owner, access_key_id, token, forwarder)


def owner_of(repository: IdentityRepository, reader: Reader, session: Session) -> Owner | None:
    """The entity whose permissions a session has, if every row of the session exists.

    An account that was closed meanwhile has ended it, although it may be open again.
    """
    accounts: dict[str, Account] = {}
    for row in session.rows:
        if row.account in accounts:
            continue
        account = repository.accounts.get(reader, row.account)
        if account is None:
            return None
        if not repository.accounts.is_open_since(reader, account, session.issued):
            return None
        accounts[row.account] = account
    found = [_row(repository, reader, row, accounts[row.account]) for row in session.rows]
    owner = found[0] if found else None
    return None if owner is None or isinstance(owner, MfaDevice) or None in found else owner


def _row(
    repository: IdentityRepository, reader: Reader, row: SessionRow, account: Account
) -> Owner | MfaDevice | None:
    """The row of a session, if it still exists under the same unique id, in this open account."""
    if row.kind is RowKind.ROOT:
        return account
    if row.kind is RowKind.MFA_DEVICE:
        return repository.mfa_devices.enabled_as(reader, row.account, row.unique_id)
    if row.kind is RowKind.ROLE:
        return repository.roles.get(reader, row.account, row.unique_id)
    if row.kind is RowKind.USER:
        return repository.users.get(reader, row.account, row.unique_id)
    if row.kind is RowKind.ACCESS_KEY:
        return account if usable(repository, reader, row.unique_id) is not None else None
    if row.kind is RowKind.SERVICE_KEY:
        began = usable(repository, reader, row.unique_id)
        return account if began is not None and began.service is not None else None
    holds = _CONDITIONS[row.kind]
    return account if holds(repository, reader, row.account, row.unique_id) else None


def _is_unrevised_provider(
    repository: IdentityRepository, reader: Reader, account: str, revision: str
) -> bool:
    return repository.oidc_providers.is_unrevised(reader, account, revision)


def _is_turned_on(repository: IdentityRepository, _: Reader, __: str, provider: str) -> bool:
    return provider in repository.web_identity_providers


def _is_unrevised_saml_provider(
    repository: IdentityRepository, reader: Reader, account: str, revision: str
) -> bool:
    return repository.saml_providers.is_unrevised(reader, account, revision)


def _is_unrevised_profile(
    repository: IdentityRepository, reader: Reader, account: str, revision: str
) -> bool:
    return repository.instance_profiles.is_unrevised(reader, account, revision)


def _is_associated(
    repository: IdentityRepository, reader: Reader, account: str, association_id: str
) -> bool:
    return repository.instances.association(reader, account, association_id) is not None


def _is_unrevised_directory(
    repository: IdentityRepository, reader: Reader, account: str, as_it_was: str
) -> bool:
    return repository.directories.is_as_it_was(reader, account, as_it_was)


def _is_assigned(
    repository: IdentityRepository, reader: Reader, account: str, assignment_id: str
) -> bool:
    return repository.directories.assignment(reader, account, assignment_id) is not None


def _is_unrevised_anchor(
    repository: IdentityRepository, reader: Reader, account: str, as_it_was: str
) -> bool:
    return repository.anywhere.anchors.is_as_it_was(reader, account, as_it_was)


def _is_in_profile(
    repository: IdentityRepository, reader: Reader, account: str, as_it_was: str
) -> bool:
    return repository.anywhere.profiles.is_as_it_was(reader, account, as_it_was)


def _is_unrevoked(repository: IdentityRepository, reader: Reader, account: str, path: str) -> bool:
    return repository.anywhere.crls.leave(reader, account, path)


def _is_logged_in(
    repository: IdentityRepository, reader: Reader, account: str, login_id: str
) -> bool:
    login = repository.logins.get(reader, account, login_id)
    if login is None:
        return False
    known = factors.of(repository, reader, account, login.person) if login.person else ""
    return login.factors == known


_CONDITIONS: Mapping[RowKind, Callable[[IdentityRepository, Reader, str, str], bool]] = {
    RowKind.ROOT_FEATURE: root_access.is_accessible,
    RowKind.ROOT_ADMINISTRATOR: root_access.administers,
    RowKind.LOGIN: _is_logged_in,
    RowKind.OIDC_PROVIDER: _is_unrevised_provider,
    RowKind.WEB_IDENTITY_PROVIDER: _is_turned_on,
    RowKind.SAML_PROVIDER: _is_unrevised_saml_provider,
    RowKind.INSTANCE_PROFILE: _is_unrevised_profile,
    RowKind.PROFILE_ASSOCIATION: _is_associated,
    RowKind.DIRECTORY: _is_unrevised_directory,
    RowKind.DIRECTORY_ASSIGNMENT: _is_assigned,
    RowKind.TRUST_ANCHOR: _is_unrevised_anchor,
    RowKind.ANYWHERE_PROFILE: _is_in_profile,
    RowKind.CERTIFICATE: _is_unrevoked,
}


def _open_account(repository: IdentityRepository, reader: Reader, number: str) -> Account | None:
    account = repository.accounts.get(reader, number)
    return account if account is not None and account.is_open else None
