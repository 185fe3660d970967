"""CreateOAuth2Token and RevokeOAuth2Token: a program gets credentials, and gives them back.

    code and verifier --> credentials and a refresh token --> the next ones, and so on

Both are open without a signature. Their proof is a code or a refresh token, together with the key
to which it is bound (RFC 9449). A code counts once. A refresh token counts once, too, but gives the
same answer again for a minute: programs that share a file renew at the same time. Whoever comes
later with an old one has stolen it, or was robbed, so the session ends for both (RFC 9700 4.14).

A refusal that changes something is an answer: an error would undo the change.
"""

import hmac

import msgspec

from keystead.call import Target
from keystead.custody.randomness import urandom
from keystead.errors import ThrottlingException
from keystead.identity import times
from keystead.identity.authentication import Caller, age_keys, callers, session_context
from keystead.identity.call import SigninCall
from keystead.identity.repository import Login, LoginCode, TooManyProofs
from keystead.identity.sessions import issue
from keystead.identity.signin.asked import Nothing
from keystead.identity.signin.logins import id_tokens, proofs, requests, sessions
from keystead.identity.signin.logins.proofs import BadProof, Proof
from keystead.identity.signin.logins.requests import CLIENTS, REVOKE, TOKEN
from keystead.identity.signin.logins.sessions import Kept, Standing
from keystead.identity.signin.logins.shapes import (
    InvalidRequest,
    NotGiven,
    Reason,
    RevokeRequest,
    TokenAnswer,
    TokenRefused,
    TokenRequest,
)
from keystead.identity.signin.sessions import is_over
from keystead.policy.evaluation import Permit

GIVE = "signin:CreateOAuth2Token"
_CODE_OVER = "The authorization code was used, or is too old."
_OVER = "The session has ended. Sign in again."
_CHANGED = "Something about you changed since you signed in. Sign in again."
_OTHERS_CODE = "The authorization code is not for this request."
_OTHERS = "The refresh token is not for this request."


def create_token(call: SigninCall, request: TokenRequest) -> TokenAnswer | TokenRefused:
    """Credentials for a code, or for a refresh token."""
    call.event.request_parameters = {
        "client_id": request.client_id if request.client_id in CLIENTS else "",
        "grant_type": request.grant_type,
    }
    if request.grant_type == "authorization_code":
        return _redeem(call, request)
    if request.grant_type == "refresh_token":
        return _renew(call, request)
    raise InvalidRequest("The grant type is authorization_code or refresh_token.")


def revoke_token(call: SigninCall, request: RevokeRequest) -> Nothing:
    """The session of a refresh token ends. One that is over is no error (RFC 7009 2.2)."""
    proof = _proof(call, request.proof, REVOKE)
    token = sessions.opened(call, request.token)
    if token is None:
        return Nothing()
    login = call.repository.logins.get(call.transaction, token.account, token.login_id)
    if login is None:
        return Nothing()
    _require_own(call, login, request.client_id, proof)
    _use(call, login.account, proof)
    _about(call, login)
    call.repository.logins.delete(call.transaction, login.account, login.login_id)
    call.event.response_elements = {"RevokeOAuth2Token": "Success"}
    return Nothing()


