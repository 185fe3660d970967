"""GetSigninToken, DescribeSigninToken, and a login with a token: AWS's federation endpoint (4.10).

    credentials of AssumeRole or GetFederationToken -> token -> session, without credentials

A broker hands in temporary credentials, and gets a token for the browser of a person. A token is
good for 15 minutes and once: its row is taken away by the login, so no restart brings it back. The
session has the facts of the credentials: the rows, the policies, the tags, the time of issue. So
what ends or bounds the credentials ends or bounds the session.

With SessionDuration the session may outlast the credentials, as far as the role allows. It may not
if something else fixed their end: a chain of roles, a provider, or who narrowed them.

Every refusal has one text. Whoever sends no good credentials learns nothing of keys and accounts.
"""

import hmac

import msgspec

from keystead.custody.randomness import secret_access_key
from keystead.errors import AwsError
from keystead.identity import times
from keystead.identity.authentication import Owner, callers, owner_of, session_context
from keystead.identity.call import SigninCall
from keystead.identity.repository import Role, SignInFacts
from keystead.identity.sessions import Session, SessionKind, open_token
from keystead.identity.signin.asked import (
    BrokerLoginRequest,
    GetSigninTokenRequest,
    SignInEnded,
    SigninToken,
    StepAnswer,
    TokenAnswer,
    TokenRequest,
)
from keystead.identity.signin.sessions import (
    SESSION_SECONDS,
    broker_row,
    of_facts,
    records,
    sessions_of,
)
from keystead.policy.evaluation import Principal

TOKEN_SECONDS = 900
SHORTEST, LONGEST = 900, SESSION_SECONDS
_MOST_TOKENS = 5  # of one session's name that are good; the oldest goes
_KINDS = frozenset({SessionKind.ROLE, SessionKind.FEDERATION})


class BadSession(AwsError):
    """The request for a token is refused, whatever is wrong with it."""

    code = "InvalidRequest"
    status = 400

    def __init__(self, why: str) -> None:
        super().__init__("The session or its duration is not right.", why=why)


def get_signin_token(call: SigninCall, request: GetSigninTokenRequest) -> SigninToken:
    """A token for the bearer of temporary credentials."""
    now = times.stored(call.now)
    session, owner = _proved(call, request, now)
    session = msgspec.structs.replace(
        session,
        expires=_end(session, owner, request.duration, now),
        delivery=None,
        extendable=False,  # else credentials that it gives to a program would extend it for ever
    )
    principal = _principal(call, session, owner)
    record = broker_row(session, principal.user_id, "token", now, now + TOKEN_SECONDS)
    facts = SignInFacts(session=msgspec.msgpack.encode(session))
    kept = sessions_of(call).keep(call.transaction, record, None, facts, most=_MOST_TOKENS)
    call.event.principal, call.event.access_key_id = principal, request.access_key_id
    call.event.session = session_context(session, principal)
    call.event.response_elements = {"credentials": None, "GetSigninToken": "Success"}
    call.event.additional = {"LoginTo": request.url, "MobileVersion": "No", "MFAUsed": "No"}
    return SigninToken(token=kept.cookie)


def describe_signin_token(call: SigninCall, request: TokenRequest) -> TokenAnswer:
    """Whose token is it?  It is not used by this."""
    now = times.stored(call.now)
    record = sessions_of(call).record(call.transaction, request.token, "token", now)
    facts = call.repository.sign_ins.facts(call.transaction, record)
    found = of_facts(call.repository, call.transaction, facts)
    if found is None:
        raise SignInEnded
    principal = _principal(call, *found)
    call.event.principal = principal
    return TokenAnswer(
        name=principal.arn.partition("/")[2], account=principal.account, arn=principal.arn
    )


def broker_login(call: SigninCall, request: BrokerLoginRequest) -> StepAnswer:
    """The session of a token, which is used by this."""
    now, sessions = times.stored(call.now), sessions_of(call)
    call.event.name = "ConsoleLogin"
    record = sessions.record(call.transaction, request.token, "token", now)
    facts = call.repository.sign_ins.facts(call.transaction, record)
    found = of_facts(call.repository, call.transaction, facts)
    if found is None or found[0].expires <= now:
        raise SignInEnded
    session, owner = found
    principal = _principal(call, session, owner)
    expires = min(session.expires, now + SESSION_SECONDS)
    entered = broker_row(session, principal.user_id, "session", now, expires)
    kept = SignInFacts(session=facts.session, issuer=request.issuer)
    answer = sessions.keep(call.transaction, entered, record, kept)
    call.event.principal = principal
    call.event.session = session_context(session, principal)
    records.succeeded(call, "ConsoleLogin", request.url, "")
    return answer


def _proved(call: SigninCall, request: GetSigninTokenRequest, now: int) -> tuple[Session, Owner]:
    """The session whose credentials these are. The same work is done for those of nobody (AU-8)."""
    opened = open_token(call.session_tokens, request.access_key_id, request.session_token, call.now)
    secret = opened.secret if opened else secret_access_key()
    is_right = hmac.compare_digest(secret.encode(), request.secret_access_key.encode())
    if opened is None or not is_right:
        raise BadSession("the credentials are nobody's")
    session = opened.session
    if session.kind not in _KINDS or session.forwarded is not None:
        raise BadSession("the credentials are not of AssumeRole or GetFederationToken")
    owner = owner_of(call.repository, call.transaction, session)
    if owner is None or now >= session.expires:
        raise BadSession("the credentials are over")
    return session, owner


def _end(session: Session, owner: Owner, duration: int | None, now: int) -> int:
    """When the session on the pages ends."""
    if duration is None:
        return session.expires
    if not SHORTEST <= duration <= LONGEST:
        raise BadSession(f"SessionDuration is not from {SHORTEST} to {LONGEST}")
    if session.kind is not SessionKind.ROLE or not isinstance(owner, Role):
        raise BadSession("SessionDuration is for roles only")
    if session.chained:
        raise BadSession("SessionDuration is not for chained roles")
    asked = now + min(duration, owner.longest_session)
    return asked if session.extendable else min(asked, session.expires)


def _principal(call: SigninCall, session: Session, owner: Owner) -> Principal:
    return callers.of_session(call.repository, call.transaction, session, owner).principal
