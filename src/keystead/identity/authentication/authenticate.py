"""Who signed this request?  The one verifier of signatures (iam.md 3.11, threat-model AU).

INVARIANT: an Authenticated value is made here only, and only after the signature of this very
request was verified with the secret of an active key, whose owner exists in an open account, in
the request's own view of the store.

What is kept between requests, always bounded, and entered only after a signature verified: the
day's signing key of an access key with its owner and policies, until one of the lookups that they
came from is announced, so that whatever changes a key, a user or a policy ends it; and how a
client's Authorization header reads, which depends on its text alone. The result of a verification
is never kept.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from keystead.arns import spoken
from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.custody.randomness import secret_access_key
from keystead.errors import AwsError
from keystead.identity.authentication import credentials
from keystead.identity.authentication.callers import Caller
from keystead.identity.authentication.last_used import LastUsed
from keystead.identity.repository import IdentityRepository
from keystead.policy.evaluation import ContextValue, Principal, PrincipalPolicies, documents
from keystead.store.cache import NamedCache, Noting
from keystead.store.changes import Name
from keystead.store.protocol import Reader
from keystead.wire import sigv4
from keystead.wire.http import HttpRequest
from keystead.wire.operation import Service
from keystead.wire.sigv4 import Scope, Signature, mismatch, parse, prefix

# Who is shown this presigned request learns for 15 minutes who signed it, whatever X-Amz-Expires
# says: as at AWS, and clients count on it (iam.md 3.9).
_PROOF_OF_IDENTITY = ("sts", "GetCallerIdentity")

CALLERS = Room(of_owner=6 * MIB, in_all=64 * MIB)
"""For callers with their policies: of the account that they are of."""
CLAIMS = Room(of_owner=256 * KIB, in_all=8 * MIB)

_CALLER, _TAG, _CLAIM = 5000, 500, 3000  # bytes that each takes
_KEPT_LENGTH = 512  # characters; the headers of SDKs are shorter
_NO_SESSION: Mapping[str, Any] = {}


class InvalidClientTokenId(AwsError):
    """No active key has this id, or the token is not its own: one answer for all (iam.md 7.4)."""

    code = "UnrecognizedClientException"
    query_code = "InvalidClientTokenId"
    query_status = 403

    def __init__(self) -> None:
        super().__init__("The security token included in the request is invalid.")


class Authenticated(msgspec.Struct, frozen=True):
    """Who asks: the verified facts about one request."""

    principal: Principal
    policies: PrincipalPolicies
    keys: Mapping[str, ContextValue]  # condition keys of principal and session, lower-case
    access_key_id: str
    region: str  # of the credential scope
    session: Mapping[str, Any]  # facts about a session, for the event
    names: tuple[Name, ...]  # of the lookups that all of this came from


class _Known(msgspec.Struct, frozen=True):
    """What a verified access key signs with in one scope, and who that is."""

    signing_key: sigv4.SigningKey
    caller: Authenticated


class Authenticator:
    """Verifies signatures against the keys in the store."""

    __slots__ = (
        "_claims", "_global_regions", "_known", "_last_used", "_nobody", "_regions", "_repository",
    )  # fmt: skip

    def __init__(
        self, repository: IdentityRepository, regions: Collection[str], last_used: LastUsed
    ) -> None:
        self._repository = repository
        self._regions = frozenset(regions)
        # What SDKs sign for where a service has one place for all Regions.
        self._global_regions = self._regions | {spoken().global_region}
        self._last_used = last_used
        self._known: NamedCache[tuple[str, str], _Known] = NamedCache(CALLERS)
        self._claims: BoundedCache[str, Scope] = BoundedCache(CLAIMS)
        self._nobody = secret_access_key()  # a secret that signs nothing

    def authenticate(
        self,
        reader: Reader,
        request: HttpRequest,
        service: Service,
        now: datetime,
        *,
        operation: str = "",
    ) -> Authenticated:
        """The verified caller of a request to `service`; raises what AWS answers otherwise.

        `operation` is the name of what is asked for; it decides how long a presigned request holds.

        (1) well-formed; (2) scope; (3) key, its status and owner; (4) token; (5) signature;
        (6) time; (7) last use is noted.
        """
        signature = parse(request, self._claims)  # (1)
        regions = self._global_regions if service.is_global else self._regions
        sigv4.require_scope(signature, service.name, regions)  # (2)
        claim = signature.claim
        known = self._known.get(reader, (claim.access_key_id, claim.scope))
        if known is not None and signature.security_token is None:
            text = sigv4.string_to_sign(request, signature)
            if not sigv4.matches(known.signing_key, text, signature):  # (5)
                raise mismatch()
        else:
            known = self._first_seen(reader, request, signature)  # (3) (4) (5)
        whatever = (service.name, operation) == _PROOF_OF_IDENTITY
        sigv4.require_fresh(  # (6)
            signature, now, service.clock_skew_seconds, whatever_expires=whatever
        )
        caller = known.caller
        self._last_used.note(  # (7)
            caller.principal.account, claim.access_key_id, now, claim.region, service.name
        )
        return caller

    def _first_seen(self, reader: Reader, request: HttpRequest, signature: Signature) -> _Known:
        """(3) key, its status and owner; (4) token; (5) signature, all from the store.

        The same work is done for a key that nobody has (AU-8), and only then refused.
        """
        claim, noting = signature.claim, Noting(reader)
        credential = credentials.usable(self._repository, noting, claim.access_key_id)
        if signature.security_token is not None:  # long-term keys have none (AU-9)
            credential = None
        secret = credential.secret(self._repository) if credential else self._nobody
        signing_key = sigv4.signing_key(secret, claim.date, claim.region, claim.service)
        text = sigv4.string_to_sign(request, signature)
        matches = sigv4.matches(signing_key, text, signature)
        if credential is None:
            raise InvalidClientTokenId
        if not matches:
            raise mismatch()
        caller = _caller(credential.caller(self._repository, noting), claim, noting)
        account = caller.principal.account
        self._remember(request, claim, account)
        cost = _CALLER + _TAG * len(caller.principal.tags)
        return self._known.put(
            noting,
            (claim.access_key_id, claim.scope),
            _Known(signing_key, caller),
            account,
            cost,
            documents(caller.policies.every),
        )

    @property
    def kept_bytes(self) -> int:
        """What is kept of callers and of what they say."""
        return self._known.kept.cost + self._claims.cost

    def _remember(self, request: HttpRequest, claim: Scope, account: str) -> None:
        """Spare the next request of this client the parsing of what it says again."""
        start = prefix(request)
        if start is not None and len(start) <= _KEPT_LENGTH:
            self._claims.put(start, claim, account, _CLAIM)


def _caller(caller: Caller, claim: Scope, noting: Noting) -> Authenticated:
    """The owner of an access key, as who asks within one scope."""
    return Authenticated(
        caller.principal,
        caller.policies,
        caller.keys,
        claim.access_key_id,
        claim.region,
        _NO_SESSION,
        tuple(noting.names),
    )