def _redeem(call: SigninCall, request: TokenRequest) -> TokenAnswer | TokenRefused:
    """(1) a code that is not over; (2) of this client, redirect and verifier; (3) the proof of a
    key; (4) never used; (5) the browser's session, and all that it stands on; (6) the policies.
    """
    proof, now = _proof(call, request.proof), times.stored(call.now)
    code = call.repository.logins.code(call.transaction, *sessions.code_id(call, request.code))
    if code is None or now >= code.expires:  # (1)
        raise _code_over()
    _whose(call, code)
    if (
        CLIENTS.get(request.client_id) != code.client
        or request.redirect_uri != code.redirect
        or not requests.proves(request.code_verifier, code.challenge)
    ):  # (2)
        raise InvalidRequest(_OTHERS_CODE)
    _use(call, code.account, proof)  # (3)
    if code.login_id:  # (4)
        if code.proof_key == proof.thumbprint:
            raise _code_over()
        if call.repository.logins.get(call.transaction, code.account, code.login_id) is None:
            raise _code_over()  # nothing ends once more, and no proof is remembered for that
        return _end(call, code.account, code.login_id, "AUTHCODE_EXPIRED")
    sign_in = call.repository.sign_ins.get(call.transaction, code.account, code.sign_in)
    if sign_in is None or sign_in.stage != "session" or is_over(sign_in, now):  # (5)
        raise _code_over()
    login = _new(call, code, proof, now)
    stands = sessions.standing(call, code, login)
    if stands is None:
        raise NotGiven("USER_CREDENTIALS_CHANGED", _CHANGED)
    used = msgspec.structs.replace(code, login_id=login.login_id, proof_key=proof.thumbprint)
    call.repository.logins.use_code(call.transaction, used)
    call.repository.logins.insert(call.transaction, login, sessions.MOST_LOGINS)
    kept = _issued(call, login, stands, now)  # (6)
    answer = _answer(kept, now)
    id_token = id_tokens.of(call.principal.arn, request.client_id, call.pages, now)
    return msgspec.structs.replace(answer, id_token=id_token)


def _renew(call: SigninCall, request: TokenRequest) -> TokenAnswer | TokenRefused:
    """(1) a token of a session that is not over; (2) of this client and its key; (3) all that the
    session stands on; (4) the newest token, or the one before, for a minute; (5) the policies.
    """
    proof, now = _proof(call, request.proof), times.stored(call.now)
    logins, token = call.repository.logins, sessions.opened(call, request.refresh_token)
    login = token and logins.get(call.transaction, token.account, token.login_id)
    if token is None or not login or now >= login.expires:  # (1)
        raise NotGiven("TOKEN_EXPIRED", _OVER)
    _require_own(call, login, request.client_id, proof)  # (2)
    _use(call, login.account, proof)
    stands = sessions.standing(call, login, login)
    if stands is None:  # (3)
        return _end(call, login.account, login.login_id, "USER_CREDENTIALS_CHANGED")
    before = login.generation - 1
    again = bool(login.answer) and now < login.renewed + sessions.WINDOW_SECONDS
    if token.generation == before and again:  # (4)
        kept = sessions.unsealed(call, login)
        _ask(call, login, stands)  # (5)
        return _answer(kept, now)
    if token.generation != login.generation:
        return _end(call, login.account, login.login_id, "TOKEN_EXPIRED")
    following = msgspec.structs.replace(
        login, generation=login.generation + 1, renewed=now, used=now, agent=_agent(call)
    )
    kept = _issued(call, following, stands, now)  # (5)
    answer = sessions.sealed(call, following, kept)
    logins.update(call.transaction, msgspec.structs.replace(following, answer=answer))
    return _answer(kept, now)


def _proof(call: SigninCall, text: str, path: str = TOKEN) -> Proof:
    urls = {f"{url}{path}" for url in call.urls}
    try:
        return proofs.read(text, urls, times.stored(call.now))
    except BadProof as error:
        raise _bad_proof(str(error)) from None


def _bad_proof(why: str) -> InvalidRequest:
    return InvalidRequest("The DPoP proof is not right.", why=why)


def _use(call: SigninCall, account: str, proof: Proof) -> None:
    """The key signed this proof, which was never used before; raises InvalidRequest."""
    if not proofs.is_signed(proof):
        raise _bad_proof("step 8: the key did not sign it")
    now = times.stored(call.now)
    try:
        fresh = call.repository.logins.use_proof(
            call.transaction, account, proof.thumbprint, proof.proof_id, proof.forgotten, now
        )
    except TooManyProofs:
        raise ThrottlingException("Too many proofs of this key.") from None
    if not fresh:
        raise _bad_proof("step 9: it was used before")


