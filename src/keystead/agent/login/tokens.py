"""What does the server give for a code, or for a refresh token?  (CreateOAuth2Token)"""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from keystead import __version__
from keystead.agent.login import keys
from keystead.agent.login.keeping import Stored
from keystead.agent.people import subject_of
from keystead.agent.server import Answer, Server, Shown, Unreachable
from keystead.failures import Failure

_TOKEN, _REVOKE = "/v1/token", "/v1/revoke"  # paths
_MOST_SECONDS = 86_400  # more than any credentials live
_OVER = frozenset({"TOKEN_EXPIRED", "USER_CREDENTIALS_CHANGED"})


class Ended(Exception):
    """The session has ended: the person signs in again."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Credentials, and the token for the next ones."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    seconds: int
    refresh_token: str = field(repr=False)
    arn: str = ""  # with a code alone


class _Access(msgspec.Struct, frozen=True, rename="camel"):
    access_key_id: str
    secret_access_key: str
    session_token: str


class _Given(msgspec.Struct, frozen=True, rename="camel"):
    access_token: _Access
    expires_in: Annotated[int, msgspec.Meta(ge=0, le=_MOST_SECONDS)]
    refresh_token: str
    id_token: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""
    message: str = ""


def redeemed(server: Server, key: dict[str, str], form: dict[str, str]) -> Tokens:
    """The first credentials, for a code; raises Failure."""
    asked = {"grantType": "authorization_code", **form}
    try:
        return _given(_asked(server, key, _TOKEN, asked))
    except Ended as error:
        raise Failure(f"the code is worth nothing: {error}", "begin again", status=1) from None


def renewed(server: Server, stored: Stored) -> Tokens:
    """The next credentials; raises Ended or Failure."""
    asked = {
        "grantType": "refresh_token", "clientId": stored.client_id,
        "refreshToken": stored.refresh_token,
    }  # fmt: skip
    return _given(_asked(server, stored.key, _TOKEN, asked))


def ended(server: Server, stored: Stored) -> None:
    """End the session at the server; raises Failure."""
    asked = {"clientId": stored.client_id, "token": stored.refresh_token}
    answer = _asked(server, stored.key, _REVOKE, asked)
    if answer.status != 200:
        raise _failure(answer)


def _asked(server: Server, key: dict[str, str], path: str, body: dict[str, str]) -> Answer:
    url = server.url.rstrip("/") + path
    headers = {
        "Content-Type": "application/json", "DPoP": keys.proof(key, url),
        "User-Agent": f"keystead/{__version__} login",
    }  # fmt: skip
    try:
        return server.post(headers, msgspec.json.encode(body), path)
    except Unreachable as error:
        raise Failure(str(error), "see that the server runs, and that the URL is its own") from None


def _given(answer: Answer) -> Tokens:
    if answer.status != 200:
        raise _failure(answer)
    try:
        given = msgspec.json.decode(answer.body, type=_Given)
    except msgspec.MsgspecError:
        raise Failure("the server's answer holds no credentials", "see its URL") from None
    access = given.access_token
    arn = str(Shown(subject_of(given.id_token))) if given.id_token else ""
    return Tokens(
        access.access_key_id, access.secret_access_key, access.session_token, given.expires_in,
        given.refresh_token, arn,
    )  # fmt: skip


def _failure(answer: Answer) -> Exception:
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.MsgspecError:
        refusal = _Refusal()
    if not refusal.error:
        return Failure(
            f"the server gives no tokens (status {answer.status})",
            "see its URL; it needs a console (`keystead serve --console …`)",
        )
    if refusal.error in _OVER or refusal.error == "AUTHCODE_EXPIRED":
        return Ended(str(Shown(refusal.message)))
    hint = {
        "INSUFFICIENT_PERMISSIONS": "you need `signin:CreateOAuth2Token`, as in"
        " `SignInLocalDevelopmentAccess`",
        "INVALID_REQUEST": "the URL must be one that the server knows (`endpoint_url`), and the"
        " clock of this host right",
    }.get(refusal.error, "try again in a few seconds")
    text = f"{Shown(refusal.error)}: {Shown(refusal.message)}"
    return Failure(f"the server refuses: {text}", hint, status=1)
