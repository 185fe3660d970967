"""One IAM, STS, sign-in or Access Analyzer call in progress: what those operations may touch.

INVARIANT: every name in a request is looked up in the caller's own account (IA-10).
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from keystead.arns import NotAnArn
from keystead.call import Call, R
from keystead.custody.proofs import OneTimeCodes, Passwords, TypedNames
from keystead.custody.tokens import SessionTokens, Tokens
from keystead.errors import ValidationException
from keystead.identity import resources
from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication import Authenticated, Caller, LastUsed
from keystead.identity.federation import KeyMemory, Outside, ServiceProvider
from keystead.identity.names import (
    AWS_ACCOUNT,
    NotAPolicyArn,
    NotAProviderArn,
    split_policy_arn,
    split_provider_arn,
)
from keystead.identity.permissions import managed_policy
from keystead.identity.repository import (
    Account,
    E,
    Group,
    IdentityRepository,
    InstanceProfile,
    ManagedPolicy,
    MfaDevice,
    OidcProvider,
    Role,
    SamlProvider,
    User,
)
from keystead.identity.resources import KeyOwner, Named
from keystead.identity.sessions import Session
from keystead.networks import network_of
from keystead.policy.evaluation import (
    NO_KEYS,
    ContextValue,
    Permit,
    Principal,
    PrincipalType,
    principal_keys,
)
from keystead.refusals.written import Refusal
from keystead.store.protocol import Reader
from keystead.wire.http import HttpRequest
from keystead.wire.models import iam as api
from keystead.wire.operation import Operation, Service


class AuthorizationMessages(Protocol):
    """Finds the refusals that encoded authorization messages name."""

    def opened(self, reader: Reader, account: str, message: str, now: datetime) -> Refusal | None:
        """The refusal that a message stands for in this account; None for any other text."""


class AssumingCall(Call, kw_only=True):
    """A call in which somebody may get a session of a role: one of STS, or of sign-in."""

    repository: IdentityRepository
    session: Session | None = None  # of the caller

    def bears(self, principal: Principal) -> None:
        """A caller without a signature has proved to be this principal, and asks as such."""
        if self.principal.type is not PrincipalType.ANONYMOUS:
            raise RuntimeError(f"{self.principal.arn} is known, and bears a proof as well")
        self.principal = self.event.principal = principal
        self.keys.update(principal_keys(principal))


class StsCall(AssumingCall, kw_only=True):
    """One STS call."""

    authorization_messages: AuthorizationMessages
    session_tokens: SessionTokens
    regions: frozenset[str]  # of the installation: the others are those of global endpoints
    one_time_codes: OneTimeCodes
    provider_keys: KeyMemory
    outside: Outside
    service_provider: ServiceProvider  # whom assertions of SAML must be for
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)


class SigninCall(AssumingCall, kw_only=True):
    """One step of a person's sign-in, or a call about its session."""

    passwords: Passwords
    one_time_codes: OneTimeCodes
    typed_names: TypedNames
    tokens: Tokens
    incarnation: str  # of the installation
    provider_keys: KeyMemory
    outside: Outside
    session_tokens: SessionTokens
    urls: frozenset[str] = frozenset()  # of the installation, without a path
    pages: str = ""  # the one of its pages
    cross_device_login: bool = True  # the installation's choice

    @property
    def network(self) -> str:
        """The part of the network that the request comes from."""
        return network_of(self.event.source_ip)

    def is_of(self, caller: Caller) -> None:
        """Somebody has proved to be this caller, and asks with its policies."""
        self.bears(caller.principal)
        self.policies = caller.policies
        self.keys.update(caller.keys)


class Verifier(Protocol):
    """Finds out who signed a request."""

    def authenticate(
        self, reader: Reader, request: HttpRequest, service: Service, now: datetime, *, payload: str
    ) -> Authenticated:
        """The verified caller of a request to `service`; raises AWS's errors."""


class ManagedKeys(Protocol):
    """The keys that accounts have for services: `alias/aws/<label>`."""

    def ensure(self, call: Call, account: str, label: str, service: str) -> None:
        """Make the key of a service in an account and the call's Region, unless it is there."""


class ServicesCall(Call, kw_only=True):
    """One call of a service of the site, by the extension for such services."""

    repository: IdentityRepository
    session_tokens: SessionTokens
    verifier: Verifier
    managed_keys: ManagedKeys
    outside: Outside
    services_account: str = ""  # that administers services; "": the only one there is
    session: Session | None = None  # of the caller for whom it acts


class AnalyzerCall(Call, kw_only=True):
    """One Access Analyzer call."""

    tokens: Tokens
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)


