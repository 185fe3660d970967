"""What does a client ask for at `/v1/authorize`, and where may the answer go?  (sign-in.md 4.12)

    response_type=code & client_id & redirect_uri & state & scope=openid
    & code_challenge_method=SHA-256 & code_challenge

A redirect has one of two exact forms. Nothing is ever sent anywhere else, an error neither:

    same-device    http://127.0.0.1:PORT/oauth/callback
    cross-device   URL/v1/sessions/confirmation, URL one of our own: there a person reads the code
"""

import base64
import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from urllib.parse import urlencode

import msgspec

from keystead.identity.repository import Client

CLIENTS: Mapping[str, Client] = {
    "arn:aws:signin:::devtools/same-device": "same-device",
    "arn:aws:signin:::devtools/cross-device": "cross-device",
}
"""The clients that AWS's command line says it is; nobody else has an id."""
AUTHORIZE, TOKEN, REVOKE = "/v1/authorize", "/v1/token", "/v1/revoke"
CONFIRMATION = "/v1/sessions/confirmation"
PARAMETERS = (
    "response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge_method",
    "code_challenge",
)  # fmt: skip

_CALLBACK = re.compile(r"\Ahttp://127\.0\.0\.1:([1-9][0-9]{0,4})/oauth/callback\Z")
_CHALLENGE = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
_STATE = re.compile(r"\A[A-Za-z0-9._~-]{1,128}\Z")
_VERIFIER = re.compile(r"\A[A-Za-z0-9._~-]{43,128}\Z")
_FIXED = {"response_type": "code", "scope": "openid", "code_challenge_method": "SHA-256"}
_ERRORS = {"response_type": "unsupported_response_type", "scope": "invalid_scope"}


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """A request that `read` found right. It has no secret."""

    client: Client
    redirect: str
    state: str
    challenge: str

    @property
    def origin(self) -> str:
        """The origin of the redirect."""
        return "/".join(self.redirect.split("/")[:3])

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters once more, as `read` takes them."""
        named = {name: arn for arn, name in CLIENTS.items()}
        return {
            **_FIXED, "client_id": named[self.client], "redirect_uri": self.redirect,
            "state": self.state, "code_challenge": self.challenge,
        }  # fmt: skip

    def with_code(self, code: str) -> str:
        """Where the browser goes with a code."""
        return f"{self.redirect}?{urlencode({'code': code, 'state': self.state})}"

    def with_error(self, error: str) -> str:
        """Where the browser goes without one, so that the client waits no longer."""
        return f"{self.redirect}?{urlencode({'error': error, 'state': self.state})}"

    def typed(self, code: str) -> str:
        """What a person types into a client of another device."""
        text = urlencode({"state": self.state, "code": code})
        return base64.b64encode(text.encode()).decode()

    def is_proved_by(self, verifier: str) -> bool:
        """Did this client make the challenge?  (RFC 7636 4.6)"""
        return proves(verifier, self.challenge)


class NotAnAuthorization(Exception):
    """The request is refused. `redirect` is where the client waits, if that is known for sure."""

    def __init__(self, why: str, redirect: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.redirect = redirect


def read(parameters: Mapping[str, str], urls: Collection[str]) -> Authorization:
    """The request in these parameters; raises NotAnAuthorization.

    (1) a known client; (2) a redirect of its form; (3) what every request of it says; (4) a state
    and a challenge. `urls` are our own. Before (2) holds, the browser is sent nowhere.
    """
    client = CLIENTS.get(parameters.get("client_id", ""))  # (1)
    if client is None:
        raise NotAnAuthorization("the program is not one that may ask for this (client_id)")
    redirect = parameters.get("redirect_uri", "")
    if not _is_redirect(client, redirect, urls):  # (2)
        raise NotAnAuthorization("the answer would go to a wrong address (redirect_uri)")
    state = parameters.get("state", "")
    back = redirect if client == "same-device" else ""
    for name, value in _FIXED.items():  # (3)
        if parameters.get(name) != value:
            raise _refused(name, _ERRORS.get(name, "invalid_request"), back, state)
    if not _STATE.match(state):  # (4)
        raise _refused("state", "invalid_request", back, "")
    challenge = parameters.get("code_challenge", "")
    if not _CHALLENGE.match(challenge):
        raise _refused("code_challenge", "invalid_request", back, state)
    return Authorization(client=client, redirect=redirect, state=state, challenge=challenge)


def proves(verifier: str, challenge: str) -> bool:
    """Is the challenge the hash of this verifier?  (RFC 7636 4.2, 4.6)"""
    if not _VERIFIER.match(verifier):
        return False
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge


def _is_redirect(client: Client, redirect: str, urls: Collection[str]) -> bool:
    if client == "cross-device":
        return redirect in {f"{url}{CONFIRMATION}" for url in urls}
    callback = _CALLBACK.match(redirect)
    return callback is not None and int(callback[1]) <= 65535


def _refused(name: str, error: str, redirect: str, state: str) -> NotAnAuthorization:
    why = f"the program asks in a way that is not understood ({name})"
    if not redirect:
        return NotAnAuthorization(why)
    told = {"error": error, **({"state": state} if _STATE.match(state) else {})}
    return NotAnAuthorization(why, f"{redirect}?{urlencode(told)}")
