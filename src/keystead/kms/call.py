"""One KMS call in progress: every service's `Call`, with the keys and their custody."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from keystead.call import Call, R, Resource
from keystead.custody.backends import GivenSecret
from keystead.custody.material import Custody
from keystead.custody.tokens import Tokens
from keystead.kms import states, usage
from keystead.kms.ciphertext import KeyName
from keystead.kms.encryption_context import EncryptionContext
from keystead.kms.grants import GrantRecord, find_by_token
from keystead.kms.heard import Heard
from keystead.kms.keys import (
    Key,
    KeyRepository,
    LastUses,
    Reference,
    identifiers,
    key_reference,
    nobodys_key,
    over_resource,
)
from keystead.kms.rules import KmsRules, add_request_keys
from keystead.policy.evaluation import NO_KEYS, ContextValue, OverAccount, Permit
from keystead.quotas import Quotas
from keystead.store.cache import Noting
from keystead.store.protocol import Reader
from keystead.times import microseconds
from keystead.wire.models import kms as api


class Given(msgspec.Struct, frozen=True):
    """What a seed says and no request can: a new key's id, and the secret of an import.

    Only the planting of a seed gives anything, in an installation for development (decision 0043).
    """

    key_id: str = ""
    secret: GivenSecret | None = None


NOTHING_GIVEN = Given()


class KmsCall(Call, kw_only=True):
    """One KMS call. `key` finds, `authorize` asks, `custody` acts."""

    rules: KmsRules
    repository: KeyRepository
    heard: Heard
    custody: Custody
    tokens: Tokens
    last_uses: LastUses
    quotas: Quotas
    regions: frozenset[str] = frozenset()  # of the installation
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)
    given: Given = NOTHING_GIVEN

    def __post_init__(self) -> None:
        add_request_keys(self.keys, self.rules, self.principal.account, self.region)

    def context(self, pairs: Mapping[str, str] | None) -> EncryptionContext:
        """The encryption context of this request."""
        return self.heard.context(self.principal.account, pairs)

    def key(self, key_id: str) -> Key:
        """The key that a request names: by id, by ARN, or by alias if the operation allows it.

        Raises NotFoundException for a key that does not exist in the caller's own account.
        """
        key = self._key(key_id)
        return key if key.expires_us is None else key.at(microseconds(self.now))

    def _key(self, key_id: str) -> Key:
        if not self.rules.by_alias:
            return self._find(self.transaction, key_id)
        # All of these operations only read, and understand the same texts as the same keys.
        name = (self.principal.account, self.region, key_id)
        named, nobodys = self.repository.named, self.repository.nobodys
        key = named.get(self.transaction, name) or nobodys.get(self.transaction, name)
        if key is None:
            noting = Noting(self.transaction)
            key = self._find(noting, key_id)
            self.repository.keep_named(noting, name, key)
        return key

    def _find(self, reader: Reader, key_id: str) -> Key:
        reference = identifiers.parse(self.rules, self.account, self.region, key_id)
        return self._at(reader, reference) or self._missing(reference)

    def key_of_blob(self, name: KeyName) -> Key:
        """The key that a ciphertext names, or nobody's key: both are refused alike."""
        account, region, key_id = name
        if name.multi_region:
            region = self.region
        if region == self.region:
            key = self.repository.key(self.transaction, account, region, key_id)
            if key is not None:
                return key if key.expires_us is None else key.at(microseconds(self.now))
        return nobodys_key(key_reference(account, region, key_id).arn, account, region)

    def _at(self, reader: Reader, reference: Reference) -> Key | None:
        """The key behind a parsed name, or None."""
        account, region, resource = reference
        if reference.is_alias:
            return self.repository.key_by_alias(reader, account, region, resource)
        return self.repository.key(reader, account, region, reference.key_id)

    def elsewhere(self, region: str) -> Self:
        """The part of this call that is done in another Region, and asked there (kms.md 10.4)."""
        keys = {**self.keys, "aws:requestedregion": region}
        return msgspec.structs.replace(self, region=region, keys=keys)

    def record_defaults(self, **members: object) -> None:
        """Let the event show the defaults that the request relied on (kms.md 22.2)."""
        self.event.request_parameters = {**members, **(self.event.request_parameters or {})}

    def _missing(self, reference: Reference) -> Key:
        if reference.account != self.account:
            return nobodys_key(reference.arn, reference.account, reference.region)
        if reference.is_alias:
            raise api.NotFoundException(f"Alias {reference.arn} is not found.")
        raise api.NotFoundException(f"Key '{reference.arn}' does not exist")

    def authorize(
        self, action: str, resource: R, keys: Mapping[str, ContextValue] = NO_KEYS
    ) -> Permit[R]:
        """May they, by policies or by a grant?  Never on a key that does not exist."""
        # `super` would cost 0.3 µs.
        if not isinstance(resource, Key):
            return Call.authorize(self, action, resource, keys)
        key: Any = self.with_grants(resource, keys) if resource.is_granted else resource
        permit: Permit[R] = Call.authorize(self, action, key, keys)
        if not key.exists:
            raise RuntimeError(f"{action} was allowed on a key that does not exist")
        return permit

    def over(self, resource: Resource) -> OverAccount:
        """What stands over a resource; no resource control policy over AWS's own (iam.md 5.6)."""
        over = self.guardrails.over(resource.owner)
        return over_resource(resource, over) if over.resource_control else over

    def with_grants(self, key: Key, keys: Mapping[str, ContextValue]) -> Key:
        """The key with the grants that this caller has on it. `keys` are those of the operation."""
        granted = self.repository.granted
        return granted.of(self.transaction, key, self.principal, self.keys, keys)

    def require_tokens(self, tokens: Sequence[str] | None) -> None:
        """Refuse tokens that are for no grant. The others add nothing: each grant counts already.

        Every operation that takes `GrantTokens` calls this, once it is allowed.
        """
        for token in tokens or ():
            self.grant_of_token(token)

    def grant_of_token(self, token: str) -> GrantRecord:
        """The grant that a token is for; raises InvalidGrantTokenException."""
        return find_by_token(
            self.tokens, self.repository.grants, self.transaction, self.region, token
        )

    def require_state(self, key: Key) -> None:
        """Refuse unless a key in this state may do what this operation does."""
        states.require(self.rules.states, key)

    def require_use(self, key: Key, algorithm: str) -> None:
        """Refuse unless a key of this spec and usage does this, with this algorithm."""
        usage.require(self.rules.use, self.operation.name, key, algorithm)

    def require_had(self, spec: str) -> None:
        """Refuse a spec of which this installation has no material (decision 0034)."""
        if not self.custody.has(spec):
            raise api.UnsupportedOperationException(
                f"Keys with the KeySpec {spec} are not supported."
            )

    def shown_as(self, resource: Resource) -> str:
        """The alias that a stranger used, because a stranger must not learn its key's id."""
        if isinstance(resource, Key) and resource.owner != self.account:
            return resource.called
        return ""
