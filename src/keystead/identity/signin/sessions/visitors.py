"""Who sent this request from a page?  The verifier of the console's listener (sign-in.md 7.1).

INVARIANT: it is the only one on that listener, and is on no other. It reads one cookie, and no
signature. A session is good only with all of its rows as they are now, and nothing of it is kept
between requests. The path says which actor of the session it is (`actors`). Its secret half is
never made: it signs nothing, and nobody can carry it away.
"""

from datetime import datetime

from keystead.audit.records import CONSOLE
from keystead.identity import times
from keystead.identity.authentication import (
    Authenticated,
    LastUsed,
    age_keys,
    callers,
    nobody,
    session_context,
)
from keystead.identity.repository import IdentityRepository, Role
from keystead.identity.signin.asked import SignInEnded
from keystead.identity.signin.sessions import actors
from keystead.identity.signin.sessions.sessions import Sessions
from keystead.rules import CredentialKind
from keystead.store.cache import Noting
from keystead.store.protocol import Reader
from keystead.wire.http import HttpRequest
from keystead.wire.operation import Service

COOKIE = "__Host-ks"
"""The cookie of a session."""


def cookie_of(request: HttpRequest, name: str) -> str:
    """The value of a cookie; "" if it is not there exactly once."""
    pairs = [pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";")]
    values = [value for key, _, value in pairs if key == name]
    return values[0] if len(values) == 1 else ""


class Visitors:
    """Verifies the sessions of persons. (pipeline.Verifier)"""

    __slots__ = ("_last_used", "_region", "_repository", "_sessions")

    def __init__(
        self,
        repository: IdentityRepository,
        incarnation: str,
        region: str,
        last_used: LastUsed,
    ) -> None:
        self._last_used = last_used
        self._repository = repository
        self._sessions = Sessions(repository, incarnation)
        self._region = region

    def authenticate(
        self,
        reader: Reader,
        request: HttpRequest,
        service: Service,
        now: datetime,
        *,
        operation: str = "",
    ) -> Authenticated:
        """The person whose session's cookie this request has; raises SignInEnded, RoleEnded."""
        if request.endpoint.name != CONSOLE:
            raise SignInEnded
        noting, second = Noting(reader), times.stored(now)
        cookie = cookie_of(request, COOKIE)
        visited = self._sessions.visited(noting, cookie, second)
        session, person, owner = visited.session, visited.person, visited.owner
        access_key_id = visited.record.access_key_id
        actor = actors.named_by(request.path)
        if actor:
            acting = self._sessions.acting(noting, visited, actor, second)
            session, person, owner = acting.session, None, acting.owner
            access_key_id = acting.actor.access_key_id
        caller = callers.of_session(self._repository, noting, session, owner)
        keys = caller.keys
        if session.mfa is not None:
            keys = {**keys, **age_keys(session.mfa, now)}
        kind = CredentialKind.CONSOLE_ROLE
        if person is not None:
            kind = CredentialKind.CONSOLE if person.user else CredentialKind.CONSOLE_ROOT
        principal = caller.principal
        if isinstance(owner, Role):
            self._last_used.note_role(owner.account, owner.role_id, now, self._region)
        self._last_used.note_access(principal, service.name, operation, now, self._region)
        return Authenticated(
            principal,
            caller.policies,
            keys,
            access_key_id,
            self._region,
            kind,
            session,
            session_context(session, caller.principal),
            tuple(noting.names),
        )

    def nobody(self) -> Authenticated:
        """The caller of a step of sign-in: its operation finds out who it is."""
        return nobody(self._region)

    def usable_key(self, reader: Reader, request: HttpRequest, now: datetime) -> str:  # noqa: ARG002  # as the verifier of signatures has it
        """No body from a page is long."""
        return ""
