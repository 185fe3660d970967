"""AuthorizeOAuth2Access, ListCommandLineSessions, EndCommandLineSession: which programs may act as
a person does?  The person allows it, sees it, and takes it back.
"""

from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.repository import Login, LoginCode, Role, SignIn
from keystead.identity.sessions import Session, SessionKind
from keystead.identity.signin.asked import Nothing, SignInEnded
from keystead.identity.signin.logins import sessions
from keystead.identity.signin.logins.requests import CLIENTS
from keystead.identity.signin.logins.sessions import Standing
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

ALLOW = "signin:AuthorizeOAuth2Access"


def authorize(call: SigninCall, request: AuthorizeRequest) -> AuthorizeAnswer:
    """A code for a client, which acts as the caller does, for so many hours.

    The caller is the person, or a role to which it switched. The session belongs to the person.
    """
    session, sign_in = _visited(call)
    asked, now = request.asked, times.stored(call.now)
    _show(call, request)
    call.authorize(ALLOW, sessions.client_target(call, asked.client, call.account))
    if asked.client == "cross-device":
        _require_fresh(call, sign_in, now)
    seconds = 3600 * max(1, min(request.hours, sessions.MOST_HOURS))
    if session.kind is not SessionKind.CONSOLE:  # a role's session ends when it has to
        seconds = min(seconds, session.expires - now)
    code, life = sessions.new_code(sign_in.account), sessions.CODE_SECONDS[asked.client]
    account, code_id = sessions.code_id(call, code)
    record = LoginCode(
        account=account, code_id=code_id, subject=sign_in.subject,
        person=sign_in.subject if sign_in.factors else "", factors=sign_in.factors,
        session=sessions.template(session), sign_in=sign_in.session_id,
        client=asked.client, redirect=asked.redirect, challenge=asked.challenge,
        seconds=seconds, source_ip=call.event.source_ip, login_id="", proof_key="",
        began=now, expires=now + life,
    )  # fmt: skip
    call.repository.logins.insert_code(call.transaction, record, sessions.MOST_CODES)
    return AuthorizeAnswer(code=code, seconds=life)


def list_logins(call: SigninCall, _: Nothing) -> LoginList:
    """The sessions of the person for the command line, in whichever role."""
    sign_in = _visited(call)[1]
    logins, now = call.repository.logins, times.stored(call.now)
    found = logins.of_subject(call.transaction, sign_in.account, sign_in.subject, now)
    pairs = ((each, sessions.standing(call, each, None)) for each in found)
    return LoginList(logins=tuple(_shown(each, stands) for each, stands in pairs if stands))


def end_login(call: SigninCall, request: EndLoginRequest) -> Nothing:
    """One of them ends. One that is not there, or somebody else's, is over already."""
    call.event.request_parameters = {"sessionId": request.login_id}
    sign_in = _visited(call)[1]
    logins = call.repository.logins
    login = logins.get(call.transaction, sign_in.account, request.login_id)
    if login is not None and login.subject == sign_in.subject:
        logins.delete(call.transaction, login.account, login.login_id)
        call.event.response_elements = {"EndCommandLineSession": "Success"}
    return Nothing()


def _visited(call: SigninCall) -> tuple[Session, SignIn]:
    """The session of the caller, and the sign-in that it comes from."""
    if call.session is None:
        raise SignInEnded
    row = sessions.sign_in_of(call.session)
    sign_in = call.repository.sign_ins.get(call.transaction, row.account, row.unique_id)
    if sign_in is None:
        raise SignInEnded
    return call.session, sign_in


def _require_fresh(call: SigninCall, sign_in: SignIn, now: int) -> None:
    """Whoever is talked into typing a code elsewhere gives a session away, so more is asked."""
    if not call.cross_device_login:
        raise CrossDeviceOff
    if sign_in.mfa is None or now >= sign_in.mfa + FRESH_SECONDS:
        raise FreshFactorNeeded


def _show(call: SigninCall, request: AuthorizeRequest) -> None:
    """As CloudTrail writes it."""
    asked = request.asked
    named = {name: arn for arn, name in CLIENTS.items()}
    call.event.request_parameters = {
        "client_id": named[asked.client], "redirect_uri": asked.redirect,
        "code_challenge_method": "SHA-256", "scope": ["openid"],
    }  # fmt: skip


def _shown(login: Login, stands: Standing) -> LoginShown:
    owner = stands.owner
    role = f"{owner.name} in {owner.account}" if isinstance(owner, Role) else ""
    return LoginShown(
        login_id=login.login_id, client=login.client, source_ip=login.source_ip, role=role,
        agent=login.agent, began=login.began, used=login.used, expires=login.expires,
    )  # fmt: skip