def _require_own(call: SigninCall, login: Login, client_id: str, proof: Proof) -> None:
    """The token is bound to the client, and to its key. Whose token it was, the record says."""
    bound = hmac.compare_digest(login.proof_key, proof.thumbprint)
    if CLIENTS.get(client_id) != login.client or not bound:
        _about(call, login)
        raise InvalidRequest(_OTHERS)


def _code_over() -> NotGiven:
    return NotGiven("AUTHCODE_EXPIRED", _CODE_OVER)


def _new(call: SigninCall, code: LoginCode, proof: Proof, now: int) -> Login:
    """The session that a code gives."""
    return Login(
        account=code.account, login_id=urandom(16).hex(), subject=code.subject,
        person=code.person, factors=code.factors, session=code.session, client=code.client,
        proof_key=proof.thumbprint, generation=1, renewed=now, answer="",
        source_ip=code.source_ip, agent=_agent(call), began=now, used=now,
        expires=code.began + code.seconds,
    )  # fmt: skip


def _agent(call: SigninCall) -> str:
    return call.event.user_agent[: sessions.MOST_AGENT]


def _about(call: SigninCall, login: Login) -> None:
    """The record is about this session, and about its person."""
    call.event.additional = {"sessionId": login.login_id}
    _whose(call, login)


def _whose(call: SigninCall, record: Login | LoginCode) -> None:
    """The record is about the person of this session, or of this code."""
    stands = sessions.standing(call, record, None)
    if stands is not None:
        caller = _caller(call, stands)
        call.event.principal = caller.principal
        call.event.session = session_context(stands.session, caller.principal)


def _end(call: SigninCall, account: str, login_id: str, why: Reason) -> TokenRefused:
    """The session ends, with every token and all credentials of it."""
    login = call.repository.logins.get(call.transaction, account, login_id)
    if login is not None:
        _about(call, login)
    call.repository.logins.delete(call.transaction, account, login_id)
    message = _CHANGED if why == "USER_CREDENTIALS_CHANGED" else _OVER
    call.asked = True  # nothing is given, so nothing is asked
    call.event.error_code, call.event.error_message = "AccessDeniedException", f"{why}: {message}"
    return TokenRefused(error=why, message=message)


def _caller(call: SigninCall, stands: Standing) -> Caller:
    return callers.of_session(call.repository, call.transaction, stands.session, stands.owner)


def _ask(call: SigninCall, login: Login, stands: Standing) -> Permit[Target]:
    """May the person have credentials for this client?"""
    caller = _caller(call, stands)
    call.is_of(caller)
    session = stands.session
    if session.mfa is not None:
        call.keys.update(age_keys(session.mfa, call.now))
    call.event.session = session_context(session, caller.principal)
    call.event.additional = {"sessionId": login.login_id}
    return call.authorize(GIVE, sessions.client_target(call, login.client, session.account))


def _issued(call: SigninCall, login: Login, stands: Standing, now: int) -> Kept:
    """Credentials for a quarter of an hour. They are as old as the sign-in: a policy that denies
    what was issued before some time (AWSRevokeOlderSessions) holds for all that follow.
    """
    permit = _ask(call, login, stands)
    expires = min(now + sessions.CREDENTIAL_SECONDS, login.expires)
    session = msgspec.structs.replace(stands.session, expires=expires)
    given = issue(call.session_tokens, permit, session, call.now)
    call.event.response_elements = {"accessToken": {"accessKeyId": given.access_key_id}}
    refresh = sessions.refresh_token(call, login)
    return Kept(given.access_key_id, given.secret, given.token, expires, refresh)


def _answer(kept: Kept, now: int) -> TokenAnswer:
    return TokenAnswer(
        access_key_id=kept.access_key_id,
        secret_access_key=kept.secret,
        session_token=kept.token,
        expires_in=kept.expires - now,
        refresh_token=kept.refresh,
    )
