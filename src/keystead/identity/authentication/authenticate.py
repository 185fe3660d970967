"""Which caller signed this request?  The one verifier of signatures (iam.md 3.11, threat-model AU).

INVARIANT: on the listeners of the API an Authenticated value is made here only, after the signature
of this very request was verified. The secret is that of an active key, whose owner exists in an
open account. All of this holds in the request's own view of the store. The one exception is
`nobody`, who has no name, no policies and no account: the caller of an operation that is open
without a signature (AU-1). The listener of the console has `identity.signin.Visitors` instead.

Two things are kept between requests. Both are bounded, and entered only after a signature verified.
One is the day's signing key of an access key or a session, with its owner and policies. It goes
when one of its lookups is announced, so a change of a key, a user or a policy ends it. The other is
the parsed Authorization header of a client, which depends on its text alone. The result of a
verification is never kept, and the end of a session is checked at each use.
"""

import hmac
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from keystead.arns import spoken
from keystead.caches import MIB, BoundedCache, Room
from keystead.custody.randomness import secret_access_key
from keystead.custody.tokens import SessionTokens
from keystead.identity.authentication import credentials
from keystead.identity.authentication.credentials import Credential, SessionCredential
from keystead.identity.authentication.last_used import LastUsed
from keystead.identity.authentication.session_facts import age_keys, session_context
from keystead.identity.authentication.token_errors import ExpiredToken, InvalidClientTokenId
from keystead.identity.permissions import sources
from keystead.identity.repository import IdentityRepository, ServiceRecord
from keystead.identity.sessions import Session
from keystead.policy.evaluation import (
    ContextValue,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    documents,
)
from keystead.rules import CredentialKind
from keystead.store.cache import NamedCache, Noting
from keystead.store.changes import Name
from keystead.store.protocol import Reader
from keystead.wire import sigv4
from keystead.wire.http import HttpRequest
from keystead.wire.operation import Service
from keystead.wire.presented import claimed
from keystead.wire.sigv4 import Scope, Signature, mismatch, parse, prefix

# A holder of this presigned request can prove for 15 minutes which caller signed it, with any
# X-Amz-Expires. AWS does the same, and clients rely on it (iam.md 3.9).
_PROOF_OF_IDENTITY = ("sts", "GetCallerIdentity")

CALLERS = Room(of_owner=6 * MIB, in_all=64 * MIB)
"""For callers with their policies; their account is the owner."""
CLAIMS = Room(of_owner=2 * MIB, in_all=24 * MIB)
"""For the headers of as many callers."""

_CALLER, _TAG, _CLAIM = 5000, 500, 2000  # the bytes of each
_CONTENT = 8  # bytes for each byte of a session; some texts take four times as much in memory
_KEPT_LENGTH = 512  # characters; the headers of SDKs are shorter
_NO_SESSION: Mapping[str, Any] = {}


class Authenticated(msgspec.Struct, frozen=True):
    """The caller of one request: the verified facts."""

    principal: Principal
    policies: PrincipalPolicies
    keys: Mapping[str, ContextValue]  # condition keys of principal and session, lower-case
    access_key_id: str
    region: str  # of the credential scope
    credentials: CredentialKind
    session: Session | None  # behind temporary credentials
    session_context: Mapping[str, Any]  # its facts, for the event
    names: tuple[Name, ...]  # of the lookups that all of this came from
    service: ServiceRecord | None = None  # that signs with its own key
    invoked_by: str = ""  # the name of that service, or of one that acts for the caller
    misnamed: str = ""  # why it may not name the source that its request names


def nobody(region: str) -> Authenticated:
    """The caller of a request that has proved nothing yet, in this Region."""
    principal = Principal(PrincipalType.ANONYMOUS, "anonymous", "", "anonymous")
    return Authenticated(
        principal, PrincipalPolicies(), {}, "", region, CredentialKind.PROOF, None, _NO_SESSION, ()
    )


class _Known(msgspec.Struct, frozen=True):
    """The signing key of a verified access key in one scope, and its caller."""

    signing_key: sigv4.SigningKey
    caller: Authenticated
    token: bytes  # that came with it, of a session; b"" of a long-term key

    def came_with(self, token: str | None) -> bool:
        """Is this the token that was opened?"""
        if token is None:
            return not self.token
        return bool(self.token) and hmac.compare_digest(self.token, token.encode())