class IamCall(Call, kw_only=True):
    """One IAM call."""

    repository: IdentityRepository
    tokens: Tokens
    passwords: Passwords
    one_time_codes: OneTimeCodes
    last_used: LastUsed
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)
    allow_unscoped_trust: bool = False  # the installation's choice (ST-9)
    session: Session | None = None  # of the caller
    given_key: IssuedKey | None = None
    """The access key that a seed says, as no request can: only its planting gives one (0043)."""

    def ask(
        self,
        resource: R,
        keys: Mapping[str, ContextValue] = NO_KEYS,
        included: Operation[Any, Any] | None = None,
    ) -> Permit[R]:
        """May the caller do what this operation does to this resource?

        The action is the operation's own name (IA-1), or that of another operation that it
        includes (`included`).
        """
        operation = included or self.operation
        action = f"{operation.service.name}:{operation.name}"
        return self.authorize(action, resource, keys)

    def ask_any(self) -> None:
        """May the caller do what this operation does, if it is not about a single resource?"""
        self.authorize_any(f"{self.operation.service.name}:{self.operation.name}")

    def named(self, record: type[E], name: str) -> Named[E]:
        """The entity of this kind that has this name."""
        entity = self.repository.of(record).named(self.transaction, self.account, name)
        return resources.entity(record, self.account, name, entity)

    def user(self, name: str | None) -> Named[User]:
        """The user with this name; without a name, the caller (ST-3)."""
        if name is not None:
            return self.named(User, name)
        if self.principal.type is not PrincipalType.USER:
            raise ValidationException(
                "Must specify userName when calling with non-User credentials"
            )
        caller = self.repository.users.get(self.transaction, self.account, self.principal.unique_id)
        return resources.entity(User, self.account, self.principal.name, caller)

    def key_owner(self, name: str | None) -> Named[KeyOwner]:
        """The owner of access keys with this name; without a name the caller, even root."""
        if name is None and self.principal.type is PrincipalType.ACCOUNT:
            return resources.root(self.own_account())
        return resources.owner_of_keys(self.user(name))

    def device_owner(self, name: str | None) -> Named[KeyOwner]:
        """The owner of MFA devices with this name; without a name the caller.

        Root has no name, so it calls itself by its account id where a name is needed. Nobody else
        reaches what is root's own (CO-9).
        """
        if self.principal.type is PrincipalType.ACCOUNT and name == self.account:
            name = None
        return self.key_owner(name)

    def mfa_device(self, serial_number: str) -> Named[MfaDevice]:
        """The virtual MFA device with this serial number, which is compared exactly.

        A text that is no ARN of one is the serial number of no device. Another account's device is
        nothing that a caller may do anything to (IA-10).
        """
        account, device = self.account, None
        with suppress(NotAnArn, NotAProviderArn):
            account, name = split_provider_arn(serial_number, MfaDevice.kind.noun)
            if account == self.account:
                device = self.repository.mfa_devices.named(self.transaction, account, name)
        known = device if device is not None and device.arn == serial_number else None
        return resources.with_arn(MfaDevice, account, serial_number, known)

    def own_account(self) -> Account:
        """The caller's account; it exists, since the caller was authenticated."""
        account = self.repository.accounts.get(self.transaction, self.account)
        if account is None:
            raise RuntimeError(f"account {self.account} vanished during a call")
        return account

    def group(self, name: str) -> Named[Group]:
        """The group with this name."""
        return self.named(Group, name)

    def role(self, name: str) -> Named[Role]:
        """The role with this name."""
        return self.named(Role, name)

    def instance_profile(self, name: str) -> Named[InstanceProfile]:
        """The instance profile with this name."""
        return self.named(InstanceProfile, name)

    def oidc_provider(self, arn: str) -> Named[OidcProvider]:
        """The provider of OpenID Connect with this ARN."""
        return self._provider(OidcProvider, arn)

    def saml_provider(self, arn: str) -> Named[SamlProvider]:
        """The provider of SAML with this ARN."""
        return self._provider(SamlProvider, arn)

    def _provider(self, record: type[E], arn: str) -> Named[E]:
        """The provider of this kind with this ARN, which is compared exactly.

        Another account's provider is nothing that a caller may do anything to (IA-10).
        """
        try:
            account, name = split_provider_arn(arn, record.kind.noun)
        except NotAProviderArn:
            raise api.InvalidInputException(f"ARN {arn} is not valid.") from None
        except NotAnArn:
            raise ValidationException("Invalid ARN:  Could not be parsed!") from None
        provider = None
        if account == self.account:
            provider = self.repository.of(record).named(self.transaction, account, name)
        known = provider if provider is not None and provider.arn == arn else None
        return resources.with_arn(record, account, arn, known)

    def ask_to_pass(self, role: Named[Role], service: str) -> None:
        """May the caller give this role to a service?  A permission of its own (IA-3)."""
        self.authorize("iam:PassRole", role, {"iam:passedtoservice": service})

    def policy(self, arn: str, *, to_change: bool = False) -> Named[ManagedPolicy]:
        """The managed policy with this ARN.

        AWS's policies belong to every account as long as they are only read. They belong to no
        account when they are to be changed, so not even an administrator may change them.
        """
        policy = self.find_policy(arn)
        owner = split_policy_arn(arn)[0]
        if owner == AWS_ACCOUNT and not to_change:
            owner = self.account
        return resources.policy(arn, owner, policy)

    def find_policy(self, arn: str) -> ManagedPolicy | None:
        """The managed policy with this ARN, or None; raises if it cannot be such an ARN."""
        try:
            return managed_policy.with_arn(self.repository, self.transaction, self.account, arn)
        except NotAPolicyArn:
            raise api.InvalidInputException(f"ARN {arn} is not valid.") from None
        except NotAnArn:
            raise ValidationException("Invalid ARN:  Could not be parsed!") from None
