"""AuthorizeOAuth2Access, ListCommandLineSessions, EndCommandLineSession: which programs may act as
a person does?  The person allows it, sees it, and takes it back.
"""

import msgspec

from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.repository import Login, LoginCode
from keystead.identity.sessions import Session, SessionKind
from keystead.identity.signin.logins import sessions
from keystead.identity.signin.logins.requests import CLIENTS
from keystead.identity.signin.logins.shapes import (
    AuthorizeAnswer,
    AuthorizeRequest,
    CrossDeviceOff,
    EndLoginRequest,
    FreshFactorNeeded,
    LoginList,
    LoginShown,
)
from keystead.identity.signin.sessions import FRESH_SECONDS
from keystead.identity.signin.shapes import Nothing, SignInEnded

ALLOW = "signin:AuthorizeOAuth2Access"


def authorize(call: SigninCall, request: AuthorizeRequest) -> AuthorizeAnswer:
    """A code for a client, which acts as the caller does, for so many hours."""
    session, asked, now = _session(call), request.asked, times.stored(call.now)
    _show(call, request)
    call.authorize(ALLOW, sessions.client_target(call, asked.client, call.account))
    if asked.client == "cross-device":
        _require_fresh(call, session, now)
    row = sessions.sign_in_of(session)
    sign_in = call.repository.sign_ins.get(call.transaction, row.account, row.unique_id)
    if sign_in is None:
        raise SignInEnded
    seconds = 3600 * max(1, min(request.hours, sessions.MOST_HOURS))
    if session.kind is not SessionKind.CONSOLE:  # a role's session ends when it has to
        seconds = min(seconds, session.expires - now)
    code, life = sessions.new_code(call.account), sessions.CODE_SECONDS[asked.client]
    account, code_id = sessions.code_id(call, code)
    record = LoginCode(
        account=account, code_id=code_id, subject=call.principal.user_id,
        person=sign_in.subject if sign_in.factors else "", factors=sign_in.factors,
        session=sessions.template(session), sign_in=f"{row.account} {row.unique_id}",
        client=asked.client, redirect=asked.redirect, challenge=asked.challenge,
        seconds=seconds, source_ip=call.event.source_ip, login_id="", proof_key="",
        began=now, expires=now + life,
    )  # fmt: skip
    call.repository.logins.insert_code(call.transaction, record, sessions.MOST_CODES)
    return AuthorizeAnswer(code=code, seconds=life)


def list_logins(call: SigninCall, _: Nothing) -> LoginList:
    """The sessions of the caller for the command line."""
    now = times.stored(call.now)
    subject = call.principal.user_id
    found = call.repository.logins.of_subject(call.transaction, call.account, subject, now)
    return LoginList(
        logins=tuple(_shown(each) for each in found if sessions.standing(call, each, None))
    )


def end_login(call: SigninCall, request: EndLoginRequest) -> Nothing:
    """One of them ends. One that is not there, or somebody else's, is over already."""
    call.event.request_parameters = {"sessionId": request.login_id}
    logins = call.repository.logins
    login = logins.get(call.transaction, call.account, request.login_id)
    if login is not None and login.subject == call.principal.user_id:
        logins.delete(call.transaction, login.account, login.login_id)
        call.event.response_elements = {"EndCommandLineSession": "Success"}
    return Nothing()


def _session(call: SigninCall) -> Session:
    if call.session is None:
        raise SignInEnded
    return call.session


def _require_fresh(call: SigninCall, session: Session, now: int) -> None:
    """Whoever is talked into typing a code elsewhere gives a session away, so more is asked."""
    if not call.cross_device_login:
        raise CrossDeviceOff
    if session.mfa is None or now >= session.mfa + FRESH_SECONDS:
        raise FreshFactorNeeded


def _show(call: SigninCall, request: AuthorizeRequest) -> None:
    """As CloudTrail writes it."""
    asked = request.asked
    named = {name: arn for arn, name in CLIENTS.items()}
    call.event.request_parameters = {
        "client_id": named[asked.client], "redirect_uri": asked.redirect,
        "code_challenge_method": "SHA-256", "scope": ["openid"],
    }  # fmt: skip


def _shown(login: Login) -> LoginShown:
    return msgspec.convert(login, LoginShown, from_attributes=True)