class Authenticator:
    """Verifies signatures against the keys in the store."""

    __slots__ = (
        "_claims", "_global_regions", "_home", "_known", "_last_used", "_nobody", "_regions",
        "_repository", "_tokens",
    )  # fmt: skip

    def __init__(
        self,
        repository: IdentityRepository,
        tokens: SessionTokens,
        regions: Collection[str],
        last_used: LastUsed,
    ) -> None:
        self._repository = repository
        self._tokens = tokens
        self._regions = frozenset(regions)
        self._home = next(iter(regions))
        # SDKs sign calls of global services for one Region of the partition.
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
        payload: str = "",
    ) -> Authenticated:
        """The verified caller of a request to `service`; raises AWS's errors.

        `operation` is the name of the operation; it decides how long a presigned request holds.
        `payload` is the SHA-256 of a body that is not here, as the service says that received it.

        (1) well-formed; (2) scope; (3) key, its status and owner; (4) token; (5) signature;
        (6) time of the request and end of the session; (7) last use is noted.
        """
        signature = parse(request, self._claims)  # (1)
        if payload:
            signature = msgspec.structs.replace(signature, payload=payload)
        regions = self._global_regions if service.is_global else self._regions
        sigv4.require_scope(signature, service.name, regions)  # (2)
        claim = signature.claim
        known = self._known.get(reader, (claim.access_key_id, claim.scope))
        if known is not None and known.came_with(signature.security_token):
            text = sigv4.string_to_sign(request, signature)
            if not sigv4.matches(known.signing_key, text, signature):  # (5)
                raise mismatch()
        else:
            known = self._first_seen(reader, request, signature, now)  # (3) (4) (5)
        whatever = signature.presigned and (service.name, operation) == _PROOF_OF_IDENTITY
        sigv4.require_fresh(  # (6)
            signature, now, service.clock_skew_seconds, whatever_expires=whatever
        )
        caller = known.caller
        principal = caller.principal
        if caller.session is not None:
            caller = _at(caller, caller.session, now)  # (6)
            if caller.credentials is CredentialKind.ROLE:
                self._last_used.note_role(  # (7)
                    principal.account, principal.unique_id, now, claim.region
                )
        else:
            account = principal.account
            if caller.service is not None:
                account = caller.service.account
                caller = self._with_source(reader, caller, caller.service, request)
            self._last_used.note(  # (7)
                account, claim.access_key_id, now, claim.region, service.name
            )
        self._last_used.note_access(principal, service.name, operation, now, claim.region)  # (7)
        return caller

    def nobody(self) -> Authenticated:
        """The caller of a request without credentials, whatever its headers say."""
        return nobody(self._home)

    def usable_key(self, reader: Reader, request: HttpRequest, now: datetime) -> str:
        """The access key id that a request claims, if it could authenticate now; else "".

        Nothing is verified: this only tells whether it is worth the while to read on (HF-7).
        """
        access_key_id = claimed(request).access_key_id
        token = request.headers.get("x-amz-security-token")
        credential = (
            credentials.usable(self._repository, reader, access_key_id)
            if token is None
            else credentials.of_session(
                self._repository, reader, self._tokens, access_key_id, token, now
            )
        )
        return access_key_id if credential else ""

    def _first_seen(
        self, reader: Reader, request: HttpRequest, signature: Signature, now: datetime
    ) -> _Known:
        """(3) key, its status and owner; (4) token; (5) signature, all from store and token.

        The same work is done for a key that nobody has (AU-8), and only then refused.
        """
        claim, token, noting = signature.claim, signature.security_token, Noting(reader)
        credential: Credential | SessionCredential | None
        if token is None:
            credential = credentials.usable(self._repository, noting, claim.access_key_id)
        else:  # no token belongs to a long-term key (AU-9)
            credential = credentials.of_session(
                self._repository, noting, self._tokens, claim.access_key_id, token, now
            )
        secret = credential.secret(self._repository) if credential else self._nobody
        signing_key = sigv4.signing_key(secret, claim.date, claim.region, claim.service)
        text = sigv4.string_to_sign(request, signature)
        matches = sigv4.matches(signing_key, text, signature)
        if credential is None:
            raise InvalidClientTokenId
        if not matches:
            raise mismatch()
        caller = self._caller(credential, claim, noting)
        account = caller.principal.account if caller.service is None else caller.service.account
        self._remember(request, claim, account)
        cost = _CALLER + _TAG * len(caller.principal.tags)
        kept = (token or "").encode()
        cost += len(kept) + _CONTENT * credential.size
        return self._known.put(
            noting,
            (claim.access_key_id, claim.scope),
            _Known(signing_key, caller, kept),
            account,
            cost,
            documents(caller.policies.every),
        )

    def _caller(
        self, credential: Credential | SessionCredential, claim: Scope, noting: Noting
    ) -> Authenticated:
        """The caller with this credential, within one scope."""
        caller = credential.caller(self._repository, noting, claim.region)
        session = credential.session
        return Authenticated(
            caller.principal,
            caller.policies,
            caller.keys,
            claim.access_key_id,
            claim.region,
            credential.kind,
            session,
            _NO_SESSION if session is None else session_context(session, caller.principal),
            tuple(noting.names),
            credential.service,
            _invoked_by(credential),
        )

    def _with_source(
        self, reader: Reader, caller: Authenticated, service: ServiceRecord, request: HttpRequest
    ) -> Authenticated:
        """A service that signs with its own key, with the facts about the source that it names."""
        arn, account = sources.named(request.headers)
        if not arn and not account:
            return caller
        noting = Noting(reader)
        source = sources.source(self._repository, noting, service, arn, account)
        return msgspec.structs.replace(
            caller,
            keys={**caller.keys, **source.keys},
            names=(*caller.names, *noting.names),
            misnamed=source.problem,
        )

    @property
    def kept_bytes(self) -> int:
        """The cost of callers and their headers in memory, in bytes."""
        return self._known.kept.cost + self._claims.cost

    def _remember(self, request: HttpRequest, claim: Scope, account: str) -> None:
        """Keep the parsed header of this client for its next request."""
        start = prefix(request)
        if start is not None and len(start) <= _KEPT_LENGTH:
            names = tuple(request.headers)
            length = sum(map(len, names))
            if length <= _KEPT_LENGTH:
                claim = msgspec.structs.replace(claim, received=names)
            self._claims.put(start, claim, account, _CLAIM)


def _invoked_by(credential: Credential | SessionCredential) -> str:
    """The name of the service that calls, in its own name or for the caller."""
    if credential.service is not None:
        return credential.service.name
    session = credential.session
    return session.forwarded.service if session is not None and session.forwarded else ""


def _at(caller: Authenticated, session: Session, now: datetime) -> Authenticated:
    """The caller of a session now. Its end and its age are computed at each use."""
    if now.timestamp() >= session.expires:
        raise ExpiredToken
    if session.mfa is None:
        return caller
    return msgspec.structs.replace(caller, keys={**caller.keys, **age_keys(session.mfa, now)})
